"""Hypothesis tests with toys instead of asymptotic formulas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.conditional import Conditional
from nextstat_core.infer.executors import model_digest
from nextstat_core.infer.observe import notify
from nextstat_core.infer.poi import lifted, poi_of
from nextstat_core.infer.provenance import provenance_of
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import BatchFit, reason_codes
from nextstat_core.infer.statistics import statistic_of
from nextstat_core.infer.toy_fits import check_count, histfactory_target, toy_options
from nextstat_core.infer.toy_runs import ToyRun, run_toys
from nextstat_core.infer.toy_statistics import MISSED, ToyTest
from nextstat_core.infer.toys import check_stream
from nextstat_core.models.arrays import number
from nextstat_core.optimize import Status
from nextstat_core.results import (
    TERMINATION_REASONS,
    FitMinimumResult,
    ToyEnsemble,
    ToyHypotestResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.infer.target import BatchData, HistFactoryTarget
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.typing import ArrayLike

__all__ = ["PreparedTest", "hypotest_toys", "prepare_toys"]

# The upper bound where it has to be lifted, in units of the highest tested value.
_ROOM = 2.0


def hypotest_toys(
    model: HistFactoryModel,
    mu: float,
    *,
    n_toys: int = 1000,
    n_toys_sb: int | None = None,
    n_toys_b: int | None = None,
    seed: int = 42,
    test_stat: TestStatistic = "qtilde",
    data: ArrayLike | None = None,
    aux: Literal["sampled", "fixed"] = "sampled",
    first_toy: int = 0,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    threads: int = 1,
    executor: Executor | None = None,
    chunk: int | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    options: FitOptions | None = None,
) -> ToyHypotestResult:
    """Test a value of the parameter of interest with toys of both hypotheses.

    Toys of signal plus background are drawn at the conditional fit of the data at `mu`, those of
    background only at the one at 0 (for ``q0``: at 0 and 1). Each is fitted twice.

    Parameters
    ----------
    mu : float
        The tested value; 0 for ``q0``.
    n_toys : int
        Toys of each ensemble, unless `n_toys_sb` or `n_toys_b` say otherwise. Two-sided statistics
        have no CLs and need no toys of background only: without `n_toys_b` there are none.
    seed : int
        Toy i of a seed is the same in any division of the work.
    test_stat : {"qtilde", "q", "q0", "t", "ttilde"}
        As in `hypotest`.
    data : array-like, shape (n_main,), optional
        Observed counts instead of the model's own.
    aux : {"sampled", "fixed"}
        Whether auxiliary data are drawn too, or stay as they are in the observed data.
    first_toy : int
        Toys ``first_toy ... first_toy + n_toys - 1`` of each ensemble; `ToyHypotestResult.merge`
        puts shards together.
    fixed, bounds, init
        As in `fit`.
    threads, executor
        As in `fit_toys`.
    chunk : int, optional
        Toys that are worked on together; results do not depend on it.
    checkpoint : path, optional
        File that holds finished toys. The same call goes on from there, also with more toys.
    progress : callable, optional
        Called with the numbers of finished and of all toys.
    options : FitOptions, optional

    Returns
    -------
    ToyHypotestResult
        Toys whose fits fail are counted, and left out.

    Raises
    ------
    InputError
        For arguments that cannot be used, and for a checkpoint of another study.
    MissingPOIError
        If the model has no parameter of interest.
    FitError
        If no minimum of the data's own likelihood was found.
    WorkerError
        If the executor lost a worker.
    """
    wanted = _wanted(test_stat, first_toy, n_toys, n_toys_sb, n_toys_b)
    prepared = prepare_toys(
        model,
        [mu],
        seed=seed,
        test_stat=test_stat,
        data=data,
        aux=aux,
        fixed=fixed,
        bounds=bounds,
        init=init,
        options=options,
    )
    run = ToyRun(prepared[0].test, prepared[0].result, wanted, checkpoint)
    _check_chunk(chunk)
    target, total = histfactory_target(model), sum(map(len, wanted.values()))
    notify("start", target, total)
    result = run_toys(
        model, [run], executor=executor, threads=threads, chunk=chunk, progress=progress
    )[0]
    notify("end", target, total, result)
    return result


def _wanted(
    test_stat: str, first_toy: int, n_toys: int, n_toys_sb: int | None, n_toys_b: int | None
) -> dict[str, range]:
    if n_toys_b is None and not statistic_of(test_stat).cut:
        n_toys_b = 0
    counts = {
        "sb": n_toys if n_toys_sb is None else n_toys_sb,
        "b": n_toys if n_toys_b is None else n_toys_b,
    }
    for count in counts.values():
        check_count(count)
    if not counts["sb"]:
        raise InputError("n_toys must be > 0: a p-value needs toys of the tested hypothesis")
    check_stream(0, first_toy, 0)
    return {name: range(first_toy, first_toy + count) for name, count in counts.items()}


def _check_chunk(chunk: int | None) -> None:
    if chunk is not None:
        check_count(chunk)
        if not chunk:
            raise InputError("`chunk` must be > 0")


@dataclass(frozen=True, slots=True)
class PreparedTest:
    """A test before its toys are made.

    Attributes
    ----------
    test : ToyTest
    result : ToyHypotestResult
        What is known of the data.
    width : float
        Standard uncertainty of the parameter of interest at the free fit; NaN where unknown.
    """

    test: ToyTest
    result: ToyHypotestResult
    width: float


def prepare_toys(
    model: HistFactoryModel,
    values: Sequence[float],
    *,
    seed: int,
    test_stat: TestStatistic,
    data: ArrayLike | None = None,
    aux: Literal["sampled", "fixed"] = "sampled",
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> list[PreparedTest]:
    """Fit the data freely and at each tested value; arguments as in `hypotest_toys`."""
    target, options = histfactory_target(model), toy_options(options)
    statistic = statistic_of(test_stat)
    if aux not in {"sampled", "fixed"}:
        raise InputError(f"`aux` must be 'sampled' or 'fixed'; found {aux!r}")
    check_stream(seed, 0, 0)
    tested = [_tested(test_stat, mu) for mu in values]
    asked = make_request(target, init=init, fixed=fixed, bounds=bounds)
    poi = poi_of(target, asked, "a test with toys")
    request = statistic.request(target, asked, poi)
    warnings: tuple[str, ...] = ()
    highest = max(tested)
    if highest > request.upper[poi]:
        # Fits of toys need room on both sides of the tested value.
        request = lifted(request, poi, _ROOM * highest)
        warnings = (f"the upper bound of {target.names[poi]!r} was lifted to {_ROOM * highest:g}",)
    batch = target.data(data)
    points = [*tested, statistic.asimov_poi]
    free, held, width = _fit_data(target, request, batch, options, poi, points)
    study = {
        "test_stat": test_stat,
        "seed": int(seed),
        "aux": aux,
        "model": model_digest(model),
        "data": None if batch is None else sha256(batch.main.tobytes()).hexdigest(),
        "request": _digest(asked),
        "tolerance": options.tolerance,
    }
    prepared = []
    for row, mu in enumerate(tested):
        drawn_at = {"sb": held.values[row], "b": held.values[-1]}
        test = ToyTest(statistic, mu, poi, request, drawn_at, seed, aux == "sampled", options)
        mu_hat = free.values[0, poi]
        q = 0.0 if test.is_zero(mu_hat) else 2.0 * float(held.nll[row] - free.nll[0])
        fits = {"free": _minimum(target, free, 0), "mu": _minimum(target, held, row)}
        fits["alternative"] = _minimum(target, held, len(tested))
        result = ToyHypotestResult(
            study={"mu": mu, **study},
            q=max(q, 0.0),
            mu_hat=float(mu_hat),
            sb=ToyEnsemble.empty(),
            b=ToyEnsemble.empty(),
            fits=fits,
            warnings=(*model.warnings, *warnings, *_unconverged(fits)),
            provenance={**provenance_of(target), "numpy": np.__version__},
        )
        prepared.append(PreparedTest(test, result, width))
    return prepared


def _tested(test_stat: str, mu: Any) -> float:
    value = number("mu", mu)
    if not np.isfinite(value):
        raise InputError(f"`mu` must be finite; found {value}")
    if test_stat == "q0" and value != 0.0:
        raise InputError(f"q0 tests the value 0; found mu={value:g}")
    return value


def _fit_data(
    target: HistFactoryTarget,
    request: Request,
    data: BatchData | None,
    options: FitOptions,
    poi: int,
    values: Sequence[float],
) -> tuple[BatchFit, BatchFit, float]:
    """The free fit of the data, one for each value of the POI, and the POI's uncertainty."""
    points = np.asarray(values)[:, None]
    start = request
    for _ in range(3):
        around = Conditional.around_fit(target, start, data, options)
        held = around.fit(np.full(points.shape, poi), points).fits
        free = BatchFit.of(target, around.free.minima, around.free.constant)
        inside = (points[:, 0] >= request.lower[poi]) & (points[:, 0] <= request.upper[poi])
        gain = np.where(inside, 2.0 * (held.nll - free.nll[0]), 0.0)
        lowest = int(np.argmin(gain))
        if not gain[lowest] < MISSED:
            return free, held, _width(around, poi)
        # The free fit missed the minimum; a conditional one knows a lower point.
        start = replace(request, start=held.values[lowest])
    raise FitError(
        f"the free fit ends {-0.5 * gain[lowest]:.3g} above the fit at {values[lowest]:g}, also "
        "where it starts from there"
    )


