"""Shares of groups of parameters in the uncertainty of a parameter of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from operator import index as as_index
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from nextstat_core.errors import InputError
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.fit import FitResult

__all__ = ["GROUP_METHODS", "GroupImpact", "GroupMethod", "GroupedImpacts"]

GroupMethod = Literal["freeze", "global"]
#: How groups are judged; see `nextstat_core.infer.grouped_impacts`.
GROUP_METHODS: tuple[GroupMethod, ...] = get_args(GroupMethod)


@dataclass(frozen=True, slots=True)
class GroupImpact:
    """The share of one group.

    Attributes
    ----------
    name : str
    impact : float
        Its part of the uncertainty: the root of its part of the variance.
    parameters : tuple of str
        Members that are not fixed.
    clipped : bool
        Whether rounding made its part of the variance negative, so that it was set to 0.
    """

    name: str
    impact: float
    parameters: tuple[str, ...]
    clipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GroupedImpacts(Sequence[GroupImpact]):
    """Parts of an uncertainty; ``groups["theory"]`` is that of one group.

    Attributes
    ----------
    method : {"freeze", "global"}
    nested : bool
        Whether each group was frozen on top of those before it.
    poi : str
        Parameter of interest.
    poi_value, total : float
        Its best fit and uncertainty; NaN where it is at a bound.
    groups : tuple of GroupImpact
        In the order in which they were given.
    rest : float
        What is left of the uncertainty without the groups: with all of them frozen, or the root of
        the variance that their squares do not explain.
    fit : FitResult
        The best fit.
    warnings : tuple of str
    """

    method: GroupMethod
    nested: bool
    poi: str
    poi_value: float
    total: float
    groups: tuple[GroupImpact, ...]
    rest: float
    fit: FitResult
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.method not in GROUP_METHODS:
            raise InputError.unknown("method", self.method, GROUP_METHODS)

    def __len__(self) -> int:
        return len(self.groups)

    @overload
    def __getitem__(self, index: int | str) -> GroupImpact: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[GroupImpact]: ...
    def __getitem__(self, index: int | str | slice) -> GroupImpact | Sequence[GroupImpact]:
        if isinstance(index, str):
            names = self.names
            if index not in names:
                raise InputError.unknown("group", index, names)
            return self.groups[names.index(index)]
        return self.groups[index if isinstance(index, slice) else as_index(index)]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(group.name for group in self.groups)

    @property
    def explained(self) -> float:
        """Root of the sum of squares of all groups and the rest."""
        return sqrt(sum(group.impact**2 for group in self.groups) + self.rest**2)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for what does not exist."""
        return {
            "method": self.method,
            "nested": self.nested,
            "poi": self.poi,
            "mu_hat": self.poi_value,
            "sigma_mu": _null(self.total),
            "groups": [
                {
                    "name": group.name,
                    "impact": _null(group.impact),
                    "parameters": list(group.parameters),
                    "clipped": group.clipped,
                }
                for group in self.groups
            ],
            "rest": _null(self.rest),
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per group, and one for the rest."""
        from nextstat_core.results.frame import rows_frame

        rows = [
            {"group": g.name, "impact": g.impact, "parameters": len(g.parameters)}
            for g in self.groups
        ]
        rows.append({"group": "rest", "impact": self.rest, "parameters": 0})
        return rows_frame(rows, ["group", "impact", "parameters"])

    def __repr__(self) -> str:
        lines = self._table().text(rest="see .to_frame()")
        return "\n".join([self._headline(), *lines, *self._remarks()])

    def _repr_html_(self) -> str:
        head = paragraph(self._headline())
        return block(head, self._table().html(), *map(paragraph, self._remarks()))

    def _headline(self) -> str:
        how = f"{self.method}, nested" if self.nested else self.method
        return f"Uncertainty of {self.poi} = {self.poi_value:.6g} by groups, method {how!r}"

    def _table(self) -> Table:
        rows = [
            (g.name, _number(g.impact), str(len(g.parameters)), "clipped" if g.clipped else "")
            for g in self.groups
        ]
        rows += [("rest", _number(self.rest), "", ""), ("total", _number(self.total), "", "")]
        return Table(("group", "impact", "parameters", "note"), "lrrl", rows)

    def _remarks(self) -> list[str]:
        return [f"warning: {warning}" for warning in self.warnings]


def _number(value: float) -> str:
    return f"{value:.5g}" if isfinite(value) else "undefined"


def _null(value: float) -> float | None:
    return value if isfinite(value) else None
