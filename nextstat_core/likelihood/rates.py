"""Expected yields and their reverse-mode derivatives, rows of a batch along the last axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core.likelihood.additions import AdditionKernel
from nextstat_core.likelihood.curves import Curves

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.plan import RatePlan
    from nextstat_core.likelihood.profile import Movable, SoloProfile
    from nextstat_core.typing import Array, Indices

__all__ = ["RateKernel", "Rates", "others_of"]


@dataclass(slots=True)
class Rates:
    """What one forward pass leaves for the derivatives. Axes: (..., rows).

    Attributes
    ----------
    theta : array, shape (parameters, rows)
        Parameters; eliminated ones at their conditional optimum if that was asked for.
    rate : array, shape (bins, rows)
        Expected counts in internal bin order.
    yields, base, bare : array, shape (cells, rows)
        Expected counts per cell; nominal plus additions; `base` times the row factor.
    factor : array, shape (rows of the model, rows)
        Row factors.
    """

    theta: Array
    rate: Array
    yields: Array
    base: Array
    bare: Array
    factor: Array
    factor_cell: Array
    log_part: Array
    log_first: Array | None
    log_second: Array | None
    plain: list[Array]
    table: Array
    table_first: Array | None
    table_second: Array | None
    cell_values: list[Array]
    basis_first: Array | None
    basis_second: Array | None
    shift: Array | None = None  # nominal yields less those of the model, (cells, rows)


class RateKernel:
    """Rates of one model on one backend. Immutable after construction; safe to share."""

    def __init__(self, plan: RatePlan, backend: Backend) -> None:
        self.plan, self.backend = plan, backend
        xp = self._xp = backend.xp
        self.nominal = backend.asarray(plan.nominal[:, None])
        self._row_of_cell = backend.indices(plan.row_of_cell)
        self._bin_of_cell = backend.indices(plan.bin_of_cell)
        self._cells_to_bins = backend.segment_plan(plan.bin_of_cell, plan.n_bins)
        self._cells_to_rows = backend.segment_plan(plan.row_of_cell, plan.n_rows)
        self._logs = Curves(backend, plan.log_groups)
        self._log_rows = backend.indices(plan.log_rows)
        self._logs_to_rows = backend.segment_plan(plan.log_rows, plan.n_rows)
        self._custom = Curves(backend, plan.plain_groups)
        self._row_layers = [backend.indices(layer) for layer in plan.row_layers]
        self._cell_layers = [backend.indices(layer) for layer in plan.cell_layers]
        self._ones = xp.ones((1, 1), dtype=backend.dtype, device=backend.device)
        self.additions = None
        if plan.additions is not None:
            self.additions = AdditionKernel(plan.additions, plan.n_rows, plan.n_cells, backend)
        self._contributions = backend.segment_plan(plan.contributions, plan.n_parameters + 1)

    # -- forward ----------------------------------------------------------------------------------

    def forward(
        self,
        theta: Array,
        order: int,
        *,
        nominal: Array | None = None,
        profile: SoloProfile | None = None,
        movable: Movable | None = None,
    ) -> Rates:
        """Rates at `theta`, shape (parameters, rows).

        Parameters
        ----------
        order : int
            Highest derivative that will be asked for: 0, 1 or 2.
        nominal : array, shape (cells, rows), optional
            Nominal yields that differ between rows; templates that contain them follow.
        profile, movable : optional
            Move parameters with a closed form to their conditional optimum for these data.
        """
        backend = self.backend
        log_part, log_first, log_second = self._log_factors(theta, order)
        table, first, second = self._factor_table(theta, order)
        plain = [backend.take(table, layer, axis=0) for layer in self._row_layers]
        factor = log_part
        for value in plain:
            factor = factor * value
        base, basis_first, basis_second = self._base(theta, order, nominal)
        factor_cell = backend.take(factor, self._row_of_cell, axis=0)
        bare = factor_cell * base
        if profile and movable is not None:
            theta = profile.move(theta, bare, self._cells_to_bins, movable)
            moved = backend.take(theta, profile.index, axis=0)
            table = backend.put_rows(table, profile.index, moved)
        values = [backend.take(table, layer, axis=0) for layer in self._cell_layers]
        yields = bare
        for value in values:
            yields = yields * value
        rate = backend.segment_sum(self._cells_to_bins, yields)
        return Rates(
            theta, rate, yields, base, bare, factor, factor_cell, log_part, log_first, log_second,
            plain, table, first, second, values, basis_first, basis_second,
            None if nominal is None or self.additions is None else nominal - self.nominal,
        )  # fmt: skip

    def _log_factors(self, theta: Array, order: int) -> tuple[Array, Array | None, Array | None]:
        xp = self._xp
        if not self._logs:
            shape = (self.plan.n_rows, theta.shape[1])
            one = xp.ones(shape, dtype=self.backend.dtype, device=self.backend.device)
            return one, None, None
        value, first, second = self._logs(theta, order)
        return xp.exp(self.backend.segment_sum(self._logs_to_rows, value)), first, second

    def _factor_table(self, theta: Array, order: int) -> tuple[Array, Array | None, Array | None]:
        """Factor table: parameters, then curves, then one; derivatives only where curves exist."""
        xp = self._xp
        ones = xp.broadcast_to(self._ones, (1, theta.shape[1]))
        if not self._custom:
            return xp.concat([theta, ones], axis=0), None, None
        value, first, second = self._custom(theta, order)
        table = xp.concat([theta, value, ones], axis=0)
        zero, first_table, second_table = 0.0 * ones, None, None
        if order > 0:
            first_table = xp.concat([xp.ones_like(theta), first, zero], axis=0)
        if order > 1:
            second_table = xp.concat([xp.zeros_like(theta), second, zero], axis=0)
        return table, first_table, second_table

    def _base(
        self, theta: Array, order: int, nominal: Array | None
    ) -> tuple[Array, Array | None, Array | None]:
        start = self.nominal if nominal is None else nominal
        if self.additions is None:
            shape = (self.plan.n_cells, theta.shape[1])
            return self._xp.broadcast_to(start, shape), None, None
        basis, first, second = self.additions.basis(theta, order)
        base = start + self.additions.to_cells(basis)
        if nominal is not None:
            # Templates that contain the nominal yields lose what these gain.
            covered = self.additions.followers(basis)
            lost = self.backend.take(covered, self._row_of_cell, axis=0)
            base = base - (nominal - self.nominal) * lost
        return base, first, second

    # -- reverse ----------------------------------------------------------------------------------

    def gradient(
        self, rates: Rates, slope: Array, constraints: Array, *, diagonal: bool = False
    ) -> Array:
        """Derivative of ``sum_b slope_b rate_b`` with respect to the parameters.

        Parameters
        ----------
        slope : array, shape (bins, rows)
            Derivative of the objective with respect to each rate.
        constraints : array, shape (n_gaussian + n_poisson, rows)
            Contributions of the auxiliary measurements.
        diagonal : bool
            Instead contract second derivatives of single curves: what the Hessian's diagonal gets
            beyond products of first derivatives. Needs ``order=2``.

        Returns
        -------
        array, shape (parameters, rows)
        """
        slope_cell = self.backend.take(slope, self._bin_of_cell, axis=0)
        return self.cell_gradient(rates, slope_cell, constraints, diagonal=diagonal)

    def cell_gradient(
        self, rates: Rates, slope_cell: Array, constraints: Array, *, diagonal: bool = False
    ) -> Array:
        """As `gradient`, of ``sum_c slope_c yield_c`` over cells: slopes (cells, rows)."""
        backend, xp = self.backend, self._xp
        pull = slope_cell
        for value in rates.cell_values:
            pull = pull * value
        per_row = backend.segment_sum(self._cells_to_rows, pull * rates.base)
        parts: list[Array] = []
        if self._logs:
            by_log = backend.take(per_row * rates.factor, self._log_rows, axis=0)
            by_log *= rates.log_second if diagonal else rates.log_first
            parts.append(by_log)
        derivative = rates.table_second if diagonal else rates.table_first
        parts.extend(self._plain_parts(rates, per_row, derivative, diagonal=diagonal))
        parts.extend(self._cell_parts(rates, slope_cell, derivative, diagonal=diagonal))
        if self.additions is not None:
            weight = pull * rates.factor_cell
            basis = self.additions.basis_sums(weight)
            if rates.shift is not None:
                by_row = backend.segment_sum(self._cells_to_rows, weight * rates.shift)
                basis = basis - self.additions.follower_sums(by_row)
            parts.append(basis * (rates.basis_second if diagonal else rates.basis_first))
        parts.append(constraints)
        stacked = xp.concat(parts, axis=0) if len(parts) > 1 else parts[0]
        return backend.segment_sum(self._contributions, stacked)[:-1, ...]

    def _plain_parts(
        self, rates: Rates, per_row: Array, derivative: Array | None, *, diagonal: bool
    ) -> list[Array]:
        others = others_of(rates.plain, rates.log_part)
        return [
            self._with_derivative(per_row * rest, layer, derivative, diagonal=diagonal)
            for rest, layer in zip(others, self._row_layers, strict=True)
        ]

    def _cell_parts(
        self, rates: Rates, slope_cell: Array, derivative: Array | None, *, diagonal: bool
    ) -> list[Array]:
        others = others_of(rates.cell_values, slope_cell * rates.bare)
        return [
            self._with_derivative(rest, layer, derivative, diagonal=diagonal)
            for rest, layer in zip(others, self._cell_layers, strict=True)
        ]

    def _with_derivative(
        self, value: Array, layer: Indices, derivative: Array | None, *, diagonal: bool
    ) -> Array:
        # Without curves the first derivative of every table entry is one; entries that stand for
        # the constant one land in a segment that is thrown away.
        if derivative is None:
            return 0.0 * value if diagonal else value
        return value * self.backend.take(derivative, layer, axis=0)

    # -- products of the other factors, for second derivatives ----------------------------------

    def plain_derivatives(self, rates: Rates) -> list[Array]:
        """Derivative of each row factor with respect to its plain factors, per layer."""
        others = others_of(rates.plain, rates.log_part)
        return [
            self._with_derivative(rest, layer, rates.table_first, diagonal=False)
            for rest, layer in zip(others, self._row_layers, strict=True)
        ]

    def plain_pair_derivatives(self, rates: Rates) -> list[Array]:
        """Mixed second derivative of each row factor, per pair of plain layers."""
        first = self._layer_derivatives(rates, self._row_layers)
        return _pair_products(rates.plain, first, rates.log_part)

    def cell_others(self, rates: Rates) -> list[Array]:
        """Derivative of each cell factor with respect to one layer, per layer."""
        one = rates.bare * 0.0 + 1.0
        others = others_of(rates.cell_values, one)
        return [
            self._with_derivative(rest, layer, rates.table_first, diagonal=False)
            for rest, layer in zip(others, self._cell_layers, strict=True)
        ]

    def cell_pairs(self, rates: Rates) -> list[Array]:
        """Mixed second derivative of each cell factor, per pair of layers."""
        first = self._layer_derivatives(rates, self._cell_layers)
        return _pair_products(rates.cell_values, first, rates.bare * 0.0 + 1.0)

    def _layer_derivatives(self, rates: Rates, layers: list[Indices]) -> list[Array] | None:
        if rates.table_first is None:
            return None
        return [self.backend.take(rates.table_first, layer, axis=0) for layer in layers]

    def cell_weights(self, rates: Rates, slope: Array, row: int) -> Array:
        """Derivative of ``sum_b slope_b rate_b`` with respect to the cells of a row before factors.

        These are nominal yields with their additions.

        Returns
        -------
        array, shape (bins of the row, rows)
        """
        backend = self.backend
        cells = backend.indices(self.plan.cells_of_row(row))
        weight = backend.take(slope, backend.take(self._bin_of_cell, cells, axis=0), axis=0)
        for value in rates.cell_values:
            weight = weight * backend.take(value, cells, axis=0)
        return weight * backend.take(rates.factor_cell, cells, axis=0)

    def share_of_nominal(self, rates: Rates, row: int) -> Array | float:
        """Derivative of what the cells of a row start from with respect to nominal yields.

        Additions whose templates contain ``-nominal`` move along. Shape (1, rows).
        """
        if self.additions is None:
            return 1.0
        basis = self.additions.basis(rates.theta, 0)[0]
        return 1.0 - self.additions.followers(basis)[row : row + 1, :]


def _pair_products(values: list[Array], first: list[Array] | None, start: Array) -> list[Array]:
    """For each pair of layers, `start` times the derivatives of both and all other values."""
    after: list[Array | float] = [1.0]
    for value in reversed(values[1:]):
        after.append(after[-1] * value)
    after = after[::-1]  # after[j]: product of the values behind j
    products, before = [], start
    for i, left in enumerate(values):
        between: Array | float = 1.0
        for j in range(i + 1, len(values)):
            product = before * between * after[j]
            products.append(product if first is None else product * first[i] * first[j])
            between = between * values[j]
        before = before * left
    return products


def others_of(values: list[Array], start: Array) -> list[Array]:
    """For each entry, `start` times the product of all other entries; no division."""
    result = [start] * min(len(values), 1)
    for value in values[:-1]:
        result.append(result[-1] * value)
    after: Array | None = None
    for i in range(len(values) - 2, -1, -1):
        after = values[i + 1] if after is None else values[i + 1] * after
        result[i] = result[i] * after
    return result
