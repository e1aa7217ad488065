"""Moves of entries along the first axis that sum where several land in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.gather_plan import GatherPlan
    from nextstat_core.typing import Array

__all__ = ["GatherSum"]


class GatherSum:
    """``out[target] += x[source]`` by gathers; a sum only where several land in one place."""

    def __init__(self, backend: Backend, plan: GatherPlan) -> None:
        self._backend, self._plan = backend, plan
        self._index = backend.indices(plan.index)
        self._sum = backend.segment_plan(plan.target, plan.n_target) if plan.collides else None

    def __call__(self, x: Array) -> Array:
        """Apply to an array of shape (n_source, columns)."""
        backend, plan = self._backend, self._plan
        if self._sum is not None:
            return backend.segment_sum(self._sum, backend.take(x, self._index, axis=0))
        if plan.identity:
            return x
        if plan.padded:
            xp = backend.xp
            zero = xp.zeros((1, x.shape[1]), dtype=x.dtype, device=backend.device)
            x = xp.concat([x, zero], axis=0)
        return backend.take(x, self._index, axis=0)

    def batch(self, x: Array) -> Array:
        """Apply along the second axis of an array of shape (rows, n_source, columns)."""
        xp, n_target = self._backend.xp, self._plan.n_target
        rows, n, columns = x.shape
        if rows == 1:
            return xp.reshape(self(x[0, ...]), (1, n_target, columns))
        flat = xp.reshape(xp.permute_dims(x, (1, 0, 2)), (n, rows * columns))
        out = xp.reshape(self(flat), (n_target, rows, columns))
        return xp.permute_dims(out, (1, 0, 2))
