"""Upper limits and confidence sets from toys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.results.arrays import read_only, read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.results.arrays import FloatArray
    from nextstat_core.results.toy_test import ToyHypotestResult

__all__ = ["FeldmanCousins", "ToyLimitResult"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ToyLimitResult:
    """An upper limit from toys, and the tests that it was interpolated from.

    Attributes
    ----------
    alpha : float
        CLs at the limit.
    observed, error : float or None
        The limit, and the standard error that the number of toys gives it; None where CLs does not
        cross `alpha` in the tested range.
    expected : tuple of float or None
        Limits of background-only data that fluctuate by -2, -1, 0, 1, 2 standard deviations.
    tests : tuple of ToyHypotestResult
        By tested value.
    warnings : tuple of str
    """

    alpha: float
    observed: float | None
    error: float | None
    expected: tuple[float | None, ...]
    tests: tuple[ToyHypotestResult, ...]
    warnings: tuple[str, ...] = ()

    @property
    def mu_values(self) -> FloatArray:
        """Tested values, shape (n,)."""
        return np.array([test.mu for test in self.tests])

    @property
    def cls(self) -> FloatArray:
        """CLs of the data, shape (n,)."""
        return np.array([test.cls for test in self.tests], dtype=np.float64)

    @property
    def cls_error(self) -> FloatArray:
        """Standard errors of `cls`, shape (n,)."""
        return np.array([test.cls_error for test in self.tests], dtype=np.float64)

    @property
    def expected_cls(self) -> FloatArray:
        """Expected CLs, shape (5, n)."""
        return np.array([test.expected_cls for test in self.tests], dtype=np.float64).T

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, without the toys."""
        return {
            "alpha": self.alpha,
            "obs_limit": self.observed,
            "obs_limit_error": self.error,
            "exp_limits": list(self.expected),
            "mu_values": self.mu_values.tolist(),
            "cls_obs": self.cls.tolist(),
            "cls_obs_error": self.cls_error.tolist(),
            "cls_exp": self.expected_cls.tolist(),
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(), *self._remarks()])

    def _repr_html_(self) -> str:
        lines = map(paragraph, self._remarks())
        return block(paragraph(self._headline()), self._table().html(), *lines)

    def _headline(self) -> str:
        level = f"at {100.0 * (1.0 - self.alpha):g} % from toys"
        if self.observed is None:
            return f"Upper limit {level}: none in the tested range"
        return f"Upper limit {level}: {self.observed:.5g} +/- {self.error:.2g}"

    def _table(self) -> Table:
        rows = [
            (f"{test.mu:.5g}", f"{test.cls:.4g}", f"{test.cls_error:.2g}") for test in self.tests
        ]
        return Table(("mu", "CLs", "error"), "rrr", rows)

    def _remarks(self) -> list[str]:
        shown = [f"{limit:.4g}" if limit is not None else "none" for limit in self.expected]
        lines = [f"expected (-2 ... +2 standard deviations): {', '.join(shown)}"]
        return [*lines, *(f"warning: {warning}" for warning in self.warnings)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FeldmanCousins:
    """A confidence set: all tested values that toys do not exclude.

    Attributes
    ----------
    cl : float
        Confidence level.
    values, q, p_values, errors, critical : float arrays, shape (n,)
        Tested values in ascending order; test statistic of the data, its p-value with its standard
        error, and the value that it exceeds in a share ``1 - cl`` of the toys.
    accepted : bool array, shape (n,)
        Where the p-value is above ``1 - cl``.
    intervals : tuple of (low, high)
        The set, with edges interpolated between tested values: one interval, none, or several.
    tests : tuple of ToyHypotestResult
    warnings : tuple of str
        Also says where the set reaches the end of the tested range, and where it has gaps.
    """

    cl: float
    values: FloatArray
    q: FloatArray
    p_values: FloatArray
    errors: FloatArray
    critical: FloatArray
    accepted: NDArray[np.bool_]
    intervals: tuple[tuple[float, float], ...]
    tests: tuple[ToyHypotestResult, ...]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.tests),)
        for name in ("values", "q", "p_values", "errors", "critical"):
            object.__setattr__(self, name, read_only_floats(name, getattr(self, name), shape))
        accepted = read_only("accepted", self.accepted, shape, bool)
        object.__setattr__(self, "accepted", accepted)

    @property
    def contiguous(self) -> bool:
        """Whether the set is one interval."""
        return len(self.intervals) == 1

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, without the toys."""
        return {
            "cl": self.cl,
            "mu_values": self.values.tolist(),
            "q": self.q.tolist(),
            "p_values": self.p_values.tolist(),
            "p_value_errors": self.errors.tolist(),
            "critical_values": self.critical.tolist(),
            "accepted": self.accepted.tolist(),
            "intervals": [list(interval) for interval in self.intervals],
            "contiguous": self.contiguous,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(), *self._remarks()])

    def _repr_html_(self) -> str:
        lines = map(paragraph, self._remarks())
        return block(paragraph(self._headline()), self._table().html(), *lines)

    def _headline(self) -> str:
        sets = " and ".join(f"[{low:.5g}, {high:.5g}]" for low, high in self.intervals) or "empty"
        return f"Feldman-Cousins set at {100.0 * self.cl:g} %: {sets}"

    def _table(self) -> Table:
        columns = zip(self.values, self.q, self.critical, self.p_values, self.errors, strict=True)
        rows = [
            (f"{mu:.5g}", f"{q:.4g}", f"{critical:.4g}", f"{p:.4g}", f"{error:.2g}")
            for mu, q, critical, p, error in columns
        ]
        return Table(("mu", "q", "critical", "p-value", "error"), "rrrrr", rows)

    def _remarks(self) -> list[str]:
        return [f"warning: {warning}" for warning in self.warnings]
