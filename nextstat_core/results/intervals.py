"""Intervals of the profile likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any, overload

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.minimum import FitMinimumResult
    from nextstat_core.results.toys import ToyResults

__all__ = ["Interval", "Intervals"]

_NOTES = {
    "bound": "{} end at the bound",
    "open": "no {} end",
    "failed": "{} end not found",
}


@dataclass(frozen=True, slots=True)
class Interval:
    """What 2 dNLL says about one parameter.

    Attributes
    ----------
    name : str
    value : float
        Best fit.
    lower, upper : float
        Ends of the interval. Infinite where `lower_end` or `upper_end` is ``open``.
    lower_end, upper_end : str
        Empty where 2 dNLL has its value; ``bound``: it is still smaller at the parameter's bound,
        which is the end; ``open``: it never gets there; ``failed``: it jumps over its value, or
        fits fail there, and the end is the farthest point that is certainly inside.
    """

    name: str
    value: float
    lower: float
    upper: float
    lower_end: str = ""
    upper_end: str = ""

    @property
    def errors(self) -> tuple[float, float]:
        """Signed errors, the lower one first: it is negative or zero."""
        return self.lower - self.value, self.upper - self.value

    def __str__(self) -> str:
        down, up = self.errors
        return f"{self.name} = {self.value:.6g} {down:+.3g} {up:+.3g}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Intervals(Sequence[Interval]):
    """Intervals of n parameters; ``intervals["mu"]`` or ``intervals[0]`` is an `Interval`.

    Attributes
    ----------
    names : tuple of str
    values, lower, upper : float arrays, shape (n,)
        Best fit, and the ends of the intervals.
    lower_ends, upper_ends : tuple of str
        How they end, see `Interval`.
    delta : float
        2 dNLL at the ends.
    best : FitMinimumResult
        The best fit.
    fits : ToyResults
        Conditional fits at the ends: of each parameter the lower one, then the upper one.
    warnings : tuple of str
    """

    names: tuple[str, ...]
    values: FloatArray
    lower: FloatArray
    upper: FloatArray
    lower_ends: tuple[str, ...]
    upper_ends: tuple[str, ...]
    delta: float
    best: FitMinimumResult
    fits: ToyResults
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("values", "lower", "upper"):
            column = read_only_floats(name, getattr(self, name), (len(self.names),))
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, key: int | str) -> Interval: ...
    @overload
    def __getitem__(self, key: slice) -> list[Interval]: ...
    def __getitem__(self, key: int | str | slice) -> Interval | list[Interval]:
        if isinstance(key, slice):
            return [self[i] for i in range(*key.indices(len(self)))]
        if isinstance(key, str):
            if key not in self.names:
                raise InputError.unknown("interval", key, self.names)
            key = self.names.index(key)
        return Interval(
            self.names[key],
            float(self.values[key]),
            float(self.lower[key]),
            float(self.upper[key]),
            self.lower_ends[key],
            self.upper_ends[key],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values; an end that does not exist is None."""
        return {
            "delta": self.delta,
            "nll_hat": self.best.nll,
            "intervals": [
                {
                    "name": each.name,
                    "value": each.value,
                    "lower": None if isinf(each.lower) else each.lower,
                    "upper": None if isinf(each.upper) else each.upper,
                    "lower_end": each.lower_end,
                    "upper_end": each.upper_end,
                }
                for each in self
            ],
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return "\n".join([self._headline(), *self._table().text(rest="see .to_dict()"), *notes])

    def _repr_html_(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return block(paragraph(self._headline()), self._table().html(), *map(paragraph, notes))

    def _headline(self) -> str:
        return f"Intervals of {len(self)} parameters, 2 dNLL = {self.delta:.6g} at their ends"

    def _table(self) -> Table:
        rows = [(*_cells(each), _note(each)) for each in self]
        columns = ("parameter", "value", "lower", "upper", "-", "+", "note")
        return Table(columns, "lrrrrrl", rows)


def _cells(each: Interval) -> tuple[str, ...]:
    down, up = each.errors
    numbers = (each.value, each.lower, each.upper)
    return each.name, *(f"{number:.6g}" for number in numbers), f"{down:+.4g}", f"{up:+.4g}"


def _note(each: Interval) -> str:
    ends = (("lower", each.lower_end), ("upper", each.upper_end))
    return ", ".join(_NOTES[end].format(side) for side, end in ends if end)
