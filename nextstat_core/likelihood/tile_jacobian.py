"""First and mixed second derivatives of the rates, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.hessian_plan import TilePlan
    from nextstat_core.likelihood.rates import RateKernel, Rates
    from nextstat_core.typing import Array

__all__ = ["TileJacobian", "TilePart"]


@dataclass(frozen=True, slots=True)
class TilePart:
    """What one tile contributes; axes (rows, ..., dense).

    Attributes
    ----------
    bins : array, shape (rows, bins, dense)
        Jacobian of the rates.
    slots : array, shape (rows, slots)
        Derivative of each slot's bin with respect to the slot's parameter.
    mixed : array, shape (rows, slots, dense)
        Second derivatives, slot parameter and dense parameter.
    pairs : array, shape (rows, pairs)
        Second derivatives, two slots of one bin.
    by_row : array, shape (rows, model rows of the tile, dense), or None
        Slope-weighted derivatives of the additions, without the row factor.
    """

    bins: Array
    slots: Array
    mixed: Array
    pairs: Array
    by_row: Array | None


class TileJacobian:
    """Derivatives of the rates of one tile."""

    def __init__(self, plan: TilePlan, n_dense: int, kernel: RateKernel, backend: Backend) -> None:
        self._plan, self._n_dense, self._backend = plan, n_dense, backend
        self._entry = backend.indices(plan.entry.reshape(-1))
        self._pair_entry = None
        if plan.pair_entry is not None:
            self._pair_entry = backend.indices(plan.pair_entry.reshape(-1))
        self._columns = None if plan.columns is None else backend.indices(plan.columns)
        self._templates = None
        if plan.block is not None and kernel.additions is not None:
            cells, self._basis, templates = kernel.additions.blocks[plan.block]
            self._basis_slots = kernel.additions.slots
            start = plan.tile.first_cell - cells.start
            part = templates[start : start + plan.n_cells, :]
            n_bins = plan.tile.n_channels * plan.tile.n_bins
            shape = (n_bins, plan.tile.n_samples, part.shape[1])
            self._templates = backend.xp.reshape(part, shape)

    def __call__(
        self,
        rates: Rates,
        firsts: Array,
        slope: Array,
        others: Array,
        pairs: Array | None,
    ) -> TilePart:
        """Derivatives at a forward pass.

        Parameters
        ----------
        firsts : array, shape (rows, model rows, dense)
            Derivatives of the row factors.
        slope : array, shape (bins, rows)
            Slope of the objective in each rate.
        others, pairs : array, shape (layers * cells + 1, rows)
            Products of the other cell factors, per layer and per pair of layers.
        """
        backend, xp = self._backend, self._backend.xp
        tile = self._plan.tile
        n_slots = self._plan.n_slots
        rows = rates.theta.shape[1]
        n_bins, n_samples = tile.n_channels * tile.n_bins, tile.n_samples
        grid = (rows, n_bins, n_samples)

        def cells(x: Array) -> Array:
            return xp.reshape(xp.permute_dims(x[tile.cells, :], (1, 0)), grid)

        base, factor = cells(rates.base), cells(rates.factor_cell)
        whole = xp.ones(grid, dtype=backend.dtype, device=backend.device)
        for value in rates.cell_values:
            whole = whole * cells(value)
        weights = whole[:, :, None, :]
        if n_slots:
            picked = xp.permute_dims(backend.take(others, self._entry, axis=0), (1, 0))
            picked = xp.reshape(picked, (rows, n_bins, n_slots, n_samples))
            weights = xp.concat([weights, picked], axis=2)
        first = firsts[:, tile.rows, :]
        out = self._times_rows(weights * base[:, :, None, :], first, tile.n_channels)
        row_part = None
        if self._templates is not None:
            by_factor = weights * factor[:, :, None, :]
            out = out + self._times_templates(by_factor, rates)
            slope_grid = xp.permute_dims(slope[tile.bins, :], (1, 0))[:, :, None]
            row_part = self._row_templates(slope_grid * whole, rates)
        per_slot = weights[:, :, 1:, :] * (base * factor)[:, :, None, :]
        slots = xp.reshape(xp.sum(per_slot, axis=3), (rows, -1))
        mixed = xp.reshape(out[:, :, 1:, :], (rows, n_bins * n_slots, self._n_dense))
        second = self._pairs(pairs, base * factor)
        return TilePart(out[:, :, 0, :], slots, mixed, second, row_part)

    def _pairs(self, pairs: Array | None, bare: Array) -> Array:
        """Second derivatives of rates with respect to two slots' parameters: (rows, pairs)."""
        backend, xp = self._backend, self._backend.xp
        rows, n_bins, n_samples = bare.shape
        n_pairs = self._plan.n_slots**2
        if pairs is None or n_pairs == 0:
            return xp.zeros((rows, n_bins * n_pairs), dtype=backend.dtype, device=backend.device)
        picked = xp.permute_dims(backend.take(pairs, self._pair_entry, axis=0), (1, 0))
        picked = xp.reshape(picked, (rows, n_bins, n_pairs, n_samples))
        return xp.reshape(xp.sum(picked * bare[:, :, None, :], axis=3), (rows, n_bins * n_pairs))

    def _times_rows(self, weights: Array, first: Array, n_channels: int) -> Array:
        """Weights (rows, bins, slots, samples) times row derivatives, per channel."""
        xp = self._backend.xp
        rows, n_bins, n, n_samples = weights.shape
        left = xp.reshape(weights, (rows, n_channels, (n_bins // n_channels) * n, n_samples))
        right = xp.reshape(first, (rows, n_channels, n_samples, self._n_dense))
        return xp.reshape(xp.matmul(left, right), (rows, n_bins, n, self._n_dense))

    def _times_templates(self, weights: Array, rates: Rates) -> Array:
        """Weights (rows, bins, slots, samples) times templates and basis derivatives."""
        out = self._backend.xp.matmul(weights, self._templates)
        return self._to_dense(out, rates)

    def _row_templates(self, weights: Array, rates: Rates) -> Array:
        """Weights (rows, bins, samples) times templates, summed over the bins of each row."""
        xp = self._backend.xp
        tile = self._plan.tile
        rows, n, b, s = weights.shape[0], tile.n_channels, tile.n_bins, tile.n_samples
        left = xp.permute_dims(xp.reshape(weights, (rows, n, b, s)), (0, 1, 3, 2))[..., None, :]
        templates = xp.reshape(self._templates, (n, b, s, -1))
        out = xp.matmul(left, xp.permute_dims(templates, (0, 2, 1, 3)))
        return self._to_dense(xp.reshape(out, (rows, n, s, -1)), rates)

    def _to_dense(self, by_basis: Array, rates: Rates) -> Array:
        """Chain basis functions to parameters, and spread these over the dense columns."""
        backend, xp = self._backend, self._backend.xp
        first = rates.basis_first
        if self._basis is not None:
            first = backend.take(first, self._basis, axis=0)
        scaled = by_basis * xp.permute_dims(first, (1, 0))[:, None, None, :]
        slots = self._basis_slots
        if slots > 1:
            scaled = xp.sum(xp.reshape(scaled, (*scaled.shape[:3], slots, -1)), axis=3)
        if self._columns is None:
            return scaled
        zero = xp.zeros((*scaled.shape[:3], 1), dtype=backend.dtype, device=backend.device)
        return backend.take(xp.concat([scaled, zero], axis=3), self._columns, axis=3)
