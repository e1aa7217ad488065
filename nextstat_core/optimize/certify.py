"""One look at every row's own Hessian: is this a minimum, and how far away is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.linalg import factorize
from nextstat_core.optimize.active import Kinks
from nextstat_core.optimize.result import Status

if TYPE_CHECKING:
    from nextstat_core.optimize.problem import Options, Problem
    from nextstat_core.optimize.result import Minima
    from nextstat_core.typing import Array

__all__ = ["certify"]


def certify(
    problem: Problem, minima: Minima, options: Options, *, slots: int = 8, variances: bool = False
) -> Array | None:
    """Check rows that claim to be at their minimum; those that are not become `RUNNING`.

    The exact Hessian on the free set must be positive definite and the EDM with it below tolerance.
    Sets EDM, gradient (zero where held) and `held` of `minima`.

    Parameters
    ----------
    slots : int
        Rows per block; the last block repeats its last row.
    variances : bool
        Return the diagonal of the inverse Hessian, (rows, parameters).
    """
    backend, xp = problem.backend, problem.backend.xp
    kinks = Kinks(problem)
    n_rows = problem.start.shape[0]
    parts = []
    with backend.errstate():
        for first in range(0, n_rows, slots):
            number = xp.arange(first, first + slots, device=backend.device)
            rows = xp.minimum(number, xp.asarray(n_rows - 1, device=backend.device))
            part = _block(problem, minima, rows, kinks, variances=variances)
            count = min(slots, n_rows - first)
            parts.append([None if x is None else x[:count, ...] for x in part])
    columns = [
        None if column[0] is None else xp.concat(list(column), axis=0)
        for column in zip(*parts, strict=True)
    ]
    ok, edm, gradient, held, variance = columns
    certified = (minima.status == Status.EDM) & ok & (edm < options.tolerance)
    minima.status = xp.where(certified, int(Status.EDM), int(Status.RUNNING))
    minima.edm, minima.gradient, minima.held = edm, gradient, held
    minima.n_hessians = minima.n_hessians + 1
    return variance


def _block(
    problem: Problem, minima: Minima, rows: Array, kinks: Kinks, *, variances: bool
) -> tuple[Array | None, ...]:
    backend, xp = problem.backend, problem.backend.xp
    x = backend.take(minima.x, rows, axis=0)
    point = problem.objective.evaluate(x, rows, 2)
    box = kinks.box(point.x, rows)
    free = box.free(point.x, point.gradient)
    factor = factorize(point.hessian(), backend, free=free)
    gradient = xp.where(free, point.gradient, 0.0)
    edm = 0.5 * xp.sum(gradient * factor.solve(gradient), axis=1)
    held = kinks.held(point.x, point.gradient, box)
    variance = factor.inverse_diagonal() if variances else None
    return factor.ok & xp.isfinite(edm), edm, gradient, held, variance
