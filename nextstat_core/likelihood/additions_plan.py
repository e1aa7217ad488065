"""Cell additions: basis functions, and templates as dense blocks or as entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.likelihood.curve_plan import CurveGroup, curve_coefficients, prepared

if TYPE_CHECKING:
    from nextstat_core.ir import CellAddition, Curve, Family
    from nextstat_core.likelihood.tile_plan import Tile

__all__ = ["Additions", "SparseTemplates", "TemplateBlock", "plan_additions"]

# Tiles share one template matrix while the union wastes at most this many numbers.
_BLOCK_SLACK = 32768
# Share of non-zero templates below which a block is kept as a list of entries.
_SPARSE_BELOW = 0.2


@dataclass(frozen=True, slots=True)
class TemplateBlock:
    """Templates of a run of cells, dense over the additive parameters that act there."""

    cells: slice
    active: np.ndarray  # (k,) positions in Additions.parameters
    basis: np.ndarray  # (slots * k,) flat positions in the basis
    templates: np.ndarray  # (cells, slots * k)


@dataclass(frozen=True, slots=True)
class SparseTemplates:
    """Templates as entries: one per cell and additive parameter that act on each other."""

    cells: np.ndarray  # (entries,)
    active: np.ndarray  # (entries,) positions in Additions.parameters
    values: np.ndarray  # (slots, entries)


@dataclass(frozen=True, slots=True)
class Additions:
    """Basis functions of cell additions, flat over (slots, parameters), and templates.

    Identities come first, then the groups; `order` puts what they give into the flat order, and is
    None where it already is. ``n_values`` stands for a basis function that does not exist: zero.
    """

    parameters: np.ndarray
    slots: int
    owners: np.ndarray  # parameter of each flat position
    identity: np.ndarray  # parameters whose identity is a basis function
    groups: tuple[CurveGroup, ...]
    n_values: int
    order: np.ndarray | None
    blocks: tuple[TemplateBlock, ...]
    sparse: SparseTemplates | None
    block_basis: np.ndarray | None  # flat positions of all blocks' columns; None: one full block
    follow_rows: np.ndarray  # rows whose templates contain -nominal ...
    follow_basis: np.ndarray  # ... and the basis function that multiplies it


def plan_additions(
    terms: list[tuple[int, CellAddition]],
    index: dict[str, int],
    starts: list[tuple[int, int, int]],
    tiles: list[Tile],
) -> Additions | None:
    """Plan of all cell additions; `starts` has first cell, stride and bins of each row."""
    if not terms:
        return None
    slot_of: dict[int, dict[Curve, int]] = {}
    places = []  # (row, parameter position, slot)
    position: dict[int, int] = {}
    for row, term in terms:
        parameter = index[term.parameter]
        k = position.setdefault(parameter, len(position))
        slots = slot_of.setdefault(k, {})
        places.append((row, k, slots.setdefault(term.curve, len(slots))))
    n_slots = max(len(slots) for slots in slot_of.values())
    parameters = np.asarray(list(position), dtype=np.intp)
    identity, groups, order, n_values = _basis(slot_of, parameters, n_slots)
    blocks, sparse = _templates(terms, places, starts, tiles, n_slots, len(parameters))
    full = len(blocks) == 1 and len(blocks[0].active) == len(parameters)
    basis = [block.basis for block in blocks]
    follows = [
        (row, slot * len(parameters) + k)
        for (row, k, slot), (_, term) in zip(places, terms, strict=True)
        if term.follows_nominal
    ]
    follow_rows, follow_basis = np.asarray(follows, dtype=np.intp).reshape(-1, 2).T
    return Additions(
        parameters=parameters,
        slots=n_slots,
        owners=np.tile(parameters, n_slots),
        identity=identity,
        groups=groups,
        n_values=n_values,
        order=order,
        blocks=blocks,
        sparse=sparse,
        block_basis=None if full or not basis else np.concatenate(basis),
        follow_rows=follow_rows,
        follow_basis=follow_basis,
    )


def _basis(
    slot_of: dict[int, dict[Curve, int]], parameters: np.ndarray, n_slots: int
) -> tuple[np.ndarray, tuple[CurveGroup, ...], np.ndarray | None, int]:
    """Identities, curve groups, the order of what they give, and how many values that is."""
    n = len(parameters)
    identity: list[tuple[int, int]] = []
    by_family: dict[Family, list[tuple[int, int, Curve]]] = {}
    for k, slots in slot_of.items():
        for curve, slot in slots.items():
            if curve.family is None:
                identity.append((slot * n + k, k))
            else:
                by_family.setdefault(curve.family, []).append((slot * n + k, k, curve))
    groups, table = [], [flat for flat, _ in identity]
    for family, members in by_family.items():
        coefficients = prepared(family, curve_coefficients([curve for _, _, curve in members]))
        owners = parameters[[k for _, k, _ in members]]
        groups.append(CurveGroup(family, coefficients, owners))
        table.extend([flat for flat, _, _ in members])
    order = np.full(n_slots * n, len(table), dtype=np.intp)
    order[table] = np.arange(len(table))
    in_order = np.array_equal(order, np.arange(n_slots * n))
    linear = parameters[[k for _, k in identity]] if identity else np.zeros(0, np.intp)
    return linear, tuple(groups), None if in_order else order, len(table)


def _templates(
    terms: list[tuple[int, CellAddition]],
    places: list[tuple[int, int, int]],
    starts: list[tuple[int, int, int]],
    tiles: list[Tile],
    n_slots: int,
    n_parameters: int,
) -> tuple[tuple[TemplateBlock, ...], SparseTemplates | None]:
    """Dense template matrices of runs of tiles, and entries where most templates are zero."""
    row, k, slot = np.asarray(places, dtype=np.intp).T
    first, stride, n_bins = np.asarray(starts, dtype=np.intp)[row].T
    values = np.concatenate([np.asarray(term.template, dtype=float) for _, term in terms])
    within = np.arange(len(values)) - np.repeat(np.cumsum(n_bins) - n_bins, n_bins)
    cell = np.repeat(first, n_bins) + within * np.repeat(stride, n_bins)
    k_cell, slot_cell = np.repeat(k, n_bins), np.repeat(slot, n_bins)
    blocks, rest = [], np.zeros(len(values), dtype=bool)
    for start, stop in _runs(tiles, cell, k_cell):
        here = (cell >= start) & (cell < stop)
        active, column = np.unique(k_cell[here], return_inverse=True)
        if np.count_nonzero(here) < _SPARSE_BELOW * (stop - start) * n_slots * len(active):
            rest |= here
            continue
        templates = np.zeros((stop - start, n_slots * len(active)))
        # Two modifiers of one sample may share a parameter and a curve: their templates add up.
        flat = (cell[here] - start) * templates.shape[1] + slot_cell[here] * len(active) + column
        np.add.at(templates.reshape(-1), flat, values[here])
        basis = (np.arange(n_slots)[:, None] * n_parameters + active).reshape(-1)
        blocks.append(TemplateBlock(slice(start, stop), active, basis, templates))
    if not rest.any():
        return tuple(blocks), None
    keys, entry = np.unique(cell[rest] * n_parameters + k_cell[rest], return_inverse=True)
    table = np.zeros((n_slots, len(keys)))
    np.add.at(table, (slot_cell[rest], entry.reshape(-1)), values[rest])
    cells, active = np.divmod(keys, n_parameters)
    return tuple(blocks), SparseTemplates(cells, active, table)


def _runs(tiles: list[Tile], cell: np.ndarray, k: np.ndarray) -> list[tuple[int, int]]:
    """Cell ranges of blocks: neighbouring tiles are joined while that wastes little."""
    runs: list[tuple[int, int, set[int]]] = []
    for tile in tiles:
        bounds = tile.cells
        inside = (cell >= bounds.start) & (cell < bounds.stop)
        used = set(np.unique(k[inside]).tolist())
        if runs:
            start, stop, before = runs[-1]
            apart = (stop - start) * len(before) + (bounds.stop - bounds.start) * len(used)
            if (bounds.stop - start) * len(before | used) <= apart + _BLOCK_SLACK:
                runs[-1] = (start, bounds.stop, before | used)
                continue
        runs.append((bounds.start, bounds.stop, used))
    return [(start, stop) for start, stop, _ in runs]
