"""The minimum of one data set: from several starts, and in one of several modes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.modes import second_mode_starts
from nextstat_core.infer.request import Request
from nextstat_core.infer.starts import starting_points
from nextstat_core.infer.target import BatchData, HistFactoryTarget, Target
from nextstat_core.optimize import Minima, Options, Status, newton, shared_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.linalg import ArrowMatrix
    from nextstat_core.optimize import Problem
    from nextstat_core.typing import Array

__all__ = ["Fitted", "hessian_at", "mark_outside", "minimise_one"]

# EDM at which the hybrid method goes over to exact Hessians.
_ROUGH = 1e-3
# EDM at which a minimisation without float64 ends; rounding hides what is below.
_SINGLE = 1e-4
_SINGLE_STEPS = 20
# Minima that differ by less are the same.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best minimum of one data set.

    Attributes
    ----------
    problem : Problem
        Of one row.
    constant : float
        What completes the objective to ``-log L``.
    rivals : tuple of Minima
        Other minima that were met on the way, without repetition.
    """

    problem: Problem
    minima: Minima
    constant: float
    rivals: tuple[Minima, ...] = ()

    @property
    def value(self) -> float:
        return float(self.minima.value[0])

    @property
    def converged(self) -> bool:
        return int(self.minima.status[0]) == Status.EDM

    def against(self, other: Fitted) -> Fitted:
        """The better one: converged beats not converged, then the lower value wins."""
        if abs(self.value - other.value) <= _EQUAL and self.converged == other.converged:
            return self
        wins = other.converged > self.converged or (
            other.converged == self.converged and other.value < self.value
        )
        best, rest = (other, self) if wins else (self, other)
        rivals = (*self.rivals, *other.rivals, *((rest.minima,) if rest.converged else ()))
        return replace(best, rivals=rivals)


def minimise_one(
    target: Target, request: Request, data: BatchData | None, options: FitOptions
) -> Fitted:
    """Minimise one data set, from several starting points if that was asked for."""
    starts = starting_points(target, request, options.n_starts)
    best = _from(target, request, data, options, next(starts))
    for start in starts:
        best = best.against(_from(target, request, data, options, start))
    if options.second_modes and isinstance(target, HistFactoryTarget):
        for start in _second_modes(target, request, data, best):
            best = best.against(_from(target, request, data, options, start))
    return best


def _from(
    target: Target,
    request: Request,
    data: BatchData | None,
    options: FitOptions,
    start: NDArray[np.float64],
) -> Fitted:
    """Minimise from one starting point."""
    row = Request(start, request.lower, request.upper, request.fixed)
    problem, constants = target.problem(1, row, data)
    minima = newton(_started(target, row, data, problem, options), options.minimiser())
    mark_outside(minima, target.backend)
    return Fitted(problem, minima, float(constants[0]))


def _second_modes(
    target: HistFactoryTarget, request: Request, data: BatchData | None, best: Fitted
) -> list[NDArray[np.float64]]:
    """Starts for second modes; none where the fit failed or no parameter can have two."""
    if not best.converged or not len(target.compiled.bent):
        return []
    with target.backend.errstate():
        hessian = hessian_at(best.problem, best.minima)
    x = target.backend.to_numpy(best.minima.x)[0]
    return second_mode_starts(target, request, data, x, best.value, hessian)


def _started(
    target: Target,
    request: Request,
    data: BatchData | None,
    problem: Problem,
    options: FitOptions,
) -> Problem:
    """The problem from where Newton is to start: near the minimum, if something cheaper got there.

    That is the hybrid method, or a model that lives where there is no float64.
    """
    if not isinstance(target, HistFactoryTarget):
        return problem
    if target.coarse is not None:
        return replace(problem, start=_coarsely(target, target.coarse, request, data, options))
    if options.method == "newton":
        return problem
    metric = SharedMetric(target, request)
    if metric.inverse is None or target.compiled.plan.kinks.size:
        return problem
    reduced = metric.reduction.problem(problem)
    rough = Options(tolerance=_ROUGH, polish=False)
    minima = shared_metric(reduced, metric.inverse, rough, near=metric.near, slots=1)
    return replace(problem, start=metric.reduction.expand(minima, problem).x)


def _coarsely(
    target: HistFactoryTarget,
    coarse: HistFactoryTarget,
    request: Request,
    data: BatchData | None,
    options: FitOptions,
) -> Array:
    """Where a minimisation without float64 ends, as a start for one with it."""
    problem, _ = coarse.problem(1, request, data)
    # Whatever defeats Newton here is for the methods that have all digits.
    steps = min(options.max_iterations, _SINGLE_STEPS)
    minima = newton(problem, Options(tolerance=_SINGLE, max_iterations=steps, polish=False))
    x = coarse.backend.to_numpy(minima.x).astype(np.float64)
    usable = np.isfinite(x).all()
    return target.backend.asarray(x if usable else request.start[None, :])


def hessian_at(problem: Problem, minima: Minima) -> ArrowMatrix:
    """Exact Hessian at the minimum of one row, computed once."""
    if minima.hessian is None:
        rows = problem.backend.indices(np.zeros(1, dtype=np.intp))
        make = minima.make_hessian or problem.objective.evaluate(minima.x, rows, 2).hessian
        minima.hessian, minima.make_hessian = make(), None
        minima.n_hessians = minima.n_hessians + 1
    return minima.hessian


def mark_outside(minima: Minima, backend: Backend) -> None:
    """Rows that ended where a bin with data has no positive expectation have not converged."""
    bad = minima.outside & (minima.status == int(Status.EDM))
    minima.status = backend.xp.where(bad, int(Status.NON_POSITIVE_RATE), minima.status)
