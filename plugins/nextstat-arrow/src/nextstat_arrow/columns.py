"""Columns of a table as NumPy arrays: names as codes, lists as flat values and offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nextstat_core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Column", "Lists", "NameLists", "Names", "report"]

#: Problems of one kind that are listed; the rest is counted.
_SHOWN = 10

#: A column of lists of text; None where there is none.
NameLists: TypeAlias = "tuple[tuple[str, ...] | None, ...]"


@dataclass(frozen=True, slots=True)
class Column:
    """What a table has, or may have, under a name.

    Attributes
    ----------
    name : str
    type : str
        ``utf8``, ``list<float64>`` or ``list<utf8>``, whatever Arrow type holds it.
    required : bool
    """

    name: str
    type: str
    required: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A column of text, dictionary-encoded.

    Attributes
    ----------
    values : tuple of str
        Different texts; some may be unused.
    codes : ndarray of int, shape (n_rows,)
        Position in `values`; -1 where there is none.
    """

    values: tuple[str, ...]
    codes: NDArray[np.int64]

    def __getitem__(self, row: int | np.integer[Any]) -> str:
        return self.values[self.codes[row]]

    def used(self) -> list[str]:
        """Texts that occur, in the order of their first appearance."""
        codes, first = np.unique(self.codes, return_index=True)
        ordered = codes[np.argsort(first, kind="stable")]
        return [self.values[code] for code in ordered if code >= 0]

    def codes_in(self, others: Names) -> NDArray[np.int64]:
        """Codes that `others` has for the same texts; -1 for texts that it does not have."""
        known = {value: code for code, value in enumerate(others.values)}
        table = [known.get(value, -1) for value in self.values]
        return np.asarray([*table, -1], dtype=np.int64)[self.codes]


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """A column of lists of numbers.

    Attributes
    ----------
    values : ndarray of float64, shape (sum of lengths,)
        All lists, one after the other; perhaps Arrow's own memory, so not to be changed.
    offsets : ndarray of int64, shape (n_rows + 1,)
        Where each list starts; the last entry is the number of values.
    present : ndarray of bool, shape (n_rows,)
        False where the table has null; the list is empty there.
    """

    values: NDArray[np.float64]
    offsets: NDArray[np.int64]
    present: NDArray[np.bool_]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of entries of each list, shape (n_rows,)."""
        return np.diff(self.offsets)

    def __getitem__(self, row: int | np.integer[Any]) -> NDArray[np.float64]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def rows_of(self, positions: NDArray[np.intp]) -> NDArray[np.intp]:
        """Rows to which entries of `values` belong."""
        return np.searchsorted(self.offsets, positions, side="right") - 1

    def not_finite(self) -> NDArray[np.intp]:
        """Positions in `values` of entries that are not finite."""
        # The sum may overflow where no entry is infinite; it only decides whether to look closely.
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(self.values.sum()):
                return np.zeros(0, dtype=np.intp)
        return np.flatnonzero(~np.isfinite(self.values))


def report(
    rows: NDArray[np.intp], problem: Callable[[int], Problem], *, place: str, shown: int = _SHOWN
) -> list[Problem]:
    """Problems of the first `shown` rows, and how many more there are.

    Parameters
    ----------
    rows : ndarray of int
        Rows, or other positions, with a problem of one kind.
    problem : callable
        ``problem(row) -> Problem``.
    place : str
        What the rest belongs to.
    shown : int
    """
    problems = [problem(int(row)) for row in rows[:shown]]
    if len(rows) > shown:
        more = f"{len(rows) - shown} more problems like the last one are not listed"
        problems.append(Problem(place, more))
    return problems
