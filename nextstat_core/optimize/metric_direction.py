"""Search directions of the quasi-Newton method whose rows share one metric.

The metric may be conditioned, row by row, on parameters that a row holds, and is restricted
exactly where a parameter runs into a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nextstat_core.linalg import SharedInverse
    from nextstat_core.optimize.problem import Problem
    from nextstat_core.typing import Array, ArrayNamespace, Indices

__all__ = ["MetricDirection", "MetricState"]


class MetricState(Protocol):
    """What a direction reads and writes of the slots in work."""

    rows: Indices
    x: Array
    gradient: Array
    direction: Array
    descent: Array
    length: Array
    moves: list[Array]
    changes: list[Array]


class MetricDirection:
    """Search directions: two-loop recursion around the shared metric, with bounds.

    Parameters
    ----------
    near : index array
        Parameters that may run into a bound.
    condition : array, shape (rows, held, parameters), optional
        B of each row, which turns the shared inverse M into that of the row, ``M - B^T B``. With
        columns C of M at parameters that the row holds and their corner ``D = L L^T`` it is
        ``B = L^-1 C``: the covariance conditional on them.
    """

    def __init__(
        self, problem: Problem, metric: SharedInverse, near: Indices, condition: Array | None
    ) -> None:
        self._problem, self._metric, self._near = problem, metric, near
        self._condition = condition
        backend, xp = problem.backend, problem.backend.xp
        self._k = near.shape[0]
        if self._k:
            unit = xp.zeros(
                (problem.start.shape[1], self._k), dtype=backend.dtype, device=backend.device
            )
            eye = xp.eye(self._k, dtype=backend.dtype, device=backend.device)
            self._columns = metric.apply(xp.permute_dims(backend.put_rows(unit, near, eye), (1, 0)))
            self._corner = backend.take(self._columns, near, axis=1)

    def box(self, rows: Indices) -> tuple[Array, Array, Array]:
        """Lower and upper bounds, and fixed parameters, of some rows."""
        problem = self._problem
        parts = (problem.lower, problem.upper, problem.fixed)
        lower, upper, fixed = (problem.of_rows(part, rows) for part in parts)
        return lower, upper, fixed

    def update(self, s: MetricState, box: tuple[Array, Array, Array]) -> Array:
        """Set the direction of every slot that starts a new step; returns the EDM."""
        xp = self._problem.backend.xp
        lower, upper, fixed = box
        bounded = (s.x <= lower) & (s.gradient > 0.0) | (s.x >= upper) & (s.gradient < 0.0)
        bounded = bounded & ~fixed
        gradient = xp.where(bounded | fixed, 0.0, s.gradient)
        step = self._two_loop(gradient, bounded, fixed, s)
        renew = s.length == 1.0
        s.direction = xp.where(renew[:, None], -step, s.direction)
        s.descent = xp.sum(gradient * step, axis=1)
        return 0.5 * s.descent

    def _two_loop(self, gradient: Array, bounded: Array, fixed: Array, s: MetricState) -> Array:
        xp = self._problem.backend.xp
        held = bounded | fixed
        used = []
        vector = gradient
        for move, change in zip(reversed(s.moves), reversed(s.changes), strict=True):
            free_move = xp.where(held, 0.0, move)
            free_change = xp.where(held, 0.0, change)
            product = xp.sum(free_move * free_change, axis=1)
            usable = product > 1e-12
            rho = xp.where(usable, 1.0 / xp.where(usable, product, 1.0), 0.0)
            weight = rho * xp.sum(free_move * vector, axis=1)
            vector = vector - weight[:, None] * free_change
            used.append((free_move, free_change, rho, weight))
        vector = xp.where(held, 0.0, self._restricted(vector, bounded, s.rows))
        for free_move, free_change, rho, weight in reversed(used):
            other = rho * xp.sum(free_change * vector, axis=1)
            vector = vector + (weight - other)[:, None] * free_move
        return xp.where(held, 0.0, vector)

    def _restricted(self, vector: Array, bounded: Array, rows: Indices) -> Array:
        """Metric of each row times vector, restricted to parameters that no bound holds."""
        backend, xp = self._problem.backend, self._problem.backend.xp
        result = self._metric.apply(vector)
        own = None
        if self._condition is not None:
            own = backend.take(self._condition, rows, axis=0)
            result = result - _expand(own, xp.matmul(own, vector[:, :, None]), xp)
        if not self._k:
            return result
        active = backend.take(bounded, self._near, axis=1)
        if not backend.maybe_true(active):
            return result
        corner = self._corner[None, :, :]
        if own is not None:
            # (slots, near, held)
            mine = xp.permute_dims(backend.take(own, self._near, axis=2), (0, 2, 1))
            corner = corner - xp.matmul(mine, xp.permute_dims(mine, (0, 2, 1)))
        both = active[:, :, None] & active[:, None, :]
        corner = xp.where(both, corner, 0.0)
        corner = backend.add_diagonal(corner, xp.astype(~active, backend.dtype))
        here = xp.where(active, backend.take(result, self._near, axis=1), 0.0)
        factor, _ = backend.spd_factor(corner)
        pull = xp.where(active, backend.spd_solve(factor, here[:, :, None])[..., 0], 0.0)
        result = result - xp.matmul(pull, self._columns)
        if own is not None:
            back = xp.matmul(xp.permute_dims(mine, (0, 2, 1)), pull[:, :, None])
            result = result + _expand(own, back, xp)
        return result


def _expand(own: Array, weights: Array, xp: ArrayNamespace) -> Array:
    """Sum over held parameters of the rows of B with weights (slots, held, 1)."""
    return xp.matmul(xp.permute_dims(own, (0, 2, 1)), weights)[..., 0]
