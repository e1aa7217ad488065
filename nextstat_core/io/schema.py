"""Says what is wrong with the structure of a workspace, everywhere at once.

`document.py` decides what is accepted; this module runs only when that says no. Besides the
problems it returns what can still be read, so that the physics of the rest is checked too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, TypeAlias

from nextstat_core.errors import Problem, closest
from nextstat_core.hooks import hint_for_missing
from nextstat_core.io.decode import describe
from nextstat_core.io.document import BUILT_IN_KINDS, CONSTRAINT_TYPES
from nextstat_core.io.places import Path, words
from nextstat_core.ir import ModifierType

__all__ = ["Readable", "explain"]

_VERSION = "1.0.0"
_ASK_FOR_PLUGIN = "is the plugin that defines it installed? `nextstat plugins` lists those that are"
_SECTIONS = ("channels", "observations", "measurements", "version")


class _Dropped(Enum):
    DROPPED = "dropped"


_DROPPED: Final = _Dropped.DROPPED
_Visit: TypeAlias = Callable[["_Walk", Any, Path], Any]


@dataclass(slots=True)
class Readable:
    """What `explain` found.

    Attributes
    ----------
    document : dict
        The readable part of each section; sections may be empty.
    problems : list of Problem
        Everything that the schema refuses.
    unreadable : set of str
        Names of modifiers and parameter settings that were left out.
    incomplete : set of str
        Sections of which more than that was left out.
    """

    document: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    incomplete: set[str] = field(default_factory=set)


def explain(document: Mapping[str, Any], types: Mapping[str, ModifierType]) -> Readable:
    """Find every deviation from the schema.

    Parameters
    ----------
    document : mapping
        Decoded workspace.
    types : mapping of str to ModifierType
        Kinds of modifiers that are known besides pyhf's.
    """
    walk = _Walk(document, types)
    found = walk.found
    for key in document:
        if key not in _SECTIONS:
            walk.refuse_key((), key, _SECTIONS)
    for key, section in _WORKSPACE.items():
        if key not in document:
            walk.refuse((), f"the key {key!r} is missing", _hint_for_missing(document, key))
            value = _DROPPED
        else:
            value = section(walk, document[key], (key,))
        if value is _DROPPED:
            found.incomplete.add(key)
        found.document[key] = () if value is _DROPPED else value
    found.document["version"] = _VERSION
    walk.count_unknown()
    return found


@dataclass(slots=True)
class _Walk:
    document: Mapping[str, Any]
    types: Mapping[str, ModifierType]
    found: Readable = field(default_factory=Readable)
    #: Unknown types of modifiers: where in `problems`, and how often.
    unknown: dict[str, list[int]] = field(default_factory=dict)

    def refuse(self, path: Path, message: str, hint: str = "") -> None:
        self.found.problems.append(Problem(words(self.document, path), message, hint))

    def expected(self, path: Path, what: str, value: Any) -> None:
        self.refuse(path, f"found {describe(value)}; expected {what}")

    def refuse_type(self, path: Path, kind: str) -> None:
        """Refuse a type of modifier, at its first place only: a missing plugin is one problem."""
        if kind in self.unknown:
            self.unknown[kind][1] += 1
            return
        self.unknown[kind] = [len(self.found.problems), 1]
        known = sorted({*BUILT_IN_KINDS, *self.types})
        self.refuse(
            path,
            f"unknown modifier type {kind!r}; expected {', '.join(known)}",
            hint_for_missing(kind, known, self.types) or _ASK_FOR_PLUGIN,
        )

    def count_unknown(self) -> None:
        """Say how often unknown types of modifiers occur."""
        for position, count in self.unknown.values():
            if count > 1:
                problem = self.found.problems[position]
                message = f"{problem.message}; {count} modifiers have this type"
                self.found.problems[position] = replace(problem, message=message)

    def refuse_key(self, path: Path, key: Any, allowed: Sequence[str]) -> None:
        message = f"the key {key!r} is not allowed here; expected {', '.join(allowed)}"
        self.refuse(path, message, closest(str(key), allowed))


def _string(walk: _Walk, value: Any, path: Path) -> Any:
    if isinstance(value, str):
        return value
    walk.expected(path, "a string", value)
    return _DROPPED


def _number(walk: _Walk, value: Any, path: Path) -> Any:
    """Unusable numbers become 1, so that the length of a list is still checked against the bins."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            walk.refuse(path, "found a number too large for double precision")
            return 1.0
    walk.expected(path, "a number", value)
    return 1.0


def _boolean(walk: _Walk, value: Any, path: Path) -> Any:
    if isinstance(value, bool):
        return value
    walk.expected(path, "true or false", value)
    return _DROPPED


def _null(walk: _Walk, value: Any, path: Path) -> Any:
    if value is not None:
        walk.expected(path, "null", value)
        return _DROPPED
    return None


def _anything(walk: _Walk, value: Any, path: Path) -> Any:
    del walk, path
    return value


def _constant(constant: str) -> _Visit:
    def visit(walk: _Walk, value: Any, path: Path) -> Any:
        if value != constant:
            walk.expected(path, repr(constant), value)
        return constant

    return visit


def _one_of(names: Iterable[str]) -> _Visit:
    def visit(walk: _Walk, value: Any, path: Path) -> Any:
        if isinstance(value, str) and value in names:
            return value
        walk.expected(path, f"one of {', '.join(names)}", value)
        return _DROPPED

    return visit


