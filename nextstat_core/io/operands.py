"""Decoded workspaces on which operations can rely: copied, with the structure of the schema."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from nextstat_core.errors import FormatError, ModelError, Problem
from nextstat_core.io.decode import describe, plain
from nextstat_core.io.document import BUILT_IN_KINDS, workspace_type
from nextstat_core.io.schema import explain
from nextstat_core.ir.place import at_channel, at_modifier, at_sample

__all__ = ["Document", "each_modifier", "operand", "refuse_repeated_names"]

#: A decoded workspace, and any object in it.
Document: TypeAlias = dict[str, Any]


def operand(document: Mapping[str, Any]) -> Document:
    """A copy of a decoded workspace that follows the schema.

    Operations look at names, never at numbers, so modifiers may be of any type here: those of
    plugins pass, installed or not.

    Raises
    ------
    FormatError
        If `document` is no mapping, or holds what JSON cannot hold.
    ModelError
        If it does not follow the schema; lists all deviations.
    """
    if not isinstance(document, Mapping):
        raise FormatError(f"a workspace is a JSON object; found {describe(document)}")
    copied: Document = plain(document)
    if not _is_plain_pyhf(copied):
        kinds: dict[str, Any] = dict.fromkeys(_foreign_kinds(copied))
        found = explain(copied, kinds)
        if found.problems:
            raise ModelError(found.problems)
    return copied


def each_modifier(document: Document) -> Iterator[tuple[Document, Document, Document]]:
    """Channel, sample and modifier of every modifier, in the order of the document."""
    for channel in document["channels"]:
        for sample in channel["samples"]:
            for modifier in sample["modifiers"]:
                yield channel, sample, modifier


def refuse_repeated_names(document: Document) -> None:
    """Refuse a workspace in which a name does not say which one is meant.

    Raises
    ------
    ModelError
        If channels, samples of a channel, modifiers of one type on a sample, observations,
        measurements or settings of a parameter share a name; lists all of them.
    """
    problems = [
        Problem(place, f"{count} {what} have this name; expected one")
        for place, what, count in _repeated(document)
    ]
    if problems:
        raise ModelError(problems)


def _is_plain_pyhf(document: Document) -> bool:
    """Whether the schema allows the document with no other modifiers than HistFactory's."""
    try:
        workspace = msgspec.convert(document, workspace_type(frozenset()))
    except msgspec.ValidationError:
        return False
    return bool(workspace.channels and workspace.observations and workspace.measurements)


def _foreign_kinds(document: Document) -> set[str]:
    """Types of modifiers that HistFactory does not have, wherever the document is in order."""
    return {
        modifier["type"]
        for channel in _objects(document.get("channels"))
        for sample in _objects(channel.get("samples"))
        for modifier in _objects(sample.get("modifiers"))
        if isinstance(modifier.get("type"), str)
    } - {*BUILT_IN_KINDS}


def _objects(entries: Any) -> Iterator[Document]:
    if isinstance(entries, list):
        yield from (entry for entry in entries if isinstance(entry, dict))


def _repeated(document: Document) -> Iterator[tuple[str, str, int]]:
    for name, count in _counts(document["channels"]):
        yield at_channel(name), "channels", count
    for channel in document["channels"]:
        for name, count in _counts(channel["samples"]):
            yield at_sample(channel["name"], name), "samples", count
        for sample in channel["samples"]:
            keys = Counter((entry["name"], entry["type"]) for entry in sample["modifiers"])
            for (name, kind), count in keys.items():
                if count > 1:
                    place = at_modifier(channel["name"], sample["name"], name, kind)
                    yield place, "modifiers", count
    for name, count in _counts(document["observations"]):
        yield at_channel(name), "observations", count
    for name, count in _counts(document["measurements"]):
        yield f"measurement {name!r}", "measurements", count
    for measurement in document["measurements"]:
        for name, count in _counts(measurement["config"]["parameters"]):
            yield f"measurement {measurement['name']!r}, parameter {name!r}", "settings", count


def _counts(entries: Iterable[Document]) -> list[tuple[str, int]]:
    counts = Counter(entry["name"] for entry in entries)
    return [(name, count) for name, count in counts.items() if count > 1]
