"""Index plans of the rates, built once on the host.

Order of everything inside: channels of equal shape (samples, bins) stand together; within a
channel cells run over bins, then samples. A *row* is one sample in one channel; a *cell* is one
bin of a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.ir import CellAddition, CellFactor, RowFactor
from nextstat_core.likelihood.additions_plan import plan_additions
from nextstat_core.likelihood.curve_plan import plan_factors
from nextstat_core.likelihood.lowering import lower_sample
from nextstat_core.likelihood.responses import through_responses
from nextstat_core.likelihood.tile_plan import Tile, tiles_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.ir import Channel, Model, ModifierType, Term
    from nextstat_core.likelihood.additions_plan import Additions
    from nextstat_core.likelihood.curve_plan import CurveGroup, FactorPlan
    from nextstat_core.likelihood.layout import Layout

__all__ = ["RatePlan", "make_rate_plan"]


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
    row_starts: np.ndarray  # per row: first cell, distance of its cells, bins
    row_of_cell: np.ndarray
    bin_of_cell: np.ndarray
    log_groups: tuple[CurveGroup, ...]
    log_rows: np.ndarray
    plain_groups: tuple[CurveGroup, ...]
    table_parameters: (
        np.ndarray
    )  # factor table entry -> parameter; last entry (one) -> n_parameters
    row_layers: np.ndarray  # (layers, rows) into the factor table
    cell_layers: np.ndarray  # (layers, cells) into the factor table
    additions: Additions | None
    contributions: np.ndarray  # parameter of each gradient contribution, see `RateKernel.gradient`
    kinks: np.ndarray  # parameters at whose zero the likelihood has a kink
    transformed: np.ndarray  # parameters that modifiers see through a response

    def cells_of_row(self, row: int) -> np.ndarray:
        """Cells of one row, in bin order."""
        return self.cells_of_rows(np.asarray([row]))[0]

    def cells_of_rows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells of several rows one after the other, and how many each row has."""
        first, stride, n_bins = self.row_starts[rows].T
        within = np.arange(n_bins.sum()) - np.repeat(np.cumsum(n_bins) - n_bins, n_bins)
        return np.repeat(first, n_bins) + np.repeat(stride, n_bins) * within, n_bins


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
    responses = {p.name: p.response for p in model.parameters if p.response is not None}
    collected, tiles = _Collected(), list[Tile]()
    row_names: list[tuple[str, str]] = []
    nominal, row_of_cell, bin_of_cell = [], [], []
    first_cell = first_bin = 0
    starts: list[tuple[int, int, int]] = []  # per row: first cell, stride, bins
    for shape, members in channels:
        n_samples, n_bins = shape
        tiles.extend(tiles_of(len(members), shape, first_cell, first_bin, len(row_names)))
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
                terms = lower_sample(sample, channel, modifier_types)
                _collect(collected, row, through_responses(terms, responses))
            first_cell += n_samples * n_bins
            first_bin += n_bins
    factors = plan_factors(
        collected.factors, collected.cell_factors, index, starts, first_cell, len(row_names)
    )
    additions = plan_additions(collected.additions, index, starts, tiles)
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
        row_starts=np.asarray(starts, dtype=np.intp).reshape(-1, 3),
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
        transformed=np.asarray([index[name] for name in responses], dtype=np.intp),
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


def _collect(collected: _Collected, row: int, terms: list[Term]) -> None:
    for term in terms:
        if isinstance(term, RowFactor):
            collected.factors.append((row, term))
        elif isinstance(term, CellAddition):
            collected.additions.append((row, term))
        else:
            collected.cell_factors.append((row, term))


def _contributions(factors: FactorPlan, additions: Additions | None, layout: Layout) -> np.ndarray:
    parts = [group.parameters for group in factors.log_groups]
    layers = (*factors.row_layers, *factors.cell_layers)
    parts.extend([factors.table_parameters[layer] for layer in layers])
    if additions is not None:
        parts.append(additions.owners)
    return np.concatenate([*parts, layout.gaussian, layout.poisson]).astype(np.intp)


def _kinks(collected: _Collected, index: dict[str, int]) -> np.ndarray:
    bent = {
        index[term.parameter]
        for terms in (collected.factors, collected.additions)
        for _, term in terms
        if getattr(term.curve.family, "kink", False)
    }
    return np.asarray(sorted(bent), dtype=np.intp)
