"""What is wrong with modifiers, all at once: by themselves, and beside the histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_arrow.columns import report
from nextstat_core.errors import Problem, closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from nextstat_arrow.histograms import HistogramTable
    from nextstat_arrow.modifiers import ModifierTable

__all__ = ["check_fit", "check_modifiers"]

_LISTS = ("data_hi", "data_lo", "data")
#: Lists that each kind needs, with their lengths: 1, or 0 for one entry per bin.
_NEEDS: Mapping[str, Mapping[str, int]] = {
    "histosys": {"data_hi": 0, "data_lo": 0},
    "lumi": {},
    "normfactor": {},
    "normsys": {"data_hi": 1, "data_lo": 1},
    "shapefactor": {},
    "shapesys": {"data": 0},
    "staterror": {"data": 0},
}
#: Interpolation codes of the kinds that have one; the first is the default.
_CODES: Mapping[str, tuple[str, ...]] = {
    "histosys": ("code4p", "code0", "code2", "code2_pyhf"),
    "normsys": ("code4", "code1"),
}
#: Kinds with one parameter per bin; the others have one.
_BINWISE = ("shapefactor", "shapesys", "staterror")
_WHERE = "table of modifiers"


def check_modifiers(table: ModifierTable) -> list[Problem]:
    """List what is wrong whatever the histograms are."""
    unknown = sorted(set(table.kinds.used()) - _NEEDS.keys())
    if unknown:
        return [problem for kind in unknown for problem in _unknown_kind(table, kind)]
    return [*_repeated(table), *_lists(table), *_codes(table)]


def check_fit(
    table: ModifierTable, histograms: HistogramTable, rows: NDArray[np.int64]
) -> list[Problem]:
    """List what does not fit the histograms.

    Parameters
    ----------
    table : ModifierTable
    histograms : HistogramTable
    rows : ndarray of int, shape (n_rows,)
        Row of the histogram that each modifier belongs to, -1 where there is none.
    """

    def unknown(row: int) -> Problem:
        return _no_histogram(table, histograms, row)

    n_bins = np.where(rows >= 0, histograms.n_bins[np.maximum(rows, 0)], -1)
    return [
        *report(np.flatnonzero(rows < 0), unknown, place=_WHERE),
        *_per_bin(table, n_bins),
        *_wrong_parameters(table, n_bins),
    ]


def _unknown_kind(table: ModifierTable, kind: str) -> list[Problem]:
    rows = table.rows_of_kind(kind)
    message = f"unknown modifier type {kind!r}; expected {', '.join(_NEEDS)}"
    if len(rows) > 1:
        message += f"; {len(rows)} modifiers have this type"
    return [Problem(table.place(int(rows[0])), message, closest(kind, _NEEDS))]


def _repeated(table: ModifierTable) -> list[Problem]:
    keys = np.zeros(len(table), dtype=np.int64)
    for names in (table.channels, table.samples, table.names, table.kinds):
        # Compressed after each column, so that the numbers stay below the square of the rows.
        _, keys = np.unique(keys * max(len(names.values), 1) + names.codes, return_inverse=True)
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    count_of = dict(zip(first.tolist(), counts.tolist(), strict=True))

    def problem(row: int) -> Problem:
        message = f"occurs {count_of[row]} times on this sample; expected once"
        return Problem(table.place(row), message)

    return report(np.sort(first[counts > 1]), problem, place=_WHERE)


def _lists(table: ModifierTable) -> Iterator[Problem]:
    """Lists that are missing, of the wrong length, superfluous, or not finite."""
    for kind, needs in _NEEDS.items():
        rows = table.rows_of_kind(kind)
        for key in _LISTS:
            present = table.lists[key].present[rows] if key in table.lists else rows < 0
            if key not in needs:
                yield from report(rows[present], _superfluous(table, key), place=_WHERE)
                continue
            yield from report(rows[~present], _missing(table, key), place=_WHERE)
            if needs[key] and key in table.lists:
                wrong = present & (table.lists[key].lengths[rows] != needs[key])
                yield from report(rows[wrong], _length(table, key, needs[key]), place=_WHERE)
    for key, lists in table.lists.items():
        yield from report(lists.not_finite(), _not_finite(table, key), place=_WHERE)


def _superfluous(table: ModifierTable, key: str) -> Any:
    def problem(row: int) -> Problem:
        kind = table.kinds[row]
        hint = ""
        if kind == "lumi":
            hint = "its value and uncertainty are settings of the parameter: `parameters`"
        return Problem(table.place(row), f"has `{key}`; a {kind} takes none", hint)

    return problem


def _missing(table: ModifierTable, key: str) -> Any:
    def problem(row: int) -> Problem:
        needed = " and ".join(_NEEDS[table.kinds[row]])
        return Problem(table.place(row), f"has no `{key}`; a {table.kinds[row]} needs {needed}")

    return problem


def _length(table: ModifierTable, key: str, expected: NDArray[np.int64] | int) -> Any:
    def problem(row: int) -> Problem:
        count = expected if isinstance(expected, int) else int(expected[row])
        found = int(table.lists[key].lengths[row])
        per_bin = "" if isinstance(expected, int) else ", one per bin"
        return Problem(table.place(row), f"`{key}` has {found} entries; expected {count}{per_bin}")

    return problem


def _not_finite(table: ModifierTable, key: str) -> Any:
    lists = table.lists[key]

    def problem(position: int) -> Problem:
        row = int(lists.rows_of(np.asarray(position)))
        entry = position - int(lists.offsets[row])
        value = lists.values[position]
        place = f"{table.place(row)}, entry {entry}"
        return Problem(place, f"`{key}` is {value}; expected a finite number")

    return problem


def _codes(table: ModifierTable) -> list[Problem]:
    codes = table.codes
    if codes is None:
        return []
    allowed = np.zeros((len(table.kinds.values) + 1, len(codes.values) + 1), dtype=bool)
    allowed[:, -1] = True
    for i, kind in enumerate(table.kinds.values):
        for j, code in enumerate(codes.values):
            allowed[i, j] = code in _CODES.get(kind, ())

    def problem(row: int) -> Problem:
        kind = table.kinds[row]
        expected = ", ".join(_CODES[kind]) if kind in _CODES else f"none: a {kind} has no code"
        message = f"`interpolation` is {codes[row]!r}; expected {expected}"
        return Problem(table.place(row), message)

    wrong = np.flatnonzero(~allowed[table.kinds.codes, codes.codes])
    return report(wrong, problem, place=_WHERE)


def _no_histogram(table: ModifierTable, histograms: HistogramTable, row: int) -> Problem:
    channel, sample = table.channels[row], table.samples[row]
    channels = histograms.channels.used()
    if channel not in channels:
        hint = closest(channel, channels)
        return Problem(table.place(row), "the histograms have no such channel", hint)
    code = histograms.channels.values.index(channel)
    of_channel = np.flatnonzero(histograms.channels.codes == code)
    samples = [histograms.samples[at] for at in of_channel]
    message = "the histograms of this channel have no such sample"
    return Problem(table.place(row), message, closest(sample, samples))


def _per_bin(table: ModifierTable, n_bins: NDArray[np.int64]) -> Iterator[Problem]:
    for kind, needs in _NEEDS.items():
        rows = table.rows_of_kind(kind)
        rows = rows[n_bins[rows] >= 0]
        for key, count in needs.items():
            if count == 0:
                wrong = table.lists[key].lengths[rows] != n_bins[rows] if len(rows) else rows < 0
                yield from report(rows[wrong], _length(table, key, n_bins), place=_WHERE)


def _wrong_parameters(table: ModifierTable, n_bins: NDArray[np.int64]) -> list[Problem]:
    if table.parameters is None:
        return []
    binwise = np.isin(np.arange(len(table)), table.rows_of_kind(*_BINWISE))
    expected = np.where(binwise, n_bins, 1).tolist()
    wrong = [
        row
        for row, names in enumerate(table.parameters)
        if names is not None and expected[row] >= 0 and len(names) != expected[row]
    ]

    def problem(row: int) -> Problem:
        found = len((table.parameters or ())[row] or ())
        message = f"`parameters` has {found} names; expected {expected[row]}"
        return Problem(table.place(row), message)

    return report(np.asarray(wrong, dtype=np.intp), problem, place=_WHERE)
