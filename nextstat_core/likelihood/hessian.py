r"""Exact second derivatives of the likelihood as arrow matrices.

With slope w and curvature D of the Poisson terms in the rates, and J the Jacobian of the rates,

.. math:: H = J^\top D J + \sum_b w_b \nabla^2 \nu_b + \text{auxiliary terms}.

The second derivatives of a rate are products of first derivatives of different factors, all written
as products of the *other* factors (nothing is divided by a parameter): row factor times row factor
(:math:`G^\top X`), row factor times addition, cell factor times either, and the curvature of each
curve on the diagonal. With w = 0 and D = 1/nu the result is the Fisher information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core.likelihood.gather import GatherSum
from nextstat_core.likelihood.sparse_jacobian import SparseJacobian
from nextstat_core.linalg import ArrowBlock, ArrowMatrix, ArrowShape

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.hessian_plan import HessianPlan, TilePlan
    from nextstat_core.likelihood.local_plan import LocalPlan
    from nextstat_core.likelihood.rates import RateKernel, Rates
    from nextstat_core.typing import Array

__all__ = ["HessianKernel"]


@dataclass(slots=True)
class _Jacobian:
    """First derivatives of rates (rows, bins, dense); of slots, and their mixed derivatives."""

    bins: Array
    slots: Array  # (rows, slots): derivative of the slot's bin with respect to its parameter
    mixed: Array  # (rows, slots, dense): second derivative, slot parameter and dense parameter
    pairs: Array | None  # (rows, pairs): second derivative, two slots of one bin
    row_additions: Array | None  # (rows, model rows, dense): slope-weighted addition derivatives


class HessianKernel:
    """Hessians of one model on one backend. Immutable after construction; safe to share."""

    def __init__(
        self, plan: HessianPlan, local: LocalPlan, kernel: RateKernel, backend: Backend
    ) -> None:
        self._plan, self._local, self._kernel, self._backend = plan, local, kernel, backend
        rates = kernel.plan
        self._n_dense = len(local.dense)
        self.shape = _arrow_shape(local, rates.n_parameters, backend)
        self._logs_to_grid = GatherSum(backend, plan.logs_to_grid)
        self._factors_to_grid = GatherSum(backend, plan.factors_to_grid)
        self._log_rows = backend.indices(rates.log_rows)
        self._cells_to_rows = backend.segment_plan(rates.row_of_cell, rates.n_rows)
        self._bin_of_cell = backend.indices(rates.bin_of_cell)
        self._columns = [
            None if tile.columns is None else backend.indices(tile.columns) for tile in plan.tiles
        ]
        self._entries = [backend.indices(tile.entry.reshape(-1)) for tile in plan.tiles]
        self._pair_entries = [
            None if tile.pair_entry is None else backend.indices(tile.pair_entry.reshape(-1))
            for tile in plan.tiles
        ]
        self._templates = [self._tile_templates(tile) for tile in plan.tiles]
        self._bin_of_slot = backend.indices(plan.bin_of_slot)
        self._pair_left = backend.indices(local.pair_left)
        self._pair_right = backend.indices(local.pair_right)
        self._components = [
            (GatherSum(backend, c.slots), GatherSum(backend, c.pairs), c.components, c.size)
            for c in plan.components
        ]
        self._dense_slots = None
        if plan.dense is not None:
            self._dense_slots = backend.indices(local.dense_slots)
            self._dense_jacobian = GatherSum(backend, plan.dense.jacobian)
            self._dense_mixed = GatherSum(backend, plan.dense.mixed)
            self._dense_mixed_source = backend.indices(plan.dense.mixed_source)
            self._dense_jacobian_source = backend.indices(plan.dense.jacobian_source)
            self._dense_unit = backend.asarray(plan.dense.unit)
        self._sparse = None
        if plan.sparse is not None:
            self._sparse = SparseJacobian(plan.sparse, self._n_dense, backend)
        self._plain_pairs = self._plain_unit = None
        if plan.plain is not None:
            self._plain_unit = backend.asarray(plan.plain.unit)
            self._plain_owners = backend.indices(plan.plain.columns)
            if plan.plain.pairs is not None:
                self._plain_pairs = GatherSum(backend, plan.plain.pairs)

    def _tile_templates(self, tile: TilePlan) -> Array | None:
        if tile.block is None:
            return None
        cells, _, templates = self._kernel.blocks[tile.block]
        start = tile.tile.first_cell - cells.start
        part = templates[start : start + tile.n_cells, :]
        shape = (tile.tile.n_channels * tile.tile.n_bins, tile.tile.n_samples, part.shape[1])
        return self._backend.xp.reshape(part, shape)

    def __call__(
        self, rates: Rates, slope: Array, curvature: Array, constraints: Array
    ) -> ArrowMatrix:
        """Second derivatives of the objective.

        Parameters
        ----------
        rates : Rates
            Of a forward pass with ``order=2``.
        slope, curvature : array, shape (bins, rows)
            First and second derivative of the Poisson terms with respect to the rates.
        constraints : array, shape (n_gaussian + n_poisson, rows)
            Second derivatives of the auxiliary terms.
        """
        backend, xp = self._backend, self._backend.xp
        logs, firsts = self._row_jacobians(rates)
        jacobian = self._jacobian(rates, firsts, slope)
        by_bin = xp.permute_dims(curvature, (1, 0))
        slope_bin = xp.permute_dims(slope, (1, 0))
        if self._dense_slots is not None:
            self._add_dense_slots(jacobian)
        left = [jacobian.bins]
        right = [0.5 * by_bin[:, :, None] * jacobian.bins]
        weight = self._row_weights(rates, slope)
        factor = xp.permute_dims(rates.factor, (1, 0))[:, :, None]
        additions = jacobian.row_additions
        if logs is not None:
            left.append(logs)
            by_row = weight * (firsts - 0.5 * factor * logs)
            right.append(by_row if additions is None else by_row + factor * additions)
        if additions is not None and self._plain_unit is not None:
            left.append(xp.broadcast_to(self._plain_unit, (additions.shape[0], *self._plain_unit.shape)))
            plain = self._plain_columns(firsts, logs, factor)
            right.append(xp.matmul(xp.permute_dims(plain, (0, 2, 1)), additions))
        self._extend(left, right, rates, weight, jacobian, slope_bin)
        half = xp.matmul(
            xp.permute_dims(xp.concat(left, axis=1), (0, 2, 1)), xp.concat(right, axis=1)
        )
        diagonal = self._kernel.gradient(rates, slope, constraints, diagonal=True)
        own_dense, own_parts = self.shape.split(xp.permute_dims(diagonal, (1, 0)), backend)
        dense = backend.add_diagonal(half + xp.permute_dims(half, (0, 2, 1)), own_dense)
        blocks = self._blocks(jacobian, by_bin, slope_bin, own_parts)
        return ArrowMatrix(self.shape, dense, blocks)

    # -- rows -------------------------------------------------------------------------------------

    def _row_jacobians(self, rates: Rates) -> tuple[Array | None, Array]:
        """Derivatives of log-part and of whole row factors, (rows, model rows, dense)."""
        backend, xp = self._backend, self._backend.xp
        kernel = self._kernel
        parts, logs = [], None
        if rates.log_first is not None:
            logs = self._grid(self._logs_to_grid(rates.log_first))
            parts.append(rates.log_first * backend.take(rates.factor, self._log_rows, axis=0))
        parts.extend(kernel.plain_derivatives(rates))
        if not parts:
            shape = (rates.theta.shape[1], kernel.plan.n_rows, self._n_dense)
            return None, xp.zeros(shape, dtype=backend.dtype, device=backend.device)
        stacked = xp.concat(parts, axis=0) if len(parts) > 1 else parts[0]
        return logs, self._grid(self._factors_to_grid(stacked))

    def _grid(self, flat: Array) -> Array:
        xp = self._backend.xp
        shape = (flat.shape[1], self._kernel.plan.n_rows, self._n_dense)
        return xp.reshape(xp.permute_dims(flat, (1, 0)), shape)

    def _row_weights(self, rates: Rates, slope: Array) -> Array:
        """Slope-weighted yields per row, without the row factor: (rows, model rows, 1)."""
        backend, xp = self._backend, self._backend.xp
        weight = backend.take(slope, self._bin_of_cell, axis=0) * rates.base
        for value in rates.cell_values:
            weight = weight * value
        return xp.permute_dims(backend.segment_sum(self._cells_to_rows, weight), (1, 0))[:, :, None]

    def _plain_columns(self, firsts: Array, logs: Array | None, factor: Array) -> Array:
        """Derivatives of row factors with respect to their plain factors: (rows, model rows, n)."""
        plain = self._backend.take(firsts, self._plain_owners, axis=2)
        if logs is None:
            return plain
        return plain - factor * self._backend.take(logs, self._plain_owners, axis=2)

    def _extend(
        self,
        left: list[Array],
        right: list[Array],
        rates: Rates,
        weight: Array,
        jacobian: _Jacobian,
        slope_bin: Array,
    ) -> None:
        """Rare parts: products of plain row factors, and cell factors that stayed dense."""
        backend, xp = self._backend, self._backend.xp
        rows = rates.theta.shape[1]
        if self._plain_pairs is not None:
            unit = self._plain_unit
            flat = xp.concat(self._kernel.plain_pair_derivatives(rates), axis=0)
            per_row = xp.permute_dims(weight[..., 0], (1, 0))
            repeats = flat.shape[0] // per_row.shape[0]
            scaled = flat * xp.concat([per_row] * repeats, axis=0)
            n = unit.shape[0]
            table = xp.reshape(xp.permute_dims(self._plain_pairs(scaled), (1, 0)), (rows, n, n))
            left.append(xp.broadcast_to(unit[None, :, :], (rows, *unit.shape)))
            right.append(xp.matmul(table, unit))
        if self._dense_slots is not None:
            mixed = backend.take(jacobian.mixed, self._dense_slots, axis=1)
            bins = backend.take(self._bin_of_slot, self._dense_slots, axis=0)
            pairs = self._dense_columns(jacobian, halved=True)
            mixed = mixed - backend.take(pairs, self._dense_slots, axis=1)
            unit = self._dense_unit
            left.append(xp.broadcast_to(unit[None, :, :], (rows, *unit.shape)))
            right.append(backend.take(slope_bin, bins, axis=1)[:, :, None] * mixed)

    # -- bins and slots ---------------------------------------------------------------------------

    def _jacobian(self, rates: Rates, firsts: Array, slope: Array) -> _Jacobian:
        xp = self._backend.xp
        others, pairs = self._cell_products(rates)
        parts = [
            self._tile(i, rates, firsts, slope, others, pairs) for i in range(len(self._entries))
        ]
        rows = rates.theta.shape[1]
        columns = list(zip(*parts, strict=True))
        result = _Jacobian(
            bins=self._joined(columns[0]),
            slots=self._joined(columns[1]),
            mixed=self._joined(columns[2]),
            pairs=self._joined(columns[3]) if pairs is not None else None,
            row_additions=None,
        )
        if any(part is not None for part in columns[4]):
            result.row_additions = self._sum_row_parts(list(columns[4]), rows)
        if self._sparse is not None:
            self._add_sparse(result, rates, others, slope)
        return result

    def _joined(self, parts: tuple[Array, ...]) -> Array:
        return parts[0] if len(parts) == 1 else self._backend.xp.concat(list(parts), axis=1)

    def _add_sparse(self, jacobian: _Jacobian, rates: Rates, others: Array, slope: Array) -> None:
        """Add what template entries contribute."""
        whole = rates.bare * 0.0 + 1.0
        for value in rates.cell_values:
            whole = whole * value
        slope_cell = self._backend.take(slope, self._bin_of_cell, axis=0)
        bins, mixed, by_row = self._sparse(rates, whole, others, slope_cell)
        jacobian.bins = jacobian.bins + bins
        if mixed.shape[1]:
            jacobian.mixed = jacobian.mixed + mixed
        old = jacobian.row_additions
        jacobian.row_additions = by_row if old is None else old + by_row

    def _cell_products(self, rates: Rates) -> tuple[Array, Array | None]:
        """Per layer the product of the other cell factors, per pair of layers that of the rest."""
        backend, xp = self._backend, self._backend.xp
        shape = (1, rates.theta.shape[1])
        zero = xp.zeros(shape, dtype=backend.dtype, device=backend.device)
        others = self._kernel.cell_others(rates)
        pairs = self._kernel.cell_pairs(rates)
        return (
            xp.concat([*others, zero], axis=0),
            xp.concat([*pairs, zero], axis=0) if pairs else None,
        )

    def _tile(
        self,
        i: int,
        rates: Rates,
        firsts: Array,
        slope: Array,
        others: Array,
        pairs: Array | None,
    ) -> tuple[Array, Array, Array, Array, Array | None]:
        backend, xp = self._backend, self._backend.xp
        tile = self._plan.tiles[i].tile
        n_slots = self._plan.tiles[i].n_slots
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
            picked = xp.permute_dims(backend.take(others, self._entries[i], axis=0), (1, 0))
            picked = xp.reshape(picked, (rows, n_bins, n_slots, n_samples))
            weights = xp.concat([weights, picked], axis=2)
        first = firsts[:, tile.rows, :]
        out = self._times_rows(weights * base[:, :, None, :], first, tile.n_channels)
        row_part = None
        if self._templates[i] is not None:
            by_factor = weights * factor[:, :, None, :]
            out = out + self._times_templates(i, by_factor, rates)
            slope_grid = xp.permute_dims(slope[tile.bins, :], (1, 0))[:, :, None]
            row_part = self._row_templates(i, slope_grid * whole, rates)
        per_slot = weights[:, :, 1:, :] * (base * factor)[:, :, None, :]
        slots = xp.reshape(xp.sum(per_slot, axis=3), (rows, -1))
        mixed = xp.reshape(out[:, :, 1:, :], (rows, n_bins * n_slots, self._n_dense))
        second = xp.zeros((rows, n_bins * n_slots * n_slots), dtype=backend.dtype,
                          device=backend.device)  # fmt: skip
        if pairs is not None and n_slots:
            index = self._pair_entries[i]
            picked = xp.permute_dims(backend.take(pairs, index, axis=0), (1, 0))
            picked = xp.reshape(picked, (rows, n_bins, n_slots * n_slots, n_samples))
            second = xp.sum(picked * (base * factor)[:, :, None, :], axis=3)
            second = xp.reshape(second, (rows, n_bins * n_slots * n_slots))
        return out[:, :, 0, :], slots, mixed, second, row_part

    def _times_rows(self, weights: Array, first: Array, n_channels: int) -> Array:
        """Weights (rows, bins, slots, samples) times row derivatives, per channel."""
        xp = self._backend.xp
        rows, n_bins, n, n_samples = weights.shape
        left = xp.reshape(weights, (rows, n_channels, (n_bins // n_channels) * n, n_samples))
        right = xp.reshape(first, (rows, n_channels, n_samples, self._n_dense))
        return xp.reshape(xp.matmul(left, right), (rows, n_bins, n, self._n_dense))

    def _times_templates(self, i: int, weights: Array, rates: Rates) -> Array:
        """Weights (rows, bins, slots, samples) times templates and basis derivatives."""
        out = self._backend.xp.matmul(weights, self._templates[i])
        return self._to_dense(i, out, rates)

    def _row_templates(self, i: int, weights: Array, rates: Rates) -> Array:
        """Weights (rows, bins, samples) times templates, summed over the bins of each row."""
        xp = self._backend.xp
        tile = self._plan.tiles[i].tile
        rows, n, b, s = weights.shape[0], tile.n_channels, tile.n_bins, tile.n_samples
        left = xp.permute_dims(xp.reshape(weights, (rows, n, b, s)), (0, 1, 3, 2))[..., None, :]
        templates = xp.reshape(self._templates[i], (n, b, s, -1))
        out = xp.matmul(left, xp.permute_dims(templates, (0, 2, 1, 3)))
        return self._to_dense(i, xp.reshape(out, (rows, n, s, -1)), rates)

    def _to_dense(self, i: int, by_basis: Array, rates: Rates) -> Array:
        """Chain basis functions to parameters, and spread these over the dense columns."""
        backend, xp = self._backend, self._backend.xp
        block = self._plan.tiles[i].block
        index = self._kernel.blocks[block][1]
        first = rates.basis_first
        if index is not None:
            first = backend.take(first, index, axis=0)
        scaled = by_basis * xp.permute_dims(first, (1, 0))[:, None, None, :]
        slots = self._kernel.plan.additions.slots
        if slots > 1:
            scaled = xp.sum(xp.reshape(scaled, (*scaled.shape[:3], slots, -1)), axis=3)
        if self._columns[i] is None:
            return scaled
        zero = xp.zeros((*scaled.shape[:3], 1), dtype=backend.dtype, device=backend.device)
        return backend.take(xp.concat([scaled, zero], axis=3), self._columns[i], axis=3)

    def _sum_row_parts(self, parts: list[Array | None], rows: int) -> Array:
        """Row parts of all tiles; tiles that share their rows (runs of bins) add up."""
        backend, xp = self._backend, self._backend.xp
        collected: list[Array] = []
        last = -1
        for tile_plan, part in zip(self._plan.tiles, parts, strict=True):
            tile = tile_plan.tile
            shape = (rows, tile.n_channels * tile.n_samples, self._n_dense)
            if part is None:
                flat = xp.zeros(shape, dtype=backend.dtype, device=backend.device)
            else:
                flat = xp.reshape(part, shape)
            if tile.first_row == last:
                collected[-1] = collected[-1] + flat
            else:
                collected.append(flat)
            last = tile.first_row
        return xp.concat(collected, axis=1) if len(collected) > 1 else collected[0]

    # -- cell factors that stay dense, and blocks -------------------------------------------------

    def _add_dense_slots(self, jacobian: _Jacobian) -> None:
        """Columns of cell-factor parameters that were not eliminated."""
        xp = self._backend.xp
        rows, n_bins, n_dense = jacobian.bins.shape
        source = self._backend.take(jacobian.slots, self._dense_jacobian_source, axis=1)
        flat = xp.permute_dims(self._dense_jacobian(xp.permute_dims(source, (1, 0))), (1, 0))
        jacobian.bins = jacobian.bins + xp.reshape(flat, (rows, n_bins, n_dense))
        jacobian.mixed = jacobian.mixed + self._dense_columns(jacobian, halved=False)

    def _dense_columns(self, jacobian: _Jacobian, *, halved: bool) -> Array:
        """Mixed derivatives of slots with dense cell-factor parameters of the same bin."""
        xp = self._backend.xp
        if jacobian.pairs is None:
            return 0.0 * jacobian.mixed
        source = self._backend.take(jacobian.pairs, self._dense_mixed_source, axis=1)
        flat = xp.permute_dims(self._dense_mixed(xp.permute_dims(source, (1, 0))), (1, 0))
        # The product that takes these in is symmetrised, and they already stand on both sides.
        return (0.5 if halved else 1.0) * xp.reshape(flat, jacobian.mixed.shape)

    def _blocks(
        self, jacobian: _Jacobian, by_bin: Array, slope_bin: Array, own: list[Array]
    ) -> tuple[ArrowBlock, ...]:
        if not self._components:
            return ()
        backend, xp = self._backend, self._backend.xp
        at_slot = backend.take(by_bin, self._bin_of_slot, axis=1)
        slope_slot = backend.take(slope_bin, self._bin_of_slot, axis=1)
        coupling = (at_slot * jacobian.slots)[:, :, None] * backend.take(
            jacobian.bins, self._bin_of_slot, axis=1
        ) + slope_slot[:, :, None] * jacobian.mixed
        left = backend.take(at_slot * jacobian.slots, self._pair_left, axis=1)
        pairs = left * backend.take(jacobian.slots, self._pair_right, axis=1)
        if jacobian.pairs is not None:
            pairs = pairs + backend.take(slope_slot, self._pair_left, axis=1) * jacobian.pairs
        blocks = []
        for (to_members, to_pairs, n, m), diagonal in zip(self._components, own, strict=True):
            rows = coupling.shape[0]
            cross = xp.reshape(to_members.batch(coupling), (rows, n, m, self._n_dense))
            small = xp.reshape(to_pairs.batch(pairs[:, :, None]), (rows * n, m, m))
            small = backend.add_diagonal(small, xp.reshape(diagonal, (rows * n, m)))
            blocks.append(ArrowBlock(xp.reshape(small, (rows, n, m, m)), cross))
        return tuple(blocks)


def _arrow_shape(local: LocalPlan, n_parameters: int, backend: Backend) -> ArrowShape:
    blocks = tuple(
        (backend.indices(c.parameters.reshape(-1)), *c.parameters.shape) for c in local.components
    )
    return ArrowShape(
        n_parameters,
        len(local.dense),
        backend.indices(local.dense),
        blocks,
        backend.indices(local.order),
    )
