"""XML elements with their place, and what is wrong or odd about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite, nan
from typing import TYPE_CHECKING

from nextstat_core.errors import Problem, closest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from nextstat_core.errors import FormatError, InputError

__all__ = ["Findings", "Tag"]


@dataclass(slots=True)
class Findings:
    """Problems because of which there is no model, and warnings about a model that there is."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def refuse(self, place: str, message: str, hint: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(place, message, hint))

    def refuse_error(self, place: str, error: FormatError | InputError) -> None:
        """Note an error as a problem."""
        self.refuse(place, str(error).partition("\n\nHint: ")[0], error.hint)

    def warn(self, place: str, message: str, hint: str = "") -> None:
        """Note what is odd."""
        self.warnings.append(Problem(place, message, hint))


@dataclass(frozen=True, slots=True)
class Tag:
    """An XML element and where it is; its attributes are checked as they are read.

    Attributes that cannot be used give a problem and a value that goes on.
    """

    element: Element
    place: str
    findings: Findings

    def only(self, known: Iterable[str]) -> None:
        """Refuse attributes other than `known`: ROOT does, and a misspelt one must not pass."""
        known = set(known)
        for key in self.element.attrib.keys() - known:
            listed = ", ".join(sorted(known))
            message = f"<{self.element.tag}> has no attribute {key!r}; expected {listed}"
            self.findings.refuse(self.place, message, closest(key, known))

    def text(self, key: str, default: str = "") -> str:
        """The attribute, or `default` where it is missing or empty, as TRExFitter writes it."""
        return self.element.get(key) or default

    def needed(self, key: str) -> str:
        """The attribute; a problem where it is missing or empty."""
        value = self.element.get(key, "")
        if not value:
            self.findings.refuse(self.place, f"<{self.element.tag}> has no {key}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """The attribute as a finite number; a problem where it is missing without a default."""
        text = self.element.get(key)
        if text is None and default is not None:
            return default
        try:
            # Python takes 1_000 for a number; ROOT would read 1.
            value = float("" if text is None or "_" in text else text)
        except ValueError:
            value = nan
        if not isfinite(value):
            found = f"is {text!r}" if text is not None else "is missing"
            self.findings.refuse(self.place, f"{key} {found}; expected a number")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """The attribute as a truth value, as ROOT reads it: True, true, False or false."""
        text = self.element.get(key, str(default))
        if text.lower() not in {"true", "false"}:
            self.findings.refuse(self.place, f"{key} is {text!r}; expected True or False")
        return text.lower() == "true"

    def words(self) -> list[str]:
        """The text of the element, split at white space."""
        return (self.element.text or "").split()
