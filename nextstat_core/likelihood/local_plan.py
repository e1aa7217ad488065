"""Which parameters are local to bins, and where they meet: built once on the host.

An *incidence* is a pair (parameter, bin) of a cell factor. Incidences of one bin are numbered by
slots. Parameters that act only through cell factors and are not the parameter of interest are
local; those that share a bin form components, and components of up to eight parameters are
eliminated from the linear algebra. The rest is dense.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nextstat_core.likelihood.layout import Layout
    from nextstat_core.likelihood.plan import RatePlan
    from nextstat_core.likelihood.tile_plan import Tile

__all__ = ["Component", "LocalPlan", "SlotTile", "make_local_plan"]

_MAX_COMPONENT = 8


@dataclass(frozen=True, slots=True)
class SlotTile:
    """Slots of one tile.

    Attributes
    ----------
    n_slots : int
        Largest number of incidences in one bin of the tile.
    first_slot, first_pair : int
        Where this tile starts in the model's flat slots, and in its flat pairs of slots.
    entry : int array, shape (bins, n_slots, samples)
        Flat position (layer * n_cells + cell) of the cell factor, or layers * n_cells for none.
    """

    n_slots: int
    first_slot: int
    first_pair: int
    entry: np.ndarray


@dataclass(frozen=True, slots=True)
class Component:
    """All eliminated components with the same number of members."""

    parameters: np.ndarray  # (components, members)
    slot_source: np.ndarray  # flat slots
    slot_target: np.ndarray  # flat member position of each
    pair_source: np.ndarray  # flat pairs
    pair_target: np.ndarray  # flat position in (components, members, members)


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """Dense and eliminated parameters, slots, and the closed form's parameters.

    `solo*` describe parameters whose conditional optimum has a closed form: alone in their one bin,
    with an auxiliary measurement. `solo_constraint` indexes the Gaussian (or Poisson) list of the
    layout, `solo_cells` / `solo_of_cell` the cells that they scale.
    """

    dense: np.ndarray
    order: np.ndarray  # position of each parameter in (dense, components...)
    components: tuple[Component, ...]
    slots: tuple[SlotTile, ...]
    n_slots: int
    n_pairs: int
    dense_slots: np.ndarray  # flat slots of incidences whose parameter is dense
    dense_of_slot: np.ndarray  # position in `dense` of each
    pair_left: np.ndarray  # flat slot on either side of each flat pair
    pair_right: np.ndarray
    solo: np.ndarray
    solo_bin: np.ndarray
    solo_gaussian: int  # that many Gaussian ones come first, then Poisson ones
    solo_constraint: np.ndarray
    solo_cells: np.ndarray
    solo_of_cell: np.ndarray


@dataclass(frozen=True, slots=True)
class _Incidences:
    """Distinct (bin, parameter) pairs, sorted by bin, with their slots."""

    bins: np.ndarray
    parameters: np.ndarray
    slots: np.ndarray
    of_entry: np.ndarray  # incidence of each entry
    cells: np.ndarray  # cell of each entry
    layers: np.ndarray


def make_local_plan(plan: RatePlan, layout: Layout) -> LocalPlan:
    """Classify parameters and number slots."""
    inc = _incidences(plan)
    groups = _components(plan, layout, inc)
    eliminated = np.zeros(plan.n_parameters, dtype=bool)
    for members in groups:
        eliminated[members] = True
    slots = _slot_tiles(plan, inc)
    flat = _flat_slots(plan.tiles, slots, inc)
    dense = np.flatnonzero(~eliminated)
    position = np.full(plan.n_parameters, -1, dtype=np.intp)
    position[dense] = np.arange(len(dense))
    on_dense = ~eliminated[inc.parameters]
    left, right, n_pairs = _pair_sides(slots)
    solos, n_gaussian = _solos(layout, inc, groups, plan)
    components = tuple(_by_size(groups, inc, flat, slots, plan.tiles))
    arranged = np.concatenate([dense, *[c.parameters.reshape(-1) for c in components]])
    return LocalPlan(
        dense=dense,
        order=np.argsort(arranged),
        components=components,
        slots=slots,
        n_slots=sum(s.entry.shape[0] * s.n_slots for s in slots),
        n_pairs=n_pairs,
        dense_slots=flat[on_dense],
        dense_of_slot=position[inc.parameters[on_dense]],
        pair_left=left,
        pair_right=right,
        solo_gaussian=n_gaussian,
        **solos,
    )


def _incidences(plan: RatePlan) -> _Incidences:
    one = len(plan.table_parameters) - 1
    layers, cells = np.nonzero(plan.cell_layers != one)
    parameters = plan.table_parameters[plan.cell_layers[layers, cells]]
    # A plugin may scale a cell by two factors of one parameter: each is an incidence of its own.
    turn, turns = _turns(cells * (plan.n_parameters + 1) + parameters), len(plan.cell_layers) + 1
    keys = plan.bin_of_cell[cells] * (plan.n_parameters + 1) + parameters
    distinct, of_entry = np.unique(keys * turns + turn, return_inverse=True)
    bins, owners = np.divmod(distinct // turns, plan.n_parameters + 1)
    slots = np.arange(len(bins)) - np.searchsorted(bins, bins)
    return _Incidences(bins, owners, slots, of_entry.reshape(-1), cells, layers)


def _turns(keys: np.ndarray) -> np.ndarray:
    """How many equal entries stand before each entry."""
    order = np.argsort(keys, kind="stable")
    ranked = np.arange(len(keys)) - np.searchsorted(keys[order], keys[order])
    result = np.empty_like(ranked)
    result[order] = ranked
    return result


def _components(plan: RatePlan, layout: Layout, inc: _Incidences) -> list[np.ndarray]:
    """Eliminated components: parameters that meet in bins, at most eight together."""
    local = np.zeros(plan.n_parameters, dtype=bool)
    local[inc.parameters] = True
    used = [group.parameters for group in plan.log_groups]
    used.append(plan.table_parameters[plan.row_layers.reshape(-1)])
    if plan.additions is not None:
        used.append(plan.additions.parameters)
    elsewhere = np.concatenate(used)
    local[elsewhere[elsewhere < plan.n_parameters]] = False
    if layout.poi is not None:
        local[layout.poi] = False
    parent = np.arange(plan.n_parameters)
    keep = local[inc.parameters]
    bins, parameters = inc.bins[keep], inc.parameters[keep]
    shared = np.flatnonzero(bins[1:] == bins[:-1])
    for i in shared:
        a, b = _root(parent, int(parameters[i])), _root(parent, int(parameters[i + 1]))
        parent[max(a, b)] = min(a, b)
    members = np.flatnonzero(local)
    roots = np.asarray([_root(parent, int(p)) for p in members], dtype=np.intp)
    order = np.argsort(roots, kind="stable")
    cuts = np.flatnonzero(np.diff(roots[order])) + 1
    groups = np.split(members[order], cuts) if len(members) else []
    return [group for group in groups if len(group) <= _MAX_COMPONENT]


def _root(parent: np.ndarray, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return int(i)


def _slot_tiles(plan: RatePlan, inc: _Incidences) -> tuple[SlotTile, ...]:
    none = len(plan.cell_layers) * plan.n_cells
    tiles, first_slot, first_pair = [], 0, 0
    entry_bin = plan.bin_of_cell[inc.cells]
    for tile in plan.tiles:
        here = (inc.bins >= tile.bins.start) & (inc.bins < tile.bins.stop)
        n_slots = int(inc.slots[here].max()) + 1 if here.any() else 0
        n_bins = tile.n_channels * tile.n_bins
        entry = np.full((n_bins, n_slots, tile.n_samples), none, dtype=np.intp)
        mine = (entry_bin >= tile.bins.start) & (entry_bin < tile.bins.stop)
        cells, layers = inc.cells[mine], inc.layers[mine]
        sample = (cells - tile.first_cell) % tile.n_samples
        b = entry_bin[mine] - tile.first_bin
        entry[b, inc.slots[inc.of_entry[mine]], sample] = layers * plan.n_cells + cells
        tiles.append(SlotTile(n_slots, first_slot, first_pair, entry))
        first_slot += n_bins * n_slots
        first_pair += n_bins * n_slots * n_slots
    return tuple(tiles)


def _flat_slots(
    tiles: tuple[Tile, ...], slots: tuple[SlotTile, ...], inc: _Incidences
) -> np.ndarray:
    flat = np.zeros(len(inc.bins), dtype=np.intp)
    for tile, slot in zip(tiles, slots, strict=True):
        here = (inc.bins >= tile.bins.start) & (inc.bins < tile.bins.stop)
        local = (inc.bins[here] - tile.first_bin) * slot.n_slots + inc.slots[here]
        flat[here] = slot.first_slot + local
    return flat


def _pair_sides(slots: tuple[SlotTile, ...]) -> tuple[np.ndarray, np.ndarray, int]:
    left, right = [], []
    for slot in slots:
        n_bins, n = slot.entry.shape[0], slot.n_slots
        grid = slot.first_slot + np.arange(n_bins * n).reshape(n_bins, n)
        left.append(np.repeat(grid, n, axis=1).reshape(-1))
        right.append(np.tile(grid, (1, n)).reshape(-1))
    both = [np.concatenate(side).astype(np.intp) for side in (left, right)]
    return both[0], both[1], len(both[0])


def _by_size(
    groups: list[np.ndarray],
    inc: _Incidences,
    flat: np.ndarray,
    slots: tuple[SlotTile, ...],
    tiles: tuple[Tile, ...],
) -> list[Component]:
    components = []
    pair_base, slot_count = _pair_base(slots, inc, tiles)
    for size in sorted({len(group) for group in groups}):
        parameters = np.stack([group for group in groups if len(group) == size])
        where = np.full(int(inc.parameters.max()) + 1, -1, dtype=np.intp)
        where[parameters.reshape(-1)] = np.arange(parameters.size)
        member = where[inc.parameters]
        mine = np.flatnonzero(member >= 0)
        a, b = _same_bin_pairs(inc.bins[mine])
        i, j = mine[a], mine[b]
        source = pair_base[i] + inc.slots[i] * slot_count[i] + inc.slots[j]
        target = member[i] * size + member[j] % size
        components.append(Component(parameters, flat[mine], member[mine], source, target))
    return components


def _pair_base(
    slots: tuple[SlotTile, ...], inc: _Incidences, tiles: tuple[Tile, ...]
) -> tuple[np.ndarray, np.ndarray]:
    base = np.zeros(len(inc.bins), dtype=np.intp)
    count = np.zeros(len(inc.bins), dtype=np.intp)
    for tile, slot in zip(tiles, slots, strict=True):
        here = (inc.bins >= tile.bins.start) & (inc.bins < tile.bins.stop)
        base[here] = slot.first_pair + (inc.bins[here] - tile.first_bin) * slot.n_slots**2
        count[here] = slot.n_slots
    return base, count


def _same_bin_pairs(bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ordered pairs (i, j), i == j included, of positions with equal entries in sorted `bins`."""
    start = np.searchsorted(bins, bins, side="left")
    count = np.searchsorted(bins, bins, side="right") - start
    i = np.repeat(np.arange(len(bins)), count)
    offset = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, np.repeat(start, count) + offset


