"""Fits of many toys as columns, read as a sequence of fit results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index as as_index
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, overload

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import read_only
from nextstat_core.results.fit import FitResult
from nextstat_core.results.reasons import TERMINATION_REASONS, TerminationReason
from nextstat_core.results.toy_table import toys_html, toys_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.results.arrays import FloatArray

__all__ = ["FailedToy", "ToyResults"]

_SIDES = ("", "lower", "upper", "kink")
#: Columns with one entry per toy, and those with one per toy and parameter, with their dtypes.
_BY_TOY: Mapping[str, Any] = {
    "nll": float,
    "converged": bool,
    "termination": np.int8,
    "n_iter": np.int64,
    "n_fev": np.int64,
    "n_gev": np.int64,
    "n_hev": np.int64,
    "edm": float,
    "initial_nll": float,
    "final_grad_norm": float,
}
_BY_PARAMETER: Mapping[str, Any] = {"values": float, "errors": float, "bounds_hit": np.int8}


class FailedToy(NamedTuple):
    """A toy whose fit did not converge."""

    toy: int
    reason: TerminationReason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ToyResults(Sequence[FitResult]):
    """Fits of T toys with P parameters; ``toys[i]`` builds the `FitResult` of toy i.

    Attributes
    ----------
    parameter_names : tuple of str
    values : float array, shape (T, P)
    nll : float array, shape (T,)
    converged : bool array, shape (T,)
    termination : int array, shape (T,)
        Positions in `ToyResults.reasons`.
    n_iter, n_fev, n_gev, n_hev : int arrays, shape (T,), or None
    edm, initial_nll, final_grad_norm : float arrays, shape (T,), or None
    errors : float array, shape (T, P), or None
        Standard uncertainties, where they were asked for.
    bounds_hit : int array, shape (T, P), or None
        1 at the lower bound, 2 at the upper one, 3 at a kink, else 0.
    fixed, prefit_centers, prefit_widths, poi_index, provenance
        As in `FitResult`, common to all toys.
    """

    #: Meaning of the numbers in `termination`.
    reasons: ClassVar[tuple[TerminationReason, ...]] = TERMINATION_REASONS

    parameter_names: tuple[str, ...]
    values: FloatArray
    nll: FloatArray
    converged: NDArray[np.bool_]
    termination: NDArray[np.int8]
    n_iter: NDArray[np.int64] | None = None
    n_fev: NDArray[np.int64] | None = None
    n_gev: NDArray[np.int64] | None = None
    n_hev: NDArray[np.int64] | None = None
    edm: FloatArray | None = None
    initial_nll: FloatArray | None = None
    final_grad_norm: FloatArray | None = None
    errors: FloatArray | None = None
    bounds_hit: NDArray[np.int8] | None = None
    fixed: tuple[bool, ...] = ()
    prefit_centers: FloatArray | None = None
    prefit_widths: FloatArray | None = None
    poi_index: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n_toys, n_params = len(self.nll), len(self.parameter_names)
        for dtypes, shape in ((_BY_TOY, (n_toys,)), (_BY_PARAMETER, (n_toys, n_params))):
            for name, dtype in dtypes.items():
                column = getattr(self, name)
                if column is not None:
                    object.__setattr__(self, name, read_only(name, column, shape, dtype))

    def __len__(self) -> int:
        return len(self.nll)

    @overload
    def __getitem__(self, index: int) -> FitResult: ...
    @overload
    def __getitem__(self, index: slice) -> ToyResults: ...
    def __getitem__(self, index: int | slice) -> FitResult | ToyResults:
        if isinstance(index, slice):
            columns = {name: getattr(self, name) for name in (*_BY_TOY, *_BY_PARAMETER)}
            cut = {name: old[index] for name, old in columns.items() if old is not None}
            return replace(self, **cut)
        position = as_index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"there is no toy {position}: there are {len(self)}")
        return self._result(position % len(self))

    def _result(self, i: int) -> FitResult:
        columns = {name: getattr(self, name) for name in _BY_TOY if name != "termination"}
        by_toy = {name: old[i].item() for name, old in columns.items() if old is not None}
        nothing = np.full(len(self.parameter_names), np.nan)
        centers, widths = self.prefit_centers, self.prefit_widths
        return FitResult(
            parameter_names=self.parameter_names,
            values=self.values[i],
            errors=nothing if self.errors is None else self.errors[i],
            termination_reason=self.reasons[self.termination[i]],
            at_bound=self._at_bound(i),
            fixed=self.fixed,
            prefit_centers=nothing if centers is None else centers,
            prefit_widths=nothing if widths is None else widths,
            poi_index=self.poi_index,
            provenance=self.provenance,
            **by_toy,
        )

    def _at_bound(self, i: int) -> tuple[tuple[str, str], ...]:
        if self.bounds_hit is None:
            return ()
        hit = self.bounds_hit[i]
        return tuple((self.parameter_names[p], _SIDES[hit[p]]) for p in np.flatnonzero(hit))

    @property
    def n_converged(self) -> int:
        """Number of toys whose fit converged."""
        return int(np.count_nonzero(self.converged))

    @property
    def failed(self) -> tuple[FailedToy, ...]:
        """Toys whose fit did not converge, and why."""
        return tuple(
            FailedToy(int(i), self.reasons[self.termination[i]])
            for i in np.flatnonzero(~self.converged)
        )

    def column(self, name: str) -> FloatArray:
        """Return the best-fit values of one parameter in all toys, shape (T,)."""
        if name not in self.parameter_names:
            raise InputError.unknown("parameter", name, self.parameter_names)
        return self.values[:, self.parameter_names.index(name)]

    def __repr__(self) -> str:
        return toys_line(self)

    def _repr_html_(self) -> str:
        return toys_html(self)
