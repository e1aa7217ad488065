"""Models as tables: one of histograms and one of modifiers, in the schemas that are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from nextstat_core.errors import InputError, Problem
from nextstat_core.ir import (
    HistoSys,
    NormSys,
    PluginModifier,
    ShapeSys,
    StatError,
    derive_parameters,
)
from nextstat_core.ir.names import component_names, staterror_starts
from nextstat_core.ir.place import at_modifier, at_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_arrow.columns import Lists, Names
    from nextstat_arrow.histograms import HistogramTable
    from nextstat_core.ir import Channel, Model, Modifier, Sample

__all__ = ["histogram_table", "modifier_table", "plain_histograms", "refuse_inexpressible"]

_NUMBERS = pa.list_(pa.float64())
_TEXTS = pa.list_(pa.string())
_HISTOGRAMS = pa.schema(
    [("channel", pa.string()), ("sample", pa.string()), ("yields", _NUMBERS)],
)
_MODIFIERS = pa.schema(
    [
        ("channel", pa.string()),
        ("sample", pa.string()),
        ("modifier_name", pa.string()),
        ("modifier_type", pa.string()),
        ("data_hi", _NUMBERS),
        ("data_lo", _NUMBERS),
        ("data", _NUMBERS),
        ("interpolation", pa.string()),
        ("parameters", _TEXTS),
    ]
)
#: The codes that the reader takes where none is given.
_DEFAULT_CODES = {NormSys.kind: "code4", HistoSys.kind: "code4p"}


def histogram_table(model: Model) -> pa.Table:
    """Nominal yields, one row per channel and sample, in the order of the model."""
    rows = [
        {"channel": channel.name, "sample": sample.name, "yields": sample.nominal}
        for channel in model.channels
        for sample in channel.samples
    ]
    return _table(rows, _HISTOGRAMS)


def modifier_table(model: Model) -> pa.Table:
    """Modifiers, one row each, in the order of the model.

    `interpolation` and `parameters` are null where they are what the reader takes without them.
    """
    starts = staterror_starts(
        (modifier.name, channel.name, len(sample.nominal))
        for channel, sample, modifier in _modifiers(model)
        if isinstance(modifier, StatError)
    )
    rows = []
    for channel, sample, modifier in _modifiers(model):
        start = starts.get((modifier.name, channel.name), 0)
        usual = (
            (modifier.name,)
            if modifier.kind in ("histosys", "lumi", "normfactor", "normsys")
            else component_names(
                modifier.name,
                len(sample.nominal),
                start if isinstance(modifier, StatError) else 0,
            )
        )
        rows.append(
            {
                "channel": channel.name,
                "sample": sample.name,
                "modifier_name": modifier.name,
                "modifier_type": modifier.kind,
                "parameters": None if modifier.parameters == usual else modifier.parameters,
                **_data(modifier),
            }
        )
    return _table(rows, _MODIFIERS)


def plain_histograms(histograms: HistogramTable, source: pa.Table) -> pa.Table:
    """Checked histograms in the plainest types, and the other columns of `source` as they are."""
    columns = {
        "channel": _text(histograms.channels),
        "sample": _text(histograms.samples),
        "yields": _list(histograms.yields),
    }
    if histograms.stat_error is not None:
        columns["stat_error"] = _list(histograms.stat_error)
    table = pa.table(columns)
    for name in histograms.others:
        table = table.append_column(source.field(name), source.column(name))
    return table


def _text(names: Names) -> pa.Array:
    codes = pa.array(names.codes)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names.values, pa.string())).cast(
        pa.string()
    )


def _list(lists: Lists) -> pa.Array:
    offsets = pa.array(lists.offsets, mask=np.append(~lists.present, False))
    return pa.LargeListArray.from_arrays(offsets, lists.values).cast(_NUMBERS)


def refuse_inexpressible(model: Model) -> None:
    """Refuse a model that would not be the same after reading.

    Raises
    ------
    InputError
        If it has modifiers of plugins, or parameters that do not follow from its modifiers and
        settings; names all of them.
    """
    problems = [
        Problem(
            at_modifier(channel.name, sample.name, modifier.name, modifier.kind),
            "a plugin defines this kind; the tables have no columns for it",
        )
        for channel, sample, modifier in _modifiers(model)
        if isinstance(modifier, PluginModifier)
    ]
    if not problems:
        problems = [*_other_parameters(model)]
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise InputError(f"the model cannot be written as tables:\n{lines}")


def _other_parameters(model: Model) -> Iterator[Problem]:
    poi = model.parameters[0].group if model.poi is not None else None
    derived = derive_parameters(model.channels, model.settings, poi).parameters
    expected = {entry.name: entry for entry in derived}
    for entry in model.parameters:
        if expected.pop(entry.name, None) != entry:
            message = "does not follow from the modifiers and the measurement's settings"
            yield Problem(at_parameter(entry.name), message)
    for name in expected:
        message = "follows from the modifiers, but the model does not have it"
        yield Problem(at_parameter(name), message)


def _modifiers(model: Model) -> Iterator[tuple[Channel, Sample, Modifier]]:
    for channel in model.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                yield channel, sample, modifier


def _data(modifier: Modifier) -> dict[str, Any]:
    match modifier:
        case NormSys(lo=lo, hi=hi):
            return {"data_hi": [hi], "data_lo": [lo], **_code(modifier)}
        case HistoSys(lo=lower, hi=upper):
            return {"data_hi": upper, "data_lo": lower, **_code(modifier)}
        case ShapeSys(uncertainties=uncertainties) | StatError(uncertainties=uncertainties):
            return {"data": uncertainties}
    return {}


def _code(modifier: NormSys | HistoSys) -> dict[str, str]:
    code = modifier.interpolation
    return {} if code == _DEFAULT_CODES[modifier.kind] else {"interpolation": code}


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except UnicodeEncodeError as error:
        raise InputError(f"a name cannot be written as UTF-8: {error.object!r}") from error
