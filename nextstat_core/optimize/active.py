"""Bounds, fixed parameters and kinks as an active set.

Projected Newton (Bertsekas, SIAM J. Control Optim. 20 (1982) 221): a parameter at a bound whose
gradient points outwards is held, the others take a Newton step which is then clipped to the box.

At a kink (interpolation codes 0 and 1 at alpha = 0) the objective has one derivative to the left
and one to the right. A parameter there stands at plus or minus `TINY`, which picks a side; that
side's half line is its box. Where both sides rise it is held like a parameter at a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.optimize.problem import Problem
    from nextstat_core.typing import Array, ArrayNamespace, Indices

__all__ = ["TINY", "Box", "Kinks"]

#: Stands for zero on either side of a kink; representable in float32 too.
TINY = 1e-30
# Distance to a kink within which a row may stop, for a parameter of width one, and a slope that
# leads farther away than that.
_NEAR, _SLOPE = 2e-4, 1e-3


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of the rows in work, (rows, parameters) or (1, parameters), and fixed parameters."""

    lower: Array
    upper: Array
    fixed: Array

    def clip(self, x: Array, xp: ArrayNamespace) -> Array:
        return xp.where(self.fixed, x, xp.minimum(xp.maximum(x, self.lower), self.upper))

    def at_lower(self, x: Array, gradient: Array) -> Array:
        return (x <= self.lower) & (gradient > 0.0)

    def at_upper(self, x: Array, gradient: Array) -> Array:
        return (x >= self.upper) & (gradient < 0.0)

    def free(self, x: Array, gradient: Array) -> Array:
        """Parameters that may move: not fixed, and not held by a bound."""
        return ~(self.fixed | self.at_lower(x, gradient) | self.at_upper(x, gradient))


class Kinks:
    """Turns a problem with kinks into boxes on half lines; does nothing without kinks."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        backend, xp = problem.backend, problem.backend.xp
        n = problem.start.shape[1]
        self.any = False
        if problem.kinks is None or problem.kinks.shape[0] == 0:
            return
        self.any = True
        mask = xp.zeros((n, 1), dtype=backend.dtype, device=backend.device)
        one = xp.ones((problem.kinks.shape[0], 1), dtype=backend.dtype, device=backend.device)
        self._mask = xp.permute_dims(backend.put_rows(mask, problem.kinks, one), (1, 0)) > 0.5

    def start(self, x: Array) -> Array:
        """`x` with zeros at kinks put on the right-hand side."""
        if not self.any:
            return x
        return self._problem.backend.xp.where(self._mask & (x == 0.0), TINY, x)

    def finish(self, x: Array) -> Array:
        """`x` with both sides of a kink put back to zero."""
        if not self.any:
            return x
        return self._problem.backend.xp.where(self._at(x), 0.0, x)

    def _at(self, x: Array) -> Array:
        xp = self._problem.backend.xp
        return self._mask & (xp.abs(x) <= TINY)

    def box(self, x: Array, rows: Indices) -> Box:
        """Box of some rows; at kinks the half line on which the parameter stands."""
        problem = self._problem
        lower = problem.of_rows(problem.lower, rows)
        upper = problem.of_rows(problem.upper, rows)
        fixed = problem.of_rows(problem.fixed, rows)
        if self.any:
            xp = problem.backend.xp
            lower = xp.where(self._mask & (x > 0.0), xp.where(lower > TINY, lower, TINY), lower)
            upper = xp.where(self._mask & (x < 0.0), xp.where(upper < -TINY, upper, -TINY), upper)
        return Box(lower, upper, fixed)

    def flip(self, x: Array, gradient: Array, box: Box, rows: Indices) -> tuple[Array, Array]:
        """Move parameters at a kink to its other side where the objective falls there only.

        A minimum of one side may lie on the kink without being held by it.

        Returns the new `x`, and which rows changed.
        """
        backend, xp = self._problem.backend, self._problem.backend.xp
        held = self._at(x) & ~box.free(x, gradient) & ~box.fixed
        near = self._mask & (xp.abs(x) <= _NEAR) & ~box.fixed
        near = near & (xp.where(x > 0.0, gradient, -gradient) > -_SLOPE)
        changed = xp.zeros((x.shape[0],), dtype=xp.bool, device=backend.device)
        if not backend.any_true(held | near):
            return x, changed
        mirrored = xp.where(held | near, -x, x)
        other = self._problem.objective.evaluate(mirrored, rows, 1).gradient
        problem = self._problem
        inside = (mirrored > problem.of_rows(problem.lower, rows)) & (
            mirrored < problem.of_rows(problem.upper, rows)
        )
        fall = xp.where(x > 0.0, other, -other)
        falls = inside & (held & (fall > 0.0) | near & (fall > _SLOPE))
        return xp.where(falls, mirrored, x), xp.any(falls, axis=1)

    def held(self, x: Array, gradient: Array, box: Box) -> Array:
        """Codes of `Minima.held`."""
        xp = self._problem.backend.xp
        zero = xp.zeros(x.shape, dtype=xp.int64, device=self._problem.backend.device)
        code = xp.where(box.at_lower(x, gradient), zero - 1, zero)
        code = xp.where(box.at_upper(x, gradient), zero + 1, code)
        if self.any:
            code = xp.where(self._at(x) & (code != 0), zero + 2, code)
        return xp.where(box.fixed, zero, code)
