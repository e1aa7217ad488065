r"""Exact second derivatives of the likelihood as arrow matrices.

With slope w and curvature D of the Poisson terms in the rates, and J the Jacobian of the rates,

.. math:: H = J^\top D J + \sum_b w_b \nabla^2 \nu_b + \text{auxiliary terms}.

The second derivatives of a rate are products of first derivatives of different factors, all written
as products of the *other* factors (nothing is divided by a parameter): row factor times row factor
(:math:`G^\top X`), row factor times addition, cell factor times either, and the curvature of each
curve on the diagonal. With w = 0 and D = 1/nu the result is the Fisher information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.likelihood.gather import GatherSum
from nextstat_core.likelihood.jacobian import DenseSlots, Jacobian, JacobianKernel
from nextstat_core.linalg import ArrowBlock, ArrowMatrix, ArrowShape

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.hessian_plan import HessianPlan
    from nextstat_core.likelihood.local_plan import LocalPlan
    from nextstat_core.likelihood.rates import RateKernel, Rates
    from nextstat_core.typing import Array

__all__ = ["HessianKernel"]


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
        self._jacobian = JacobianKernel(plan, self._n_dense, kernel, backend)
        self._bin_of_slot = backend.indices(plan.bin_of_slot)
        self._pair_left = backend.indices(local.pair_left)
        self._pair_right = backend.indices(local.pair_right)
        self._components = [
            (GatherSum(backend, c.slots), GatherSum(backend, c.pairs), c.components, c.size)
            for c in plan.components
        ]
        self._dense_slots = None if plan.dense is None else DenseSlots(plan.dense, backend)
        self._plain_pairs = self._plain_unit = None
        if plan.plain is not None:
            self._plain_unit = backend.asarray(plan.plain.unit)
            self._plain_owners = backend.indices(plan.plain.columns)
            if plan.plain.pairs is not None:
                self._plain_pairs = GatherSum(backend, plan.plain.pairs)

    def __call__(
        self, rates: Rates, slope: Array | None, curvature: Array, constraints: Array
    ) -> ArrowMatrix:
        """Second derivatives of the objective.

        Parameters
        ----------
        rates : Rates
            Of a forward pass with ``order=2``.
        slope, curvature : array, shape (bins, rows)
            First and second derivative of the Poisson terms with respect to the rates. Without
            slope, second derivatives of the rates do not count (Fisher information).
        constraints : array, shape (n_gaussian + n_poisson, rows)
            Second derivatives of the auxiliary terms.
        """
        backend, xp = self._backend, self._backend.xp
        bent = slope is not None
        slope = 0.0 * curvature if slope is None else slope
        logs, firsts = self._row_jacobians(rates)
        jacobian = self._jacobian(rates, firsts, slope)
        by_bin = xp.permute_dims(curvature, (1, 0))
        slope_bin = xp.permute_dims(slope, (1, 0))
        if self._dense_slots is not None:
            self._dense_slots.add_to(jacobian)
        left = [jacobian.bins]
        right = [0.5 * by_bin[:, :, None] * jacobian.bins]
        if bent:
            self._extend(left, right, rates, logs, firsts, jacobian, slope)
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
        logs: Array | None,
        firsts: Array,
        jacobian: Jacobian,
        slope: Array,
    ) -> None:
        """Factors of the second derivatives of the rates, weighted with the slope."""
        backend, xp = self._backend, self._backend.xp
        rows = rates.theta.shape[1]
        weight = self._row_weights(rates, slope)
        factor = xp.permute_dims(rates.factor, (1, 0))[:, :, None]
        additions = jacobian.by_row
        if logs is not None:
            left.append(logs)
            by_row = weight * (firsts - 0.5 * factor * logs)
            right.append(by_row if additions is None else by_row + factor * additions)
        if additions is not None and self._plain_unit is not None:
            left.append(self._per_row(self._plain_unit, rows))
            plain = self._plain_columns(firsts, logs, factor)
            right.append(xp.matmul(xp.permute_dims(plain, (0, 2, 1)), additions))
        if self._plain_pairs is not None and self._plain_unit is not None:
            left.append(self._per_row(self._plain_unit, rows))
            n = self._plain_unit.shape[0]
            table = self._plain_table(self._plain_pairs, n, rates, weight)
            right.append(xp.matmul(table, self._plain_unit))
        if self._dense_slots is not None:
            dense = self._dense_slots
            bins = backend.take(self._bin_of_slot, dense.slots, axis=0)
            left.append(self._per_row(dense.unit, rows))
            slope_bin = xp.permute_dims(slope, (1, 0))
            weight_slot = backend.take(slope_bin, bins, axis=1)[:, :, None]
            right.append(weight_slot * dense.own_rows(jacobian))

    def _per_row(self, unit: Array, rows: int) -> Array:
        return self._backend.xp.broadcast_to(unit[None, :, :], (rows, *unit.shape))

    def _plain_table(self, move: GatherSum, n: int, rates: Rates, weight: Array) -> Array:
        """Weighted second derivatives of row factors with two plain factors: (rows, n, n)."""
        xp = self._backend.xp
        pairs = self._kernel.plain_pair_derivatives(rates)
        per_row = xp.permute_dims(weight[..., 0], (1, 0))
        scaled = xp.concat([pair * per_row for pair in pairs], axis=0)
        return xp.reshape(xp.permute_dims(move(scaled), (1, 0)), (scaled.shape[1], n, n))

    def _blocks(
        self, jacobian: Jacobian, by_bin: Array, slope_bin: Array, own: list[Array]
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
