"""Index plans of the rates, built once on the host.

Order of everything inside: channels of equal shape (samples, bins) stand together; within a channel
cells run over bins, then samples. A *row* is one sample in one channel; a *cell* is one bin of a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.ir import CellAddition, CellFactor, RowFactor
from nextstat_core.likelihood.lowering import lower_sample

if TYPE_CHECKING:
    from nextstat_core.ir import Channel, Curve, Family, Model, ModifierType
    from nextstat_core.likelihood.layout import Layout

__all__ = [
    "Additions",
    "CurveGroup",
    "RatePlan",
    "SparseTemplates",
    "TemplateBlock",
    "Tile",
    "make_rate_plan",
]

# A tile's largest Jacobian work array has about this many numbers.
_TILE_BINS = 4096
# Tiles share one template matrix while the union wastes at most this many numbers.
_BLOCK_SLACK = 32768
# Share of non-zero templates below which a block is kept as a list of entries.
_SPARSE_BELOW = 0.2


@dataclass(frozen=True, slots=True)
class Tile:
    """Channels of equal shape, or a run of bins of one channel: contiguous cells, bins and rows."""

    n_channels: int
    n_bins: int
    n_samples: int
    first_cell: int
    first_bin: int
    first_row: int

    @property
    def cells(self) -> slice:
        count = self.n_channels * self.n_bins * self.n_samples
        return slice(self.first_cell, self.first_cell + count)

    @property
    def bins(self) -> slice:
        return slice(self.first_bin, self.first_bin + self.n_channels * self.n_bins)

    @property
    def rows(self) -> slice:
        return slice(self.first_row, self.first_row + self.n_channels * self.n_samples)


@dataclass(frozen=True, slots=True)
class CurveGroup:
    """Members of one family that are evaluated together."""

    family: Family
    coefficients: np.ndarray  # (n_coefficients, members)
    parameters: np.ndarray  # (members,)


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


@dataclass(frozen=True, slots=True)
class RatePlan:
    """Everything that the rate kernels index with."""

    n_parameters: int
    n_rows: int
    n_cells: int
    n_bins: int
    bin_order: np.ndarray  # internal bin -> main bin
    channel_bins: dict[str, slice]  # in main order
    row_names: tuple[tuple[str, str], ...]  # (channel, sample)
    tiles: tuple[Tile, ...]
    nominal: np.ndarray
    row_of_cell: np.ndarray
    bin_of_cell: np.ndarray
    log_groups: tuple[CurveGroup, ...]
    log_rows: np.ndarray
    plain_groups: tuple[CurveGroup, ...]
    table_parameters: np.ndarray  # factor table entry -> parameter; last entry (one) -> n_parameters
    row_layers: np.ndarray  # (layers, rows) into the factor table
    cell_layers: np.ndarray  # (layers, cells) into the factor table
    additions: Additions | None
    contributions: np.ndarray  # parameter of each gradient contribution, see `RateKernel.gradient`
    kinks: np.ndarray  # parameters at whose zero the likelihood has a kink

    def cells_of_row(self, row: int) -> np.ndarray:
        """Cells of one row, in bin order."""
        return np.flatnonzero(self.row_of_cell == row)


@dataclass(slots=True)
class _Collected:
    """Terms of all samples, by kind, with the place where they act."""

    factors: list[tuple[int, RowFactor]] = field(default_factory=list)
    additions: list[tuple[int, CellAddition]] = field(default_factory=list)
    cell_factors: list[tuple[int, CellFactor]] = field(default_factory=list)


def make_rate_plan(
    model: Model, layout: Layout, modifier_types: Mapping[str, ModifierType]
) -> RatePlan:
    """Index plan of a model."""
    channels, order, channel_bins = _arrange(model)
    index = {p.name: i for i, p in enumerate(model.parameters)}
    collected, tiles, row_names = _Collected(), [], []
    nominal, row_of_cell, bin_of_cell = [], [], []
    first_cell = first_bin = 0
    starts: list[tuple[int, int, int]] = []  # per row: first cell, stride, bins
    for shape, members in channels:
        n_samples, n_bins = shape
        tiles.extend(_tiles_of(members, shape, first_cell, first_bin, len(row_names)))
        for channel in members:
            grid = np.asarray([s.nominal for s in channel.samples], dtype=float)
            nominal.append(grid.T.reshape(-1))
            rows = len(row_names) + np.arange(n_samples)
            row_of_cell.append(np.tile(rows, n_bins))
            bin_of_cell.append(np.repeat(first_bin + np.arange(n_bins), n_samples))
            for position, sample in enumerate(channel.samples):
                row = len(row_names)
                row_names.append((channel.name, sample.name))
                starts.append((first_cell + position, n_samples, n_bins))
                _collect(collected, row, lower_sample(sample, channel, modifier_types))
            first_cell += n_samples * n_bins
            first_bin += n_bins
    factors = _plan_factors(collected, index, starts, first_cell, len(row_names))
    additions = _plan_additions(collected.additions, index, starts, tiles)
    return RatePlan(
        n_parameters=len(index),
        n_rows=len(row_names),
        n_cells=first_cell,
        n_bins=first_bin,
        bin_order=order,
        channel_bins=channel_bins,
        row_names=tuple(row_names),
        tiles=tuple(tiles),
        nominal=np.concatenate(nominal),
        row_of_cell=np.concatenate(row_of_cell),
        bin_of_cell=np.concatenate(bin_of_cell),
        log_groups=factors.log_groups,
        log_rows=factors.log_rows,
        plain_groups=factors.plain_groups,
        table_parameters=factors.table_parameters,
        row_layers=factors.row_layers,
        cell_layers=factors.cell_layers,
        additions=additions,
        contributions=_contributions(factors, additions, layout),
        kinks=_kinks(collected, index),
    )


_Shaped = list[tuple[tuple[int, int], list["Channel"]]]


def _arrange(model: Model) -> tuple[_Shaped, np.ndarray, dict[str, slice]]:
    """Channels by shape, internal bin -> main bin, and main bins per channel."""
    shaped: dict[tuple[int, int], list[Channel]] = {}
    main: dict[str, slice] = {}
    start = 0
    for channel in model.sorted_channels():
        shaped.setdefault((len(channel.samples), channel.n_bins), []).append(channel)
        main[channel.name] = slice(start, start + channel.n_bins)
        start += channel.n_bins
    groups = list(shaped.items())
    order = np.concatenate(
        [np.arange(main[c.name].start, main[c.name].stop) for _, members in groups for c in members]
    )
    return groups, order, main


def _tiles_of(
    members: list[Channel], shape: tuple[int, int], first_cell: int, first_bin: int, first_row: int
) -> list[Tile]:
    n_samples, n_bins = shape
    tiles = []
    if n_bins > _TILE_BINS:
        for i in range(len(members)):
            for start in range(0, n_bins, _TILE_BINS):
                count = min(_TILE_BINS, n_bins - start)
                b = i * n_bins + start
                cell, row = first_cell + b * n_samples, first_row + i * n_samples
                tiles.append(Tile(1, count, n_samples, cell, first_bin + b, row))
        return tiles
    per_tile = max(1, _TILE_BINS // n_bins)
    for i in range(0, len(members), per_tile):
        count, b = min(per_tile, len(members) - i), i * n_bins
        cell, row = first_cell + b * n_samples, first_row + i * n_samples
        tiles.append(Tile(count, n_bins, n_samples, cell, first_bin + b, row))
    return tiles


def _collect(collected: _Collected, row: int, terms: list) -> None:  # type: ignore[type-arg]
    for term in terms:
        if isinstance(term, RowFactor):
            collected.factors.append((row, term))
        elif isinstance(term, CellAddition):
            collected.additions.append((row, term))
        else:
            collected.cell_factors.append((row, term))


@dataclass(frozen=True, slots=True)
class _Factors:
    log_groups: tuple[CurveGroup, ...]
    log_rows: np.ndarray
    plain_groups: tuple[CurveGroup, ...]
    table_parameters: np.ndarray
    row_layers: np.ndarray
    cell_layers: np.ndarray


def _plan_factors(
    collected: _Collected,
    index: dict[str, int],
    starts: list[tuple[int, int, int]],
    n_cells: int,
    n_rows: int,
) -> _Factors:
    logs, plain = _split_logarithms(collected.factors, index)
    table = _FactorTable(len(index))
    row_entries = [(row, table.entry(index[t.parameter], t.curve)) for row, t in plain]
    cell_entries = []
    for row, term in collected.cell_factors:
        first, stride, _ = starts[row]
        for b, (name, curve) in enumerate(zip(term.parameters, term.curves, strict=True)):
            cell_entries.append((first + b * stride, table.entry(index[name], curve)))
    groups, parameters, entry = table.groups()
    return _Factors(
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
        coefficients = _coefficients([t.curve for _, t in members])
        if not hasattr(family, "as_logarithm"):
            safe, target = np.ones(len(members), bool), family
        else:
            with np.errstate(all="ignore"):
                safe, target = family.positive(coefficients, np), family.as_logarithm()
        plain.extend([member for member, ok in zip(members, safe, strict=True) if not ok])
        if safe.any():
            rows = np.asarray([row for row, _ in members], dtype=np.intp)[safe]
            names = np.asarray([index[t.parameter] for _, t in members], dtype=np.intp)[safe]
            logs.append((CurveGroup(target, _prepare(target, coefficients[:, safe]), names), rows))
    return logs, plain


def _coefficients(curves: list[Curve]) -> np.ndarray:
    """Coefficients of members, (n_coefficients, members)."""
    table = np.asarray([curve.coefficients for curve in curves], dtype=float)
    return np.ascontiguousarray(table.reshape(len(curves), -1).T)


def _prepare(family: Family, coefficients: np.ndarray) -> np.ndarray:
    prepare = getattr(family, "prepare", None)
    return coefficients if prepare is None else np.asarray(prepare(coefficients, np))


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
            coefficients = _prepare(family, _coefficients([curve for _, _, curve in members]))
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


def _kinks(collected: _Collected, index: dict[str, int]) -> np.ndarray:
    bent = {
        index[term.parameter]
        for terms in (collected.factors, collected.additions)
        for _, term in terms
        if getattr(term.curve.family, "kink", False)
    }
    return np.asarray(sorted(bent), dtype=np.intp)


def _plan_additions(
    terms: list[tuple[int, CellAddition]],
    index: dict[str, int],
    starts: list[tuple[int, int, int]],
    tiles: list[Tile],
) -> Additions | None:
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


def _contributions(factors: _Factors, additions: Additions | None, layout: Layout) -> np.ndarray:
    parts = [group.parameters for group in factors.log_groups]
    layers = (*factors.row_layers, *factors.cell_layers)
    parts.extend([factors.table_parameters[layer] for layer in layers])
    if additions is not None:
        parts.append(additions.owners)
    return np.concatenate([*parts, layout.gaussian, layout.poisson]).astype(np.intp)


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
        coefficients = _prepare(family, _coefficients([curve for _, _, curve in members]))
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
