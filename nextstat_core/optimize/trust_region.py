r"""A trust-region method for single rows that defeat the faster algorithms (algorithm C).

Curved valleys, saddles and regions of negative curvature call for steps that use the whole
spectrum of the exact Hessian. Each iteration solves the trust-region problem

.. math:: \min_p \; g^\top p + \tfrac12 p^\top H p, \quad \|p\| \le \Delta

exactly by an eigen-decomposition (More and Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983) 553), in
units in which the metric of the objective has a unit diagonal. Negative curvature is followed to
the boundary of the region. Parameters whose bound a step meets go to that bound, and the rest is
solved again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nextstat_core.optimize.active import Box, Kinks
from nextstat_core.optimize.result import Status

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.optimize.problem import Options, Point, Problem
    from nextstat_core.typing import Array, ArrayNamespace, Indices

__all__ = ["TrustResult", "trust_region"]

_RADIUS = 1.0
_LARGEST_RADIUS = 1e4
_SMALLEST_RADIUS = 1e-10
_FACES = 8
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class TrustResult:
    """Where a row ended: arrays with one row; `status` a `Status` code."""

    x: Array
    point: Point
    edm: float
    status: int
    iterations: int
    evaluations: int


@dataclass(frozen=True, slots=True)
class _Quadratic:
    """The model at a point in scaled coordinates: eigenvalues and vectors on the free set."""

    values: Array
    vectors: Array
    gradient: Array  # scaled, zero where held


def trust_region(problem: Problem, rows: Indices, x: Array, options: Options) -> TrustResult:
    """Minimise one row from `x`, shape (1, parameters)."""
    backend, xp = problem.backend, problem.backend.xp
    kinks = Kinks(problem)
    point = problem.objective.evaluate(kinks.start(x), rows, 2)
    radius, evaluations, edm = _RADIUS, 1, float("inf")
    for iteration in range(options.max_iterations):
        box = kinks.box(point.x, rows)
        if kinks.any:
            flipped, changed = kinks.flip(point.x, point.gradient, box, rows)
            if backend.any_true(changed):
                point = problem.objective.evaluate(flipped, rows, 2)
                box = kinks.box(point.x, rows)
        hessian = point.hessian().full(backend)
        scale = _scale(point, hessian, backend)
        free = box.free(point.x, point.gradient)
        model = _quadratic(hessian, point.gradient, scale, free, backend)
        # Held parameters have eigenvalue one: they cannot be the lowest below zero.
        lowest = float(xp.min(model.values))
        newton = _newton_decrement(model, backend)
        edm = newton if lowest > -_flat(model, backend) else float("inf")
        if edm < options.tolerance:
            point, edm = _polish(problem, rows, point, box, free, model, scale)
            return TrustResult(point.x, point, edm, int(Status.EDM), iteration, evaluations + 1)
        trial, length = _step(point, hessian, scale, free, box, radius, backend)
        after = problem.objective.evaluate(trial, rows, 2)
        evaluations += 1
        ratio = _ratio(point, after, hessian, trial, backend)
        if ratio < 0.25:
            radius = 0.25 * min(length, radius)
        elif ratio > 0.75 and length > 0.8 * radius:
            radius = min(2.0 * radius, _LARGEST_RADIUS)
        if ratio > 1e-4:
            point = after
        elif radius < _SMALLEST_RADIUS:
            return TrustResult(point.x, point, newton, int(Status.STALLED), iteration, evaluations)
    return TrustResult(
        point.x, point, edm, int(Status.MAX_ITERATIONS), options.max_iterations, evaluations
    )


def _polish(
    problem: Problem,
    rows: Indices,
    point: Point,
    box: Box,
    free: Array,
    model: _Quadratic,
    scale: Array,
) -> tuple[Point, float]:
    """One last Newton step, kept where the projected gradient shrinks, and the EDM after it."""
    backend, xp = problem.backend, problem.backend.xp
    # Directions without curvature are left alone.
    along = _along(model, xp)
    steep = model.values > 1e-12 * xp.max(xp.abs(model.values))
    inner = xp.where(steep, -along / xp.where(steep, model.values, xp.ones_like(along)), 0.0)
    step = xp.where(free, scale * xp.matmul(model.vectors, inner[:, :, None])[..., 0], 0.0)
    after = problem.objective.evaluate(box.clip(point.x + step, xp), rows, 2)
    before = xp.max(xp.abs(xp.where(free, point.gradient, 0.0)))
    still = box.free(after.x, after.gradient)
    now = xp.max(xp.abs(xp.where(still, after.gradient, 0.0)))
    if not bool(now < before):
        return point, _newton_decrement(model, backend)
    gradient = xp.where(still & free, after.gradient * scale, 0.0)
    return after, _newton_decrement(replace(model, gradient=gradient), backend)


def _scale(point: Point, hessian: Array, backend: Backend) -> Array:
    """Natural unit of each parameter: one standard deviation by metric or Hessian."""
    xp = backend.xp
    size = xp.abs(xp.linalg.diagonal(hessian))
    if point.metric is not None:
        size = xp.maximum(size, point.metric().diagonal(backend))
    return 1.0 / xp.sqrt(xp.where(size > 0.0, size, xp.ones_like(size)))


def _quadratic(
    hessian: Array, gradient: Array, scale: Array, free: Array, backend: Backend
) -> _Quadratic:
    xp = backend.xp
    both = free[:, :, None] & free[:, None, :]
    scaled = xp.where(both, hessian * scale[:, :, None] * scale[:, None, :], 0.0)
    # Held parameters get a unit curvature and no gradient: they do not move.
    scaled = backend.add_diagonal(scaled, xp.astype(~free, backend.dtype))
    values, vectors = backend.eigh(scaled)
    return _Quadratic(values, vectors, xp.where(free, gradient * scale, 0.0))


def _flat(model: _Quadratic, backend: Backend) -> float:
    """Negative curvature that is rounding, or the trace of slopes near a singular minimum."""
    return 1e-10 * float(backend.xp.max(backend.xp.abs(model.values)))


def _newton_decrement(model: _Quadratic, backend: Backend) -> float:
    """Half of g' |H|^-1 g: the EDM where the Hessian is positive definite."""
    xp = backend.xp
    along = _along(model, xp)
    size = xp.abs(model.values)
    size = xp.maximum(size, 1e-12 * xp.max(size, axis=1, keepdims=True))
    return 0.5 * float(xp.sum(along * along / size))


