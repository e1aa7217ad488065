"""The profile likelihood without the parameters that have a closed form.

Where the conditional optimum of a parameter is known in closed form the minimiser need not see
it: its gradient is zero, and the inverse Hessian of the rest is that block of the whole inverse.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.linalg import ArrowShape
from nextstat_core.optimize import Minima, Point, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.objective import LikelihoodObjective
    from nextstat_core.likelihood import CompiledModel
    from nextstat_core.linalg import SharedInverse
    from nextstat_core.typing import Array, Indices

__all__ = ["Reduction"]


class Reduction:
    """Which parameters of a model remain once those with a closed form are profiled out.

    Attributes
    ----------
    kept : int array
        Their positions.
    """

    def __init__(self, compiled: CompiledModel, fixed: NDArray[np.bool_]) -> None:
        self._backend = compiled.backend
        self._local = compiled.local
        self._solo = np.zeros(len(fixed), dtype=bool)
        self._solo[compiled.local.solo] = True
        # Fixed parameters do not move: they stay, and are held.
        self._solo &= ~fixed
        self.kept = np.flatnonzero(~self._solo)
        self._index = self._backend.indices(self.kept)

    def metric(self, inverse: SharedInverse) -> SharedInverse:
        """The metric of what remains."""
        indices = self._backend.indices
        position = np.full(len(self._solo), -1, dtype=np.intp)
        position[self.kept] = np.arange(len(self.kept))
        dense = position[self._local.dense]
        blocks, gone, arranged = [], [], [dense]
        for component in self._local.components:
            lost = self._solo[component.parameters].any(axis=1)
            gone.append(tuple(np.flatnonzero(lost).tolist()))
            members = position[component.parameters[~lost]]
            if len(members):
                blocks.append((indices(members.reshape(-1)), *members.shape))
                arranged.append(members.reshape(-1))
        order = indices(np.argsort(np.concatenate(arranged)))
        shape = ArrowShape(len(self.kept), len(dense), indices(dense), tuple(blocks), order)
        return inverse.without(tuple(gone), shape)

    def near(self, near: NDArray[np.intp]) -> Indices:
        """Remaining parameters among `near`, in the new numbering."""
        kept = near[~self._solo[near]]
        return self._backend.indices(np.searchsorted(self.kept, kept))

    def problem(self, problem: Problem) -> Problem:
        """The same problem in what remains."""
        backend = self._backend
        base = backend.transposed(problem.start)
        parts = (problem.start, problem.lower, problem.upper, problem.fixed)
        return Problem(
            backend,
            _ReducedObjective(problem.objective, base, self._index),  # type: ignore[arg-type]
            *(backend.take(part, self._index, axis=1) for part in parts),
        )

    def expand(self, minima: Minima, problem: Problem) -> Minima:
        """Minima in all parameters; those with a closed form stand at their start."""
        backend, xp = self._backend, self._backend.xp
        whole = backend.transposed(problem.start) + 0.0
        whole = backend.put_rows(whole, self._index, backend.transposed(minima.x))
        minima.x = backend.transposed(whole)
        minima.gradient = 0.0 * minima.x
        minima.held = xp.zeros(minima.x.shape, dtype=minima.status.dtype, device=backend.device)
        return minima


class _ReducedObjective:
    """The objective as a function of what remains; the rest takes part at its optimum."""

    def __init__(self, objective: LikelihoodObjective, base: Array, index: Indices) -> None:
        self._objective, self._base, self._index = objective, base, index

    def evaluate(self, x: Array, rows: Indices, order: int) -> Point:
        compiled = self._objective.compiled
        backend = compiled.backend
        theta = backend.take(self._base, rows, axis=1)
        theta = backend.put_rows(theta, self._index, backend.transposed(x))
        at, data = self._objective.at(theta, rows, order)
        gradient = None
        if at.gradient is not None:
            gradient = backend.transposed(backend.take(at.gradient, self._index, axis=0))
        return Point(x, at.nll, gradient, partial(compiled.hessian, at, data))
