"""Maximum-likelihood fits."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.fit_results import failure_of, minimum_result, result_of
from nextstat_core.infer.minimise_one import minimise_one
from nextstat_core.infer.observe import notify
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.request import make_request
from nextstat_core.infer.target import BatchData, Target, target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitMinimumResult, FitResult
    from nextstat_core.typing import ArrayLike

__all__ = ["fit", "fit_minimum", "single_data"]


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


def single_data(target: Target, data: ArrayLike | None) -> BatchData | None:
    """Data of one fit from what the user passed; several sets are an error."""
    batch = target.data(data)
    if batch is not None and len(batch.main) != 1:
        raise InputError(
            f"`data` holds {len(batch.main)} data sets; expected one", hint="use fit_batch"
        )
    return batch
