"""Which parameters may have two modes: found once on the host.

Where both variations of a systematic move yields to the same side, two values of its parameter give
nearly the same prediction, and the likelihood can have a second minimum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nextstat_core.likelihood.curve_plan import CurveGroup
    from nextstat_core.likelihood.plan import RatePlan

__all__ = ["bent_parameters"]

# Share of the odd effect from which the even one counts, and its least size, both in units of
# (effect / statistical uncertainty)**2.
_SHARE = 0.25
_LEAST = 0.02
_MOST = 32


def bent_parameters(plan: RatePlan) -> np.ndarray:
    """Parameters whose even effect on the yields matters, the strongest first."""
    parts = [_additions(plan), *_factors(plan)]
    owner, cell, odd, even = (np.concatenate(column) for column in zip(*parts, strict=True))
    keys = owner * plan.n_bins + plan.bin_of_cell[cell]
    distinct, place = np.unique(keys, return_inverse=True)
    if not len(distinct):
        return np.zeros(0, dtype=np.intp)
    variance = np.maximum(np.bincount(plan.bin_of_cell, plan.nominal, plan.n_bins), 1.0)
    sizes = []
    for effect in (odd, even):
        per_bin = np.bincount(place.reshape(-1), effect, len(distinct))
        owners, bins = np.divmod(distinct, plan.n_bins)
        sizes.append(np.bincount(owners, per_bin**2 / variance[bins], plan.n_parameters))
    # Zero is not the middle of a parameter that modifiers see through a response.
    sizes[1][plan.transformed] = 0.0
    bent = np.flatnonzero((sizes[1] > _SHARE * sizes[0]) & (sizes[1] > _LEAST))
    return bent[np.argsort(-sizes[1][bent], kind="stable")][:_MOST]


_Effects = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _additions(plan: RatePlan) -> _Effects:
    """Parameter, cell, odd and even effect of each template entry."""
    none = np.zeros(0, dtype=np.intp)
    additions = plan.additions
    if additions is None or additions.slots != 2:
        return none, none, np.zeros(0), np.zeros(0)
    owners, cells, odd, even = [none], [none], [np.zeros(0)], [np.zeros(0)]
    for block in additions.blocks:
        k = len(block.active)
        cell, column = np.nonzero(block.templates[:, :k] + block.templates[:, k:])
        owners.append(additions.parameters[block.active[column]])
        cells.append(block.cells.start + cell)
        odd.append(block.templates[cell, column])
        even.append(block.templates[cell, k + column])
    if additions.sparse is not None:
        entries = additions.sparse
        owners.append(additions.parameters[entries.active])
        cells.append(entries.cells)
        odd.append(entries.values[0])
        even.append(entries.values[1])
    return tuple(np.concatenate(x) for x in (owners, cells, odd, even))  # type: ignore[return-value]


def _factors(plan: RatePlan) -> list[_Effects]:
    """The same for row factors with curves, from their values at -1, 0 and +1."""
    order = np.argsort(plan.row_of_cell, kind="stable")
    count = np.bincount(plan.row_of_cell, minlength=plan.n_rows)
    start = np.cumsum(count) - count
    results, first = [], 0
    for group in plan.log_groups:
        rows = plan.log_rows[first : first + len(group.parameters)]
        first += len(group.parameters)
        results.append(_expand(plan, group.parameters, rows, _ends(group), order, start, count))
    table = plan.n_parameters
    for group in plan.plain_groups:
        layer, rows = np.nonzero(
            (plan.row_layers >= table) & (plan.row_layers < table + len(group.parameters))
        )
        member = plan.row_layers[layer, rows] - table
        ends = tuple(end[member] for end in _ends(group))
        owners = group.parameters[member]
        results.append(_expand(plan, owners, rows, ends, order, start, count))
        table += len(group.parameters)
    return results


def _ends(group: CurveGroup) -> tuple[np.ndarray, np.ndarray]:
    """Odd and even part of each factor, relative to its value at zero."""
    values = []
    for alpha in (-1.0, 0.0, 1.0):
        x = np.full((len(group.parameters), 1), alpha)
        value = group.family(x, group.coefficients[:, :, None], np, 0)[0][:, 0]
        values.append(np.exp(value) if getattr(group.family, "logarithm", False) else value)
    low, middle, high = values
    return 0.5 * (high - low), 0.5 * (high + low) - middle


def _expand(
    plan: RatePlan,
    owners: np.ndarray,
    rows: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    order: np.ndarray,
    start: np.ndarray,
    count: np.ndarray,
) -> _Effects:
    """One entry per cell of each factor's row."""
    n = count[rows]
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    cells = order[np.repeat(start[rows], n) + within]
    nominal = plan.nominal[cells]
    return (
        np.repeat(owners, n),
        cells,
        nominal * np.repeat(ends[0], n),
        nominal * np.repeat(ends[1], n),
    )
