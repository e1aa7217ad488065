"""Histograms as columns: one row per channel and sample, checked all at once.

This is how a table of any size is held and checked; models are built from it on demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from nextstat_arrow.column_readers import read_columns
from nextstat_arrow.columns import Column, Lists, Names, report
from nextstat_arrow.sources import as_table
from nextstat_core.errors import ModelError, Problem
from nextstat_core.ir.place import at_bin, at_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COLUMNS", "HistogramTable", "HistogramTableStats", "validate_histogram_table"]

#: What a table of histograms has.
COLUMNS = (
    Column("channel", "utf8"),
    Column("sample", "utf8"),
    Column("yields", "list<float64>"),
    Column("stat_error", "list<float64>", required=False),
)


@dataclass(frozen=True, slots=True)
class HistogramTableStats:
    """What a table of histograms holds.

    Attributes
    ----------
    has_stat_error : bool
        Whether any sample has statistical uncertainties.
    channels : dict of str to int
        Number of bins by channel, in the order of their first rows.
    n_rows : int
        Number of histograms.
    """

    has_stat_error: bool
    channels: dict[str, int]
    n_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class HistogramTable:
    """Checked histograms, as columns of equal length.

    Attributes
    ----------
    channels, samples : Names
        Of each row; no pair occurs twice.
    yields : Lists
        Expected counts per bin, finite; rows of one channel have equal lengths.
    stat_error : Lists or None
        Absolute statistical uncertainties of the yields, not negative.
    others : tuple of str
        Columns that the table has besides; they are not read.
    """

    channels: Names
    samples: Names
    yields: Lists
    stat_error: Lists | None = None
    others: tuple[str, ...] = ()

    @classmethod
    def from_arrow(cls, source: Any, *, others: tuple[str, ...] = ()) -> HistogramTable:
        """Read and check a table.

        Parameters
        ----------
        source : object
            As in `nextstat_arrow.sources.as_table`.
        others : tuple of str
            Columns that were left out before.

        Raises
        ------
        InputError
            If `source` is no table.
        FormatError
            If columns are missing or have other types.
        ModelError
            If the histograms are not usable; lists the problems.
        """
        table = as_table(source, "table of histograms")
        found, unread = read_columns(table, COLUMNS, "table of histograms")
        histograms = cls(
            channels=cast("Names", found["channel"]),
            samples=cast("Names", found["sample"]),
            yields=cast("Lists", found["yields"]),
            stat_error=cast("Lists | None", found.get("stat_error")),
            others=(*others, *unread),
        )
        problems = _check(histograms)
        if problems:
            raise ModelError(problems)
        return histograms

    def __len__(self) -> int:
        return len(self.channels.codes)

    def place(self, row: int) -> str:
        """Name a row in words."""
        return at_sample(self.channels[row], self.samples[row])

    def keys(self, channels: NDArray[np.int64], samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """One number per pair of codes; -1 where a code is."""
        keys = channels * max(len(self.samples.values), 1) + samples
        return np.where((channels < 0) | (samples < 0), -1, keys)

    def rows_of(self, channels: Names, samples: Names) -> NDArray[np.int64]:
        """Rows with given channels and samples, shape (n,); -1 where there is none."""
        own = self.keys(self.channels.codes, self.samples.codes)
        order = np.argsort(own, kind="stable")
        wanted = self.keys(channels.codes_in(self.channels), samples.codes_in(self.samples))
        at = np.minimum(np.searchsorted(own[order], wanted), len(own) - 1)
        rows = order[at]
        return np.where((own[rows] == wanted) & (wanted >= 0), rows, -1)

    @property
    def n_bins(self) -> NDArray[np.int64]:
        """Number of bins of each row, shape (n_rows,)."""
        return self.yields.lengths

    def stats(self) -> HistogramTableStats:
        """Count what is there."""
        codes, first = np.unique(self.channels.codes, return_index=True)
        lengths = self.n_bins[first]
        channels = {
            self.channels.values[codes[i]]: int(lengths[i]) for i in np.argsort(first).tolist()
        }
        errors = self.stat_error
        return HistogramTableStats(
            has_stat_error=errors is not None and bool(errors.present.any()),
            channels=channels,
            n_rows=len(self),
        )


def validate_histogram_table(table: Any) -> HistogramTableStats:
    """Check a table of histograms and count what it holds.

    Parameters
    ----------
    table : pyarrow.Table or object
        As in `from_arrow`.

    Raises
    ------
    InputError
        If it is no table.
    FormatError
        If columns are missing or have other types.
    ModelError
        If the histograms are not usable; lists the problems.
    """
    return HistogramTable.from_arrow(table).stats()


def _check(table: HistogramTable) -> list[Problem]:
    if not len(table):
        return [Problem("", "the table of histograms has no rows; expected at least one")]
    return [
        *_repeated(table),
        *_bins(table),
        *_values(table, table.yields, "yield"),
        *_uncertainties(table),
    ]


def _repeated(table: HistogramTable) -> list[Problem]:
    keys = table.keys(table.channels.codes, table.samples.codes)
    n_keys = len(table.channels.values) * len(table.samples.values)
    # Marking what was seen is faster than sorting, and takes memory for all pairs of names.
    if n_keys <= 8 * len(keys):
        seen = np.zeros(n_keys, dtype=bool)
        seen[keys] = True
        if int(seen.sum()) == len(keys):
            return []
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    count_of = dict(zip(first.tolist(), counts.tolist(), strict=True))

    def problem(row: int) -> Problem:
        return Problem(table.place(row), f"{count_of[row]} rows have this name; expected one")

    return report(np.sort(first[counts > 1]), problem, place="table of histograms")


def _bins(table: HistogramTable) -> list[Problem]:
    codes, n_bins = table.channels.codes, table.n_bins
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    reference = first[inverse]

    def empty(row: int) -> Problem:
        return Problem(table.place(row), "has no bins; expected at least one")

    def differs(row: int) -> Problem:
        expected, sample = n_bins[reference[row]], table.samples[reference[row]]
        message = (
            f"inconsistent bin count: expected {expected}, as sample {sample!r} of the channel"
        )
        return Problem(table.place(row), f"{message}, found {n_bins[row]}")

    return [
        *report(np.flatnonzero(n_bins == 0), empty, place="table of histograms"),
        *report(
            np.flatnonzero((n_bins != n_bins[reference]) & (n_bins > 0)),
            differs,
            place="table of histograms",
        ),
    ]


def _values(table: HistogramTable, lists: Lists, what: str) -> list[Problem]:
    def problem(position: int) -> Problem:
        row, value = int(lists.rows_of(np.asarray(position))), lists.values[position]
        place = at_bin(table.place(row), position - int(lists.offsets[row]))
        return Problem(place, f"{what} is {value}; expected a finite number")

    return report(lists.not_finite(), problem, place="table of histograms")


def _uncertainties(table: HistogramTable) -> list[Problem]:
    errors = table.stat_error
    if errors is None:
        return []
    lengths, n_bins = errors.lengths, table.n_bins

    def differs(row: int) -> Problem:
        message = f"`stat_error` has {lengths[row]} entries; expected {n_bins[row]}, one per bin"
        return Problem(table.place(row), message)

    def negative(position: int) -> Problem:
        row, value = int(errors.rows_of(np.asarray(position))), errors.values[position]
        place = at_bin(table.place(row), position - int(errors.offsets[row]))
        return Problem(place, f"`stat_error` is {value:g}; expected 0 or more")

    place = "table of histograms"
    return [
        *report(np.flatnonzero(errors.present & (lengths != n_bins)), differs, place=place),
        *_values(table, errors, "`stat_error`"),
        *report(np.flatnonzero(errors.values < 0.0), negative, place=place),
    ]
