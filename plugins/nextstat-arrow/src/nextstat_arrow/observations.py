"""Observed counts, given as a mapping, as a table, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from nextstat_arrow.column_readers import read_columns
from nextstat_arrow.columns import Column
from nextstat_arrow.sources import as_table
from nextstat_core.errors import InputError, ModelError, Problem, closest
from nextstat_core.ir.place import at_channel
from nextstat_core.models.arrays import floats

if TYPE_CHECKING:
    from nextstat_arrow.columns import Lists, Names
    from nextstat_arrow.histograms import HistogramTable

__all__ = ["OBSERVATION_COLUMNS", "Observed", "read_observations"]

#: What a table of observed counts has.
OBSERVATION_COLUMNS = (Column("channel", "utf8"), Column("observed", "list<float64>"))
_WHAT = "table of observations"


@dataclass(slots=True)
class Observed:
    """Counts of every channel, and what is wrong or odd about them."""

    counts: dict[str, tuple[float, ...]]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_observations(source: Any, histograms: HistogramTable) -> Observed:
    """Read counts; channels that have none get the Asimov data.

    These are the sums of the nominal yields of all samples: what is expected with every parameter
    at its nominal value, and the parameter of interest at 1.

    Parameters
    ----------
    source : mapping of str to list of float, table, or None
        Counts per bin by channel; or a table with the columns ``channel`` and ``observed``.
    histograms : HistogramTable

    Raises
    ------
    InputError
        If `source` is something else, or has no numbers.
    FormatError
        If columns of a table are missing or have other types.
    ModelError
        If a table has a channel twice.
    """
    n_bins = histograms.stats().channels
    given = _given(source)
    observed = Observed({})
    for name, counts in given.items():
        if name not in n_bins:
            message, hint = "has observations, but no histogram", closest(name, n_bins)
            observed.problems.append(Problem(at_channel(name), message, hint))
        elif len(counts) != n_bins[name]:
            message = f"wrong number of bins: {n_bins[name]} expected, {len(counts)} found"
            observed.problems.append(Problem(f"{at_channel(name)}, observations", message))
    missing = [name for name in n_bins if name not in given]
    asimov = _asimov(histograms) if missing else {}
    fits = {name: given[name] for name in given if len(given[name]) == n_bins.get(name)}
    # Counts of the wrong length are reported already; zeros are in nobody's way.
    zeros = {name: (0.0,) * count for name, count in n_bins.items()}
    observed.counts = {**zeros, **asimov, **fits}
    if missing:
        shown = ", ".join(map(repr, missing[:5])) + (", ..." if len(missing) > 5 else "")
        which = f"{len(missing)} of {len(n_bins)} channels ({shown})"
        message = f"{which} have none; their data are the sums of the nominal yields (Asimov data)"
        observed.warnings.append(Problem("observations", message))
    return observed


def _given(source: Any) -> dict[str, tuple[float, ...]]:
    if source is None:
        return {}
    if not isinstance(source, Mapping):
        return _from_table(source)
    found = {}
    for name, counts in source.items():
        what = f"observations of channel {name!r}"
        numbers = floats(what, counts)
        if numbers.ndim != 1:
            raise InputError(f"`{what}` have {numbers.ndim} axes; expected one, of bins")
        found[str(name)] = tuple(numbers.tolist())
    return found


def _from_table(source: Any) -> dict[str, tuple[float, ...]]:
    found, _ = read_columns(as_table(source, _WHAT), OBSERVATION_COLUMNS, _WHAT)
    channels, counts = cast("Names", found["channel"]), cast("Lists", found["observed"])
    rows = {channels[row]: row for row in range(len(channels.codes))}
    if len(rows) < len(channels.codes):
        repeated = [
            Problem(at_channel(name), "has several rows of observations; expected one")
            for code, name in enumerate(channels.values)
            if int((channels.codes == code).sum()) > 1
        ]
        raise ModelError(repeated)
    return {name: tuple(counts[row].tolist()) for name, row in rows.items()}


def _asimov(histograms: HistogramTable) -> dict[str, tuple[float, ...]]:
    """Sums of the nominal yields by channel."""
    sums: dict[str, Any] = {}
    channels, yields = histograms.channels, histograms.yields
    for row in range(len(histograms)):
        name = channels[row]
        sums[name] = sums[name] + yields[row] if name in sums else yields[row]
    return {name: tuple(values.tolist()) for name, values in sums.items()}
