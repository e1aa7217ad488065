"""Groups of curves that are evaluated together, and factors as such groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nextstat_core.ir import CellFactor, Curve, Family, RowFactor

__all__ = ["CurveGroup", "FactorPlan", "curve_coefficients", "plan_factors", "prepared"]


@dataclass(frozen=True, slots=True)
class CurveGroup:
    """Members of one family that are evaluated together."""

    family: Family
    coefficients: np.ndarray  # (n_coefficients, members)
    parameters: np.ndarray  # (members,)


@dataclass(frozen=True, slots=True)
class FactorPlan:
    """Row and cell factors.

    `log_groups` sum as logarithms per row; everything else multiplies through a table of factors:
    the parameters themselves, then curves of `plain_groups`, then the constant one.
    """

    log_groups: tuple[CurveGroup, ...]
    log_rows: np.ndarray
    plain_groups: tuple[CurveGroup, ...]
    table_parameters: np.ndarray
    row_layers: np.ndarray
    cell_layers: np.ndarray


def plan_factors(
    row_factors: list[tuple[int, RowFactor]],
    cell_factors: list[tuple[int, CellFactor]],
    index: dict[str, int],
    starts: list[tuple[int, int, int]],
    n_cells: int,
    n_rows: int,
) -> FactorPlan:
    """Plan of factors; `starts` has first cell, stride and number of bins of each row."""
    logs, plain = _split_logarithms(row_factors, index)
    table = _FactorTable(len(index))
    row_entries = [(row, table.entry(index[t.parameter], t.curve)) for row, t in plain]
    cell_entries = []
    for row, term in cell_factors:
        first, stride, _ = starts[row]
        for b, (name, curve) in enumerate(zip(term.parameters, term.curves, strict=True)):
            cell_entries.append((first + b * stride, table.entry(index[name], curve)))
    groups, parameters, entry = table.groups()
    return FactorPlan(
        log_groups=tuple(group for group, _ in logs),
        log_rows=np.concatenate([rows for _, rows in logs]) if logs else np.zeros(0, np.intp),
        plain_groups=groups,
        table_parameters=parameters,
        row_layers=_layers(row_entries, n_rows, entry),
        cell_layers=_layers(cell_entries, n_cells, entry),
    )


def _split_logarithms(
    factors: list[tuple[int, RowFactor]], index: dict[str, int]
) -> tuple[list[tuple[CurveGroup, np.ndarray]], list[tuple[int, RowFactor]]]:
    """Factors that are positive everywhere, to be summed as logarithms, and the others."""
    by_family: dict[Family, list[tuple[int, RowFactor]]] = {}
    plain: list[tuple[int, RowFactor]] = []
    for row, term in factors:
        family = term.curve.family
        if family is not None and (term.logarithm or hasattr(family, "as_logarithm")):
            by_family.setdefault(family, []).append((row, term))
        else:
            plain.append((row, term))
    logs = []
    for family, members in by_family.items():
        coefficients = curve_coefficients([t.curve for _, t in members])
        if not hasattr(family, "as_logarithm"):
            safe, target = np.ones(len(members), bool), family
        else:
            with np.errstate(all="ignore"):
                safe, target = family.positive(coefficients, np), family.as_logarithm()  # type: ignore[attr-defined]
        plain.extend([member for member, ok in zip(members, safe, strict=True) if not ok])
        if safe.any():
            rows = np.asarray([row for row, _ in members], dtype=np.intp)[safe]
            names = np.asarray([index[t.parameter] for _, t in members], dtype=np.intp)[safe]
            logs.append((CurveGroup(target, prepared(target, coefficients[:, safe]), names), rows))
    return logs, plain


class _FactorTable:
    """Distinct (parameter, curve) pairs: the parameters themselves first, then curves, then one."""

    def __init__(self, n_parameters: int) -> None:
        self._n = n_parameters
        self._curves: dict[tuple[int, Curve], int] = {}

    def entry(self, parameter: int, curve: Curve) -> int:
        """A number that stands for the pair until `groups` has put curves in order."""
        if curve.family is None:
            return parameter
        return self._n + self._curves.setdefault((parameter, curve), len(self._curves))

    def groups(self) -> tuple[tuple[CurveGroup, ...], np.ndarray, np.ndarray]:
        """Groups by family, the parameter of each table entry, and the entry of each number."""
        by_family: dict[Family, list[tuple[int, int, Curve]]] = {}
        for (parameter, curve), number in self._curves.items():
            assert curve.family is not None
            by_family.setdefault(curve.family, []).append((number, parameter, curve))
        groups, order = [], []
        for family, members in by_family.items():
            coefficients = prepared(family, curve_coefficients([curve for _, _, curve in members]))
            owners = np.asarray([parameter for _, parameter, _ in members], dtype=np.intp)
            groups.append(CurveGroup(family, coefficients, owners))
            order.extend([number for number, _, _ in members])
        one = self._n + len(order)
        entry = np.arange(one + 1)
        entry[self._n + np.asarray(order, dtype=np.intp)] = np.arange(self._n, one)
        own = np.arange(self._n, dtype=np.intp)
        custom = [group.parameters for group in groups]
        end = np.asarray([self._n], dtype=np.intp)
        return tuple(groups), np.concatenate([own, *custom, end]), entry


def _layers(entries: list[tuple[int, int]], size: int, entry: np.ndarray) -> np.ndarray:
    """Entries (place, number) stacked into layers, each with at most one entry per place."""
    if not entries:
        return np.zeros((0, size), dtype=np.intp)
    places = np.asarray(entries, dtype=np.intp)
    order = np.argsort(places[:, 0], kind="stable")
    place, value = places[order, 0], entry[places[order, 1]]
    depth = np.arange(len(place)) - np.searchsorted(place, place)
    layers = np.full((int(depth.max()) + 1, size), entry[-1], dtype=np.intp)
    layers[depth, place] = value
    return layers


def curve_coefficients(curves: list[Curve]) -> np.ndarray:
    """Coefficients of members, (n_coefficients, members)."""
    table = np.asarray([curve.coefficients for curve in curves], dtype=float)
    return np.ascontiguousarray(table.reshape(len(curves), -1).T)


def prepared(family: Family, coefficients: np.ndarray) -> np.ndarray:
    """Coefficients as the family wants them at evaluation."""
    prepare = getattr(family, "prepare", None)
    return coefficients if prepare is None else np.asarray(prepare(coefficients, np))
