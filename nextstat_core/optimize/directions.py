"""Steps of projected Newton: damping, stand-ins for indefinite Hessians, faces of the box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.linalg import factorize

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowFactor, ArrowMatrix
    from nextstat_core.optimize.active import Box
    from nextstat_core.optimize.problem import Problem
    from nextstat_core.optimize.state import State
    from nextstat_core.typing import Array

__all__ = ["damping_of", "into_box", "semidefinite", "stand_in"]

# Relative to the diagonal: what separates a singular matrix from an indefinite one.
_RIDGE = 1e-12
# How many sets of bounds a step may run into before it is merely clipped.
_MAX_FACES = 10


def damping_of(state: State, backend: Backend) -> Array | None:
    """Levenberg damping in units of each parameter's curvature; None where no row is damped."""
    if not backend.any_true(state.damping > 0.0):
        return None
    return state.damping[:, None] * _scale(state, backend)


def _scale(state: State, backend: Backend) -> Array:
    """Size of each parameter's curvature, one where there is none: (rows, parameters)."""
    xp = backend.xp
    scale = xp.abs(state.hessian.diagonal(backend))
    return xp.where(scale > 0.0, scale, xp.ones_like(scale))


def semidefinite(problem: Problem, state: State, free: Array) -> Array:
    """Rows whose Hessian is singular to rounding, but not indefinite."""
    ridge = _RIDGE * _scale(state, problem.backend)
    return factorize(state.hessian, problem.backend, free=free, damping=ridge).ok


def stand_in(
    problem: Problem, state: State, free: Array, definite: Array
) -> tuple[ArrowMatrix, ArrowFactor, Array]:
    """Replace indefinite Hessians by the metric, or damp them where there is none."""
    backend, xp = problem.backend, problem.backend.xp
    scale = _scale(state, backend)
    metric = (state.point or problem.objective.evaluate(state.x, state.rows, 2)).metric
    if metric is None:
        damping = xp.where(definite, state.damping + _RIDGE, xp.maximum(state.damping, 1e-3))
        for _ in range(40):
            factor = factorize(state.hessian, backend, free=free, damping=damping[:, None] * scale)
            if not backend.any_true(~factor.ok):
                break
            damping = xp.where(factor.ok, damping, 10.0 * damping)
        return state.hessian, factor, damping[:, None] * scale
    matrix = state.hessian.where(definite, metric(), backend)
    # Hessian and metric may be singular (a factor that moves no bin).
    damping = (state.damping[:, None] + _RIDGE) * scale
    return matrix, factorize(matrix, backend, free=free, damping=damping), damping


def into_box(
    state: State,
    matrix: ArrowMatrix,
    damping: Array | None,
    step: Array,
    box: Box,
    free: Array,
    backend: Backend,
) -> Array:
    """Trial points inside the box.

    Parameters that would leave it go to their bound, and the others are solved for again with that
    in mind: clipping alone can turn a good step into an ascent.
    """
    xp = backend.xp
    trial = box.clip(state.x + step, xp)
    hit = free & (trial != state.x + step)
    for _ in range(_MAX_FACES):
        if not backend.any_true(hit):
            break
        to_bound = xp.where(hit, trial - state.x, 0.0)
        rest = state.gradient + matrix.multiply(to_bound, backend)
        factor = factorize(matrix, backend, free=free & ~hit, damping=damping)
        step = xp.where(hit, to_bound, -factor.solve(rest))
        trial = box.clip(state.x + step, xp)
        new = free & ~hit & (trial != state.x + step)
        if not backend.any_true(new):
            break
        hit = hit | new
    return trial
