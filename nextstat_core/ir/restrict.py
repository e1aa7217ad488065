"""A model with some of its channels only: fit regions without validation regions."""

from __future__ import annotations

from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nextstat_core.ir.nodes import Channel, Model, Parameter, ParameterSettings

__all__ = ["with_channels"]

_LISTS = ("inits", "bounds", "auxdata", "sigmas", "factors")


def with_channels(model: Model, names: Iterable[str]) -> Model:
    """Leave out all channels but `names`, and the parameters that act in none of these.

    Parameters that stay keep their name, start, bounds and constraint.

    Parameters
    ----------
    names : iterable of str
        Channels to keep, at least one; their order has no meaning.

    Raises
    ------
    InputError
        If a channel does not exist, or none is named.
    """
    wanted = {names} if isinstance(names, str) else set(names)
    known = [channel.name for channel in model.channels]
    for name in sorted(wanted - set(known)):
        raise InputError.unknown("channel", name, known)
    if not wanted:
        raise InputError("`channels` is empty; expected at least one name of a channel")
    channels = tuple(channel for channel in model.channels if channel.name in wanted)
    used = dict.fromkeys(_parameters_of(channels))
    parameters = _by_first_appearance(model, used)
    if not parameters:
        raise InputError(
            f"no parameter acts in the channels {', '.join(map(repr, sorted(wanted)))}; "
            "expected at least one",
            hint="keep a channel with modifiers",
        )
    poi, warnings = model.poi, model.warnings
    if poi is not None and model.parameters[0].name not in used:
        message = "acts in none of the channels that were kept; the model goes on without it"
        poi, warnings = None, (*warnings, Problem(f"parameter of interest {poi!r}", message))
    return replace(
        model,
        channels=channels,
        parameters=parameters,
        poi=poi,
        settings=tuple(_kept_settings(model, {entry.name for entry in parameters})),
        warnings=warnings,
    )


def _parameters_of(channels: Sequence[Channel]) -> Iterator[str]:
    for channel in channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                yield from modifier.parameters


def _by_first_appearance(model: Model, used: dict[str, None]) -> tuple[Parameter, ...]:
    """Kept parameters in the order that a document without the other channels would have."""
    by_name = {entry.name: entry for entry in model.parameters}
    groups = dict.fromkeys(by_name[name].group for name in used)
    members: dict[str, list[Parameter]] = {group: [] for group in groups}
    for entry in model.parameters:
        if entry.name in used:
            members[entry.group].append(entry)
    first = model.parameters[0].group if model.poi is not None else None
    order = sorted(groups, key=lambda group: group != first)
    return tuple(entry for group in order for entry in members[group])


def _kept_settings(model: Model, kept: set[str]) -> Iterator[ParameterSettings]:
    """Settings of groups that stay, cut to their components that stay, and of such components."""
    components: dict[str, list[bool]] = {}
    for entry in model.parameters:
        components.setdefault(entry.group, []).append(entry.name in kept)
    for settings in model.settings:
        if settings.name in kept and settings.name not in components:
            yield settings
            continue
        mask = components.get(settings.name, [])
        if any(mask):
            cut: dict[str, Any] = {
                key: tuple(compress(values, mask))
                for key in _LISTS
                if (values := getattr(settings, key)) is not None
            }
            yield replace(settings, **cut)
