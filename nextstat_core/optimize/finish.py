"""The last step of many rows: a Newton step with each row's own Hessian, and its certificate.

A quasi-Newton method brings rows close to their minimum. Here each takes one full Newton step
with its exact Hessian on the free set, which has to be positive definite; with the same factor
the gradient after the step gives the EDM, and further steps polish the row where that is asked for.
Rows whose EDM is not below tolerance, or whose set of held parameters changed, take another turn;
those left over keep the status `RUNNING`, for algorithm A.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nextstat_core.linalg import factorize
from nextstat_core.optimize.active import Kinks
from nextstat_core.optimize.result import Minima, Status

if TYPE_CHECKING:
    from nextstat_core.linalg import ArrowFactor
    from nextstat_core.optimize.active import Box
    from nextstat_core.optimize.problem import Options, Point, Problem
    from nextstat_core.typing import Array, Indices

__all__ = ["finish", "known_minimum", "settle"]

_TURNS = 3
# Steps of polishing; each brings the minimum nearer by a factor of about a hundred ...
_POLISHING = 4
# ... until the EDM is one at which rounding of the gradient leaves nothing to polish.
_POINTLESS = 1e-22


@dataclass(slots=True)
class _Block:
    """What one turn leaves for the rows of a block."""

    x: Array
    value: Array
    gradient: Array
    edm: Array
    held: Array
    outside: Array
    ok: Array
    polishing: Array


def finish(problem: Problem, minima: Minima, options: Options, *, slots: int = 8) -> None:
    """Finish all rows of `minima` whose status is `EDM`, in place.

    Parameters
    ----------
    slots : int
        Rows per block; the last block repeats its last row, so that a row has the same bits in
        every batch.
    """
    backend, xp = problem.backend, problem.backend.xp
    kinks = Kinks(problem)
    near = minima.status == int(Status.EDM)
    minima.outside = xp.zeros_like(near)
    minima.status = xp.where(near, int(Status.RUNNING), minima.status)
    waiting = xp.nonzero(near)[0]
    with backend.errstate():
        for _ in range(_TURNS):
            count = waiting.shape[0]
            if count == 0:
                break
            for first in range(0, count, slots):
                number = xp.arange(first, first + slots, dtype=xp.int64, device=backend.device)
                inside = xp.where(number < count - 1, number, count - 1)
                rows = backend.take(waiting, inside, axis=0)
                block = _turn(problem, minima, rows, kinks, options)
                real = min(slots, count - first)
                _store(problem, minima, rows[:real], block, real)
            running = backend.take(minima.status, waiting, axis=0) == int(Status.RUNNING)
            waiting = waiting[running]


def settle(problem: Problem, minima: Minima, *, slots: int | None = None) -> Array:
    """Evaluate all rows where they ended, in place: values, gradients, what is held.

    Parameters
    ----------
    slots : int, optional
        Rows per block, as in `finish`; all at once if left out.

    Returns
    -------
    array, shape (rows, parameters)
        Gradients of all parameters, held ones too.
    """
    backend, xp = problem.backend, problem.backend.xp
    kinks = Kinks(problem)
    count = minima.x.shape[0]
    size = slots or count
    blocks = []
    with backend.errstate():
        for first in range(0, count, size):
            number = xp.arange(first, first + size, dtype=xp.int64, device=backend.device)
            rows = xp.where(number < count - 1, number, count - 1)
            point = problem.objective.evaluate(backend.take(minima.x, rows, axis=0), rows, 1)
            box = kinks.box(point.x, rows)
            blocks.append(
                (
                    point.gradient,
                    point.x,
                    point.value,
                    xp.where(box.free(point.x, point.gradient), point.gradient, 0.0),
                    kinks.held(point.x, point.gradient, box),
                    _outside(point, point, xp.isfinite(point.value)),
                )
            )
    columns = (xp.concat(parts, axis=0)[:count, ...] for parts in zip(*blocks, strict=True))
    gradient, minima.x, minima.value, minima.gradient, minima.held, minima.outside = columns
    return gradient


def known_minimum(problem: Problem) -> Minima:
    """The starts of a problem as its minima, without a step; their status is `EDM`."""
    backend, xp = problem.backend, problem.backend.xp
    rows = xp.arange(problem.start.shape[0], dtype=xp.int64, device=backend.device)
    with backend.errstate():
        point = problem.objective.evaluate(problem.start, rows, 2)
        none = 0 * rows
        return Minima(
            x=point.x,
            value=point.value,
            initial_value=point.value,
            gradient=0.0 * point.x,
            edm=0.0 * point.value,
            status=none + int(Status.EDM),
            held=xp.zeros(point.x.shape, dtype=xp.int64, device=backend.device),
            outside=None,
            n_iterations=none,
            n_values=none + 1,
            n_gradients=none + 1,
            n_hessians=none,
            make_hessian=point.hessian,
        )


def _turn(
    problem: Problem, minima: Minima, rows: Indices, kinks: Kinks, options: Options
) -> _Block:
    backend, xp = problem.backend, problem.backend.xp
    point = problem.objective.evaluate(backend.take(minima.x, rows, axis=0), rows, 2)
    box = kinks.box(point.x, rows)
    free = box.free(point.x, point.gradient)
    mask = free if backend.maybe_true(~free) else None
    factor = factorize(point.hessian(), backend, free=mask)
    step = -factor.solve(point.gradient)
    after = problem.objective.evaluate(box.clip(point.x + step, xp), rows, 1)
    polishing = 0 * rows
    if options.polish:
        after, polishing = _polished(problem, rows, box, free, factor, after)
    noise = 5000.0 * float(xp.finfo(backend.dtype).eps) * (1.0 + xp.abs(point.value))
    better = factor.ok & (after.value <= point.value + noise)
    column = better[:, None]
    x = xp.where(column, after.x, point.x)
    gradient = xp.where(column, after.gradient, point.gradient)
    still = box.free(x, gradient)
    inner = xp.where(still & free, gradient, 0.0)
    edm = 0.5 * xp.sum(inner * factor.solve(inner), axis=1)
    same = xp.all(still == free, axis=1)
    return _Block(
        x=x,
        value=xp.where(better, after.value, point.value),
        gradient=xp.where(still, gradient, 0.0),
        edm=edm,
        held=kinks.held(x, gradient, box),
        outside=_outside(after, point, better),
        ok=factor.ok & same & (edm < options.tolerance),
        polishing=polishing,
    )


def _polished(
    problem: Problem, rows: Indices, box: Box, free: Array, factor: ArrowFactor, at: Point
) -> tuple[Point, Array]:
    """Steps more with the same factor, each kept in rows where the projected gradient shrinks.

    Only parameters move that were `free` when the factor was made. The second array counts the
    steps of each row.
    """
    backend, xp = problem.backend, problem.backend.xp
    steps = 0 * rows
    for _ in range(_POLISHING):
        here = xp.where(box.free(at.x, at.gradient) & free, at.gradient, 0.0)
        step = -factor.solve(here)
        wanted = -0.5 * xp.sum(here * step, axis=1) > _POINTLESS
        if not backend.maybe_true(wanted):
            break
        steps = steps + xp.astype(wanted, steps.dtype)
        moved = problem.objective.evaluate(box.clip(at.x + step, xp), rows, 1)
        there = xp.where(box.free(moved.x, moved.gradient) & free, moved.gradient, 0.0)
        # A row that needs none takes none: its bits do not depend on the others of its block.
        shrinks = wanted & (xp.max(xp.abs(there), axis=1) < xp.max(xp.abs(here), axis=1))
        column = shrinks[:, None]
        at = replace(
            at,
            x=xp.where(column, moved.x, at.x),
            value=xp.where(shrinks, moved.value, at.value),
            gradient=xp.where(column, moved.gradient, at.gradient),
        )
    return at, steps


def _outside(after: Point, before: Point, moved: Array) -> Array:
    if after.outside is None or before.outside is None:
        return 0.0 * after.value > 1.0
    return (moved & after.outside()) | (~moved & before.outside())


def _store(problem: Problem, minima: Minima, rows: Indices, block: _Block, real: int) -> None:
    backend, xp = problem.backend, problem.backend.xp

    def put(x: Array, values: Array) -> Array:
        return backend.put_rows(x, rows, values[:real, ...])

    minima.x = put(minima.x, block.x)
    minima.value = put(minima.value, block.value)
    minima.gradient = put(minima.gradient, block.gradient)
    minima.edm = put(minima.edm, block.edm)
    minima.held = put(minima.held, block.held)
    minima.outside = put(minima.outside, block.outside)
    code = xp.astype(block.ok, minima.status.dtype) * int(Status.EDM)
    minima.status = put(minima.status, code)
    evaluations = 2 + block.polishing[:real]
    more = {"n_iterations": 1, "n_values": evaluations, "n_gradients": evaluations, "n_hessians": 1}
    for name, count in more.items():
        counts = getattr(minima, name)
        setattr(minima, name, put(counts, backend.take(counts, rows, axis=0) + count))
