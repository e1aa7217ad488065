"""The same workspace with parts removed, renamed or sorted."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from nextstat_core.errors import InputError, ModelError, Problem, closest
from nextstat_core.io.operands import Document, each_modifier, operand, refuse_repeated_names
from nextstat_core.ir.place import at_channel, at_modifier

__all__ = ["workspace_prune", "workspace_rename", "workspace_sorted"]

_COMPONENT = re.compile(r"(?P<group>.*)(?P<index>\[\d+\])", re.DOTALL)


def workspace_prune(
    document: Mapping[str, Any],
    *,
    modifiers: Collection[str] = (),
    modifier_types: Collection[str] = (),
    samples: Collection[str] = (),
    channels: Collection[str] = (),
    measurements: Collection[str] = (),
) -> Document:
    """Remove parts of a decoded workspace by their names; the result shares nothing with it.

    Parameters
    ----------
    document : mapping
        Decoded workspace.
    modifiers : collection of str
        Names of modifiers; their settings in all measurements go with them.
    modifier_types : collection of str
        Types of modifiers, ``"staterror"`` for example. Settings stay: another modifier may have
        the name.
    samples : collection of str
        Names of samples, in all channels.
    channels : collection of str
        Names of channels; their observations go with them.
    measurements : collection of str
        Names of measurements.

    Returns
    -------
    dict
        The workspace without them. A parameter of interest that no sample has any more stays
        declared, as in the background-only workspaces that are published: load such a workspace
        with ``poi=None``.

    Raises
    ------
    ModelError
        If the workspace does not follow the schema.
    InputError
        If a name does not exist, or nothing would be left of the workspace or of a channel.
    """
    workspace = operand(document)
    for what, names, known in (
        ("modifiers", modifiers, _modifier_names(workspace)),
        ("modifier_types", modifier_types, {m["type"] for *_, m in each_modifier(workspace)}),
        ("samples", samples, _sample_names(workspace)),
        ("channels", channels, _channel_names(workspace)),
        ("measurements", measurements, _names(workspace["measurements"])),
    ):
        _refuse_unknown(what, names, known)
    workspace["channels"] = _without(workspace["channels"], channels)
    workspace["observations"] = _without(workspace["observations"], channels)
    workspace["measurements"] = _without(workspace["measurements"], measurements)
    for channel in workspace["channels"]:
        channel["samples"] = _without(channel["samples"], samples)
        for sample in channel["samples"]:
            kept = _without(sample["modifiers"], modifiers)
            sample["modifiers"] = [entry for entry in kept if entry["type"] not in modifier_types]
    others = _used_names(workspace)
    for measurement in workspace["measurements"]:
        config = measurement["config"]
        config["parameters"] = [
            entry
            for entry in _without(config["parameters"], modifiers)
            if _group_of(entry["name"], others) not in modifiers
        ]
    _refuse_emptied(workspace)
    return workspace


def workspace_rename(
    document: Mapping[str, Any],
    *,
    modifiers: Mapping[str, str] | None = None,
    samples: Mapping[str, str] | None = None,
    channels: Mapping[str, str] | None = None,
    measurements: Mapping[str, str] | None = None,
) -> Document:
    """Rename parts of a decoded workspace; the result shares nothing with it.

    All names change at once, so two names can be swapped. Two modifiers that get one name become
    one parameter, and are correlated from then on.

    Parameters
    ----------
    document : mapping
        Decoded workspace.
    modifiers, samples, channels, measurements : mapping of str to str, optional
        New names by old ones. Modifiers are renamed on all samples, in the settings of all
        measurements and as parameter of interest; channels with their observations.

    Returns
    -------
    dict
        The workspace with the new names, in the same order.

    Raises
    ------
    ModelError
        If the workspace does not follow the schema, or two channels, samples of a channel,
        measurements, settings of a parameter or modifiers of one type on a sample would share a
        name. Settings that are equal are taken once.
    InputError
        If an old name does not exist, a new one is no string, or a ``lumi`` would get another name.
    """
    workspace = operand(document)
    modifiers, samples = modifiers or {}, samples or {}
    channels, measurements = channels or {}, measurements or {}
    for what, names, known in (
        ("modifiers", modifiers, _modifier_names(workspace) | _pois(workspace)),
        ("samples", samples, _sample_names(workspace)),
        ("channels", channels, _channel_names(workspace)),
        ("measurements", measurements, _names(workspace["measurements"])),
    ):
        _check_new_names(what, names)
        _refuse_unknown(what, names, known)
    _refuse_renamed_lumi(workspace, modifiers)
    old_names = _used_names(workspace)
    for channel in workspace["channels"]:
        _rename(channel, channels)
        for sample in channel["samples"]:
            _rename(sample, samples)
            for modifier in sample["modifiers"]:
                _rename(modifier, modifiers)
    for observation in workspace["observations"]:
        _rename(observation, channels)
    for measurement in workspace["measurements"]:
        _rename(measurement, measurements)
        config = measurement["config"]
        config["poi"] = modifiers.get(config["poi"], config["poi"])
        for entry in config["parameters"]:
            entry["name"] = _renamed_setting(entry["name"], modifiers, old_names)
        config["parameters"] = _once(config["parameters"])
    refuse_repeated_names(workspace)
    return workspace


def workspace_sorted(document: Mapping[str, Any]) -> Document:
    """Sort a decoded workspace by names; the result shares nothing with it.

    Channels, samples, observations, measurements and settings are sorted by name, modifiers by
    name and type. The order of samples and modifiers decides the order of parameters, nothing else.

    Raises
    ------
    ModelError
        If the workspace does not follow the schema.
    """
    workspace = operand(document)
    for section in ("channels", "observations", "measurements"):
        workspace[section].sort(key=_name)
    for channel in workspace["channels"]:
        channel["samples"].sort(key=_name)
        for sample in channel["samples"]:
            sample["modifiers"].sort(key=lambda entry: (entry["name"], entry["type"]))
    for measurement in workspace["measurements"]:
        measurement["config"]["parameters"].sort(key=_name)
    return workspace


def _name(entry: Document) -> str:
    return str(entry["name"])


def _names(entries: Iterable[Document]) -> set[str]:
    return {entry["name"] for entry in entries}


def _channel_names(workspace: Document) -> set[str]:
    return _names(workspace["channels"]) | _names(workspace["observations"])


def _sample_names(workspace: Document) -> set[str]:
    return {name for channel in workspace["channels"] for name in _names(channel["samples"])}


def _modifier_names(workspace: Document) -> set[str]:
    """Names of modifiers, and those for which a measurement has settings."""
    settings = (
        name
        for measurement in workspace["measurements"]
        for name in _names(measurement["config"]["parameters"])
    )
    return _used_names(workspace) | {*settings}


def _used_names(workspace: Document) -> set[str]:
    return {modifier["name"] for _, _, modifier in each_modifier(workspace)}


def _pois(workspace: Document) -> set[str]:
    return {measurement["config"]["poi"] for measurement in workspace["measurements"]}


def _refuse_unknown(what: str, names: Collection[str], known: Collection[str]) -> None:
    if isinstance(names, str):
        raise InputError(f"`{what}` is the string {names!r}; expected a list of names")
    unknown = [name for name in names if name not in known]
    if unknown:
        hints = [closest(str(name), known) for name in unknown]
        listed = ", ".join(map(repr, unknown))
        raise InputError(
            f"`{what}`: the workspace does not have {listed}",
            hint="; ".join(dict.fromkeys(filter(None, hints))),
        )


def _check_new_names(what: str, names: Mapping[str, str]) -> None:
    if not isinstance(names, Mapping):
        raise InputError(f"`{what}` is {names!r}; expected new names by old ones")
    for old, new in names.items():
        if not isinstance(new, str):
            raise InputError(f"`{what}`: the new name of {old!r} is {new!r}; expected a string")


def _without(entries: list[Document], names: Collection[str]) -> list[Document]:
    return [entry for entry in entries if entry["name"] not in names]


def _group_of(name: str, modifiers: Collection[str]) -> str | None:
    """The modifier of whose bin ``group[i]`` the settings called `name` are; None for others."""
    match = _COMPONENT.fullmatch(name)
    return match["group"] if match is not None and name not in modifiers else None


def _renamed_setting(name: str, new: Mapping[str, str], modifiers: Collection[str]) -> str:
    """New name of settings: of those for a whole modifier, or for one bin of it."""
    group = _group_of(name, modifiers)
    if name in new or group is None or group not in new:
        return new.get(name, name)
    return new[group] + name[len(group) :]


def _rename(entry: Document, names: Mapping[str, str]) -> None:
    entry["name"] = names.get(entry["name"], entry["name"])


def _once(entries: list[Document]) -> list[Document]:
    """Entries without those that repeat an earlier one in every respect."""
    kept: list[Document] = []
    seen: dict[str, list[Document]] = {}
    for entry in entries:
        same = seen.setdefault(entry["name"], [])
        if entry not in same:
            same.append(entry)
            kept.append(entry)
    return kept


def _refuse_renamed_lumi(workspace: Document, names: Mapping[str, str]) -> None:
    problems = [
        Problem(
            at_modifier(channel["name"], sample["name"], modifier["name"], "lumi"),
            f"cannot be called {names[modifier['name']]!r}; a lumi has this name by the schema",
            "for an independent luminosity use a normsys",
        )
        for channel, sample, modifier in each_modifier(workspace)
        if modifier["type"] == "lumi" and names.get("lumi", "lumi") != "lumi"
    ]
    if problems:
        raise ModelError(problems[:1])


def _refuse_emptied(workspace: Document) -> None:
    emptied = [
        f"no {section} would be left"
        for section in ("channels", "observations", "measurements")
        if not workspace[section]
    ]
    emptied += [
        f"{at_channel(channel['name'])} would have no samples left; prune the channel too"
        for channel in workspace["channels"]
        if not channel["samples"]
    ]
    if emptied:
        raise InputError("; ".join(emptied))
