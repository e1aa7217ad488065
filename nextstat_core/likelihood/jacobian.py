"""Derivatives of all rates of a model, from tiles and from template entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core.likelihood.gather import GatherSum
from nextstat_core.likelihood.sparse_jacobian import SparseJacobian
from nextstat_core.likelihood.tile_jacobian import TileJacobian

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.hessian_plan import DensePlan, HessianPlan
    from nextstat_core.likelihood.rates import RateKernel, Rates
    from nextstat_core.typing import Array

__all__ = ["DenseSlots", "Jacobian", "JacobianKernel"]


@dataclass(slots=True)
class Jacobian:
    """Derivatives of the rates; axes (rows, ..., dense). See `TilePart`."""

    bins: Array
    slots: Array
    mixed: Array
    pairs: Array | None
    by_row: Array | None


class JacobianKernel:
    """Derivatives of all rates of one model on one backend."""

    def __init__(
        self, plan: HessianPlan, n_dense: int, kernel: RateKernel, backend: Backend
    ) -> None:
        self._plan, self._n_dense, self._kernel, self._backend = plan, n_dense, kernel, backend
        self._tiles = [TileJacobian(tile, n_dense, kernel, backend) for tile in plan.tiles]
        self._bin_of_cell = backend.indices(kernel.plan.bin_of_cell)
        self._sparse = None
        if plan.sparse is not None:
            self._sparse = SparseJacobian(plan.sparse, n_dense, backend)
        self._follow = None
        if plan.follow is not None:
            self._follow = SparseJacobian(plan.follow, n_dense, backend)

    def __call__(self, rates: Rates, firsts: Array, slope: Array) -> Jacobian:
        """Derivatives at a forward pass; arguments as in `TileJacobian`."""
        others, pairs = self._cell_products(rates)
        parts = [tile(rates, firsts, slope, others, pairs) for tile in self._tiles]
        by_row = [part.by_row for part in parts]
        result = Jacobian(
            bins=self._joined([part.bins for part in parts]),
            slots=self._joined([part.slots for part in parts]),
            mixed=self._joined([part.mixed for part in parts]),
            pairs=None if pairs is None else self._joined([part.pairs for part in parts]),
            by_row=None,
        )
        if any(part is not None for part in by_row):
            result.by_row = self._sum_rows(by_row, rates.theta.shape[1])
        if self._sparse is not None:
            self._add_sparse(self._sparse, result, rates, others, slope)
        if self._follow is not None and rates.shift is not None:
            self._add_sparse(self._follow, result, rates, others, slope, shift=rates.shift)
        return result

    def _joined(self, parts: list[Array]) -> Array:
        return parts[0] if len(parts) == 1 else self._backend.xp.concat(parts, axis=1)

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

    def _add_sparse(
        self,
        sparse: SparseJacobian,
        jacobian: Jacobian,
        rates: Rates,
        others: Array,
        slope: Array,
        *,
        shift: Array | None = None,
    ) -> None:
        """Add what template entries contribute."""
        whole = rates.bare * 0.0 + 1.0
        for value in rates.cell_values:
            whole = whole * value
        slope_cell = self._backend.take(slope, self._bin_of_cell, axis=0)
        bins, mixed, by_row = sparse(rates, whole, others, slope_cell, shift)
        jacobian.bins = jacobian.bins + bins
        if mixed.shape[1]:
            jacobian.mixed = jacobian.mixed + mixed
        jacobian.by_row = by_row if jacobian.by_row is None else jacobian.by_row + by_row

    def _sum_rows(self, parts: list[Array | None], rows: int) -> Array:
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


class DenseSlots:
    """Slots of cell factors whose parameter was not eliminated."""

    def __init__(self, plan: DensePlan, backend: Backend) -> None:
        self._backend = backend
        self.slots = backend.indices(plan.jacobian_source)
        self.unit = backend.asarray(plan.unit)
        self._to_bins = GatherSum(backend, plan.jacobian)
        self._to_mixed = GatherSum(backend, plan.mixed)
        self._mixed_source = backend.indices(plan.mixed_source)

    def add_to(self, jacobian: Jacobian) -> None:
        """Add these parameters' columns to the Jacobian and to mixed derivatives."""
        xp = self._backend.xp
        source = self._backend.take(jacobian.slots, self.slots, axis=1)
        flat = xp.permute_dims(self._to_bins(xp.permute_dims(source, (1, 0))), (1, 0))
        jacobian.bins = jacobian.bins + xp.reshape(flat, jacobian.bins.shape)
        if jacobian.pairs is not None:
            jacobian.mixed = jacobian.mixed + self._columns(jacobian.pairs, jacobian.mixed.shape)

    def own_rows(self, jacobian: Jacobian) -> Array:
        """Mixed derivatives of these slots, ready to be added to their transpose.

        Those of two such slots already stand on both sides, so they count half.
        """
        mixed = jacobian.mixed
        if jacobian.pairs is not None:
            mixed = mixed - 0.5 * self._columns(jacobian.pairs, mixed.shape)
        return self._backend.take(mixed, self.slots, axis=1)

    def _columns(self, pairs: Array, shape: tuple[int, ...]) -> Array:
        """Second derivatives of all slots with these parameters, at their dense columns."""
        xp = self._backend.xp
        source = self._backend.take(pairs, self._mixed_source, axis=1)
        flat = xp.permute_dims(self._to_mixed(xp.permute_dims(source, (1, 0))), (1, 0))
        return xp.reshape(flat, shape)
