"""Test statistics of toys: a free and a conditional fit for each, as batches.

The free fits start where the toys were drawn. Each conditional fit starts where the tangent of the
profile predicts it from the free fit of the same toy, and is left out where the statistic is zero
by definition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.minimise_rows import minimise_rows
from nextstat_core.infer.row_fits import BatchFit, fit_rows, no_fits, reason_codes
from nextstat_core.infer.toy_fits import histfactory_target
from nextstat_core.infer.toys import draw_toys
from nextstat_core.optimize import Status
from nextstat_core.results import ToyEnsemble

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.statistics import Statistic
    from nextstat_core.infer.target import BatchData, HistFactoryTarget
    from nextstat_core.models import HistFactoryModel

__all__ = ["ENSEMBLES", "ToyTest", "ToyUnit", "impossible", "statistics_of_toys"]

#: Random streams of the tested hypothesis and of the alternative.
ENSEMBLES = {"sb": 1, "b": 2}
# A statistic below is not rounding: the free fit missed the minimum.
_MISSED = -1e-6
_RESTARTS = 2


@dataclass(frozen=True, slots=True)
class ToyTest:
    """A hypothesis test, as far as its toys need to know.

    Attributes
    ----------
    statistic : Statistic
    mu : float
        The tested value of the parameter of interest.
    poi : int
        Its position.
    request : Request
        Bounds and fixed parameters of the free fit, the parameter of interest being free.
    points : mapping of str to float array, shape (n_parameters,)
        Where the toys of the ensembles ``sb`` and ``b`` are drawn.
    seed : int
    auxiliary : bool
        Whether auxiliary data are drawn too.
    options : FitOptions
    """

    statistic: Statistic
    mu: float
    poi: int
    request: Request
    points: dict[str, NDArray[np.float64]]
    seed: int
    auxiliary: bool
    options: FitOptions

    def is_zero(self, mu_hat: NDArray[np.float64] | float) -> NDArray[np.bool_]:
        """Where the statistic is zero by definition."""
        return np.asarray(self.statistic.cut * (mu_hat - self.mu) > 0.0)


@dataclass(frozen=True, slots=True)
class ToyUnit:
    """Toys of one ensemble of a test that are worked on together."""

    test: ToyTest
    ensemble: str
    numbers: range

    def __str__(self) -> str:
        kind = {"sb": "s+b", "b": "b"}[self.ensemble]
        first, last = self.numbers.start, self.numbers.stop - 1
        return f"{kind} toys {first} ... {last} of mu = {self.test.mu:g}"


def statistics_of_toys(model: HistFactoryModel, unit: ToyUnit) -> ToyEnsemble:
    """Draw toys, and evaluate their test statistic."""
    target, test = histfactory_target(model), unit.test
    point = test.points[unit.ensemble]
    data = draw_toys(
        target.host.compiled,
        point,
        unit.numbers,
        test.seed,
        ensemble=ENSEMBLES[unit.ensemble],
        auxiliary=test.auxiliary,
    )
    start = np.clip(point, test.request.lower, test.request.upper)
    request = replace(test.request, start=np.where(test.request.fixed, point, start))
    metric = SharedMetric(target.coarse or target, request)
    free = _minimise(target, request, data, metric, test.options)
    asked = np.flatnonzero(~test.is_zero(free.values[:, test.poi]))
    conditional = _conditional(target, test, request, metric, free, data, asked)
    q = _differences(test, free, conditional, asked)
    for _ in range(_RESTARTS):
        missed = np.flatnonzero(q[asked] < _MISSED)
        if not len(missed):
            break
        _restart(target, request, data, metric, test.options, free, conditional, asked, missed)
        q = _differences(test, free, conditional, asked)
    return ToyEnsemble(
        numbers=np.asarray(unit.numbers, dtype=np.int64),
        q=np.where((q < 0.0) & (q >= _MISSED), 0.0, q),
        mu_hat=free.values[:, test.poi],
        status=_statuses(free, conditional, asked, q),
    )


def _differences(
    test: ToyTest, free: BatchFit, conditional: BatchFit, asked: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Test statistics: zero where no conditional fit was asked for, infinite where it cannot be."""
    q = np.zeros(len(free.nll))
    zero = test.is_zero(free.values[asked, test.poi])
    ratio = np.where(impossible(conditional), np.inf, 2.0 * (conditional.nll - free.nll[asked]))
    q[asked] = np.where(zero, 0.0, ratio)
    return q