def _along(model: _Quadratic, xp: ArrayNamespace) -> Array:
    turned = xp.permute_dims(model.vectors, (0, 2, 1))
    return xp.matmul(turned, model.gradient[:, :, None])[..., 0]


def _step(
    point: Point,
    hessian: Array,
    scale: Array,
    free: Array,
    box: Box,
    radius: float,
    backend: Backend,
) -> tuple[Array, float]:
    """Trial point inside box and region, and the length of its step in scaled units."""
    xp = backend.xp
    held = xp.zeros_like(point.x)
    gradient = point.gradient
    for _ in range(_FACES):
        model = _quadratic(hessian, gradient, scale, free, backend)
        # Eigenvectors touch held parameters by rounding; these must not move at all.
        move = held + xp.where(free, scale * _solve(model, radius, backend), 0.0)
        trial = box.clip(point.x + move, xp)
        hit = free & (trial != point.x + move)
        if not backend.any_true(hit):
            break
        held = xp.where(hit, trial - point.x, held)
        free = free & ~hit
        gradient = point.gradient + xp.matmul(hessian, held[:, :, None])[..., 0]
    length = float(xp.sum(((trial - point.x) / scale) ** 2.0)) ** 0.5
    return trial, length


def _solve(model: _Quadratic, radius: float, backend: Backend) -> Array:
    """Exact solution of the trust-region problem, (1, parameters)."""
    xp = backend.xp
    along = _along(model, xp)
    lowest = float(xp.min(model.values))

    def step(shift: float) -> Array:
        return -along / (model.values + shift)

    def norm(shift: float) -> float:
        return float(xp.sum(step(shift) ** 2.0)) ** 0.5

    floor = 1e-14 * max(1.0, float(xp.max(xp.abs(model.values))))
    low = max(0.0, -lowest) + floor
    if lowest > floor and norm(0.0) <= radius:
        chosen = step(0.0)
    elif norm(low) < radius:
        # The hard case: the gradient has no part along the lowest curvature; go to the boundary.
        chosen = step(low)
        rest = max(radius**2 - float(xp.sum(chosen * chosen)), 0.0) ** 0.5
        first = xp.astype(model.values <= lowest, backend.dtype)
        chosen = chosen + rest * first / xp.sum(first)
    else:
        high = low + 1.0
        while norm(high) > radius:
            high = 4.0 * high
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if norm(middle) > radius else (low, middle)
        chosen = step(high)
    return xp.matmul(model.vectors, chosen[:, :, None])[..., 0]


def _ratio(point: Point, after: Point, hessian: Array, trial: Array, backend: Backend) -> float:
    """Actual over predicted decrease; -1 where the trial point cannot be used."""
    xp = backend.xp
    move = trial - point.x
    change = xp.matmul(hessian, move[:, :, None])[..., 0]
    predicted = -float(xp.sum(move * (point.gradient + 0.5 * change)))
    actual = float(point.value[0] - after.value[0])
    usable = bool(xp.isfinite(after.value)[0]) and bool(xp.all(xp.isfinite(after.gradient)))
    if not usable or predicted <= 0.0:
        return -1.0
    noise = 500.0 * float(xp.finfo(backend.dtype).eps) * (1.0 + abs(float(point.value[0])))
    if abs(actual) <= noise and predicted <= 10.0 * noise:
        return 1.0
    return actual / predicted
