"""The one histogram of this package: edges, yields, variances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Histogram"]


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Yields in bins of one axis; arrays are copies that cannot be written to.

    Attributes
    ----------
    edges : ndarray, shape (n_bins + 1,)
        Edges of the bins, ascending, in units of the variable.
    values : ndarray, shape (n_bins,)
        Sums of weights.
    variances : ndarray, shape (n_bins,)
        Sums of squared weights.

    Raises
    ------
    InputError
        If lengths do not fit, edges do not ascend, numbers are not finite or a variance is
        negative.
    """

    edges: NDArray[np.float64]
    values: NDArray[np.float64]
    variances: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("edges", "values", "variances"):
            object.__setattr__(self, name, _row(name, getattr(self, name)))
        if self.edges.size < 2 or not (np.diff(self.edges) > 0.0).all():
            raise InputError("`edges` must be two or more numbers in ascending order")
        for name in ("values", "variances"):
            if getattr(self, name).size != self.n_bins:
                raise InputError.length(name, self.n_bins, getattr(self, name).size)
        if (self.variances < 0.0).any():
            raise InputError(f"`variances` are negative in bins {_where(self.variances < 0.0)}")

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return int(self.edges.size) - 1

    @property
    def stdev(self) -> NDArray[np.float64]:
        """Statistical uncertainties: square roots of the variances, shape (n_bins,)."""
        return np.sqrt(self.variances)

    @property
    def sum(self) -> float:
        """Sum of the yields of all bins."""
        return float(self.values.sum())

    def with_values(self, values: ArrayLike) -> Self:
        """The same histogram with other yields."""
        return type(self)(self.edges, values, self.variances)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Lists of numbers under the names of the attributes."""
        return {name: getattr(self, name).tolist() for name in ("edges", "values", "variances")}

    def __repr__(self) -> str:
        low, high = self.edges[0], self.edges[-1]
        return f"Histogram({self.n_bins} bins from {low:g} to {high:g}, sum {self.sum:.6g})"


def _row(name: str, numbers: ArrayLike) -> NDArray[np.float64]:
    try:
        row = np.array(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be a list of numbers: {error}") from error
    if row.ndim != 1:
        raise InputError(f"`{name}` has {row.ndim} dimensions; expected 1")
    if not np.isfinite(row).all():
        raise InputError(f"`{name}` is not finite at {_where(~np.isfinite(row))}")
    row.flags.writeable = False
    return row


def _where(mask: NDArray[np.bool_]) -> str:
    found = np.flatnonzero(mask)
    return ", ".join(map(str, found[:8])) + (", ..." if found.size > 8 else "")
