"""Minima as results: uncertainties, and what is odd about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.covariance import Covariance, covariance_of
from nextstat_core.infer.minimise_one import Fitted, hessian_at
from nextstat_core.infer.provenance import provenance_of
from nextstat_core.optimize import Minima, Status
from nextstat_core.results import FitMinimumResult, FitResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, Target
    from nextstat_core.optimize import Problem

__all__ = ["covariance_at", "failure_of", "minimum_result", "non_positive_bins", "result_of"]

_SIDES = {-1: "lower", 1: "upper", 2: "kink"}


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


def covariance_at(
    problem: Problem, minima: Minima, fixed: NDArray[np.bool_], held: NDArray[np.bool_]
) -> Covariance:
    """Covariance at the minimum of one row, from a Hessian nearby where that is good enough."""
    covariance = covariance_of(hessian_at(problem, minima), fixed, held, problem.backend)
    if covariance.sturdy or not minima.is_near:
        return covariance
    minima.hessian, minima.is_near = None, False
    return covariance_of(hessian_at(problem, minima), fixed, held, problem.backend)


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


def failure_of(result: FitResult) -> str:
    """What a fit that did not converge says."""
    text = (
        f"the fit did not converge: {result.termination_reason} after {result.n_iter} iterations, "
        f"EDM {result.edm:.3g}, gradient {result.final_grad_norm:.3g}"
    )
    if result.at_bound:
        text += f"; at a bound: {', '.join(name for name, _ in result.at_bound)}"
    return text
