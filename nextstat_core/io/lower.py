"""Channels of a workspace to channels of a model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nextstat_core.errors import InputError, PluginError, Problem
from nextstat_core.io.document import (
    ChannelEntry,
    HistoSysEntry,
    LumiEntry,
    NormFactorEntry,
    NormSysEntry,
    SampleEntry,
    ShapeFactorEntry,
    ShapeSysEntry,
    StatErrorEntry,
)
from nextstat_core.io.interpolation import Interpolations
from nextstat_core.ir import (
    Channel,
    HistoSys,
    Lumi,
    Modifier,
    ModifierType,
    NormFactor,
    NormSys,
    Parameter,
    PluginModifier,
    Sample,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.codec import frozen_json
from nextstat_core.ir.names import component_names, staterror_starts
from nextstat_core.ir.place import at_modifier

__all__ = ["Lowered", "lower_channels"]


@dataclass(slots=True)
class Lowered:
    """Channels of the model.

    Attributes
    ----------
    channels : tuple of Channel
        As written in the document.
    supplied : dict
        Default parameters of plugins' modifiers, by the modifier's name.
    problems : list of Problem
        What plugins refuse.
    unreadable : set of str
        Names of modifiers that were left out.
    """

    channels: tuple[Channel, ...] = ()
    supplied: dict[str, tuple[Parameter, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)


def lower_channels(
    entries: Sequence[ChannelEntry[Any]],
    observed: Mapping[str, tuple[float, ...]],
    codes: Interpolations,
    types: Mapping[str, ModifierType],
) -> Lowered:
    """Build the channels and name the parameters of every modifier.

    Parameters
    ----------
    entries : sequence of ChannelEntry
        Typed channels of the document.
    observed : mapping of str to tuple of float
        Counts by channel; a channel without any gets an empty tuple.
    codes : Interpolations
        Interpolation code of each modifier.
    types : mapping of str to ModifierType
        Kinds of modifiers that plugins define.

    Raises
    ------
    InputError
        If `codes` has a code for a modifier that does not exist.
    """
    codes.refuse_unused(_interpolated(entries))
    lowering = _Lowering(codes, types, staterror_starts(_staterror_uses(entries)))
    lowering.lowered.channels = tuple(
        lowering.channel(entry, observed.get(entry.name, ())) for entry in entries
    )
    return lowering.lowered


@dataclass(slots=True)
class _Lowering:
    """State of the walk; `here` and `n_bins` belong to the current sample."""

    codes: Interpolations
    types: Mapping[str, ModifierType]
    starts: Mapping[tuple[str, str], int]
    lowered: Lowered = field(default_factory=Lowered)
    here: tuple[str, str] = ("", "")
    n_bins: int = 0

    def channel(self, entry: ChannelEntry[Any], observed: tuple[float, ...]) -> Channel:
        self.n_bins = len(entry.samples[0].data)
        samples = tuple(self.sample(entry.name, sample) for sample in entry.samples)
        return Channel(entry.name, samples, observed)

    def sample(self, channel: str, entry: SampleEntry[Any]) -> Sample:
        self.here = channel, entry.name
        modifiers = []
        for modifier in entry.modifiers:
            lower = _LOWER.get(type(modifier))
            built = lower(self, modifier) if lower else _lower_plugin(self, modifier)
            if built is not None:
                modifiers.append(built)
        return Sample(entry.name, entry.data, tuple(modifiers))


def _lower_normfactor(walk: _Lowering, entry: NormFactorEntry) -> NormFactor:
    del walk
    return NormFactor(entry.name, (entry.name,))


def _lower_lumi(walk: _Lowering, entry: LumiEntry) -> Lumi:
    del walk
    return Lumi(entry.name, (entry.name,))


def _lower_normsys(walk: _Lowering, entry: NormSysEntry) -> NormSys:
    name, data = entry.name, entry.data
    return NormSys(name, (name,), data.lo, data.hi, walk.codes.code("normsys", name))


def _lower_histosys(walk: _Lowering, entry: HistoSysEntry) -> HistoSys:
    name, data = entry.name, entry.data
    code = walk.codes.code("histosys", name)
    return HistoSys(name, (name,), data.lo_data, data.hi_data, code)


def _lower_shapefactor(walk: _Lowering, entry: ShapeFactorEntry) -> ShapeFactor:
    return ShapeFactor(entry.name, component_names(entry.name, walk.n_bins))


def _lower_shapesys(walk: _Lowering, entry: ShapeSysEntry) -> ShapeSys:
    return ShapeSys(entry.name, component_names(entry.name, walk.n_bins), entry.data)


def _lower_staterror(walk: _Lowering, entry: StatErrorEntry) -> StatError:
    start = walk.starts[entry.name, walk.here[0]]
    return StatError(entry.name, component_names(entry.name, walk.n_bins, start), entry.data)


def _lower_plugin(walk: _Lowering, entry: Any) -> PluginModifier | None:
    kind, name, lowered = entry.__struct_config__.tag, entry.name, walk.lowered
    place = at_modifier(*walk.here, name, kind)
    try:
        parameters = walk.types[kind].parameters(name, entry.data, walk.n_bins)
    except InputError as error:
        message = str(error).partition("\n\nHint: ")[0]
        lowered.problems.append(Problem(place, message, error.hint))
        lowered.unreadable.add(name)
        return None
    except Exception as error:
        raise PluginError(
            f"{place}: the plugin that defines {kind!r} failed in parameters(): "
            f"{type(error).__name__}: {error}\n\n"
            "Hint: the data may be wrong, and the plugin does not say so; tell its authors"
        ) from error
    if lowered.supplied.setdefault(name, parameters) != parameters:
        message = "brings other parameters than the modifier of the same name before it"
        lowered.problems.append(Problem(place, message, "use another name"))
    names = tuple(parameter.name for parameter in parameters)
    return PluginModifier(name, kind, names, frozen_json(entry.data))


_LOWER: Mapping[type[Any], Callable[[_Lowering, Any], Modifier]] = {
    HistoSysEntry: _lower_histosys,
    LumiEntry: _lower_lumi,
    NormFactorEntry: _lower_normfactor,
    NormSysEntry: _lower_normsys,
    ShapeFactorEntry: _lower_shapefactor,
    ShapeSysEntry: _lower_shapesys,
    StatErrorEntry: _lower_staterror,
}


def _staterror_uses(entries: Sequence[ChannelEntry[Any]]) -> set[tuple[str, str, int]]:
    return {
        (modifier.name, channel.name, len(channel.samples[0].data))
        for channel in entries
        for sample in channel.samples
        for modifier in sample.modifiers
        if type(modifier) is StatErrorEntry
    }


def _interpolated(entries: Sequence[ChannelEntry[Any]]) -> Iterator[tuple[str, str]]:
    for channel in entries:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                if type(modifier) in (NormSysEntry, HistoSysEntry):
                    yield modifier.__struct_config__.tag, modifier.name
