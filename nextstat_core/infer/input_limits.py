r"""CLs and upper limits as functions of a model's inputs, with exact gradients.

The limit :math:`\mu_{up}` solves :math:`F(\mu, x) = 0`, so that
:math:`d\mu_{up}/dx = -F_x / F_\mu`. Expected limits have
:math:`F = \sqrt{q_A} - c_N`, the observed one
:math:`F = \log CL_s(q, q_A) - \log\alpha`. Likelihood ratios move by the envelope theorem; a set
of Asimov data that stands at the fit to the data moves with that fit, which costs one linear
solve.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.hypotest import AskedTest, asymptotic_test
from nextstat_core.infer.input_rows import RowLikelihood
from nextstat_core.infer.limits import check_alpha, limits_of
from nextstat_core.infer.options import FitOptions
from nextstat_core.models import ModelInputs
from nextstat_core.stats.asymptotics import N_SIGMA, cls_tails, log_density, log_ndtr

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.infer.asymptotic import AsymptoticTest, Ratios
    from nextstat_core.infer.statistics import AsimovKind
    from nextstat_core.results import LimitResult

__all__ = ["InputExclusion", "InputLimit", "InputLimits"]

_TOLERANCE = 1e-13
# Relative length of the last Newton step towards a limit.
_RTOL = 1e-9


@dataclass(frozen=True, slots=True)
class InputLimit:
    """One limit, and its gradient with respect to the inputs, shape (size,).

    Both are NaN where there is no limit.
    """

    value: float
    gradient: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InputLimits:
    """Upper limits as functions of a model's inputs.

    Parameters
    ----------
    inputs : ModelInputs
    alpha : float
        One minus the confidence level.
    test_stat : {"qtilde", "q"}
    asimov : {"postfit", "prefit"}
        Whether the Asimov set has the nuisance parameters of the fit to the data, or their start
        values; expected limits do not depend on the data then, as training wants it.
    """

    inputs: ModelInputs
    alpha: float = 0.05
    test_stat: str = "qtilde"
    asimov: AsimovKind = "prefit"
    options: FitOptions = field(default_factory=lambda: FitOptions(tolerance=_TOLERANCE))

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        if self.test_stat not in ("qtilde", "q"):
            raise InputError.unknown("test statistic with CLs", self.test_stat, ["qtilde", "q"])

    def at(self, vector: NDArray[np.float64]) -> InputExclusion:
        """The model with the inputs `vector`, shape (size,)."""
        inputs = ModelInputs(
            self.inputs.changed(vector), [entry.key for entry in self.inputs.entries]
        )
        asked = AskedTest(
            test_stat=self.test_stat,  # type: ignore[arg-type]
            asimov=self.asimov,
            options=self.options,
        )
        return InputExclusion(inputs, asymptotic_test(inputs.model, asked), self.alpha)


class InputExclusion:
    """Limits and CLs of one set of inputs."""

    def __init__(self, inputs: ModelInputs, test: AsymptoticTest, alpha: float) -> None:
        self.inputs, self.test, self.alpha = inputs, test, alpha
        rows = inputs.row_inputs(inputs.values[None, :])
        self._data = RowLikelihood(inputs, rows)
        self._rows = rows

    @cached_property
    def limits(self) -> LimitResult:
        """All six limits, without gradients."""
        return limits_of(self.test, self.alpha, rtol=_RTOL)

    def expected(self, n_sigma: int = 0) -> InputLimit:
        """The limit that is expected if the estimate fluctuates by `n_sigma`."""
        if n_sigma not in N_SIGMA:
            raise InputError.unknown("`n_sigma`", str(n_sigma), list(map(str, N_SIGMA)))
        assert self.limits.expected is not None
        mu = float(self.limits.expected[N_SIGMA.index(n_sigma)])
        if not np.isfinite(mu):
            return self._none()
        ratios = self.test.asimov_at(np.array([mu]))
        return InputLimit(mu, -self._asimov_gradient(ratios) / float(ratios.slope[0]))

    def observed(self) -> InputLimit:
        """The observed limit."""
        mu = float(self.limits.observed)
        if not np.isfinite(mu):
            return self._none()
        by_inputs, by_mu, _ = self._log_cls(mu)
        return InputLimit(mu, -by_inputs / by_mu)

    def cls(self, mu: float) -> InputLimit:
        """CLs of the data at `mu`, and its gradient."""
        by_inputs, _, value = self._log_cls(mu)
        return InputLimit(value, value * by_inputs)

    def expected_cls(self, mu: float, n_sigma: int = 0) -> InputLimit:
        r"""CLs that is expected at `mu`, :math:`\Phi(N - \sqrt{q_A}) / \Phi(N)`."""
        ratios = self.test.asimov_at(np.array([mu]))
        root = sqrt(float(ratios.q[0]))
        value = np.exp(log_ndtr(n_sigma - root) - log_ndtr(n_sigma))
        slope = -np.exp(log_density(n_sigma - root) - log_ndtr(n_sigma)) / (2.0 * root)
        return InputLimit(float(value), slope * self._asimov_gradient(ratios))

    def _none(self) -> InputLimit:
        return InputLimit(float("nan"), np.full(self.inputs.size, np.nan))

    # -- likelihood ratios ------------------------------------------------------------------------

    def _log_cls(self, mu: float) -> tuple[NDArray[np.float64], float, float]:
        """Derivatives of log CLs in the inputs and in mu, and CLs."""
        data = self.test.data_at(np.array([mu]))
        asimov = self.test.asimov_at(np.array([mu]))
        s, a = sqrt(float(data.q[0])), sqrt(float(asimov.q[0]))
        bounded = self.test.statistic.bounded
        tails = cls_tails(s, a, bounded=bounded, cut=bool(data.cut[0]))
        weights = [
            0.5 * slope / root if root else 0.0
            for slope, root in zip(tails.cls_by, (s, a), strict=True)
        ]
        by_inputs = weights[0] * self._data_gradient(data) + weights[1] * self._asimov_gradient(
            asimov
        )
        by_mu = weights[0] * float(data.slope[0]) + weights[1] * float(asimov.slope[0])
        return by_inputs, by_mu, tails.cls

    def _data_gradient(self, ratios: Ratios) -> NDArray[np.float64]:
        ends = ratios.fits.fits.values[:1], self.test.around.x[None, :]
        return _difference(self._data.by_inputs, *ends)

    def _asimov_gradient(self, ratios: Ratios) -> NDArray[np.float64]:
        """Of the Asimov set's likelihood ratio at fixed mu; its best fit is the point itself."""
        point = self.test.asimov.x[None, :]
        asimov = RowLikelihood(self.inputs, self._rows, point)
        held = ratios.fits.fits.values[:1]
        found = _difference(asimov.by_inputs, held, point)
        if self.test.kind == "prefit":
            return found
        # The point is the fit to the data with its signal held, and moves with the inputs.
        request = self.test.around.request
        fixed = request.fixed.copy()
        fixed[self.test.poi] = True
        free = self._data.free_set(point, request.lower, request.upper, fixed[None, :])
        cotangent = _difference(asimov.by_point, held, point)[None, :]
        return found + self._data.through_minimum(point, free, cotangent)[0]


def _difference(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    held: NDArray[np.float64],
    free: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Twice the difference of a gradient between two points, (n,)."""
    return 2.0 * (function(held) - function(free))[0]
