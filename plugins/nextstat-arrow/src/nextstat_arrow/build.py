"""Models from checked columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_arrow.modifier_checks import check_fit
from nextstat_arrow.observations import read_observations
from nextstat_core.errors import InputError, ModelError, Problem
from nextstat_core.io.bulk import without_collector
from nextstat_core.ir import (
    Channel,
    HistoSys,
    Lumi,
    Model,
    NormFactor,
    NormSys,
    Sample,
    ShapeFactor,
    ShapeSys,
    StatError,
    check_channels,
    derive_parameters,
)
from nextstat_core.ir.names import component_names, staterror_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from nextstat_arrow.columns import Lists
    from nextstat_arrow.histograms import HistogramTable
    from nextstat_arrow.modifiers import ModifierTable
    from nextstat_core.ir import Modifier, ParameterSettings

__all__ = ["build_model"]


def build_model(
    histograms: HistogramTable,
    modifiers: ModifierTable | None = None,
    *,
    poi: str | None = "mu",
    signal: str | Sequence[str] | None = "signal",
    observations: Any = None,
    settings: Sequence[ParameterSettings] = (),
    measurement: str = "",
) -> Model:
    """Build a model from checked columns.

    Parameters
    ----------
    histograms : HistogramTable
    modifiers : ModifierTable, optional
    poi : str or None
        Name of the parameter of interest. A modifier of this name is taken where `modifiers` has
        one; otherwise it is a free factor on the samples `signal`.
    signal : str, sequence of str, or None
        Names of samples; None where `modifiers` must have the parameter of interest.
    observations : mapping or table, optional
        See `nextstat_arrow.observations.read_observations`.
    settings : sequence of ParameterSettings
    measurement : str

    Raises
    ------
    InputError
        If there is no sample `signal`, or `observations` are of no known form.
    ModelError
        If no usable model comes out; lists all problems.
    """
    rows = np.zeros(0, dtype=np.int64)
    problems: list[Problem] = []
    if modifiers is not None:
        rows = histograms.rows_of(modifiers.channels, modifiers.samples)
        problems = check_fit(modifiers, histograms, rows)
        if problems:
            raise ModelError(problems)
    declared = modifiers is not None and poi in modifiers.names.used()
    signals: tuple[str, ...] = ()
    if poi is not None and not declared and signal is not None:
        signals = _signals(histograms, signal)
    observed = read_observations(observations, histograms)
    walk = _Walk(histograms, modifiers, rows, poi if signals else None, frozenset(signals))
    with without_collector():
        channels = tuple(
            Channel(name, samples, observed.counts[name]) for name, samples in walk.channels()
        )
    derived = derive_parameters(channels, settings, poi)
    problems = [*observed.problems, *check_channels(channels), *derived.problems]
    if problems:
        raise ModelError(problems)
    return Model(
        channels=channels,
        parameters=derived.parameters,
        poi=derived.parameters[0].name if poi is not None else None,
        measurement=measurement,
        settings=tuple(settings),
        warnings=(*_ignored(histograms, modifiers), *observed.warnings, *derived.warnings),
    )


def _signals(histograms: HistogramTable, signal: str | Sequence[str]) -> tuple[str, ...]:
    names = (signal,) if isinstance(signal, str) else tuple(signal)
    samples = histograms.samples.used()
    if not names:
        raise InputError(
            "`signal` names no sample; expected at least one for a parameter of interest",
            hint="poi=None makes a model without one",
        )
    for name in names:
        if name not in samples:
            unknown = InputError.unknown("sample", name, samples)
            remedies = (
                "signal='NAME' says which sample is the signal; poi=None makes a model without"
            )
            message = str(unknown).partition("\n\nHint: ")[0]
            raise InputError(message, hint="; ".join(filter(None, [unknown.hint, remedies])))
    return names


def _ignored(histograms: HistogramTable, modifiers: ModifierTable | None) -> Iterator[Problem]:
    tables = {"table of histograms": histograms.others}
    if modifiers is not None:
        tables["table of modifiers"] = modifiers.others
    for what, others in tables.items():
        if others:
            listed = ", ".join(map(repr, others))
            yield Problem(what, f"has columns that mean nothing here and are ignored: {listed}")


@dataclass(slots=True)
class _Walk:
    """Rows of the tables to channels, in the order of their first rows.

    `signals` are the samples that the factor `factor` acts on; `rows` are those of the histograms
    that modifiers belong to.
    """

    histograms: HistogramTable
    modifiers: ModifierTable | None
    rows: NDArray[np.int64]
    factor: str | None
    signals: frozenset[str]

    def channels(self) -> Iterator[tuple[str, tuple[Sample, ...]]]:
        table = self.histograms
        on_rows = self._on_rows()
        nominal = _tuples(table.yields)
        samples = [table.samples.values[code] for code in table.samples.codes.tolist()]
        codes, first, inverse = np.unique(
            table.channels.codes, return_index=True, return_inverse=True
        )
        order = np.argsort(inverse, kind="stable")
        starts = np.searchsorted(inverse[order], np.arange(len(codes) + 1))
        for i in np.argsort(first).tolist():
            rows = order[starts[i] : starts[i + 1]].tolist()
            yield (
                table.channels.values[codes[i]],
                tuple(
                    Sample(samples[row], nominal[row], tuple(on_rows.get(row, ()))) for row in rows
                ),
            )

    def _on_rows(self) -> dict[int, list[Modifier]]:
        """Modifiers by row of the histograms: the factor, statistical errors, then the table's."""
        found: dict[int, list[Modifier]] = {}
        starts = staterror_starts(self._staterrors())
        for row in self._signal_rows():
            factor = str(self.factor)
            found.setdefault(row, []).append(NormFactor(factor, (factor,)))
        errors = self.histograms.stat_error
        if errors is not None:
            for row in np.flatnonzero(errors.present).tolist():
                channel = self.histograms.channels[row]
                name, values = _statistical(channel), tuple(errors[row].tolist())
                components = component_names(name, len(values), starts[name, channel])
                found.setdefault(row, []).append(StatError(name, components, values))
        for row, modifier in self._listed(starts):
            found.setdefault(row, []).append(modifier)
        return found

    def _signal_rows(self) -> list[int]:
        samples = self.histograms.samples
        codes = [code for code, name in enumerate(samples.values) if name in self.signals]
        return np.flatnonzero(np.isin(samples.codes, codes)).tolist()

    def _staterrors(self) -> Iterator[tuple[str, str, int]]:
        """Uses of all statistical errors: name, channel, number of bins."""
        table, n_bins = self.histograms, self.histograms.n_bins
        if table.stat_error is not None:
            for row in np.flatnonzero(table.stat_error.present).tolist():
                channel = table.channels[row]
                yield _statistical(channel), channel, int(n_bins[row])
        if self.modifiers is not None:
            for at in self.modifiers.rows_of_kind(StatError.kind).tolist():
                row = self.rows[at]
                yield self.modifiers.names[at], table.channels[row], int(n_bins[row])

    def _listed(self, starts: Mapping[tuple[str, str], int]) -> Iterator[tuple[int, Modifier]]:
        """Modifiers of the table, with the row of their histogram."""
        table = self.modifiers
        if table is None:
            return
        n_bins = self.histograms.n_bins[self.rows].tolist()
        own = table.parameters or (None,) * len(table)
        for at, row in enumerate(self.rows.tolist()):
            name, kind, components = table.names[at], table.kinds[at], own[at]
            if components is None and kind in _BINWISE:
                start = starts.get((name, table.channels[at]), 0) if kind == StatError.kind else 0
                components = component_names(name, n_bins[at], start)
            yield row, _BUILD[kind](table, at, name, components or (name,))


