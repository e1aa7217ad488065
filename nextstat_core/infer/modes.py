"""A look for a second mode of the likelihood where a model can have one.

Systematics whose variations move yields to the same side can fit the data with two values of their
parameter. From the minimum that was found, each such parameter is moved away, with the others along
the regression of the covariance; where the likelihood is well below the parabola of the Hessian, a
fit starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.linalg import factorize, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, HistFactoryTarget
    from nextstat_core.linalg import ArrowMatrix

__all__ = ["second_mode_starts"]

_PLACES = (-2.5, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.5)
_APART = 0.4
# A place is of interest if the objective is below this share of the parabola's rise, ...
_SHARE = 0.6
# ... and at most that far above the minimum, in units of the negative log-likelihood.
_ABOVE = 2.0
_MOST = 3


def second_mode_starts(
    target: HistFactoryTarget,
    request: Request,
    data: BatchData | None,
    x: NDArray[np.float64],
    value: float,
    hessian: ArrowMatrix,
) -> list[NDArray[np.float64]]:
    """Starting points from which a second mode might be reached, the most promising first.

    Parameters
    ----------
    x : float array, shape (n_parameters,)
        The minimum that was found, with objective `value` and exact Hessian `hessian` (one row).
    """
    bent = target.compiled.bent
    bent = bent[~request.fixed[bent]]
    if not len(bent):
        return []
    places = _places(target, request, x, bent, hessian)
    if places is None:
        return []
    points, expected, owners = places
    objective = _values(target, request, data, points)
    rise = objective - value
    good = np.flatnonzero((rise < _SHARE * expected) & (rise < _ABOVE))
    starts: list[NDArray[np.float64]] = []
    seen: set[int] = set()
    for i in good[np.argsort(rise[good], kind="stable")]:
        if int(owners[i]) not in seen and len(starts) < _MOST:
            seen.add(int(owners[i]))
            starts.append(points[i])
    return starts


def _places(
    target: HistFactoryTarget,
    request: Request,
    x: NDArray[np.float64],
    bent: NDArray[np.intp],
    hessian: ArrowMatrix,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]] | None:
    """Points along the regression of each parameter, the parabola's rise there, and the owner."""
    backend = target.backend
    free = ~request.fixed & (x > request.lower) & (x < request.upper)
    bent = bent[free[bent]]
    mask = backend.asarray(free[None, :], dtype=backend.xp.bool)
    factor = factorize(hessian, backend, free=mask)
    if not len(bent) or not bool(factor.ok[0]):
        return None
    unit = np.zeros((len(bent), len(x)))
    unit[np.arange(len(bent)), bent] = 1.0
    columns = backend.to_numpy(share(factor.inverse()).apply(backend.asarray(unit)))
    variance = columns[np.arange(len(bent)), bent]
    points, rises, owners = [], [], []
    for k, owner in enumerate(bent):
        for place in _PLACES:
            inside = request.lower[owner] <= place <= request.upper[owner]
            if not inside or abs(place - x[owner]) < _APART:
                continue
            move = place - x[owner]
            point = np.where(free, x + columns[k] / variance[k] * move, x)
            points.append(np.clip(point, request.lower, request.upper))
            rises.append(0.5 * move * move / variance[k])
            owners.append(owner)
    return np.asarray(points), np.asarray(rises), np.asarray(owners, dtype=np.intp)


def _values(
    target: HistFactoryTarget,
    request: Request,
    data: BatchData | None,
    points: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Objective at points, parameters with a closed form at their conditional optimum."""
    backend = target.backend
    problem, _ = target.problem(1, request, data)
    rows = backend.indices(np.zeros(len(points), dtype=np.intp))
    with backend.errstate():
        value = problem.objective.evaluate(backend.asarray(points), rows, 0).value
    return np.nan_to_num(np.array(backend.to_numpy(value)), nan=np.inf)
