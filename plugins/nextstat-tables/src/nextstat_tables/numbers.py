"""Numbers with uncertainties for people."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_tables.data import Column

__all__ = ["Cell", "rounded"]

# Significant digits of the smallest uncertainty, and of a number without one.
_DIGITS = 2
_PLAIN = 6

#: Value, and pairs of downward and upward uncertainties; empty texts for none.
Cell = tuple[str, tuple[tuple[str, str], ...]]


def rounded(column: Column, row: int) -> Cell:
    """Text of one cell, rounded to two digits of its smallest uncertainty."""
    value = column.values[row]
    if value is None:
        return "-", ()
    if isinstance(value, str):
        return value, ()
    pairs = [(each.minus[row], each.plus[row]) for each in column.uncertainties]
    sizes = [size for pair in pairs for size in pair if size is not None]
    usable = [size for size in sizes if isfinite(size) and size > 0.0]
    if not usable or not isfinite(value):
        text = _number(value, column.decimals)
        return text, tuple((_number(low, None), _number(high, None)) for low, high in pairs)
    decimals = _DIGITS - 1 - floor(log10(min(usable)))
    return (
        _number(value, decimals),
        tuple((_number(low, decimals), _number(high, decimals)) for low, high in pairs),
    )


def _number(value: float | None, decimals: int | None) -> str:
    if value is None:
        return ""
    if not isfinite(value) or decimals is None:
        return f"{value:.{_PLAIN}g}"
    # Rounding before the decimal point too: 1234 +/- 120 and not 1234 +/- 123.
    return f"{round(value, decimals):.{max(decimals, 0)}f}"
