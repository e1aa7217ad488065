"""Projected Newton with Levenberg damping, many rows in lockstep (algorithm A).

Every row keeps its own damping, active set and status. A step is judged by the ratio of actual
to predicted decrease (More 1978). Where the exact Hessian is indefinite the metric of the
objective (the Fisher information) takes its place far from the minimum; a stationary point with
an indefinite Hessian is a saddle, and is left along its direction of most negative curvature.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nextstat_core.linalg import factorize
from nextstat_core.optimize.active import Box, Kinks
from nextstat_core.optimize.directions import damping_of, into_box, semidefinite, stand_in
from nextstat_core.optimize.problem import Options, Point, Problem
from nextstat_core.optimize.result import Minima, Status
from nextstat_core.optimize.saddle import escape
from nextstat_core.optimize.state import State
from nextstat_core.optimize.trust_region import TrustResult, trust_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.linalg import ArrowMatrix
    from nextstat_core.typing import Array, Indices

__all__ = ["newton"]

# Iterations after which a row goes to the trust-region method.
_PATIENCE = 25
# Parameters up to which that method, which takes the eigenvalues of a dense matrix, is at hand.
_LARGEST_DENSE = 3000
_DAMPING_START = 1e-3
_DAMPING_MAX = 1e12
# EDM below which rounding of the gradient leaves nothing to polish.
_POINTLESS = 1e-22
# EDM below which the last Hessian is that of the minimum: 1.5e-5 standard deviations.
_SAME = 1e-10


@dataclass(slots=True)
class _Finished:
    parts: list[tuple[Array, ...]] = field(default_factory=list)
    hessian: ArrowMatrix | None = None
    make_hessian: Callable[[], ArrowMatrix] | None = None
    is_near: bool = False


def newton(problem: Problem, options: Options = Options()) -> Minima:  # noqa: B008  frozen
    """Minimise all rows of a problem.

    Returns
    -------
    Minima
        In the order of the problem's rows. Never raises for rows that fail; see their status.
    """
    backend, xp = problem.backend, problem.backend.xp
    kinks = Kinks(problem)
    rows = xp.arange(problem.start.shape[0], dtype=xp.int64, device=backend.device)
    start = xp.where(
        problem.fixed, problem.start, kinks.box(problem.start, rows).clip(problem.start, xp)
    )
    with backend.errstate():
        point = problem.objective.evaluate(kinks.start(start), rows, 2)
        state = _begin(problem, rows, point)
        initial, finished = point.value, _Finished()
        small = start.shape[1] <= _LARGEST_DENSE
        patience = min(options.max_iterations, _PATIENCE) if small else options.max_iterations
        for turn in range(patience + 1):
            state = _iterate(problem, kinks, state, options, last=turn == patience)
            state = _retire(problem, kinks, state, options, finished)
            if state.rows.shape[0] == 0:
                break
        else:
            state.status = xp.where(
                state.status == int(Status.RUNNING), int(Status.MAX_ITERATIONS), state.status
            )
            _retire(problem, kinks, state, options, finished)
        minima = _gather(problem, kinks, finished, initial)
        return _rescue(problem, kinks, minima, options) if small else minima


def _begin(problem: Problem, rows: Indices, point: Point) -> State:
    backend, xp = problem.backend, problem.backend.xp
    n = point.value.shape[0]
    zero = xp.zeros((n,), dtype=backend.dtype, device=backend.device)
    counts = xp.broadcast_to(
        xp.asarray([[0, 1, 1, 1]], dtype=xp.int64, device=backend.device), (n, 4)
    )
    return State(
        rows=rows,
        x=point.x,
        value=point.value,
        gradient=point.gradient,
        hessian=point.hessian(),
        damping=zero,
        escapes=xp.zeros((n,), dtype=xp.int64, device=backend.device),
        # From a point without a value no step can be judged.
        status=xp.astype(~xp.isfinite(point.value), xp.int64) * int(Status.STALLED),
        edm=zero + xp.inf,
        counts=counts + 0,
        moved=xp.ones((n,), dtype=xp.bool, device=backend.device),
        point=point,
    )


def _iterate(
    problem: Problem, kinks: Kinks, state: State, options: Options, *, last: bool
) -> State:
    """One step of every row in work; rows that are done get a status and keep their place.

    The `last` time rows are only looked at.
    """
    backend, xp = problem.backend, problem.backend.xp
    box = kinks.box(state.x, state.rows)
    if kinks.any:
        state, box = _flip(problem, kinks, state, box)
    free = box.free(state.x, state.gradient)
    damping = damping_of(state, backend)
    # Without a held parameter there is nothing to mask.
    mask = free if backend.any_true(~free) else None
    used = factorize(state.hessian, backend, free=mask, damping=damping)
    matrix, definite = state.hessian, used.ok
    if backend.any_true(~definite):
        definite = definite | semidefinite(problem, state, free)
        matrix, used, damping = stand_in(problem, state, free, definite)
    step = -used.solve(state.gradient)
    edm = -0.5 * xp.sum(xp.where(free, state.gradient, 0.0) * step, axis=1)
    # With damping it is no distance to the minimum: good enough to look again, not to report.
    state.edm = xp.where(state.damping == 0.0, edm, state.edm)
    near = (edm < options.tolerance) & used.ok
    small = near & (state.damping == 0.0)
    # A damped row that looks converged is looked at again without damping.
    again = near & (state.damping > 0.0) & state.moved
    state.damping = xp.where(again, 0.0, state.damping)
    state.moved = state.moved & ~again
    done = small & definite
    state.factor = used
    state.status = xp.where(done, int(Status.EDM), state.status)
    stuck = small & ~definite
    if last:
        return state
    if backend.any_true(stuck):
        return _escape(problem, state, box, free, stuck, options)
    if not backend.any_true(~done):
        return state
    trial = into_box(state, matrix, damping, step, box, free, backend)
    trial = xp.where(done[:, None], state.x, trial)
    return _judge(problem, state, trial, matrix, done)


def _flip(problem: Problem, kinks: Kinks, state: State, box: Box) -> tuple[State, Box]:
    x, changed = kinks.flip(state.x, state.gradient, box, state.rows)
    if problem.backend.any_true(changed):
        point = problem.objective.evaluate(x, state.rows, 2)
        state.x, state.value, state.gradient = point.x, point.value, point.gradient
        state.hessian, state.point = point.hessian(), point
        box = kinks.box(state.x, state.rows)
    return state, box


def _judge(problem: Problem, state: State, trial: Array, matrix: ArrowMatrix, done: Array) -> State:
    """Evaluate trial points; accept or reject each row, and adapt its damping."""
    backend, xp = problem.backend, problem.backend.xp
    point = problem.objective.evaluate(trial, state.rows, 2)
    move = trial - state.x
    curvature = xp.sum(move * matrix.multiply(move, backend), axis=1)
    predicted = -(xp.sum(state.gradient * move, axis=1) + 0.5 * curvature)
    actual = state.value - point.value
    # Rounding of the objective: below it neither decrease nor its prediction mean anything.
    noise = 500.0 * float(xp.finfo(backend.dtype).eps) * (1.0 + xp.abs(state.value))
    fine = xp.isfinite(point.value) & xp.all(xp.isfinite(point.gradient), axis=1)
    better = (actual > 1e-4 * predicted) & (predicted > 0.0)
    accept = fine & ~done & (better | (xp.abs(actual) <= noise) & (predicted <= 10.0 * noise))
    good = accept & (actual > 0.75 * predicted)
    poor = accept & (actual < 0.25 * predicted)
    lowered = xp.where(state.damping > 1e-6, 0.1 * state.damping, 0.0)
    raised = xp.maximum(10.0 * state.damping, _DAMPING_START)
    damping = xp.where(good, lowered, state.damping)
    state.damping = xp.where(~accept & ~done | poor, raised, damping)
    lost = ~accept & ~done & (state.damping > _DAMPING_MAX)
    state.status = xp.where(lost, int(Status.STALLED), state.status)
    running = xp.astype(~done, xp.int64)
    taken = xp.astype(accept, xp.int64)
    state.counts = state.counts + xp.stack([running, running, running, taken], axis=1)
    state.moved = state.moved | accept
    if not backend.any_true(accept):
        return state
    hessian = point.hessian()
    everything = not backend.any_true(~accept)
    if everything:
        state.x, state.value, state.gradient = point.x, point.value, point.gradient
        state.hessian, state.point = hessian, point
        return state
    state.point = None
    column = accept[:, None]
    state.x = xp.where(column, point.x, state.x)
    state.value = xp.where(accept, point.value, state.value)
    state.gradient = xp.where(column, point.gradient, state.gradient)
    state.hessian = hessian.where(accept, state.hessian, backend)
    return state


def _escape(
    problem: Problem, state: State, box: Box, free: Array, stuck: Array, options: Options
) -> State:
    """Leave saddles; rows that cannot, or may not any more, get a status."""
    xp = problem.backend.xp
    x, moved, flat = escape(
        problem, state.rows, state.x, state.value, state.hessian, box, free, stuck
    )
    allowed = state.escapes < options.max_escapes
    moved = moved & allowed
    state.status = xp.where(flat, int(Status.EDM), state.status)
    state.status = xp.where(stuck & ~moved & ~flat, int(Status.SADDLE), state.status)
    state.escapes = xp.where(moved, state.escapes + 1, state.escapes)
    point = problem.objective.evaluate(xp.where(moved[:, None], x, state.x), state.rows, 2)
    state.x, state.value, state.gradient = point.x, point.value, point.gradient
    state.hessian, state.point = point.hessian(), point
    state.counts = state.counts + 1
    return state


def _retire(
    problem: Problem, kinks: Kinks, state: State, options: Options, finished: _Finished
) -> State:
    """Take rows with a status out of work, after a last Newton step."""
    backend, xp = problem.backend, problem.backend.xp
    over = state.status != int(Status.RUNNING)
    if not backend.any_true(over):
        return state
    index = xp.nonzero(over)[0]
    everything = index.shape[0] == state.rows.shape[0]
    leaving = state if everything else state.take(index, backend)
    before, edm = leaving.point, leaving.edm
    if options.polish and backend.any_true(edm > _POINTLESS):
        _polish(problem, kinks, leaving)
    if state.rows.shape[0] == 1:
        if leaving.point is None or leaving.point is before:
            finished.hessian = leaving.hessian
        elif float(edm[0]) < _SAME:
            finished.hessian, finished.is_near = leaving.hessian, True
        else:
            finished.make_hessian = leaving.point.hessian
    box = kinks.box(leaving.x, leaving.rows)
    held = kinks.held(leaving.x, leaving.gradient, box)
    free = box.free(leaving.x, leaving.gradient)
    finished.parts.append(
        (
            leaving.rows,
            leaving.x,
            leaving.value,
            xp.where(free, leaving.gradient, 0.0),
            leaving.edm,
            leaving.status,
            held,
            leaving.counts,
            _outside(problem, leaving),
        )
    )
    if everything:
        return replace(state, rows=leaving.rows[:0])
    return state.take(xp.nonzero(~over)[0], backend)


def _outside(problem: Problem, state: State) -> Array:
    point = state.point or problem.objective.evaluate(state.x, state.rows, 0)
    if point.outside is None:
        return state.status < 0
    return point.outside()


def _polish(problem: Problem, kinks: Kinks, state: State) -> None:
    """One full Newton step of converged rows, kept where the projected gradient shrinks."""
    backend, xp = problem.backend, problem.backend.xp
    box = kinks.box(state.x, state.rows)
    free = box.free(state.x, state.gradient)
    factor = state.factor
    if factor is None:
        factor = factorize(state.hessian, backend, free=free)
    converged = (state.status == int(Status.EDM)) & factor.ok
    step = xp.where(converged[:, None], -factor.solve(state.gradient), 0.0)
    # One row may want its Hessian there.
    order = 2 if state.rows.shape[0] == 1 else 1
    point = problem.objective.evaluate(box.clip(state.x + step, xp), state.rows, order)
    state.counts = state.counts + xp.asarray([[0, 1, 1, 0]], dtype=xp.int64, device=backend.device)
    still_free = box.free(point.x, point.gradient)
    before = xp.max(xp.abs(xp.where(free, state.gradient, 0.0)), axis=1)
    after = xp.max(xp.abs(xp.where(still_free, point.gradient, 0.0)), axis=1)
    keep = converged & (after < before)
    if backend.any_true(keep):
        state.point = None if backend.any_true(~keep) else point
    state.x = xp.where(keep[:, None], point.x, state.x)
    state.value = xp.where(keep, point.value, state.value)
    state.gradient = xp.where(keep[:, None], point.gradient, state.gradient)
    inner = xp.where(still_free & free, state.gradient, 0.0)
    edm = 0.5 * xp.sum(inner * factor.solve(inner), axis=1)
    state.edm = xp.where(keep, edm, state.edm)


def _rescue(problem: Problem, kinks: Kinks, minima: Minima, options: Options) -> Minima:
    """Give rows that did not converge to the trust-region method, one by one."""
    backend, xp = problem.backend, problem.backend.xp
    failed = (minima.status != int(Status.EDM)) & xp.isfinite(minima.value)
    if not backend.any_true(failed):
        return minima
    index = xp.nonzero(failed)[0]
    for i in range(index.shape[0]):
        row = index[i : i + 1]
        used = int(backend.take(minima.n_iterations, row, axis=0)[0])
        left = options.max_iterations - used
        if left < 1:
            continue
        start = backend.take(minima.x, row, axis=0)
        result = trust_region(problem, row, start, replace(options, max_iterations=left))
        _replace(problem, kinks, minima, row, result)
        minima.hessian = minima.make_hessian = None
        minima.is_near = False
    return minima


def _replace(
    problem: Problem, kinks: Kinks, minima: Minima, row: Indices, result: TrustResult
) -> None:
    backend, xp = problem.backend, problem.backend.xp
    point = result.point
    box = kinks.box(point.x, row)
    free = box.free(point.x, point.gradient)
    status = xp.asarray([result.status], dtype=xp.int64, device=backend.device)
    edm = xp.asarray([result.edm], dtype=backend.dtype, device=backend.device)
    put = backend.put_rows
    minima.x = put(minima.x, row, kinks.finish(point.x))
    minima.value = put(minima.value, row, point.value)
    minima.gradient = put(minima.gradient, row, xp.where(free, point.gradient, 0.0))
    minima.edm = put(minima.edm, row, edm)
    minima.status = put(minima.status, row, status)
    minima.held = put(minima.held, row, kinks.held(point.x, point.gradient, box))
    if point.outside is not None and minima.outside is not None:
        minima.outside = put(minima.outside, row, point.outside())
    for name, more in (
        ("n_iterations", result.iterations),
        ("n_values", result.evaluations),
        ("n_gradients", result.evaluations),
        ("n_hessians", result.evaluations),
    ):
        counts = getattr(minima, name)
        setattr(minima, name, put(counts, row, backend.take(counts, row, axis=0) + more))


def _gather(problem: Problem, kinks: Kinks, finished: _Finished, initial: Array) -> Minima:
    backend, xp = problem.backend, problem.backend.xp
    columns = [xp.concat(list(parts), axis=0) for parts in zip(*finished.parts, strict=True)]
    order = xp.argsort(columns[0])
    _, x, value, gradient, edm, status, held, counts, outside = (
        backend.take(column, order, axis=0) for column in columns
    )
    return Minima(
        x=kinks.finish(x),
        value=value,
        initial_value=initial,
        gradient=gradient,
        edm=edm,
        status=status,
        held=held,
        outside=outside,
        n_iterations=counts[:, 0],
        n_values=counts[:, 1],
        n_gradients=counts[:, 2],
        n_hessians=counts[:, 3],
        hessian=finished.hessian,
        make_hessian=finished.make_hessian,
        is_near=finished.is_near,
    )
