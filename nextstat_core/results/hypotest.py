"""Results of asymptotic tests: of a signal strength, and of the background alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.results.plain import finite_or_none, plain
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results.minimum import FitMinimumResult

__all__ = ["NSIGMA_ORDER", "DiscoveryResult", "HypotestResult"]

#: Order of expected values: fluctuations of the estimate downwards, so that CLs and limits ascend.
NSIGMA_ORDER = (2, 1, 0, -1, -2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HypotestResult:
    """An asymptotic test of one value of the parameter of interest.

    Attributes
    ----------
    mu : float
        The tested value.
    test_stat : {"qtilde", "q", "q0", "t", "ttilde"}
    asimov : {"postfit", "prefit"}
    q, q_asimov : float
        Test statistic of the data and of the Asimov set.
    mu_hat : float
        Best fit, within the bounds that the statistic asks for.
    p_value : float
        Of the tested value: CLsb for an upper limit.
    cls, clsb, clb : float or None
        None for `q0`, `t` and `ttilde`, which have no CLs.
    expected_cls : float array, shape (5,), or None
        CLs expected from the background, in the order of `NSIGMA_ORDER`, ascending.
    fits : mapping of str to FitMinimumResult
        Every fit: ``free`` and ``conditional`` to the data, ``asimov_point`` which defines the
        Asimov set (not for ``prefit``), ``asimov_conditional`` to it.
    warnings : tuple of str
    """

    mu: float
    test_stat: str
    asimov: str
    q: float
    q_asimov: float
    mu_hat: float
    p_value: float
    cls: float | None = None
    clsb: float | None = None
    clb: float | None = None
    expected_cls: FloatArray | None = None
    fits: Mapping[str, FitMinimumResult]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.expected_cls is not None:
            values = read_only_floats("expected_cls", self.expected_cls, (len(NSIGMA_ORDER),))
            object.__setattr__(self, "expected_cls", values)

    @property
    def converged(self) -> bool:
        """Whether all fits converged."""
        return all(fit.converged for fit in self.fits.values())

    @property
    def teststat(self) -> float:
        """What is distributed like a normal variable: ``sqrt(q) - sqrt(q_asimov)``.

        For `qtilde` beyond the Asimov set's value ``(q - q_asimov) / (2 sqrt(q_asimov))``; for
        statistics without CLs ``q`` itself.
        """
        if self.cls is None:
            return self.q
        s, a = sqrt(self.q), sqrt(self.q_asimov)
        if self.test_stat == "qtilde" and s > a > 0.0:
            return (self.q - self.q_asimov) / (2.0 * a)
        return s - a

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, with the reference's keys and some more."""
        expected = None
        if self.expected_cls is not None:
            expected = {"cls": self.expected_cls.tolist(), "nsigma_order": list(NSIGMA_ORDER)}
        return {
            "mu_test": self.mu,
            "cls": self.cls,
            "clsb": self.clsb,
            "clb": self.clb,
            "p_value": self.p_value,
            "teststat": finite_or_none(self.teststat),
            "q_mu": finite_or_none(self.q),
            "q_mu_a": finite_or_none(self.q_asimov),
            "mu_hat": self.mu_hat,
            "test_stat": self.test_stat,
            "asimov": self.asimov,
            "expected_set": expected,
            "converged": self.converged,
            "fits": {name: plain(fit) for name, fit in self.fits.items()},
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(), *_remarks(self)])

    def _repr_html_(self) -> str:
        return block(
            paragraph(self._headline()), self._table().html(), *map(paragraph, _remarks(self))
        )

    def _headline(self) -> str:
        value = f"p = {self.p_value:.6g}" if self.cls is None else f"CLs = {self.cls:.6g}"
        return f"Test of {self.mu:g} ({self.test_stat}): {value}, best fit {self.mu_hat:.6g}"

    def _table(self) -> Table:
        rows = [("test statistic", f"{self.q:.6g}"), ("of the Asimov set", f"{self.q_asimov:.6g}")]
        for name, value in (("CLsb", self.clsb), ("CLb", self.clb)):
            if value is not None:
                rows.append((name, f"{value:.6g}"))
        if self.expected_cls is not None:
            for n, value in zip(NSIGMA_ORDER, self.expected_cls.tolist(), strict=True):
                rows.append(
                    (f"CLs expected, {-n:+d} sigma" if n else "CLs expected", f"{value:.6g}")
                )
        return Table(("quantity", "value"), "lr", rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DiscoveryResult:
    """An asymptotic test of the background alone.

    Attributes
    ----------
    mu_hat : float
    nll_hat, nll_mu0 : float
        ``-log L`` of the best fit, and without signal.
    q0 : float
        Test statistic; 0 where the best fit is negative.
    z0, p0 : float
        Significance and p-value. Uncapped, a negative best fit has a negative significance.
    uncapped : bool
    asimov : {"postfit", "prefit"}
    z_expected, p_expected : float
        Median for a signal of one.
    expected_z, expected_p : float arrays, shape (5,)
        For fluctuations of -2 ... 2 sigma of the estimate; p descends.
    fits : mapping of str to FitMinimumResult
        ``free`` and ``conditional`` (no signal) to the data, ``asimov_point``, and
        ``asimov_conditional``.
    warnings : tuple of str
    """

    mu_hat: float
    nll_hat: float
    nll_mu0: float
    q0: float
    z0: float
    p0: float
    uncapped: bool = False
    asimov: str = "postfit"
    z_expected: float
    p_expected: float
    expected_z: FloatArray
    expected_p: FloatArray
    fits: Mapping[str, FitMinimumResult]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("expected_z", "expected_p"):
            values = read_only_floats(name, getattr(self, name), (len(NSIGMA_ORDER),))
            object.__setattr__(self, name, values)

    @property
    def q0_asimov(self) -> float:
        return self.z_expected**2

    @property
    def converged(self) -> bool:
        """Whether all fits converged."""
        return all(fit.converged for fit in self.fits.values())

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, with the reference's keys and some more."""
        return {
            "mu_hat": self.mu_hat,
            "nll_hat": finite_or_none(self.nll_hat),
            "nll_mu0": finite_or_none(self.nll_mu0),
            "q0": finite_or_none(self.q0),
            "z0": finite_or_none(self.z0),
            "p0": finite_or_none(self.p0),
            "uncapped": self.uncapped,
            "asimov": self.asimov,
            "z_obs": finite_or_none(self.z0),
            "z_exp": finite_or_none(self.z_expected),
            "p_exp": finite_or_none(self.p_expected),
            "q0_asimov": finite_or_none(self.q0_asimov),
            "expected_z": self.expected_z.tolist(),
            "expected_p": self.expected_p.tolist(),
            "converged": self.converged,
            "fits": {name: plain(fit) for name, fit in self.fits.items()},
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(), *_remarks(self)])

    def _repr_html_(self) -> str:
        return block(
            paragraph(self._headline()), self._table().html(), *map(paragraph, _remarks(self))
        )

    def _headline(self) -> str:
        return (
            f"Test of the background alone: Z = {self.z0:.6g}, p = {self.p0:.6g}, "
            f"best fit {self.mu_hat:.6g}"
        )

    def _table(self) -> Table:
        rows = [
            (f"{n:+d} sigma" if n else "median", f"{z:.6g}", f"{p:.6g}")
            for n, z, p in zip(
                range(-2, 3), self.expected_z.tolist(), self.expected_p.tolist(), strict=True
            )
        ]
        return Table(("expected for a signal of one", "Z", "p"), "lrr", rows)


def _remarks(result: HypotestResult | DiscoveryResult) -> list[str]:
    failed = [
        f"the fit {name!r} did NOT converge ({fit.message})"
        for name, fit in result.fits.items()
        if not fit.converged
    ]
    return [*failed, *(f"warning: {warning}" for warning in result.warnings)]
