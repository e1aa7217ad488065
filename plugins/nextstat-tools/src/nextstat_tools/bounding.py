"""Results as JSON of a bounded size, which says what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

__all__ = ["Bounds", "bounded", "shortened"]

_LONGEST_TEXT = 20_000
_LONGEST_MESSAGE = 4_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a result is passed on.

    Attributes
    ----------
    digits : int or None
        Significant digits of numbers; None for every bit.
    max_items : int or None
        Longest list or object; None for any length.
    """

    digits: int | None = None
    max_items: int | None = 1000


def bounded(result: Any, bounds: Bounds) -> Any:
    """`result` as plain JSON values.

    What is not finite becomes null and is listed in ``non_finite``; of lists and objects that are
    too long the first entries are kept, and ``truncated`` has their full lengths. Both are
    added to results that are objects, under the places where it happened.
    """
    cutter = _Cutter(bounds, {}, {})
    plain = cutter.plain(result, "")
    if not isinstance(plain, dict):
        plain = {"value": plain} if cutter.truncated or cutter.non_finite else plain
    if cutter.truncated:
        plain["truncated"] = {**cutter.truncated, **plain.get("truncated", {})}
    if cutter.non_finite:
        plain["non_finite"] = cutter.non_finite
    return plain


@dataclass(frozen=True, slots=True)
class _Cutter:
    bounds: Bounds
    truncated: dict[str, int]
    non_finite: dict[str, str]

    def plain(self, value: Any, place: str) -> Any:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, Mapping):
            entries = self._few(list(value.items()), place)
            return {str(key): self.plain(each, _inside(place, key)) for key, each in entries}
        if isinstance(value, Sequence):
            entries = self._few(list(value), place)
            return [self.plain(each, _inside(place, i)) for i, each in enumerate(entries)]
        if isinstance(value, float):
            return self._number(value, place)
        raise TypeError(f"the result has a {type(value).__name__} at {place!r}, which is no JSON")

    def _number(self, value: float, place: str) -> float | None:
        if not isfinite(value):
            self.non_finite[place] = str(value)
            return None
        # `float` also turns numbers of array libraries into Python's.
        digits = self.bounds.digits
        return float(value) if digits is None else float(f"{value:.{digits}g}")

    def _few(self, entries: list[Any], place: str) -> list[Any]:
        most = self.bounds.max_items
        if most is None or len(entries) <= most:
            return entries
        self.truncated[place] = len(entries)
        return entries[:most]

    def _text(self, text: str, place: str) -> str:
        if self.bounds.max_items is None or len(text) <= _LONGEST_TEXT:
            return text
        self.truncated[place] = len(text)
        return text[:_LONGEST_TEXT]


def _inside(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def shortened(message: str) -> str:
    """A message of an error, without the megabytes that it may quote."""
    left_out = len(message) - _LONGEST_MESSAGE
    return message if left_out <= 0 else f"{message[:_LONGEST_MESSAGE]} ... ({left_out} more)"
