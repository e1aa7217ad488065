"""Workspaces in pyhf's JSON format."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from nextstat_core.errors import FormatError, InputError, PluginError, Problem, closest
from nextstat_core.io.bulk import without_collector
from nextstat_core.io.decode import decode, describe
from nextstat_core.io.document import BUILT_IN_KINDS
from nextstat_core.io.interpolation import InterpolationChoice, choose_interpolations
from nextstat_core.io.lower import Lowered, lower_channels
from nextstat_core.io.measurement import Measurement, choose_measurement
from nextstat_core.io.reading import DECLARED, DeclaredPoi, Reading
from nextstat_core.io.structure import Structure, read_structure
from nextstat_core.ir import Channel, Model, ModifierType
from nextstat_core.ir.check import check_channels
from nextstat_core.ir.derive import derive_parameters
from nextstat_core.ir.place import at_channel

__all__ = ["read_pyhf", "try_pyhf"]


_HINT_FOR_PATCH = (
    "this looks like a JSON patch; apply it to its workspace (on the command line: --patch FILE)"
)
_NO_TYPES: Mapping[str, ModifierType] = MappingProxyType({})


def read_pyhf(
    source: Any,
    *,
    measurement: str | None = None,
    poi: str | DeclaredPoi | None = DECLARED,
    interpolation: InterpolationChoice = None,
    modifier_types: Mapping[str, ModifierType] | None = None,
) -> Model:
    """Read a workspace.

    Parameters
    ----------
    source : str, bytes or mapping
        JSON text, or the decoded workspace (a `pyhf.Workspace` is one).
    measurement : str, optional
        Name of the measurement; the first one if left out.
    poi : str or None, optional
        Name of the modifier that is the parameter of interest, or None for a model without one.
        Left out, the measurement declares it; an empty declaration means none.
    interpolation : str or mapping, optional
        ``"pyhf"`` or ``"root"``: code 4 for normsys and 4p for histosys, the default. Or codes by
        kind and by modifier: ``{"normsys": "code1", "histosys/jes": "code0"}``.
    modifier_types : mapping of str to ModifierType, optional
        Kinds of modifiers that plugins define, by the ``type`` in the workspace.

    Returns
    -------
    Model
        With `warnings` for what is odd but no reason to refuse.

    Raises
    ------
    FormatError
        If `source` is no JSON, holds NaN or infinite numbers, or repeats a key.
    ModelError
        If the workspace describes no usable model; lists all problems at once.
    InputError
        If `interpolation` names an unknown code or modifier, or `poi` is no name.
    """
    with without_collector():
        return try_pyhf(
            decode(source).usable(),
            measurement=measurement,
            poi=poi,
            interpolation=interpolation,
            modifier_types=modifier_types,
        ).usable()


def try_pyhf(
    document: Any,
    *,
    measurement: str | None = None,
    poi: str | DeclaredPoi | None = DECLARED,
    interpolation: InterpolationChoice = None,
    modifier_types: Mapping[str, ModifierType] | None = None,
) -> Reading:
    """Read a decoded workspace; problems of its content are returned, not raised.

    The arguments are those of `read_pyhf`.
    """
    if not isinstance(document, Mapping):
        message = f"a workspace is a JSON object; found {describe(document)}"
        raise FormatError(message, hint=_HINT_FOR_PATCH if _is_patch(document) else "")
    if not (poi is DECLARED or poi is None or isinstance(poi, str)):
        raise InputError(f"`poi` is {poi!r}; expected the name of a modifier, or None")
    types = _NO_TYPES if modifier_types is None else modifier_types
    _refuse_redefinitions(types)
    codes = choose_interpolations(interpolation)
    structure = read_structure(document, types)
    observed, reading = _read_observations(structure)
    lowered = lower_channels(structure.workspace.channels, observed, codes, types)
    chosen = choose_measurement(structure, measurement)
    reading.problems += [*lowered.problems, *check_channels(lowered.channels), *chosen.problems]
    reading.warnings += chosen.warnings
    name = chosen.poi if poi is DECLARED else poi
    if not structure.incomplete & {"channels", "measurements"} and chosen.name is not None:
        _derive(reading, lowered, chosen, name or None, structure.unreadable | lowered.unreadable)
    return reading


def _is_patch(document: Any) -> bool:
    return isinstance(document, list) and all(
        isinstance(entry, Mapping) and "op" in entry for entry in document
    )


def _derive(
    reading: Reading,
    lowered: Lowered,
    chosen: Measurement,
    poi: str | None,
    unreadable: AbstractSet[str],
) -> None:
    """Add the parameters; what could not be read must not give problems a second time."""
    channels = lowered.channels
    settings = chosen.settings
    if unreadable:
        channels = _without(channels, unreadable)
        settings = tuple(entry for entry in settings if entry.name not in unreadable)
        poi = None if poi in unreadable else poi
        if not any(sample.modifiers for channel in channels for sample in channel.samples):
            return
    derived = derive_parameters(channels, settings, poi, lowered.supplied)
    reading.problems += derived.problems
    reading.warnings += derived.warnings
    if not reading.problems:
        reading.model = Model(
            channels=channels,
            parameters=derived.parameters,
            poi=derived.parameters[0].name if poi is not None else None,
            measurement=chosen.name or "",
            settings=settings,
            warnings=tuple(reading.warnings),
        )


def _without(channels: Sequence[Channel], names: AbstractSet[str]) -> tuple[Channel, ...]:
    return tuple(
        replace(
            channel,
            samples=tuple(
                replace(
                    sample,
                    modifiers=tuple(entry for entry in sample.modifiers if entry.name not in names),
                )
                for sample in channel.samples
            ),
        )
        for channel in channels
    )


def _read_observations(structure: Structure) -> tuple[dict[str, tuple[float, ...]], Reading]:
    """Collect counts by channel, and what is wrong or odd about their channels."""
    workspace = structure.workspace
    reading = Reading(problems=list(structure.problems))
    observed = {entry.name: entry.data for entry in workspace.observations}
    channels = {channel.name: len(channel.samples[0].data) for channel in workspace.channels}
    for name, count in Counter(entry.name for entry in workspace.observations).items():
        if count > 1:
            message = f"{count} observations for this channel; expected one"
            reading.problems.append(Problem(at_channel(name), message))
    if "channels" not in structure.incomplete:
        reading.warnings += [
            Problem(
                at_channel(name),
                "has observations, but the workspace has no such channel; they are ignored",
                closest(name, channels),
            )
            for name in observed
            if name not in channels
        ]
    if "observations" in structure.incomplete:  # already reported; zeros are in nobody's way
        observed = {name: (0.0,) * count for name, count in channels.items()} | observed
    return observed, reading


def _refuse_redefinitions(types: Mapping[str, ModifierType]) -> None:
    for kind in types:
        if kind in BUILT_IN_KINDS:
            raise PluginError(f"a plugin redefines the built-in modifier type {kind!r}")