def _width(around: Conditional, poi: int) -> float:
    if around.metric is None or around.metric.inverse is None:
        return np.nan
    return float(np.sqrt(around.metric.columns(np.array([poi]))[0, poi]))


def _minimum(target: HistFactoryTarget, fits: BatchFit, row: int) -> FitMinimumResult:
    reason = TERMINATION_REASONS[int(reason_codes(fits.status)[row])]
    return FitMinimumResult(
        values=fits.values[row],
        nll=float(fits.nll[row]),
        converged=bool(fits.status[row] == Status.EDM),
        n_iter=int(fits.n_iter[row]),
        n_fev=int(fits.n_fev[row]),
        n_gev=int(fits.n_gev[row]),
        message=reason,
        initial_nll=float(fits.initial_nll[row]),
        edm=float(fits.edm[row]),
        parameter_names=target.names,
    )


def _unconverged(fits: Mapping[str, FitMinimumResult]) -> list[str]:
    return [
        f"the fit {name!r} of the data did not converge: {fit.message}"
        for name, fit in fits.items()
        if not fit.converged
    ]


def _digest(request: Request) -> str:
    """Names bounds and fixed parameters that a study was asked for."""
    stands = np.where(request.fixed, request.start, 0.0)
    parts = (request.lower, request.upper, request.fixed, stands)
    return sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()
