"""Fits of many data sets of one model, toys above all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextstat_core.backend import Capability
from nextstat_core.errors import InputError
from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.observe import notify
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import BatchFit, fit_rows, no_fits, toy_results
from nextstat_core.infer.target import BatchData, HistFactoryTarget, target_of
from nextstat_core.infer.toys import check_stream, draw_toys
from nextstat_core.models.parameters import parameter_vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import ToyResults
    from nextstat_core.typing import ArrayLike

__all__ = ["fit_many", "fit_toys", "poisson_toys"]

# Toys that are drawn and fitted before the next ones are drawn, at least: bounds memory.
_CHUNK = 2048


def poisson_toys(
    model: HistFactoryModel, params: ArrayLike, *, n_toys: int = 1000, seed: int = 42
) -> NDArray[np.float64]:
    """Main data of toys drawn at `params`, shape (n_toys, n_main), channels by name."""
    target = _histfactory(model)
    vector = parameter_vector(params, len(target.names), finite=True)
    _check_count(n_toys)
    return draw_toys(target.host.compiled, vector, range(n_toys), seed, auxiliary=False).main


def fit_toys(
    model: HistFactoryModel,
    params: ArrayLike,
    *,
    n_toys: int = 1000,
    seed: int = 42,
    aux: Literal["sampled", "fixed"] = "sampled",
    ensemble: int = 0,
    first_toy: int = 0,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    compute_uncertainties: bool = False,
    threads: int = 1,
    options: FitOptions | None = None,
) -> ToyResults:
    """Draw toys at `params` and fit each.

    Parameters
    ----------
    params : array-like, shape (n_params,)
        Where toys are drawn; fits start there.
    aux : {"sampled", "fixed"}
        Whether auxiliary data are drawn too. With fixed ones pulls of the parameter of interest are
        too narrow.
    ensemble, first_toy : int
        Toys ``first_toy ... first_toy + n_toys - 1`` of one of a seed's independent ensembles: the
        same toys in any division of the work.
    compute_uncertainties : bool
        Keep standard uncertainties from each toy's exact Hessian.
    threads : int
        Threads that work on chunks of toys, where the backend may be used by several; the results
        do not depend on it.
    options : FitOptions, optional
        One start, and no look for second modes; failures are kept whatever `on_failure` says.

    Returns
    -------
    ToyResults
        A lazy sequence of fit results over columns. Fits that fail are kept, with their reason.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    """
    options = _options(options)
    target = _histfactory(model)
    vector = parameter_vector(params, len(target.names), finite=True)
    _check_count(n_toys)
    check_stream(seed, first_toy, ensemble)
    if aux not in {"sampled", "fixed"}:
        raise InputError(f"`aux` must be 'sampled' or 'fixed'; found {aux!r}")
    request = make_request(target, init_pars=vector, fixed=fixed, bounds=bounds)
    metric = SharedMetric(target.coarse or target, request)
    step = max(_CHUNK, 4 * (target.coarse or target).backend.lanes)
    chunks = [
        range(first_toy + start, first_toy + min(start + step, n_toys))
        for start in range(0, n_toys, step)
    ]

    def work(numbers: range) -> BatchFit:
        data = draw_toys(
            target.host.compiled,
            vector,
            numbers,
            seed,
            ensemble=ensemble,
            auxiliary=aux == "sampled",
        )
        return fit_rows(target, request, data, metric, options, variances=compute_uncertainties)

    notify("start", target, n_toys)
    parts = _map(work, chunks, _usable(threads, target))
    if not parts:
        parts = [no_fits(len(target.names), variances=compute_uncertainties)]
    results = toy_results(target, request, BatchFit.joined(parts))
    notify("end", target, n_toys, results)
    return results


def fit_many(
    model: HistFactoryModel,
    data: ArrayLike,
    *,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init_pars: ArrayLike | None = None,
    compute_uncertainties: bool = True,
    options: FitOptions | None = None,
) -> ToyResults:
    """Fit one model to many data sets of shape (rows, n_main).

    The shared metric comes from the point at which the fits start.
    """
    options = _options(options)
    target = _histfactory(model)
    batch = BatchData(target.model.main_bins.rows(data))
    request = make_request(target, init_pars=init_pars, fixed=fixed, bounds=bounds)
    notify("start", target, len(batch.main))
    fitted = fit_rows(
        target,
        request,
        batch,
        SharedMetric(target.coarse or target, request),
        options,
        variances=compute_uncertainties,
    )
    results = toy_results(target, request, fitted)
    notify("end", target, len(batch.main), results)
    return results


def _usable(threads: int, target: HistFactoryTarget) -> int:
    """One thread on backends that do not stand more."""
    backend = (target.coarse or target).backend
    return threads if Capability.THREADS in backend.capabilities else 1


def _map(work: Callable[[range], BatchFit], chunks: list[range], threads: int) -> list[BatchFit]:
    if threads <= 1 or len(chunks) <= 1:
        return [work(chunk) for chunk in chunks]
    with ThreadPoolExecutor(min(threads, len(chunks), os.cpu_count() or 1)) as pool:
        return list(pool.map(work, chunks))


def _options(options: FitOptions | None) -> FitOptions:
    options = options or FitOptions()
    if options.n_starts != 1:
        raise InputError(
            f"toys are fitted from one start; found n_starts={options.n_starts}",
            hint="fit and fit_batch take several starts",
        )
    return options


def _histfactory(model: HistFactoryModel) -> HistFactoryTarget:
    target = target_of(model)
    if not isinstance(target, HistFactoryTarget):
        raise InputError(f"toys need a HistFactory model; found a {type(model).__name__}")
    return target


def _check_count(n_toys: int) -> None:
    if not isinstance(n_toys, int | np.integer):
        raise InputError(f"`n_toys` must be an integer; found {n_toys!r}")
    if n_toys < 0:
        raise InputError(f"`n_toys` must not be negative; found {n_toys}")
