"""The numbers of a model that a network or a scan may move: yields, templates, variances, data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import Literal, TypeAlias

from nextstat_core.errors import InputError, ModelError
from nextstat_core.ir.check import check_channels
from nextstat_core.ir.derive import derive_parameters
from nextstat_core.ir.modifiers import HistoSys, Modifier, ShapeSys, StatError
from nextstat_core.ir.nodes import Channel, Model, Parameter, Sample
from nextstat_core.typing import ArrayLike

__all__ = ["InputKey", "ModelInput", "model_input", "with_inputs"]

#: ``(channel, sample)`` nominal yields, ``(channel, sample, modifier, "hi")`` and ``"lo"``
#: templates of a histosys, ``(channel, sample, "stat")`` squared uncertainties of the staterror,
#: ``(channel, sample, modifier, "variance")`` those of a shapesys or staterror, ``(channel,)``
#: observed counts.
InputKey: TypeAlias = tuple[str, ...]
_FORMS = (
    "(channel, sample), (channel, sample, modifier, 'hi' or 'lo' or 'variance'), "
    "(channel, sample, 'stat') or (channel,)"
)


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One array of numbers that describe a model, one entry per bin of its channel.

    Attributes
    ----------
    sample, modifier : str
        Empty where the input has none.
    kind : {"nominal", "hi", "lo", "variance", "data"}
    values : tuple of float
        Expected or observed counts; squared for ``variance``.
    """

    key: InputKey
    channel: str
    sample: str
    modifier: str
    kind: Literal["nominal", "hi", "lo", "variance", "data"]
    values: tuple[float, ...]


def model_input(model: Model, key: InputKey) -> ModelInput:
    """Find what `key` names.

    Raises
    ------
    InputError
        If it names nothing of the model.
    """
    if not (isinstance(key, tuple) and all(isinstance(part, str) for part in key)):
        raise InputError(f"{key!r} is no key of an input; expected a tuple: {_FORMS}")
    match key:
        case (channel,):
            return ModelInput(key, channel, "", "", "data", _channel(model, channel).observed)
        case (channel, sample):
            nominal = _sample(model, channel, sample).nominal
            return ModelInput(key, channel, sample, "", "nominal", nominal)
        case (channel, sample, "stat"):
            modifier = _staterror(_sample(model, channel, sample), key)
            squares = tuple(u * u for u in modifier.uncertainties)
            return ModelInput(key, channel, sample, modifier.name, "variance", squares)
        case (channel, sample, name, "hi" | "lo" | "variance" as kind):
            values = _values(_sample(model, channel, sample), name, kind)
            return ModelInput(key, channel, sample, name, kind, values)
    raise InputError(f"{key!r} is no key of an input; expected {_FORMS}")


def with_inputs(model: Model, inputs: Mapping[InputKey, ArrayLike]) -> Model:
    """Write the model again with other numbers; all else stays, or follows as it does on reading.

    Parameters
    ----------
    inputs : mapping of InputKey to array-like, shape (bins of the channel,)
        See `InputKey`. Squared uncertainties must not be negative.

    Raises
    ------
    InputError
        If a key names nothing, or values have the wrong length or are not finite.
    ModelError
        If the new numbers make the model unusable, for example a bin with events and no prediction.
    """
    channels = {channel.name: channel for channel in model.channels}
    for key, given in inputs.items():
        entry = model_input(model, key)
        values = _checked(entry, given)
        channels[entry.channel] = _changed(channels[entry.channel], entry, values)
    changed = tuple(channels[channel.name] for channel in model.channels)
    problems = check_channels(changed)
    if problems:
        raise ModelError(problems)
    poi = model.parameters[0].group if model.poi is not None else None
    supplied: dict[str, tuple[Parameter, ...]] = {}
    for parameter in model.parameters:
        supplied[parameter.group] = (*supplied.get(parameter.group, ()), parameter)
    derived = derive_parameters(changed, model.settings, poi, supplied)
    if derived.problems:
        raise ModelError(derived.problems)
    return replace(model, channels=changed, parameters=derived.parameters)


def _channel(model: Model, name: str) -> Channel:
    for channel in model.channels:
        if channel.name == name:
            return channel
    raise InputError.unknown("channel", name, [channel.name for channel in model.channels])


def _sample(model: Model, channel: str, name: str) -> Sample:
    samples = _channel(model, channel).samples
    for sample in samples:
        if sample.name == name:
            return sample
    raise InputError.unknown(f"sample of channel {channel!r}", name, [s.name for s in samples])


def _staterror(sample: Sample, key: InputKey) -> StatError:
    for modifier in sample.modifiers:
        if isinstance(modifier, StatError):
            return modifier
    raise InputError(f"{key!r}: the sample {sample.name!r} has no staterror")


def _values(sample: Sample, name: str, kind: str) -> tuple[float, ...]:
    named = [modifier for modifier in sample.modifiers if modifier.name == name]
    for modifier in named:
        if isinstance(modifier, HistoSys) and kind != "variance":
            return modifier.hi if kind == "hi" else modifier.lo
        if isinstance(modifier, ShapeSys | StatError) and kind == "variance":
            return tuple(u * u for u in modifier.uncertainties)
    if named:
        wanted = "shapesys or staterror" if kind == "variance" else "histosys"
        found = ", ".join(modifier.kind for modifier in named)
        raise InputError(f"{kind!r} of {name!r} needs a {wanted}; found {found}")
    known = [modifier.name for modifier in sample.modifiers]
    raise InputError.unknown(f"modifier of sample {sample.name!r}", name, known)


def _checked(entry: ModelInput, given: ArrayLike) -> tuple[float, ...]:
    try:
        values = tuple(float(value) for value in given)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{entry.key!r} cannot be read as a list of numbers: {error}") from error
    if len(values) != len(entry.values):
        raise InputError.length(repr(entry.key), expected=len(entry.values), found=len(values))
    least = 0.0 if entry.kind in ("variance", "data") else float("-inf")
    for index, value in enumerate(values):
        if not (isfinite(value) and value >= least):
            what = "a finite number" if least < 0.0 else "a finite number of 0 or more"
            raise InputError(f"{entry.key!r}, bin {index}: found {value}; expected {what}")
    return values


def _changed(channel: Channel, entry: ModelInput, values: tuple[float, ...]) -> Channel:
    if entry.kind == "data":
        return replace(channel, observed=values)
    samples = tuple(
        _changed_sample(sample, entry, values) if sample.name == entry.sample else sample
        for sample in channel.samples
    )
    return replace(channel, samples=samples)


def _changed_sample(sample: Sample, entry: ModelInput, values: tuple[float, ...]) -> Sample:
    if entry.kind == "nominal":
        return replace(sample, nominal=values)
    modifiers = tuple(_changed_modifier(each, entry, values) for each in sample.modifiers)
    return replace(sample, modifiers=modifiers)


def _changed_modifier(modifier: Modifier, entry: ModelInput, values: Sequence[float]) -> Modifier:
    if modifier.name != entry.modifier:
        return modifier
    if isinstance(modifier, HistoSys) and entry.kind == "hi":
        return replace(modifier, hi=tuple(values))
    if isinstance(modifier, HistoSys) and entry.kind == "lo":
        return replace(modifier, lo=tuple(values))
    if isinstance(modifier, ShapeSys | StatError) and entry.kind == "variance":
        return replace(modifier, uncertainties=tuple(map(sqrt, values)))
    return modifier
