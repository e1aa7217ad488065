"""Leaving a saddle along the direction of most negative curvature."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowMatrix
    from nextstat_core.optimize.active import Box
    from nextstat_core.optimize.problem import Problem
    from nextstat_core.typing import Array, Indices

__all__ = ["escape"]

# Lengths of trial steps in units in which the Hessian has a unit diagonal.
_LENGTHS = (0.1, 0.5, 1.0, 2.0)
_FLAT = -1e-3


def escape(
    problem: Problem,
    rows: Indices,
    x: Array,
    value: Array,
    hessian: ArrowMatrix,
    box: Box,
    free: Array,
    stuck: Array,
) -> tuple[Array, Array, Array]:
    """The lowest of trial points on both sides of each saddle.

    Parameters
    ----------
    stuck : bool array, shape (rows,)
        Rows at a saddle; the others are left alone.

    Returns
    -------
    x : array, shape (rows, parameters)
    moved : bool array, shape (rows,)
        Rows for which a lower point was found.
    flat : bool array, shape (rows,)
        Rows without one whose negative curvature is no more than what a singular Hessian shows
        near its minimum: there the slope of the rates enters with either sign.
    """
    backend, xp = problem.backend, problem.backend.xp
    lowest_curvature, direction = _negative_direction(hessian, free, backend)
    best, lowest = x, value
    for length in _LENGTHS:
        for sign in (1.0, -1.0):
            trial = box.clip(x + xp.where(stuck[:, None], sign * length * direction, 0.0), xp)
            point = problem.objective.evaluate(trial, rows, 0)
            lower = xp.isfinite(point.value) & (point.value < lowest)
            best = xp.where(lower[:, None], point.x, best)
            lowest = xp.where(lower, point.value, lowest)
    moved = stuck & (lowest < value)
    return best, moved, stuck & ~moved & (lowest_curvature > _FLAT)


def _negative_direction(hessian: ArrowMatrix, free: Array, backend: Backend) -> tuple[Array, Array]:
    """Lowest eigenvalue on the free set after scaling to a unit diagonal, and its direction."""
    xp = backend.xp
    matrix = hessian.full(backend)
    size = xp.abs(xp.linalg.diagonal(matrix))
    scale = 1.0 / xp.sqrt(xp.where(size > 0.0, size, 1.0))
    both = free[:, :, None] & free[:, None, :]
    scaled = xp.where(both, matrix * scale[:, :, None] * scale[:, None, :], 0.0)
    # Masked parameters get a large eigenvalue, so that they never are the lowest one.
    scaled = backend.add_diagonal(scaled, 1e6 * xp.astype(~free, backend.dtype))
    values, vectors = backend.eigh(scaled)
    return values[:, 0], xp.where(free, vectors[:, :, 0] * scale, 0.0)
