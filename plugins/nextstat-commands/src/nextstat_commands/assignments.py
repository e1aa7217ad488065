"""Values of options of the form NAME=VALUE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["bounds_by_name", "fixed_by_name", "values_by_name"]


def values_by_name(option: str, texts: Iterable[str]) -> dict[str, float]:
    """``mu=1.5`` to a number by name."""
    return {name: _number(option, text, value) for text, name, value in _split(option, texts)}


def bounds_by_name(option: str, texts: Iterable[str]) -> dict[str, tuple[float, float]]:
    """``mu=-5,5`` to a pair by name."""
    pairs = {}
    for text, name, value in _split(option, texts):
        lower, comma, upper = value.partition(",")
        if not comma:
            raise _refused(option, text, "expected NAME=LOWER,UPPER")
        pairs[name] = _number(option, text, lower), _number(option, text, upper)
    return pairs


def fixed_by_name(
    option: str, texts: Iterable[str], names: Collection[str]
) -> dict[str, float | None]:
    """``mu=0`` to a number by name, ``mu`` to None; a name may contain ``=``."""
    fixed: dict[str, float | None] = {}
    for text in texts:
        if text in names or "=" not in text:
            fixed[text] = None
        else:
            fixed |= values_by_name(option, [text])
    return fixed


def _split(option: str, texts: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise _refused(option, text, "expected NAME=VALUE")
        yield text, name, value


def _number(option: str, text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise _refused(option, text, f"{value!r} is no number") from error


def _refused(option: str, text: str, why: str) -> click.BadParameter:
    return click.BadParameter(f"{text!r}: {why}", param_hint=option)