def _many(item: _Visit, least: int = 0, most: int | None = None) -> _Visit:
    """Visit a list; unreadable entries are left out."""

    def visit(walk: _Walk, value: Any, path: Path) -> Any:
        if not isinstance(value, list | tuple):
            walk.expected(path, "a list", value)
            return _DROPPED
        if len(value) < least or (most is not None and len(value) > most):
            count = f"{least}" if most == least else f"at least {least}"
            walk.refuse(path, f"found {len(value)} entries; expected {count}")
            return _DROPPED
        entries = [item(walk, entry, (*path, index)) for index, entry in enumerate(value)]
        kept = [entry for entry in entries if entry is not _DROPPED]
        return kept if len(kept) >= least else _DROPPED

    return visit


def _keys(required: Mapping[str, _Visit], optional: Mapping[str, _Visit] | None = None) -> _Visit:
    """Visit an object; unreadable if a required key is, without the optional keys that are."""
    optional = optional or {}
    known = {**required, **optional}

    def visit(walk: _Walk, value: Any, path: Path) -> Any:
        if not isinstance(value, Mapping):
            walk.expected(path, "an object", value)
            return _DROPPED
        for key in value:
            if key not in known:
                walk.refuse_key(path, key, tuple(known))
        for key in required:
            if key not in value:
                walk.refuse(path, f"the key {key!r} is missing", _hint_for_missing(value, key))
        entries = {
            key: visit_value(walk, value[key], (*path, key))
            for key, visit_value in known.items()
            if key in value
        }
        kept = {key: entry for key, entry in entries.items() if entry is not _DROPPED}
        return kept if required.keys() <= kept.keys() else _DROPPED

    return visit


def _named(visit_object: _Visit) -> _Visit:
    """Visit an object; its name is remembered if anything about it is wrong."""

    def visit(walk: _Walk, value: Any, path: Path) -> Any:
        before = len(walk.found.problems)
        kept = visit_object(walk, value, path)
        if len(walk.found.problems) == before and kept is not _DROPPED:
            return kept
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            walk.found.unreadable.add(value["name"])
        return _DROPPED

    return visit


def _section(section: str, visit_object: _Visit) -> _Visit:
    """Visit an object whose loss leaves its section incomplete."""

    def visit(walk: _Walk, value: Any, path: Path) -> Any:
        kept = visit_object(walk, value, path)
        if kept is _DROPPED:
            walk.found.incomplete.add(section)
        return kept

    return visit


def _modifier(walk: _Walk, value: Any, path: Path) -> Any:
    if not isinstance(value, Mapping):
        return _MODIFIER_HEAD(walk, value, path)
    kind = value.get("type")
    if kind in walk.types if isinstance(kind, str) else False:
        return _PLUGIN_MODIFIER(walk, value, path)
    if isinstance(kind, str) and kind in _MODIFIERS:
        return _MODIFIERS[kind](walk, value, path)
    if "type" not in value or not isinstance(kind, str):
        return _MODIFIER_HEAD(walk, value, path)
    walk.refuse_type(path, kind)
    return _DROPPED


def _hint_for_missing(value: Mapping[str, Any], key: str) -> str:
    if key == "channels" and "distributions" in value:
        return "this looks like an HS3 document"
    if key == "channels" and "parameter_points" in value:
        return "this looks like an HS3 document without distributions"
    if key == "measurements" and "toplvl" in value:
        return (
            "`toplvl` and `data` are the layout that pyhf had before its schema 1.0.0: this is "
            "neither a workspace nor HS3"
        )
    if key == "channels" and "patches" in value:
        return "this is a patch set; apply one of its patches to its background-only workspace"
    return ""


_NUMBERS = _many(_number, least=1)
_DATA: Mapping[str, _Visit] = {
    "histosys": _keys({"lo_data": _NUMBERS, "hi_data": _NUMBERS}),
    "lumi": _null,
    "normfactor": _null,
    "normsys": _keys({"lo": _number, "hi": _number}),
    "shapefactor": _null,
    "shapesys": _NUMBERS,
    "staterror": _NUMBERS,
}
_MODIFIERS = {
    kind: _keys(
        {"name": _constant("lumi") if kind == "lumi" else _string, "type": _string, "data": data}
    )
    for kind, data in _DATA.items()
}
_PLUGIN_MODIFIER = _keys({"name": _string, "type": _string, "data": _anything})
_MODIFIER_HEAD = _keys({"name": _string, "type": _string}, {"data": _anything})
_SAMPLE = _keys({"name": _string, "data": _NUMBERS, "modifiers": _many(_named(_modifier))})
_CHANNEL = _keys({"name": _string, "samples": _many(_section("channels", _SAMPLE), least=1)})
_OBSERVATION = _keys({"name": _string, "data": _NUMBERS})
_PARAMETER = _keys(
    {"name": _string},
    {
        "inits": _NUMBERS,
        "bounds": _many(_many(_number, least=2, most=2), least=1),
        "auxdata": _NUMBERS,
        "factors": _NUMBERS,
        "sigmas": _NUMBERS,
        "fixed": _boolean,
        "constraint": _keys({"type": _one_of(CONSTRAINT_TYPES)}, {"rel_uncertainty": _number}),
    },
)
_CONFIG = _keys({"poi": _string, "parameters": _many(_named(_PARAMETER))})
_MEASUREMENT = _keys({"name": _string, "config": _CONFIG})
_WORKSPACE: Mapping[str, _Visit] = {
    "channels": _many(_section("channels", _CHANNEL), least=1),
    "observations": _many(_section("observations", _OBSERVATION), least=1),
    "measurements": _many(_section("measurements", _MEASUREMENT), least=1),
    "version": _constant(_VERSION),
}
