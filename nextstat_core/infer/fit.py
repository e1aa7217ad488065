"""Maximum-likelihood fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.covariance import Covariance, covariance_of
from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.modes import second_mode_starts
from nextstat_core.infer.observe import notify
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.provenance import provenance_of
from nextstat_core.infer.request import Request, make_request
from nextstat_core.infer.starts import starting_points
from nextstat_core.infer.target import BatchData, HistFactoryTarget, Target, target_of
from nextstat_core.optimize import Minima, Options, Status, newton, shared_metric
from nextstat_core.results import FitMinimumResult, FitResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowMatrix
    from nextstat_core.models import StatisticalModel
    from nextstat_core.optimize import Problem
    from nextstat_core.typing import Array, ArrayLike

__all__ = [
    "Fitted",
    "covariance_at",
    "failure_of",
    "fit",
    "fit_minimum",
    "hessian_at",
    "mark_outside",
    "minimise_one",
    "minimum_result",
    "non_positive_bins",
    "result_of",
    "single_data",
]

# EDM at which the hybrid method goes over to exact Hessians.
_ROUGH = 1e-3
# EDM at which a minimisation without float64 ends; rounding hides what is below.
_SINGLE = 1e-4
_SINGLE_STEPS = 20
# Minima that differ by less are the same.
_EQUAL = 1e-9
_SIDES = {-1: "lower", 1: "upper", 2: "kink"}


def fit(
    model: StatisticalModel,
    *,
    data: ArrayLike | None = None,
    init_pars: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> FitResult:
    """Maximise the likelihood, with uncertainties from the exact Hessian.

    Parameters
    ----------
    model : StatisticalModel
    data : array-like, shape (n_main,), optional
        Observed counts instead of the model's own (HistFactory).
    init_pars : array-like, shape (n_params,), optional
        Start for all parameters.
    fixed, bounds, init : optional
        Fixed parameters, bounds and start values by name, see `make_request`.
    options : FitOptions, optional

    Returns
    -------
    FitResult
        Also where the fit did not converge: see its `termination_reason`.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    FitError
        If the fit did not converge and ``options.on_failure == "raise"``.
    """
    options = options or FitOptions()
    target = target_of(model)
    request = make_request(target, init_pars=init_pars, init=init, fixed=fixed, bounds=bounds)
    batch = single_data(target, data)
    notify("start", target, 1)
    begin = perf_counter()
    result = result_of(target, request, batch, minimise_one(target, request, batch, options))
    result = replace(result, seconds=perf_counter() - begin)
    notify("end", target, 1, result)
    if options.on_failure == "raise" and not result.converged:
        raise FitError(failure_of(result))
    return result


def fit_minimum(
    model: StatisticalModel,
    *,
    data: ArrayLike | None = None,
    init_pars: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> FitMinimumResult:
    """Maximise the likelihood without uncertainties; arguments as in `fit`."""
    options = options or FitOptions()
    target = target_of(model)
    request = make_request(target, init_pars=init_pars, init=init, fixed=fixed, bounds=bounds)
    batch = single_data(target, data)
    notify("start", target, 1)
    begin = perf_counter()
    result = minimum_result(target, minimise_one(target, request, batch, options))
    result = replace(result, seconds=perf_counter() - begin)
    notify("end", target, 1, result)
    if options.on_failure == "raise" and not result.converged:
        raise FitError(
            f"the fit did not converge: {result.message} after {result.n_iter} iterations, "
            f"EDM {result.edm:.3g}"
        )
    return result


def minimum_result(target: Target, fitted: Fitted) -> FitMinimumResult:
    """A minimum as users see it."""
    problem, minima, constant = fitted.problem, fitted.minima, fitted.constant
    to_numpy = target.backend.to_numpy
    status = Status(int(minima.status[0]))
    return FitMinimumResult(
        values=to_numpy(minima.x)[0],
        nll=float(minima.value[0]) + constant,
        converged=status is Status.EDM,
        n_iter=int(minima.n_iterations[0]),
        n_fev=int(minima.n_values[0]),
        n_gev=int(minima.n_gradients[0]),
        n_hev=int(minima.n_hessians[0]),
        message=status.reason,
        initial_nll=target.initial_value(problem) + constant,
        final_gradient=to_numpy(minima.gradient)[0].tolist(),
        edm=float(minima.edm[0]),
        parameter_names=target.names,
    )


def single_data(target: Target, data: ArrayLike | None) -> BatchData | None:
    """Data of one fit from what the user passed; several sets are an error."""
    batch = target.data(data)
    if batch is not None and len(batch.main) != 1:
        raise InputError(
            f"`data` holds {len(batch.main)} data sets; expected one", hint="use fit_batch"
        )
    return batch


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


def mark_outside(minima: Minima, backend: Backend) -> None:
    """Rows that ended where a bin with data has no positive expectation have not converged."""
    bad = minima.outside & (minima.status == int(Status.EDM))
    minima.status = backend.xp.where(bad, int(Status.NON_POSITIVE_RATE), minima.status)


def non_positive_bins(
    target: Target, x: NDArray[np.float64], data: BatchData | None
) -> tuple[tuple[str, int], ...]:
    """Channel and bin wherever data stand against an expectation that is not positive."""
    compiled = target.compiled
    if compiled is None:
        return ()
    backend = target.backend
    main = target.own_main if data is None else data.main[0]
    expected = backend.to_numpy(compiled.expected_main(backend.asarray(x[:, None])))[:, 0]
    floor = backend.to_numpy(compiled.to_main(compiled.floor))[:, 0]
    bad = np.flatnonzero((expected < floor) & (main > 0))
    return tuple(
        (channel, int(b) - bins.start)
        for b in bad
        for channel, bins in compiled.plan.channel_bins.items()
        if bins.start <= b < bins.stop
    )


def result_of(
    target: Target, request: Request, data: BatchData | None, fitted: Fitted
) -> FitResult:
    """A minimum as a result, with uncertainties and what is odd about it."""
    problem, minima, constant = fitted.problem, fitted.minima, fitted.constant
    backend = target.backend
    x = backend.to_numpy(minima.x)[0]
    held = backend.to_numpy(minima.held)[0]
    gradient = backend.to_numpy(minima.gradient)[0]
    status = Status(int(minima.status[0]))
    with backend.errstate():
        covariance = covariance_at(problem, minima, request.fixed, held != 0)
    non_positive: tuple[tuple[str, int], ...] = ()
    if status is Status.NON_POSITIVE_RATE:
        non_positive = non_positive_bins(target, x, data)
    return FitResult(
        parameter_names=target.names,
        values=x,
        errors=covariance.errors,
        nll=float(minima.value[0]) + constant,
        converged=status is Status.EDM,
        termination_reason=status.reason,  # type: ignore[arg-type]
        n_iter=int(minima.n_iterations[0]),
        n_fev=int(minima.n_values[0]),
        n_gev=int(minima.n_gradients[0]),
        n_hev=int(minima.n_hessians[0]),
        final_grad_norm=float(np.max(np.abs(gradient), initial=0.0)),
        initial_nll=target.initial_value(problem) + constant,
        edm=float(minima.edm[0]),
        at_bound=tuple((target.names[i], _SIDES[int(held[i])]) for i in np.flatnonzero(held)),
        covariance_source=covariance.matrix,
        covariance_status=covariance.status,
        unidentified=tuple(target.names[i] for i in covariance.unidentified),
        non_positive=non_positive,
        fixed=tuple(request.fixed.tolist()),
        prefit_centers=target.centers,
        prefit_widths=target.widths,
        poi_index=target.poi,
        warnings=(*getattr(target.model, "warnings", ()), *_rivals(target, fitted)),
        provenance=provenance_of(target),
    )


def _rivals(target: Target, fitted: Fitted) -> list[str]:
    """One line per other minimum: how much higher it is, and where it differs most."""
    lines = []
    here = target.backend.to_numpy(fitted.minima.x)[0]
    widths = np.where(np.isnan(target.widths), 1.0, target.widths)
    for rival in fitted.rivals:
        there = target.backend.to_numpy(rival.x)[0]
        i = int(np.argmax(np.abs(there - here) / widths))
        above = float(rival.value[0]) - fitted.value
        lines.append(
            f"another minimum lies {above:.3g} higher, at {target.names[i]} = {there[i]:.4g} "
            f"instead of {here[i]:.4g}"
        )
    return list(dict.fromkeys(lines))


def hessian_at(problem: Problem, minima: Minima) -> ArrowMatrix:
    """Exact Hessian at the minimum of one row, computed once."""
    if minima.hessian is None:
        rows = problem.backend.indices(np.zeros(1, dtype=np.intp))
        make = minima.make_hessian or problem.objective.evaluate(minima.x, rows, 2).hessian
        minima.hessian, minima.make_hessian = make(), None
        minima.n_hessians = minima.n_hessians + 1
    return minima.hessian


def covariance_at(
    problem: Problem, minima: Minima, fixed: NDArray[np.bool_], held: NDArray[np.bool_]
) -> Covariance:
    """Covariance at the minimum of one row, from a Hessian nearby where that is good enough."""
    covariance = covariance_of(hessian_at(problem, minima), fixed, held, problem.backend)
    if covariance.sturdy or not minima.is_near:
        return covariance
    minima.hessian, minima.is_near = None, False
    return covariance_of(hessian_at(problem, minima), fixed, held, problem.backend)


def failure_of(result: FitResult) -> str:
    """What a fit that did not converge says."""
    text = (
        f"the fit did not converge: {result.termination_reason} after {result.n_iter} iterations, "
        f"EDM {result.edm:.3g}, gradient {result.final_grad_norm:.3g}"
    )
    if result.at_bound:
        text += f"; at a bound: {', '.join(name for name, _ in result.at_bound)}"
    return text
