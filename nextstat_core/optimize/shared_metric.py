"""Quasi-Newton for many rows of one hypothesis with one metric for all (algorithm B).

Data sets drawn from one hypothesis have nearly the same Hessian: the Fisher information at the
point that generated them. Its inverse is the starting metric of a BFGS update with three pairs
per row, and applying it to all rows is one product of matrices.

A fixed number of slots works in lockstep; a row that is done leaves its slot to the next one, so
every array operation has the same shape from beginning to end, and a row gets the same bits
whatever its neighbours are. An asynchronous device is asked for rows that are done after several
steps only; until then they stand still. Rows that do not converge keep the status `RUNNING`: they
are for algorithm A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core.backend import Capability
from nextstat_core.optimize.metric_direction import MetricDirection
from nextstat_core.optimize.result import Minima, Status

if TYPE_CHECKING:
    from nextstat_core.linalg import SharedInverse
    from nextstat_core.optimize.problem import Options, Problem
    from nextstat_core.typing import Array, Indices

__all__ = ["shared_metric"]

_PAIRS = 3
_MAX_STEPS = 40
_SHRINK = 0.35
_MIN_LENGTH = 1e-3
# Steps between two looks at an asynchronous device: a look waits for all work to be done.
_UNSEEN = 4


@dataclass(slots=True)
class _Slots:
    """What every slot holds: its row, iterate, search direction and pairs."""

    rows: Indices
    busy: Array
    fresh: Array
    still: Array
    x: Array
    value: Array
    initial: Array
    gradient: Array
    direction: Array
    descent: Array
    length: Array
    steps: Array
    moves: list[Array]
    changes: list[Array]


def shared_metric(
    problem: Problem,
    metric: SharedInverse,
    options: Options,
    *,
    near: Indices,
    slots: int = 64,
    condition: Array | None = None,
) -> Minima:
    """Minimise rows that share a metric.

    Parameters
    ----------
    metric : SharedInverse
        Inverse of the shared metric over the free parameters.
    near : index array
        Parameters that may run into a bound; for rows in which one does, the metric is restricted
        to the others exactly.
    slots : int
        Rows in work at a time, a multiple of 8.
    condition : array, shape (rows, held, parameters), optional
        For rows that hold parameters of their own, see `MetricDirection`.
    """
    backend, xp = problem.backend, problem.backend.xp
    n_rows = problem.start.shape[0]
    direction = MetricDirection(problem, metric, near, condition)
    state = _open(problem, slots)
    result = _Results(problem)
    following = min(slots, n_rows)
    unseen = _UNSEEN if Capability.ASYNCHRONOUS in backend.capabilities else 1
    with backend.errstate():
        while n_rows:
            box = direction.box(state.rows)
            for _ in range(unseen):
                state = _step(problem, state, box)
                edm = direction.update(state, box)
                converged = edm < options.tolerance
                lost = (state.steps >= _MAX_STEPS) | (state.length < _MIN_LENGTH)
                state.still = converged | lost
            leaving = state.busy & state.still
            if not backend.any_true(leaving):
                continue
            index = xp.nonzero(leaving)[0]
            result.store(state, edm, converged, index)
            following = _refill(problem, state, index, following)
            if following == n_rows and not backend.any_true(state.busy):
                break
    return result.minima()


def _open(problem: Problem, slots: int) -> _Slots:
    backend, xp = problem.backend, problem.backend.xp
    n_rows, n = problem.start.shape
    number = xp.arange(slots, dtype=xp.int64, device=backend.device)
    rows = xp.where(number < n_rows - 1, number, n_rows - 1)
    x = backend.take(problem.start, rows, axis=0)
    zero = xp.zeros((slots,), dtype=backend.dtype, device=backend.device)
    none = xp.zeros((slots, n), dtype=backend.dtype, device=backend.device)
    return _Slots(
        rows=rows,
        busy=number < n_rows,
        fresh=xp.ones((slots,), dtype=xp.bool, device=backend.device),
        still=xp.zeros((slots,), dtype=xp.bool, device=backend.device),
        x=x,
        value=zero + xp.inf,
        initial=zero,
        gradient=none,
        direction=none,
        descent=zero,
        length=zero + 1.0,
        steps=xp.zeros((slots,), dtype=xp.int64, device=backend.device),
        moves=[none + 0.0 for _ in range(_PAIRS)],
        changes=[none + 0.0 for _ in range(_PAIRS)],
    )


def _step(problem: Problem, s: _Slots, box: tuple[Array, Array, Array]) -> _Slots:
    """Evaluate one trial point per slot; accept it, or shorten the step for the next round."""
    backend, xp = problem.backend, problem.backend.xp
    lower, upper, _ = box
    trial = s.x + s.length[:, None] * s.direction
    trial = xp.where(s.fresh[:, None], s.x, xp.minimum(xp.maximum(trial, lower), upper))
    point = problem.objective.evaluate(trial, s.rows, 1)
    move = point.x - s.x
    # The decrease that the clipped step promises, to first order.
    promised = xp.sum(s.gradient * (trial - s.x), axis=1)
    noise = 5000.0 * float(xp.finfo(backend.dtype).eps) * (1.0 + xp.abs(s.value))
    enough = s.value + 1e-4 * promised + noise
    good = xp.isfinite(point.value) & (point.value <= enough) & ~s.still
    accept = s.fresh | good
    keep = (accept & ~s.fresh)[:, None]
    column = accept[:, None]
    change = point.gradient - s.gradient
    for memory, new in ((s.moves, move), (s.changes, change)):
        for i in range(_PAIRS - 1):
            memory[i] = xp.where(keep, memory[i + 1], memory[i])
        memory[-1] = xp.where(keep, new, memory[-1])
    s.x = xp.where(column, point.x, s.x)
    s.initial = xp.where(s.fresh, point.value, s.initial)
    s.value = xp.where(accept, point.value, s.value)
    s.gradient = xp.where(column, point.gradient, s.gradient)
    s.length = xp.where(accept, 1.0, xp.where(s.still, s.length, _SHRINK * s.length))
    s.steps = s.steps + xp.astype(s.busy & ~s.still, xp.int64)
    s.fresh = xp.zeros_like(s.fresh)
    return s


def _refill(problem: Problem, s: _Slots, index: Indices, following: int) -> int:
    """Give the next rows to the slots `index`, as far as there are any."""
    backend, xp = problem.backend, problem.backend.xp
    n_rows, count = problem.start.shape[0], index.shape[0]
    new = xp.arange(following, following + count, dtype=xp.int64, device=backend.device)
    real = new < n_rows
    rows = xp.where(new < n_rows - 1, new, n_rows - 1)
    zero = xp.zeros((count,), dtype=backend.dtype, device=backend.device)
    s.rows = backend.put_rows(s.rows, index, rows)
    s.busy = backend.put_rows(s.busy, index, real)
    s.fresh = backend.put_rows(s.fresh, index, xp.ones_like(real))
    s.still = xp.zeros_like(s.still)
    s.x = backend.put_rows(s.x, index, backend.take(problem.start, rows, axis=0))
    s.value = backend.put_rows(s.value, index, zero + xp.inf)
    s.length = backend.put_rows(s.length, index, zero + 1.0)
    s.steps = backend.put_rows(s.steps, index, xp.zeros((count,), dtype=xp.int64,
                                                        device=backend.device))  # fmt: skip
    blank = xp.zeros((count, s.x.shape[1]), dtype=backend.dtype, device=backend.device)
    for memory in (s.moves, s.changes):
        for i in range(_PAIRS):
            memory[i] = backend.put_rows(memory[i], index, blank)
    return min(following + count, n_rows)


class _Results:
    """Collects rows as they leave their slots."""

    def __init__(self, problem: Problem) -> None:
        backend, xp = problem.backend, problem.backend.xp
        self._problem = problem
        n_rows, n = problem.start.shape

        def floats(*shape: int) -> Array:
            return xp.zeros(shape, dtype=backend.dtype, device=backend.device)

        def integers(*shape: int) -> Array:
            return xp.zeros(shape, dtype=xp.int64, device=backend.device)

        self._x, self._gradient = floats(n_rows, n), floats(n_rows, n)
        self._value, self._initial, self._edm = floats(n_rows), floats(n_rows), floats(n_rows)
        self._status, self._steps = integers(n_rows), integers(n_rows)
        self._held = integers(n_rows, n)

    def store(self, s: _Slots, edm: Array, converged: Array, index: Indices) -> None:
        backend, xp = self._problem.backend, self._problem.backend.xp
        target = backend.take(s.rows, index, axis=0)

        def put(x: Array, values: Array) -> Array:
            return backend.put_rows(x, target, backend.take(values, index, axis=0))

        done = xp.astype(converged, xp.int64)
        self._x = put(self._x, s.x)
        self._gradient = put(self._gradient, s.gradient)
        self._value = put(self._value, s.value)
        self._initial = put(self._initial, s.initial)
        self._edm = put(self._edm, edm)
        self._status = put(self._status, done * int(Status.EDM))
        self._steps = put(self._steps, s.steps)

    def minima(self) -> Minima:
        return Minima(
            x=self._x,
            value=self._value,
            initial_value=self._initial,
            gradient=self._gradient,
            edm=self._edm,
            status=self._status,
            held=self._held,
            outside=None,
            n_iterations=self._steps,
            n_values=self._steps + 0,
            n_gradients=self._steps + 0,
            n_hessians=0 * self._steps,
        )
