"""The profile likelihood without the parameters that have a closed form.

Where the conditional optimum of a parameter is known in closed form the minimiser need not see it: its
gradient is zero, and the inverse Hessian of the rest is that block of the whole inverse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.linalg import ArrowShape
from nextstat_core.optimize import Minima, Point, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.likelihood import CompiledModel
    from nextstat_core.linalg import ArrowInverse
    from nextstat_core.optimize import Objective
    from nextstat_core.typing import Array, Indices

__all__ = ["Reduction"]


class Reduction:
    """Which parameters of a model remain once those with a closed form are profiled out."""

    def __init__(self, compiled: CompiledModel, fixed: NDArray[np.bool_]) -> None:
        self._backend = compiled.backend
        local = compiled.local
        self._solo = np.zeros(len(fixed), dtype=bool)
        self._solo[local.solo] = True
        # Fixed parameters do not move: they stay, and are held.
        self._solo &= ~fixed
        self._kept = np.flatnonzero(~self._solo)
        self._index = self._backend.indices(self._kept)
        self._local = local
        self.any = bool(self._solo.any())

    def metric(self, inverse: ArrowInverse) -> ArrowInverse:
        """The metric of what remains."""
        position = np.full(len(self._solo), -1, dtype=np.intp)
        position[self._kept] = np.arange(len(self._kept))
        blocks, gone, arranged = [], [], [position[self._local.dense]]
        for component in self._local.components:
            lost = self._solo[component.parameters].any(axis=1)
            gone.append(tuple(np.flatnonzero(lost).tolist()))
            members = position[component.parameters[~lost]]
            if len(members):
                blocks.append((self._backend.indices(members.reshape(-1)), *members.shape))
                arranged.append(members.reshape(-1))
        shape = ArrowShape(
            len(self._kept),
            len(self._local.dense),
            self._backend.indices(position[self._local.dense]),
            tuple(blocks),
            self._backend.indices(np.argsort(np.concatenate(arranged))),
        )
        return inverse.without(tuple(gone), shape)

    def near(self, near: NDArray[np.intp]) -> Indices:
        """Remaining parameters among `near`, in the new numbering."""
        kept = near[~self._solo[near]]
        return self._backend.indices(np.searchsorted(self._kept, kept))

    def problem(self, problem: Problem) -> Problem:
        """The same problem in what remains."""
        backend = self._backend

        def cut(x: Array) -> Array:
            return backend.take(x, self._index, axis=1)

        objective = _ReducedObjective(problem, self._index)
        return Problem(
            backend,
            objective,
            cut(problem.start),
            cut(problem.lower),
            cut(problem.upper),
            cut(problem.fixed),
        )

    def expand(self, minima: Minima, problem: Problem) -> Minima:
        """Minima in all parameters; those with a closed form stand at their start."""
        minima.x = embed(problem.start, self._index, minima.x, problem)
        nothing = 0.0 * minima.x
        minima.gradient = embed(nothing, self._index, minima.gradient, problem)
        minima.held = self._backend.xp.zeros_like(
            problem.fixed, dtype=minima.status.dtype
        )
        return minima


def embed(whole: Array, index: Indices, part: Array, problem: Problem) -> Array:
    """`whole` (rows, n) with columns `index` replaced by `part`."""
    backend = problem.backend
    turned = backend.put_rows(backend.transposed(whole) + 0.0, index, backend.transposed(part))
    return backend.transposed(turned)


class _ReducedObjective:
    """The objective as a function of what remains."""

    def __init__(self, problem: Problem, index: Indices) -> None:
        self._problem, self._index = problem, index
        self._objective: Objective = problem.objective

    def evaluate(self, x: Array, rows: Indices, order: int) -> Point:
        backend = self._problem.backend
        start = backend.take(self._problem.start, rows, axis=0)
        whole = embed(start, self._index, x, self._problem)
        point = self._objective.evaluate(whole, rows, order)
        gradient = None
        if point.gradient is not None:
            gradient = backend.take(point.gradient, self._index, axis=1)
        return Point(x, point.value, gradient, point.hessian, point.metric)
