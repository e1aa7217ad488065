"""Values and ranges of parameters: parameter points and domains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nextstat_core.io.hs3.document import Node

__all__ = ["ParameterTable", "read_parameters"]

_DEFAULT_POINT = "default_values"
_DEFAULT_DOMAIN = "default_domain"


@dataclass(slots=True)
class ParameterTable:
    """What a document says about parameters, constants and global observables, by name.

    Attributes
    ----------
    values : dict
        Values of the chosen parameter point, then of ``default_values``.
    constant : dict
        True for those that a point calls ``const``, False for those that it says are not.
    lower, upper : dict
        Ends of the ranges; a domain may give only one of them.
    """

    values: dict[str, float] = field(default_factory=dict)
    constant: dict[str, bool] = field(default_factory=dict)
    lower: dict[str, float] = field(default_factory=dict)
    upper: dict[str, float] = field(default_factory=dict)


def read_parameters(
    document: Node, domains: Sequence[str], declared: str | None, chosen: str | None
) -> ParameterTable:
    """Collect what points and domains say.

    Parameters
    ----------
    domains : sequence of str
        Names of the analysis' domains; ``default_domain`` completes them.
    declared : str or None
        The parameter point that the analysis starts from.
    chosen : str or None
        The one that the user wants instead.

    Raises
    ------
    InputError
        If there is no point called `chosen`.
    """
    table = ParameterTable()
    points = {entry.name: entry for entry in document.children("parameter_points")}
    if chosen is not None and chosen not in points:
        raise InputError.unknown("parameter point", chosen, list(points))
    if declared is not None and declared not in points:
        listed = ", ".join(map(repr, points)) or "none"
        document.refuse(f"the analysis starts at {declared!r}; there are: {listed}", "", "analyses")
    for name in dict.fromkeys((chosen, declared if chosen is None else None, _DEFAULT_POINT)):
        if name in points:
            _read_point(points[name], table)
    _read_domains(document, domains, table)
    return table


def _read_point(point: Node, table: ParameterTable) -> None:
    """Add the values of a point; those that are there already stay."""
    seen: set[str] = set()
    for entry in point.children("parameters"):
        name, value, constant = entry.name, entry.number("value"), entry.flag("const")
        if not name:
            entry.refuse("the key 'name' is missing")
            continue
        if name in seen:
            entry.refuse("is given twice at this point; expected once")
        seen.add(name)
        if value is not None:
            table.values.setdefault(name, value)
        if constant is not None:
            table.constant.setdefault(name, constant)


def _read_domains(document: Node, names: Iterable[str], table: ParameterTable) -> None:
    domains = {entry.name: entry for entry in document.children("domains")}
    for name in dict.fromkeys((*names, _DEFAULT_DOMAIN)):
        if name in domains:
            _read_domain(domains[name], table)
        elif name != _DEFAULT_DOMAIN:
            listed = ", ".join(map(repr, domains)) or "none"
            document.refuse(f"the analysis names {name!r}; there are: {listed}", "", "domains")


def _read_domain(domain: Node, table: ParameterTable) -> None:
    kind = domain.text("type")
    if kind not in (None, "product_domain"):
        domain.refuse(f"found the type {kind!r}; expected 'product_domain'")
        return
    for axis in domain.children("axes"):
        name = axis.name
        if not name:
            axis.refuse("the key 'name' is missing")
        elif name not in table.lower and name not in table.upper:
            lower, upper = axis.number("min"), axis.number("max")
            if lower is not None:
                table.lower[name] = lower
            if upper is not None:
                table.upper[name] = upper
