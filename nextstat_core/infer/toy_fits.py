"""Fits of many data sets of one model, toys above all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.executors import run_units
from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.observe import notify
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import BatchFit, fit_rows, no_fits, toy_results
from nextstat_core.infer.target import BatchData, HistFactoryTarget, target_of
from nextstat_core.infer.toys import check_stream, draw_toys
from nextstat_core.models.parameters import parameter_vector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.request import Request
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import ToyResults
    from nextstat_core.typing import ArrayLike

__all__ = [
    "check_count",
    "fit_many",
    "fit_toys",
    "histfactory_target",
    "poisson_toys",
    "toy_chunks",
    "toy_options",
]

# Toys that are drawn and fitted before the next ones are drawn, at least: bounds memory.
_CHUNK = 2048
# The same where an executor divides them among its workers.
_SHARE = 256


def poisson_toys(
    model: HistFactoryModel, params: ArrayLike, *, n_toys: int = 1000, seed: int = 42
) -> NDArray[np.float64]:
    """Main data of toys drawn at `params`, shape (n_toys, n_main), channels by name."""
    target = histfactory_target(model)
    vector = parameter_vector(params, len(target.names), finite=True)
    check_count(n_toys)
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
    executor: Executor | None = None,
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
    executor : concurrent.futures.Executor, optional
        Whatever runs the chunks instead: a pool of processes, a cluster. Nor do results depend on
        it.
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
    options = toy_options(options)
    target = histfactory_target(model)
    vector = parameter_vector(params, len(target.names), finite=True)
    check_count(n_toys)
    check_stream(seed, first_toy, ensemble)
    if aux not in {"sampled", "fixed"}:
        raise InputError(f"`aux` must be 'sampled' or 'fixed'; found {aux!r}")
    request = make_request(target, init_pars=vector, fixed=fixed, bounds=bounds)
    sampled = aux == "sampled"
    drawn = _Drawn(vector, seed, ensemble, sampled, request, compute_uncertainties, options)
    units = [
        replace(drawn, numbers=numbers)
        for numbers in toy_chunks(target, first_toy, n_toys, executor is not None)
    ]
    notify("start", target, n_toys)
    parts = run_units(_fit_drawn, model, units, executor=executor, threads=threads)
    if not parts:
        parts = [no_fits(len(target.names), variances=compute_uncertainties)]
    results = toy_results(target, request, BatchFit.joined(parts))
    notify("end", target, n_toys, results)
    return results


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Toys that are drawn and fitted together."""

    params: NDArray[np.float64]
    seed: int
    ensemble: int
    auxiliary: bool
    request: Request
    variances: bool
    options: FitOptions
    numbers: range = range(0)

    def __str__(self) -> str:
        return f"toys {self.numbers.start} ... {self.numbers.stop - 1}"


def _fit_drawn(model: HistFactoryModel, unit: _Drawn) -> BatchFit:
    target = histfactory_target(model)
    data = draw_toys(
        target.host.compiled,
        unit.params,
        unit.numbers,
        unit.seed,
        ensemble=unit.ensemble,
        auxiliary=unit.auxiliary,
    )
    metric = SharedMetric(target.coarse or target, unit.request)
    return fit_rows(target, unit.request, data, metric, unit.options, variances=unit.variances)


def toy_chunks(
    target: HistFactoryTarget,
    first: int,
    count: int,
    distributed: bool,  # noqa: FBT001  internal
) -> list[range]:
    """Toys that are drawn and fitted together: few for an executor, whose workers share them."""
    step = max(_SHARE if distributed else _CHUNK, 4 * (target.coarse or target).backend.lanes)
    return [
        range(first + start, first + min(start + step, count)) for start in range(0, count, step)
    ]


def fit_many(
    model: HistFactoryModel,
    data: ArrayLike,
    *,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init_pars: ArrayLike | None = None,
    compute_uncertainties: bool = True,
    executor: Executor | None = None,
    options: FitOptions | None = None,
) -> ToyResults:
    """Fit one model to many data sets of shape (rows, n_main).

    The shared metric comes from the point at which the fits start. `executor` as in `fit_toys`.
    """
    options = toy_options(options)
    target = histfactory_target(model)
    batch = BatchData(target.model.main_bins.rows(data))
    request = make_request(target, init_pars=init_pars, fixed=fixed, bounds=bounds)
    notify("start", target, len(batch.main))
    chunks = toy_chunks(target, 0, len(batch.main), executor is not None)
    units = [
        _Given(batch.part(slice(chunk.start, chunk.stop)), request, compute_uncertainties, options)
        for chunk in chunks
    ]
    parts = run_units(_fit_given, model, units, executor=executor)
    if not parts:
        parts = [no_fits(len(target.names), variances=compute_uncertainties)]
    results = toy_results(target, request, BatchFit.joined(parts))
    notify("end", target, len(batch.main), results)
    return results


@dataclass(frozen=True, slots=True)
class _Given:
    """Data sets that are fitted together."""

    data: BatchData
    request: Request
    variances: bool
    options: FitOptions

    def __str__(self) -> str:
        return f"{len(self.data.main)} data sets"


def _fit_given(model: HistFactoryModel, unit: _Given) -> BatchFit:
    target = histfactory_target(model)
    metric = SharedMetric(target.coarse or target, unit.request)
    return fit_rows(target, unit.request, unit.data, metric, unit.options, variances=unit.variances)


def toy_options(options: FitOptions | None) -> FitOptions:
    """Options of fits of toys, which start from one point."""
    options = options or FitOptions()
    if options.n_starts != 1:
        raise InputError(
            f"toys are fitted from one start; found n_starts={options.n_starts}",
            hint="fit and fit_batch take several starts",
        )
    return options


def histfactory_target(model: HistFactoryModel) -> HistFactoryTarget:
    """The target of a model that toys can be drawn from."""
    target = target_of(model)
    if not isinstance(target, HistFactoryTarget):
        raise InputError(f"toys need a HistFactory model; found a {type(model).__name__}")
    return target


def check_count(n_toys: int) -> None:
    """Refuse what is no number of toys."""
    if not isinstance(n_toys, int | np.integer):
        raise InputError(f"`n_toys` must be an integer; found {n_toys!r}")
    if n_toys < 0:
        raise InputError(f"`n_toys` must not be negative; found {n_toys}")
