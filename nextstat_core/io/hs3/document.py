"""An object of an HS3 document: typed access, and problems with their place in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import Problem
from nextstat_core.io.decode import describe
from nextstat_core.io.places import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_core.io.places import Path

__all__ = ["Findings", "Node", "finite"]


def finite(value: Any) -> float | None:
    """`value` as a number; None if it is none, or not finite in double precision."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


@dataclass(slots=True)
class Findings:
    """What is wrong, and what is merely odd."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Node:
    """One object of a document.

    The methods that take a key return None, or nothing, where the document has no such value; where
    it has one of another type, that is a problem too.
    """

    value: Mapping[str, Any]
    path: Path
    root: Mapping[str, Any]
    findings: Findings

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Node:
        """Return the whole document as a node without findings."""
        return cls(document, (), document, Findings())

    @property
    def name(self) -> str:
        """The object's name; the empty string if it has none."""
        name = self.value.get("name")
        return name if isinstance(name, str) else ""

    @property
    def place(self) -> str:
        """Where the object is, in words."""
        return words(self.root, self.path)

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def refuse(self, message: str, hint: str = "", *below: str | int) -> None:
        """Report a problem of this object, or of what is `below` it."""
        place = words(self.root, (*self.path, *below))
        self.findings.problems.append(Problem(place, message, hint))

    def warn(self, message: str, hint: str = "") -> None:
        """Report something odd."""
        self.findings.warnings.append(Problem(self.place, message, hint))

    def warn_of_unknown(self, known: Iterable[str]) -> None:
        """Name the keys that are not read."""
        unknown = sorted(str(key) for key in self.value.keys() - set(known))
        if unknown:
            self.warn(f"the key {', '.join(map(repr, unknown))} is not read")

    # -- values -----------------------------------------------------------------------------------

    def text(self, key: str, *, needed: bool = False) -> str | None:
        """Text at `key`."""
        value = self._value(key, needed=needed)
        if value is None or isinstance(value, str):
            return value
        return self._expected("a string", value, key)

    def number(self, key: str, *, needed: bool = False) -> float | None:
        """Finite number at `key`."""
        value = self._value(key, needed=needed)
        return None if value is None else self._number(value, key)

    def numbers(self, key: str, *, needed: bool = False) -> tuple[float, ...] | None:
        """List of finite numbers at `key`."""
        value = self._value(key, needed=needed)
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            return self._expected("a list of numbers", value, key)
        if all(type(entry) is float for entry in value) and isfinite(sum(value)):
            return tuple(value)  # what documents hold; the rest finds what is wrong and where
        found = tuple(self._number(entry, key, index) for index, entry in enumerate(value))
        usable = tuple(entry for entry in found if entry is not None)
        return usable if len(usable) == len(found) else None

    def names(self, key: str, *, needed: bool = False) -> tuple[str, ...] | None:
        """List of strings at `key`."""
        found = self.optional_names(key, needed=needed)
        if found is None:
            return None
        names = tuple(entry for entry in found if entry is not None)
        return names if len(names) == len(found) else self._expected("only strings", None, key)

    def optional_names(self, key: str, *, needed: bool = False) -> tuple[str | None, ...] | None:
        """List of strings and nulls at `key`."""
        value = self._value(key, needed=needed)
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            return self._expected("a list of strings", value, key)
        for index, entry in enumerate(value):
            if not (entry is None or isinstance(entry, str)):
                return self._expected("a string", entry, key, index)
        return tuple(value)

    def flag(self, key: str) -> bool | None:
        """Truth value at `key`."""
        value = self.value.get(key)
        if value is None or isinstance(value, bool):
            return value
        return self._expected("true or false", value, key)

    def child(self, key: str, *, needed: bool = False) -> Node | None:
        """Object at `key`."""
        value = self._value(key, needed=needed)
        if value is None or isinstance(value, Mapping):
            return None if value is None else self._below(value, key)
        return self._expected("an object", value, key)

    def children(self, key: str, *, needed: bool = False) -> list[Node]:
        """Objects of the list at `key`; entries that are none are problems."""
        value = self._value(key, needed=needed)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self._expected("a list", value, key)
            return []
        nodes = []
        for index, entry in enumerate(value):
            if isinstance(entry, Mapping):
                nodes.append(self._below(entry, key, index))
            else:
                self._expected("an object", entry, key, index)
        return nodes

    # -- parts of these ---------------------------------------------------------------------------

    def _value(self, key: str, *, needed: bool) -> Any:
        value = self.value.get(key)
        if value is None and needed:
            self.refuse(f"the key {key!r} is missing")
        return value

    def _below(self, value: Mapping[str, Any], *below: str | int) -> Node:
        return Node(value, (*self.path, *below), self.root, self.findings)

    def _number(self, value: Any, *below: str | int) -> float | None:
        number = finite(value)
        if number is not None:
            return number
        kind = isinstance(value, int | float) and not isinstance(value, bool)
        return self._expected("a finite number" if kind else "a number", value, *below)

    def _expected(self, what: str, value: Any, *below: str | int) -> Any:
        """Report a value of the wrong type; returns None for the caller to pass on."""
        self.refuse(f"found {describe(value)}; expected {what}", "", *below)
        return None