def impossible(conditional: BatchFit) -> NDArray[np.bool_]:
    """Rows with events where the tested hypothesis expects none: their likelihood is zero."""
    return conditional.status == Status.NON_POSITIVE_RATE


def _statuses(
    free: BatchFit, conditional: BatchFit, asked: NDArray[np.intp], q: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Why the fits of each toy ended, the free one first where both failed."""
    status = free.status.copy()
    fine = status[asked] == Status.EDM
    held = np.where(impossible(conditional), Status.EDM, conditional.status)
    status[asked[fine]] = held[fine]
    # What is still negative is a free fit that found no way down to a known lower point.
    status[(q < _MISSED) & (status == Status.EDM)] = Status.STALLED
    return reason_codes(status)


def _conditional(
    target: HistFactoryTarget,
    test: ToyTest,
    request: Request,
    metric: SharedMetric,
    free: BatchFit,
    data: BatchData,
    rows: NDArray[np.intp],
) -> BatchFit:
    """Fits of some rows with the parameter of interest held, from the tangent at their free fit."""
    if not len(rows):
        return no_fits(len(target.names), variances=False)
    slope = np.zeros(len(target.names))
    slope[test.poi] = 1.0
    if metric.inverse is not None:
        column = metric.columns(np.array([test.poi]))[0]
        slope = column / column[test.poi]
    held = request.holding(np.array([[test.poi]]), np.array([[test.mu]])).row(0)

    def moved(x: NDArray[np.float64]) -> NDArray[np.float64]:
        x = np.where(np.isfinite(x), x, request.start)
        predicted = x + (test.mu - x[..., test.poi])[..., None] * slope
        inside = np.clip(predicted, held.lower, held.upper)
        return np.where(held.fixed, held.start, inside)

    around = SharedMetric(target.coarse or target, replace(held, start=moved(request.start)))
    return _minimise(
        target,
        replace(held, start=moved(free.values[rows])),
        data.part(rows),
        around,
        test.options,
    )


def _restart(
    target: HistFactoryTarget,
    request: Request,
    data: BatchData,
    metric: SharedMetric,
    options: FitOptions,
    free: BatchFit,
    conditional: BatchFit,
    asked: NDArray[np.intp],
    missed: NDArray[np.intp],
) -> None:
    """Repeat free fits that ended above the conditional minimum of their toy, from there."""
    start = np.clip(conditional.values[missed], request.lower, request.upper)
    rows = asked[missed]
    again = _minimise(target, replace(request, start=start), data.part(rows), metric, options)
    for i, row in enumerate(rows):
        if again.nll[i] < free.nll[row]:
            free.replace(int(row), again.row(i))


def _minimise(
    target: HistFactoryTarget,
    request: Request,
    data: BatchData,
    metric: SharedMetric,
    options: FitOptions,
) -> BatchFit:
    """Minima of rows, each with the same bits in every division of the toys.

    A statistic needs less than its parameters: an error of 1e-9 in the objective is none. Where
    neither a saddle nor a second mode is to be feared each row is spared its own Hessian.
    """
    if target.coarse is not None:
        return fit_rows(target, request, data, metric, options, variances=False)
    certify = bool(len(target.compiled.bent))
    start = np.broadcast_to(request.start, (len(data.main), len(target.names)))
    request = replace(request, start=start)
    return minimise_rows(target, request, data, metric, options, certify=certify, alike=True)[0]
