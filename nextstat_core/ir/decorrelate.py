"""One parameter becomes several: a modifier gets another name in some channels."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nextstat_core.errors import InputError, ModelError
from nextstat_core.ir.derive import derive_parameters
from nextstat_core.ir.modifiers import HistoSys, Modifier, NormFactor, NormSys, ShapeFactor
from nextstat_core.ir.names import component_names
from nextstat_core.ir.nodes import Channel, Model, Parameter, Sample

__all__ = ["channels_of", "decorrelate"]

#: Modifiers whose parameters do not depend on what else is in the channel.
_MOVABLE = NormFactor | NormSys | HistoSys | ShapeFactor


def channels_of(model: Model, modifier: str) -> tuple[str, ...]:
    """Names of the channels in which a modifier acts, as written.

    Raises
    ------
    InputError
        If it acts in none.
    """
    found = tuple(
        channel.name
        for channel in model.channels
        if any(entry.name == modifier for sample in channel.samples for entry in sample.modifiers)
    )
    if not found:
        groups = list(dict.fromkeys(parameter.group for parameter in model.parameters))
        raise InputError.unknown("modifier", modifier, groups)
    return found


def decorrelate(model: Model, modifier: str, groups: Mapping[str, Iterable[str]]) -> Model:
    """Give a modifier a parameter of its own in each group of channels.

    Parameters
    ----------
    modifier : str
        Name of a normfactor, normsys, histosys or shapefactor, for example the parameter of
        interest.
    groups : mapping of str to iterable of str
        New name to the channels in which it replaces the old one; the measurement's settings are
        copied. Channels in no group keep the old name.

    Returns
    -------
    Model
        Its parameter of interest is that of `model`; none if all its channels got a new name.

    Raises
    ------
    InputError
        If the modifier or a channel does not exist, a channel is in two groups, a new name is in
        use, or the modifier is of another kind.
    ModelError
        If the new model is unusable.
    """
    new_name = _assigned(model, modifier, groups)
    channels = tuple(
        _renamed(channel, modifier, new_name[channel.name]) if channel.name in new_name else channel
        for channel in model.channels
    )
    settings = list(model.settings)
    members = [entry.name for entry in model.parameters if entry.group == modifier]
    for entry in model.settings:
        for name in dict.fromkeys(new_name.values()):
            if entry.name == modifier:
                settings.append(replace(entry, name=name))
            elif entry.name in members:
                own = component_names(name, len(members))[members.index(entry.name)]
                settings.append(replace(entry, name=own))
    poi = model.parameters[0].group if model.poi is not None else None
    if set(channels_of(model, modifier)) <= new_name.keys():
        settings = [entry for entry in settings if entry.name not in {modifier, *members}]
        poi = None if poi == modifier else poi
    supplied: dict[str, tuple[Parameter, ...]] = {}
    for parameter in model.parameters:
        supplied[parameter.group] = (*supplied.get(parameter.group, ()), parameter)
    derived = derive_parameters(channels, settings, poi, supplied)
    if derived.problems:
        raise ModelError(derived.problems)
    return replace(
        model,
        channels=channels,
        parameters=derived.parameters,
        settings=tuple(settings),
        poi=None if poi is None else model.poi,
    )


def _assigned(model: Model, modifier: str, groups: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """New name of the modifier by channel."""
    acting = channels_of(model, modifier)
    used = {entry.group for entry in model.parameters}
    new_name: dict[str, str] = {}
    for name, channels in groups.items():
        if name in used:
            raise InputError(f"the name {name!r} is in use; expected a new one for {modifier!r}")
        listed = [channels] if isinstance(channels, str) else list(channels)
        if not listed:
            raise InputError(f"group {name!r} has no channels")
        for channel in listed:
            if channel not in acting:
                raise InputError.unknown(f"channel with {modifier!r}", channel, acting)
            if channel in new_name:
                raise InputError(
                    f"channel {channel!r} is in the groups {new_name[channel]!r} and {name!r}"
                )
            new_name[channel] = name
    return new_name


def _renamed(channel: Channel, old: str, new: str) -> Channel:
    samples = []
    for sample in channel.samples:
        modifiers = tuple(
            _with_name(entry, new, channel, sample) if entry.name == old else entry
            for entry in sample.modifiers
        )
        samples.append(replace(sample, modifiers=modifiers))
    return replace(channel, samples=tuple(samples))


def _with_name(modifier: Modifier, name: str, channel: Channel, sample: Sample) -> Modifier:
    if isinstance(modifier, ShapeFactor):
        return replace(modifier, name=name, parameters=component_names(name, channel.n_bins))
    if isinstance(modifier, _MOVABLE):
        return replace(modifier, name=name, parameters=(name,))
    raise InputError(
        f"channel {channel.name!r}, sample {sample.name!r}, modifier {modifier.name!r} is a "
        f"{modifier.kind}; expected a normfactor, normsys, histosys or shapefactor",
        hint="parameters of single bins are not shared by channels, and there is one luminosity",
    )
