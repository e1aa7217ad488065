r"""Asymptotic distributions of likelihood ratio tests (Cowan, Cranmer, Gross, Vitells 2011).

Arguments are :math:`s = \sqrt{q}` of the data and :math:`A = \sqrt{q_A}` of the Asimov set, on the
host. Probabilities are computed as logarithms, so that a ratio of two that underflow is still
right. Equation numbers are those of arXiv:1007.1727.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

__all__ = [
    "N_SIGMA",
    "Tails",
    "cls_tails",
    "critical_value",
    "discovery_p",
    "expected_cls",
    "log_density",
    "log_ndtr",
    "ndtr",
    "normal_quantile",
    "two_sided_p",
]

#: Fluctuations of the estimate, upwards, for which expected values are quoted.
N_SIGMA = (-2, -1, 0, 1, 2)

_SQRT2 = math.sqrt(2.0)
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
# Beyond, the complementary error function comes near to the smallest number.
_TAIL = -35.0
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Tails:
    """Tail probabilities of one test, as logarithms, and how they move with s and A.

    Attributes
    ----------
    log_clsb, log_clb : float
    clsb_by, clb_by : pair of float
        Derivatives of the logarithms with respect to s and A.
    """

    log_clsb: float
    log_clb: float
    clsb_by: tuple[float, float]
    clb_by: tuple[float, float]

    @property
    def clsb(self) -> float:
        return math.exp(self.log_clsb)

    @property
    def clb(self) -> float:
        return math.exp(self.log_clb)

    @property
    def log_cls(self) -> float:
        return min(self.log_clsb - self.log_clb, 0.0)

    @property
    def cls(self) -> float:
        """CLs = CLsb / CLb, also where both underflow."""
        return math.exp(self.log_cls)

    @property
    def cls_by(self) -> tuple[float, float]:
        """Derivatives of log CLs with respect to s and A."""
        (a, b), (c, d) = self.clsb_by, self.clb_by
        return a - c, b - d


def ndtr(x: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * math.erfc(-x / _SQRT2)


def log_ndtr(x: float) -> float:
    """Logarithm of `ndtr`, also where that underflows."""
    if x > 0.0:
        return math.log1p(-0.5 * math.erfc(x / _SQRT2))
    if x > _TAIL:
        return math.log(ndtr(x))
    # Abramowitz and Stegun 26.2.12; the first omitted term is below 1e-12 here.
    z = 1.0 / (x * x)
    series = math.log1p(-z * (1.0 - 3.0 * z * (1.0 - 5.0 * z * (1.0 - 7.0 * z))))
    return -0.5 * x * x - math.log(-x) - _HALF_LOG_2PI + series


def log_density(x: float) -> float:
    """Logarithm of the standard normal density."""
    return -0.5 * x * x - _HALF_LOG_2PI


def _slope(x: float) -> float:
    """Derivative of `log_ndtr`."""
    return math.exp(log_density(x) - log_ndtr(x))


def normal_quantile(p: float) -> float:
    """Inverse of `ndtr`; infinite at 0 and 1."""
    if p <= 0.0:
        return -math.inf
    return math.inf if p >= 1.0 else _NORMAL.inv_cdf(p)


def cls_tails(s: float, a: float, *, bounded: bool, cut: bool = False) -> Tails:
    r"""CLsb and CLb of an upper limit.

    With :math:`T = s - A`, and for the bounded statistic :math:`\tilde q` beyond A
    :math:`T = (q - q_A) / (2A)`, they are :math:`\Phi(-(T + A))` and :math:`\Phi(-T)` (eq. 59, 65).

    Parameters
    ----------
    bounded : bool
        Whether the statistic is that of a best fit with a signal >= 0.
    cut : bool
        Whether it was set to zero because the best fit lies above the tested value: T = -A.
    """
    if cut:
        s = 0.0
    if bounded and s > a > 0.0:
        t, by_s, by_a = (s * s - a * a) / (2.0 * a), s / a, -(s * s + a * a) / (2.0 * a * a)
    else:
        t, by_s, by_a = s - a, 1.0, -1.0
    with_signal, without = _slope(-(t + a)), _slope(-t)
    return Tails(
        log_ndtr(-(t + a)),
        log_ndtr(-t),
        (-with_signal * by_s, -with_signal * (by_a + 1.0)),
        (-without * by_s, -without * by_a),
    )


def two_sided_p(s: float, a: float, *, bounded: bool) -> float:
    r"""p-value of :math:`t_\mu` (eq. 36) or, `bounded`, of :math:`\tilde t_\mu` (eq. 44)."""
    if bounded and s > a > 0.0:
        return ndtr(-s) + ndtr(-(s * s + a * a) / (2.0 * a))
    return 2.0 * ndtr(-s)


def discovery_p(z: float) -> float:
    """p-value of a discovery with significance `z` (eq. 52)."""
    return ndtr(-z)


def expected_cls(a: float) -> tuple[float, ...]:
    r"""CLs for fluctuations N of `N_SIGMA` under the background: :math:`\Phi(N - A) / \Phi(N)`."""
    return tuple(math.exp(min(log_ndtr(n - a) - log_ndtr(n), 0.0)) for n in N_SIGMA)


def critical_value(alpha: float, n: float) -> float:
    r"""A at which the expected CLs is `alpha`: :math:`N + \Phi^{-1}(1 - \alpha\Phi(N))`."""
    return n - normal_quantile(alpha * ndtr(n))
