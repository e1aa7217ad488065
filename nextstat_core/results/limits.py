"""Upper limits, and CLs over a range of values."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.results.hypotest import NSIGMA_ORDER
from nextstat_core.results.plain import finite_or_none, plain
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results.minimum import FitMinimumResult

__all__ = ["ClsScan", "LimitResult"]

_BANDS = len(NSIGMA_ORDER)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LimitResult:
    """Upper limits on the parameter of interest.

    Attributes
    ----------
    alpha : float
        One minus the confidence level.
    observed : float
        Infinite where CLs does not fall to `alpha`; `warnings` say so.
    expected : float array, shape (5,), or None
        Expected from the background, in the order of `NSIGMA_ORDER`, ascending.
    test_stat, asimov : str
        As in `HypotestResult`.
    mu_hat : float
    n_trials : int
        Values of the parameter at which the likelihood was evaluated, in all searches.
    n_rounds : int
        Batches of such evaluations.
    fits : mapping of str to FitMinimumResult
        ``free`` and ``asimov_point``, and at the observed limit ``conditional`` and
        ``asimov_conditional``.
    warnings : tuple of str
    """

    alpha: float
    observed: float
    expected: FloatArray | None
    test_stat: str
    asimov: str
    mu_hat: float
    n_trials: int
    n_rounds: int
    fits: Mapping[str, FitMinimumResult]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.expected is not None:
            values = read_only_floats("expected", self.expected, (_BANDS,))
            object.__setattr__(self, "expected", values)

    @property
    def converged(self) -> bool:
        """Whether all fits converged."""
        return all(fit.converged for fit in self.fits.values())

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, with the reference's keys; null stands for no limit."""
        expected = self.expected
        return {
            "alpha": self.alpha,
            "mode": "newton",
            "obs_limit": finite_or_none(self.observed),
            "mu_up": finite_or_none(self.observed),
            "exp_limits": None if expected is None else [*map(finite_or_none, expected.tolist())],
            "nsigma_order": list(NSIGMA_ORDER),
            "mu_hat": finite_or_none(self.mu_hat),
            "test_stat": self.test_stat,
            "asimov": self.asimov,
            "n_trials": self.n_trials,
            "n_rounds": self.n_rounds,
            "converged": self.converged,
            "fits": {name: plain(fit) for name, fit in self.fits.items()},
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(), *_remarks(self.warnings)])

    def _repr_html_(self) -> str:
        remarks = map(paragraph, _remarks(self.warnings))
        return block(paragraph(self._headline()), self._table().html(), *remarks)

    def _headline(self) -> str:
        return f"Upper limit at {1.0 - self.alpha:.0%} CL: {_limit(self.observed)}"

    def _table(self) -> Table:
        return _bands_table(self.observed, self.expected)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ClsScan:
    """CLs at given values, and limits by interpolation between them.

    Attributes
    ----------
    alpha : float
    mu_values : float array, shape (n,)
        In the order that was asked for.
    q, q_asimov : float arrays, shape (n,)
    cls, clsb, clb : float arrays, shape (n,)
    expected_cls : float array, shape (5, n)
        One row per entry of `NSIGMA_ORDER`.
    observed_limit : float
        By linear interpolation of CLs; infinite where the scan ends above `alpha`.
    expected_limits : float array, shape (5,)
    converged : bool array, shape (n,)
        Whether both fits of a value converged.
    mu_hat : float
    test_stat, asimov : str
    fits : mapping of str to FitMinimumResult
        ``free`` and ``asimov_point``.
    warnings : tuple of str
    """

    alpha: float
    mu_values: FloatArray
    q: FloatArray
    q_asimov: FloatArray
    cls: FloatArray
    clsb: FloatArray
    clb: FloatArray
    expected_cls: FloatArray
    observed_limit: float
    expected_limits: FloatArray
    converged: Any
    mu_hat: float
    test_stat: str
    asimov: str
    fits: Mapping[str, FitMinimumResult]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = np.size(self.mu_values)
        for name in ("mu_values", "q", "q_asimov", "cls", "clsb", "clb"):
            values = read_only_floats(name, getattr(self, name), (count,))
            object.__setattr__(self, name, values)
        bands = read_only_floats("expected_cls", self.expected_cls, (_BANDS, count))
        object.__setattr__(self, "expected_cls", bands)
        limits = read_only_floats("expected_limits", self.expected_limits, (_BANDS,))
        object.__setattr__(self, "expected_limits", limits)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, with the reference's keys; null stands for no limit."""
        points = [
            {"mu": mu, "cls": cls, "expected": bands}
            for mu, cls, bands in zip(
                self.mu_values.tolist(),
                self.cls.tolist(),
                self.expected_cls.T.tolist(),
                strict=True,
            )
        ]
        return {
            "alpha": self.alpha,
            "nsigma_order": list(NSIGMA_ORDER),
            "obs_limit": finite_or_none(self.observed_limit),
            "exp_limits": [*map(finite_or_none, self.expected_limits.tolist())],
            "scan": self.mu_values.tolist(),
            "mu_values": self.mu_values.tolist(),
            "cls_obs": self.cls.tolist(),
            "cls_exp": self.expected_cls.tolist(),
            "points": points,
            "mu_hat": finite_or_none(self.mu_hat),
            "test_stat": self.test_stat,
            "asimov": self.asimov,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(), *_remarks(self.warnings)])

    def _repr_html_(self) -> str:
        remarks = map(paragraph, _remarks(self.warnings))
        return block(paragraph(self._headline()), self._table().html(), *remarks)

    def _headline(self) -> str:
        limit = _limit(self.observed_limit)
        return f"CLs at {len(self.mu_values)} values; limit at {1.0 - self.alpha:.0%} CL: {limit}"

    def _table(self) -> Table:
        return _bands_table(self.observed_limit, self.expected_limits)


def _limit(value: float) -> str:
    return f"{value:.6g}" if isfinite(value) else "none"


def _bands_table(observed: float, expected: FloatArray | None) -> Table:
    rows = [("observed", _limit(observed))]
    if expected is not None:
        for n, value in zip(NSIGMA_ORDER, expected.tolist(), strict=True):
            rows.append((f"expected, {-n:+d} sigma" if n else "expected", _limit(value)))
    return Table(("limit", "value"), "lr", rows)


def _remarks(warnings: tuple[str, ...]) -> list[str]:
    return [f"warning: {warning}" for warning in warnings]