def _solos(
    layout: Layout, inc: _Incidences, groups: list[np.ndarray], plan: RatePlan
) -> tuple[dict[str, np.ndarray], int]:
    """Parameters with a closed-form conditional optimum, and how many are Gaussian."""
    alone = np.zeros(plan.n_parameters, dtype=bool)
    alone[[group[0] for group in groups if len(group) == 1]] = True
    n_bins_of = np.bincount(inc.parameters, minlength=plan.n_parameters)
    n_in_bin = np.bincount(inc.bins, minlength=plan.n_bins)
    candidate = alone[inc.parameters] & (n_bins_of[inc.parameters] == 1) & (n_in_bin[inc.bins] == 1)
    custom = plan.cell_layers[inc.layers, inc.cells] >= plan.n_parameters
    candidate[inc.of_entry[custom]] = False
    kind = np.zeros(plan.n_parameters, dtype=np.intp)
    kind[layout.poisson], kind[layout.gaussian] = 2, 1
    number = np.zeros(plan.n_parameters, dtype=np.intp)
    number[layout.poisson] = np.arange(len(layout.poisson))
    number[layout.gaussian] = np.arange(len(layout.gaussian))
    # Gaussian ones first, so that either kind is a slice.
    chosen = np.concatenate(
        [np.flatnonzero(candidate & (kind[inc.parameters] == wanted)) for wanted in (1, 2)]
    ).astype(np.intp)
    solo = inc.parameters[chosen].astype(np.intp)
    position = np.full(len(inc.bins), -1, dtype=np.intp)
    position[chosen] = np.arange(len(chosen))
    of_entry = position[inc.of_entry]
    return {
        "solo": solo,
        "solo_bin": inc.bins[chosen].astype(np.intp),
        "solo_constraint": number[solo],
        "solo_cells": inc.cells[of_entry >= 0],
        "solo_of_cell": of_entry[of_entry >= 0],
    }, int(np.count_nonzero(kind[solo] == 1))
