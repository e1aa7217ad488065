"""Hypothesis tests with toys instead of asymptotic formulas."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.asymptotic import AsymptoticTest
from nextstat_core.infer.executors import model_digest
from nextstat_core.infer.fit_results import minimum_result
from nextstat_core.infer.hypotest import finite_number
from nextstat_core.infer.observe import notify
from nextstat_core.infer.provenance import provenance_of
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import row_result
from nextstat_core.infer.statistics import statistic_of
from nextstat_core.infer.toy_fits import check_count, histfactory_target, toy_options
from nextstat_core.infer.toy_runs import ToyRun, run_toys
from nextstat_core.infer.toy_statistics import ToyTest, impossible
from nextstat_core.infer.toys import check_stream
from nextstat_core.optimize import Status
from nextstat_core.results import ToyEnsemble, ToyHypotestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FitMinimumResult
    from nextstat_core.typing import ArrayLike

__all__ = ["hypotest_toys", "prepare_toys"]

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
        If a fit of the data did not converge and ``options.on_failure == "raise"``.
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
    run = ToyRun(*prepared[0], wanted, checkpoint)
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
) -> list[tuple[ToyTest, ToyHypotestResult]]:
    """Tests before their toys are made, and what is known of the data.

    Arguments as in `hypotest_toys`; `values` are the tested ones.
    """
    target, options = histfactory_target(model), toy_options(options)
    if aux not in {"sampled", "fixed"}:
        raise InputError(f"`aux` must be 'sampled' or 'fixed'; found {aux!r}")
    check_stream(seed, 0, 0)
    statistic = statistic_of(test_stat)
    tested = [_tested(test_stat, mu) for mu in values]
    request = make_request(target, init=init, fixed=fixed, bounds=bounds)
    batch = target.data(data)
    test = AsymptoticTest(target, request, batch, statistic, "postfit", options)
    highest = max(tested)
    # Where the upper bound has to be lifted, fits of toys need room above the highest value too.
    room = [_ROOM * highest] if highest > test.request.upper[test.poi] else []
    ratios = test.data_at(np.array([*tested, *room]))
    # Events where the tested hypothesis expects none exclude it.
    q = np.where(impossible(ratios.fits.fits) & ~ratios.cut, np.inf, ratios.q)
    assert test.point is not None
    fits = {
        "free": minimum_result(target, test.around.free),
        "alternative": row_result(target, test.point.fits, 0),
    }
    study = {
        "test_stat": test_stat,
        "seed": int(seed),
        "aux": aux,
        "model": model_digest(model),
        "data": None if batch is None else sha256(batch.main.tobytes()).hexdigest(),
        "request": _digest(request),
        "tolerance": options.tolerance,
    }
    prepared = []
    for row, mu in enumerate(tested):
        all_fits = {**fits, "conditional": row_result(target, ratios.fits.fits, row)}
        toys = ToyTest(
            statistic,
            mu,
            test.poi,
            test.request,
            {"sb": all_fits["conditional"].values, "b": all_fits["alternative"].values},
            seed,
            aux == "sampled",
            options,
        )
        result = ToyHypotestResult(
            study={"mu": mu, **study},
            q=float(q[row]),
            mu_hat=test.mu_hat,
            sb=ToyEnsemble.empty(),
            b=ToyEnsemble.empty(),
            fits=all_fits,
            warnings=(*model.warnings, *test.warnings, *_unconverged(all_fits, options)),
            provenance={**provenance_of(target), "numpy": np.__version__},
        )
        prepared.append((toys, result))
    return prepared


def _tested(test_stat: str, mu: Any) -> float:
    value = finite_number("mu", mu)
    if test_stat == "q0" and value != 0.0:
        raise InputError(f"`test_stat='q0'` tests mu = 0; found mu = {value:g}")
    return value


def _unconverged(fits: Mapping[str, FitMinimumResult], options: FitOptions) -> list[str]:
    lines = [
        f"the fit {name!r} of the data did not converge: {fit.message}"
        for name, fit in fits.items()
        # A hypothesis that cannot make the data is excluded, not a failure.
        if not fit.converged and fit.message != Status.NON_POSITIVE_RATE.reason
    ]
    if lines and options.on_failure == "raise":
        raise FitError(lines[0])
    return lines


def _digest(request: Request) -> str:
    """Names bounds and fixed parameters that a study was asked for."""
    stands = np.where(request.fixed, request.start, 0.0)
    parts = (request.lower, request.upper, request.fixed, stands)
    return sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()
