"""Index plans of second derivatives, built once on the host."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.likelihood.gather_plan import GatherPlan, make_gather_plan

if TYPE_CHECKING:
    from nextstat_core.likelihood.local_plan import LocalPlan, SlotTile
    from nextstat_core.likelihood.plan import RatePlan
    from nextstat_core.likelihood.tile_plan import Tile

__all__ = [
    "ComponentPlan",
    "DensePlan",
    "HessianPlan",
    "PlainPlan",
    "SparsePlan",
    "TilePlan",
    "make_hessian_plan",
]


@dataclass(frozen=True, slots=True)
class TilePlan:
    """One tile: slots, the template block that covers it, and the dense column of each addition.

    `columns` has one entry per dense parameter: the active addition, or their number for none; it
    is None where additions and dense parameters are the same.
    """

    tile: Tile
    n_slots: int
    entry: np.ndarray
    pair_entry: np.ndarray | None
    block: int | None
    columns: np.ndarray | None

    @property
    def n_cells(self) -> int:
        return self.tile.n_channels * self.tile.n_bins * self.tile.n_samples


@dataclass(frozen=True, slots=True)
class ComponentPlan:
    """Moves of slots and pairs of slots into the blocks of one size."""

    slots: GatherPlan
    pairs: GatherPlan
    components: int
    size: int


@dataclass(frozen=True, slots=True)
class DensePlan:
    """Cell factors whose parameter stays dense."""

    jacobian_source: np.ndarray
    jacobian: GatherPlan
    mixed_source: np.ndarray
    mixed: GatherPlan
    unit: np.ndarray


@dataclass(frozen=True, slots=True)
class PlainPlan:
    """Parameters of plain row factors: their dense columns, and products of two in one row."""

    columns: np.ndarray
    unit: np.ndarray
    pairs: GatherPlan | None


@dataclass(frozen=True, slots=True)
class SparsePlan:
    """Where template entries go: bins, rows and slots, each times dense columns.

    `basis` (slots, entries) are flat basis positions; `slot_entry` and `slot_others` say for each
    contribution to a slot which entry it is, and where the product of the other factors stands.
    """

    cells: np.ndarray
    basis: np.ndarray
    values: np.ndarray
    to_bins: GatherPlan
    to_rows: GatherPlan
    slot_entry: np.ndarray
    slot_others: np.ndarray
    to_slots: GatherPlan


@dataclass(frozen=True, slots=True)
class HessianPlan:
    """Everything that the Hessian kernel indexes with."""

    logs_to_grid: GatherPlan
    factors_to_grid: GatherPlan
    tiles: tuple[TilePlan, ...]
    bin_of_slot: np.ndarray
    components: tuple[ComponentPlan, ...]
    dense: DensePlan | None
    plain: PlainPlan | None
    sparse: SparsePlan | None
    follow: SparsePlan | None


def make_hessian_plan(plan: RatePlan, local: LocalPlan) -> HessianPlan:
    """Plan for one model."""
    n_dense = len(local.dense)
    column = np.full(plan.n_parameters + 1, -1, dtype=np.intp)
    column[local.dense] = np.arange(n_dense)
    bin_of_slot = np.concatenate(
        [
            np.repeat(tile.first_bin + np.arange(slot.entry.shape[0]), slot.n_slots)
            for tile, slot in zip(plan.tiles, local.slots, strict=True)
        ]
    ).astype(np.intp)
    return HessianPlan(
        logs_to_grid=_logs_to_grid(plan, column, n_dense),
        factors_to_grid=_factors_to_grid(plan, column, n_dense),
        tiles=tuple(
            _tile_plan(plan, tile, slot, column, n_dense)
            for tile, slot in zip(plan.tiles, local.slots, strict=True)
        ),
        bin_of_slot=bin_of_slot,
        components=_component_plans(local),
        dense=_dense_plan(local, bin_of_slot, plan.n_bins, n_dense),
        plain=_plain_plan(plan, column, n_dense),
        sparse=_sparse_plan(plan, local, column, n_dense),
        follow=_follow_plan(plan, local, column, n_dense),
    )


def _sparse_plan(
    plan: RatePlan, local: LocalPlan, column: np.ndarray, n_dense: int
) -> SparsePlan | None:
    if plan.additions is None or plan.additions.sparse is None:
        return None
    entries = plan.additions.sparse
    basis = np.arange(len(entries.values))[:, None] * len(plan.additions.parameters)
    basis = basis + entries.active
    return _entries_plan(plan, local, column, n_dense, entries.cells, basis, entries.values)


def _follow_plan(
    plan: RatePlan, local: LocalPlan, column: np.ndarray, n_dense: int
) -> SparsePlan | None:
    """Entries of the templates that contain ``-nominal``; their values belong to the batch."""
    additions = plan.additions
    if additions is None or not len(additions.follow_rows):
        return None
    cells, counts = plan.cells_of_rows(additions.follow_rows)
    basis = np.repeat(additions.follow_basis, counts)[None, :]
    return _entries_plan(plan, local, column, n_dense, cells, basis, np.zeros(basis.shape))


def _entries_plan(
    plan: RatePlan,
    local: LocalPlan,
    column: np.ndarray,
    n_dense: int,
    cells: np.ndarray,
    basis: np.ndarray,
    values: np.ndarray,
) -> SparsePlan:
    assert plan.additions is not None
    n = len(cells)
    columns = column[plan.additions.owners[basis[0]]]
    slot_of = np.full((len(plan.cell_layers), plan.n_cells), -1, dtype=np.intp)
    for slot in local.slots:
        bins, number, sample = np.nonzero(slot.entry < slot_of.size)
        flat = slot.first_slot + bins * slot.n_slots + number
        slot_of.reshape(-1)[slot.entry[bins, number, sample]] = flat
    layer, entry = np.nonzero(slot_of[:, cells] >= 0)
    target = slot_of[layer, cells[entry]] * n_dense + columns[entry]
    order = np.arange(n)
    return SparsePlan(
        cells=cells,
        basis=basis,
        values=values,
        to_bins=make_gather_plan(
            order, plan.bin_of_cell[cells] * n_dense + columns, n, plan.n_bins * n_dense
        ),
        to_rows=make_gather_plan(
            order, plan.row_of_cell[cells] * n_dense + columns, n, plan.n_rows * n_dense
        ),
        slot_entry=entry,
        slot_others=layer * plan.n_cells + cells[entry],
        to_slots=make_gather_plan(
            np.arange(len(entry)), target, len(entry), local.n_slots * n_dense
        ),
    )


def _log_parameters(plan: RatePlan) -> np.ndarray:
    parts = [group.parameters for group in plan.log_groups]
    return np.concatenate(parts) if parts else np.zeros(0, np.intp)


def _logs_to_grid(plan: RatePlan, column: np.ndarray, n_dense: int) -> GatherPlan:
    target = plan.log_rows * n_dense + column[_log_parameters(plan)]
    n = len(target)
    return make_gather_plan(np.arange(n), target, n, plan.n_rows * n_dense)


def _factors_to_grid(plan: RatePlan, column: np.ndarray, n_dense: int) -> GatherPlan:
    rows = [plan.log_rows] + [np.arange(plan.n_rows)] * len(plan.row_layers)
    owners = [_log_parameters(plan)]
    owners.extend([plan.table_parameters[layer] for layer in plan.row_layers])
    row, owner = np.concatenate(rows), np.concatenate(owners)
    source = np.flatnonzero(owner < plan.n_parameters)
    target = row[source] * n_dense + column[owner[source]]
    return make_gather_plan(source, target, len(owner), plan.n_rows * n_dense)


def _tile_plan(
    plan: RatePlan, tile: Tile, slot: SlotTile, column: np.ndarray, n_dense: int
) -> TilePlan:
    block, columns = None, None
    if plan.additions is not None:
        for i, candidate in enumerate(plan.additions.blocks):
            inside = candidate.cells.start <= tile.first_cell < candidate.cells.stop
            if inside and len(candidate.active):
                block = i
                owners = column[plan.additions.parameters[candidate.active]]
                columns = np.full(n_dense, len(owners), dtype=np.intp)
                columns[owners] = np.arange(len(owners))
                if np.array_equal(columns, np.arange(len(owners))):
                    columns = None
    pair_entry = _pair_entry(plan, slot) if len(plan.cell_layers) > 1 else None
    return TilePlan(tile, slot.n_slots, slot.entry, pair_entry, block, columns)


def _pair_entry(plan: RatePlan, slot: SlotTile) -> np.ndarray:
    """Where the product of the remaining cell factors stands for two slots of one cell."""
    layers, n_cells = len(plan.cell_layers), plan.n_cells
    number = np.full((layers + 1, layers + 1), -1, dtype=np.intp)
    for i, (a, b) in enumerate(combinations(range(layers), 2)):
        number[a, b] = number[b, a] = i
    layer, cell = np.divmod(slot.entry, n_cells)
    pair = number[layer[:, :, None, :], layer[:, None, :, :]]
    none = (layers * (layers - 1) // 2) * n_cells
    # A slot is empty at some samples: there the layer is one past the last, and no pair exists.
    return np.where(pair >= 0, pair * n_cells + cell[:, :, None, :], none)


def _component_plans(local: LocalPlan) -> tuple[ComponentPlan, ...]:
    plans = []
    for component in local.components:
        n, m = component.parameters.shape
        slots = make_gather_plan(component.slot_source, component.slot_target, local.n_slots, n * m)
        pairs = make_gather_plan(
            component.pair_source, component.pair_target, local.n_pairs, n * m * m
        )
        plans.append(ComponentPlan(slots, pairs, n, m))
    return tuple(plans)


def _dense_plan(
    local: LocalPlan, bin_of_slot: np.ndarray, n_bins: int, n_dense: int
) -> DensePlan | None:
    if not len(local.dense_slots):
        return None
    of_slot = np.full(local.n_slots, -1, dtype=np.intp)
    of_slot[local.dense_slots] = local.dense_of_slot
    n = len(local.dense_slots)
    target = bin_of_slot[local.dense_slots] * n_dense + local.dense_of_slot
    source = np.flatnonzero(of_slot[local.pair_right] >= 0)
    mixed = local.pair_left[source] * n_dense + of_slot[local.pair_right[source]]
    unit = np.zeros((n, n_dense))
    unit[np.arange(n), local.dense_of_slot] = 1.0
    return DensePlan(
        local.dense_slots,
        make_gather_plan(np.arange(n), target, n, n_bins * n_dense),
        source,
        make_gather_plan(np.arange(len(source)), mixed, len(source), local.n_slots * n_dense),
        unit,
    )


def _plain_plan(plan: RatePlan, column: np.ndarray, n_dense: int) -> PlainPlan | None:
    layers = plan.table_parameters[plan.row_layers]
    if not len(layers):
        return None
    owners = np.unique(layers[layers < plan.n_parameters])
    unit = np.zeros((len(owners), n_dense))
    unit[np.arange(len(owners)), column[owners]] = 1.0
    pairs = _plain_pairs(plan, layers, owners) if len(layers) > 1 else None
    return PlainPlan(column[owners], unit, pairs)


def _plain_pairs(plan: RatePlan, layers: np.ndarray, owners: np.ndarray) -> GatherPlan:
    place = np.full(plan.n_parameters + 1, -1, dtype=np.intp)
    place[owners] = np.arange(len(owners))
    source, target = [], []
    for i, (a, b) in enumerate(combinations(range(len(layers)), 2)):
        rows = np.flatnonzero((place[layers[a]] >= 0) & (place[layers[b]] >= 0))
        source.append(i * plan.n_rows + rows)
        target.append(place[layers[a][rows]] * len(owners) + place[layers[b][rows]])
    n_pairs = len(layers) * (len(layers) - 1) // 2
    return make_gather_plan(
        np.concatenate(source), np.concatenate(target), n_pairs * plan.n_rows, len(owners) ** 2
    )
