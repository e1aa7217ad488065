"""From text or mappings to a `Description`, with everything that is wrong said at once."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from nextstat_core.errors import FormatError, ModelError, Problem, closest
from nextstat_core.io import read_text
from nextstat_histograms.consistency import contradictions
from nextstat_histograms.description import (
    Description,
    General,
    NormFactor,
    Region,
    Sample,
    Smoothing,
    Systematic,
    Variation,
)
from nextstat_histograms.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["read_description"]

_EntryT = TypeVar("_EntryT")
_LISTS: Mapping[str, tuple[str, type[Any]]] = {
    "Regions": ("region", Region),
    "Samples": ("sample", Sample),
    "NormFactors": ("normalisation factor", NormFactor),
    "Systematics": ("systematic", Systematic),
}
_SECTIONS = ("General", *_LISTS)
_OPTIONAL = ("NormFactors", "Systematics")


def read_description(source: Any) -> Description:
    """Read and check a description.

    Parameters
    ----------
    source : path, mapping or Description
        A YAML or JSON file, or its content. Files of cabinetry are read.

    Raises
    ------
    InputError
        If the file cannot be read.
    FormatError
        If the file is no YAML.
    ModelError
        If it describes no usable set of templates; lists all problems at once.
    """
    if isinstance(source, Description):
        return source
    if isinstance(source, str | PathLike):
        source = read_yaml(read_text(source))
    if not isinstance(source, Mapping):
        raise FormatError(f"a description is a mapping; found a {type(source).__name__}")
    reading = _Reading()
    description = reading.read(source)
    if description is not None:
        reading.problems += contradictions(description)
    if description is None or reading.problems:
        raise ModelError(reading.problems)
    return description


class _Reading:
    """Entries that can be read, and problems of the others."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, place: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(place, message, hint))

    def read(self, document: Mapping[Any, Any]) -> Description | None:
        self.refuse_keys("", document, _SECTIONS)
        general = self.entry("General", document.get("General"), General)
        lists = {key: self.entries(key, document) for key in _LISTS}
        if self.problems or general is None:
            return None
        return Description(
            general, lists["Regions"], lists["Samples"], lists["NormFactors"], lists["Systematics"]
        )

    def entries(self, key: str, document: Mapping[Any, Any]) -> tuple[Any, ...]:
        found = document.get(key, [] if key in _OPTIONAL else None)
        if not isinstance(found, list | tuple) or (not found and key not in _OPTIONAL):
            self.refuse("", f"`{key}` must be a list" + " of one or more" * (key not in _OPTIONAL))
            return ()
        kind, entry_type = _LISTS[key]
        read = [
            self.entry(_place(kind, entry, index), entry, entry_type)
            for index, entry in enumerate(found)
        ]
        return tuple(entry for entry in read if entry is not None)

    def entry(self, place: str, entry: Any, entry_type: type[_EntryT]) -> _EntryT | None:
        if not isinstance(entry, Mapping):
            self.refuse(place, "is missing, or no mapping")
            return None
        before = len(self.problems)
        self.refuse_keys(place, entry, _keys(entry_type))
        for key, inner in (("Up", Variation), ("Down", Variation), ("Smoothing", Smoothing)):
            if entry_type is Systematic and isinstance(entry.get(key), Mapping):
                self.refuse_keys(f"{place}, {key}", entry[key], _keys(inner))
        if len(self.problems) > before:
            return None
        try:
            return msgspec.convert(dict(entry), entry_type)
        except (msgspec.ValidationError, RecursionError) as error:
            self.refuse(place, str(error).replace(" - at `$.", " at `"))
            return None

    def refuse_keys(self, place: str, entry: Mapping[Any, Any], known: Iterable[str]) -> None:
        known = tuple(known)
        for key in entry:
            if key not in known:
                hint = closest(str(key), known)
                self.refuse(place, f"the key {key!r} is not known", hint or ", ".join(known))


def _keys(entry_type: type[Any]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(entry_type)]


def _place(kind: str, entry: Any, index: int) -> str:
    name = entry.get("Name") if isinstance(entry, Mapping) else None
    return f"{kind} {name!r}" if isinstance(name, str) else f"{kind} {index}"