def _statistical(channel: str) -> str:
    return f"staterror_{channel}"


def _tuples(lists: Lists) -> list[tuple[float, ...]]:
    values, offsets = tuple(lists.values.tolist()), lists.offsets.tolist()
    return [values[start:stop] for start, stop in pairwise(offsets)]


def _entries(table: ModifierTable, key: str, at: int) -> tuple[float, ...]:
    return tuple(table.lists[key][at].tolist())


def _code(table: ModifierTable, at: int) -> dict[str, Any]:
    """The interpolation code, where the table gives one."""
    given = table.codes is not None and table.codes.codes[at] >= 0
    return {"interpolation": table.codes[at]} if given and table.codes is not None else {}


def _normsys(table: ModifierTable, at: int, name: str, components: Any) -> Modifier:
    (lo,), (hi,) = _entries(table, "data_lo", at), _entries(table, "data_hi", at)
    return NormSys(name, components, lo, hi, **_code(table, at))


def _histosys(table: ModifierTable, at: int, name: str, components: Any) -> Modifier:
    lo, hi = _entries(table, "data_lo", at), _entries(table, "data_hi", at)
    return HistoSys(name, components, lo, hi, **_code(table, at))


def _with_data(kind: Any) -> Callable[..., Modifier]:
    def build(table: ModifierTable, at: int, name: str, components: Any) -> Modifier:
        return kind(name, components, _entries(table, "data", at))

    return build


def _without_data(kind: Any) -> Callable[..., Modifier]:
    def build(table: ModifierTable, at: int, name: str, components: Any) -> Modifier:
        del table, at
        return kind(name, components)

    return build


_BINWISE = (ShapeFactor.kind, ShapeSys.kind, StatError.kind)
_BUILD: Mapping[str, Callable[[ModifierTable, int, str, Any], Modifier]] = {
    HistoSys.kind: _histosys,
    Lumi.kind: _without_data(Lumi),
    NormFactor.kind: _without_data(NormFactor),
    NormSys.kind: _normsys,
    ShapeFactor.kind: _without_data(ShapeFactor),
    ShapeSys.kind: _with_data(ShapeSys),
    StatError.kind: _with_data(StatError),
}
