"""Likelihood ratios of rows that differ in their inputs, for the data and for Asimov sets.

All rows share one compiled model, and are minimised together. Each has its own tested value, its
own Asimov set, and its own search for a limit; a search that has ended leaves the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.conditional import Conditional, ConditionalFits
from nextstat_core.infer.crossing import crossings
from nextstat_core.infer.input_rows import RowLikelihood
from nextstat_core.infer.limits import distance_to_limit, limit_of_parabolas
from nextstat_core.infer.minimise_rows import minimise_rows
from nextstat_core.infer.poi import poi_of
from nextstat_core.infer.request import Request, make_request
from nextstat_core.infer.row_fits import BatchFit, one_row
from nextstat_core.infer.row_lines import RowLines
from nextstat_core.infer.target import histfactory_target
from nextstat_core.optimize import Status
from nextstat_core.stats.asymptotics import Tails, cls_tails, critical_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.statistics import AsimovKind, Statistic
    from nextstat_core.infer.target import BatchData
    from nextstat_core.models import ModelInputs

__all__ = ["ExclusionRows", "RowRatios", "tails_of"]

# A likelihood ratio below zero by less is rounding; by more, the free fit missed the minimum.
_NOISE = 1e-6
# Relative length of the last Newton step towards a limit.
_RTOL = 1e-9


@dataclass(frozen=True, slots=True)
class RowRatios:
    """Test statistics of rows, each at a value of its own.

    Attributes
    ----------
    q, slope : float arrays, shape (rows,)
        Statistics, and their derivatives with respect to the tested value; 0 where `cut`.
    cut, converged : bool arrays, shape (rows,)
        Whether the best fit lies on the side that does not count; whether the fits converged.
    held : float array, shape (rows, n_params)
        Minima with the parameter of interest at the tested value.
    """

    q: NDArray[np.float64]
    slope: NDArray[np.float64]
    cut: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    held: NDArray[np.float64]


class ExclusionRows:
    """Tests of rows, as upper limits need them.

    Where a model can have second modes, and `options` ask to look for them, each row is fitted
    around its own minimum; else all share the metric of one.

    Parameters
    ----------
    inputs : ModelInputs
    vectors : float array, shape (rows, size)
    statistic : Statistic
        One that gives CLs.
    kind : {"postfit", "prefit"}
        Where Asimov sets stand.
    options : FitOptions
    own : callable, optional
        Makes the fit to numbers nearby, from which rows start. That of the first row if left out.

    Attributes
    ----------
    likelihood : RowLikelihood
        Of the data.
    request : Request
        Bounds and fixed parameters of each row, arrays of shape (rows, n_params).
    poi : int
    """

    def __init__(
        self,
        inputs: ModelInputs,
        vectors: NDArray[np.float64],
        statistic: Statistic,
        kind: AsimovKind,
        options: FitOptions,
        own: Callable[[], Conditional] | None = None,
    ) -> None:
        self.statistic, self.kind, self._options, self._own = statistic, kind, options, own
        self._target = histfactory_target(inputs.model, "limits")
        wished = make_request(self._target)
        self.poi = poi_of(self._target, wished, "a hypothesis test")
        rows = inputs.row_inputs(vectors)
        self.likelihood = RowLikelihood(inputs, rows)
        asked = statistic.request(self._target, wished, self.poi)
        self.request = Request(
            np.where(rows.idle, 1.0, asked.start),
            np.array(np.broadcast_to(asked.lower, rows.idle.shape)),
            np.array(np.broadcast_to(asked.upper, rows.idle.shape)),
            asked.fixed | rows.idle,
        )
        self._prefit = np.where(rows.idle, 1.0, wished.start)
        self._prefit[:, self.poi] = statistic.asimov_poi
        self._all = np.arange(len(vectors))
        self._alone = options.second_modes and bool(len(self._target.compiled.bent))

    # -- minima -----------------------------------------------------------------------------------

    @cached_property
    def free(self) -> BatchFit:
        """The free fits to the data."""
        if self._alone:
            free = [around.free for around in self._around]
            return BatchFit.joined(
                [BatchFit.of(self._target, each.minima, each.constant) for each in free]
            )
        around, request = self._around[0], self.request
        begin = np.where(np.isfinite(around.x), around.x, request.start)
        start = np.where(request.fixed, request.start, np.clip(begin, request.lower, request.upper))
        data, metric = self.likelihood.data, around.metric
        every = replace(request, start=start)
        return minimise_rows(self._target, every, data, metric, self._options)[0]

    @property
    def point(self) -> NDArray[np.float64]:
        """Where the Asimov sets are expected, (rows, n_params)."""
        return self._prefit if self._point_fits is None else self._point_fits.fits.values

    @property
    def point_converged(self) -> NDArray[np.bool_]:
        """Whether the fits did that define the Asimov sets, (rows,)."""
        fits = self._point_fits
        return np.ones(len(self._all), dtype=bool) if fits is None else fits.converged

    @cached_property
    def asimov(self) -> RowLikelihood:
        """The likelihood of the Asimov sets."""
        return RowLikelihood(self.likelihood.inputs, self.likelihood.rows, self.point)

    @cached_property
    def _around(self) -> list[Conditional]:
        """Fits around a minimum of the data: of one that rows share, or of each row's own."""
        if self._own is not None and not self._alone:
            return [self._own()]
        return [
            Conditional.around_fit(
                self._target,
                self.request.row(row),
                self.likelihood.data.of_row(row),
                self._options,
            )
            for row in (self._all if self._alone else self._all[:1]).tolist()
        ]

    @cached_property
    def _around_asimov(self) -> list[Conditional]:
        """The same for the Asimov sets, which stand at their minima."""
        # The metric of the data serves as well, where it was made.
        shared = (
            self._around[0].metric if self._point_fits is not None and not self._alone else None
        )
        return [
            Conditional.at_minimum(
                self._target,
                self.request.row(row),
                self.point[row],
                self.asimov.data.of_row(row),
                self._options,
                shared,
            )
            for row in (self._all if self._alone else self._all[:1]).tolist()
        ]

    @cached_property
    def _point_fits(self) -> ConditionalFits | None:
        """The fits to the data that define the Asimov sets; None for those before the fit."""
        if self.kind == "prefit":
            return None
        mu = np.full(len(self._all), self.statistic.asimov_poi)
        return self._fit(self._around, self._all, mu, self.likelihood.data, self._line)

    @cached_property
    def _asimov_nll(self) -> NDArray[np.float64]:
        """``-log L`` at the minima of the Asimov sets, (rows,)."""
        backend, rows = self._target.backend, len(self._all)
        request = replace(self.request, start=self.point)
        problem, constant = self._target.problem(rows, request, self.asimov.data, profile=False)
        with backend.errstate():
            at = problem.objective.evaluate(problem.start, backend.indices(self._all), 0)
        return backend.to_numpy(at.value) + constant

    @cached_property
    def _line(self) -> RowLines:
        return RowLines(self._around, self.poi, len(self._all))

    @cached_property
    def _line_asimov(self) -> RowLines:
        return RowLines(self._around_asimov, self.poi, len(self._all), self.point)

    # -- likelihood ratios ------------------------------------------------------------------------

    def data_at(self, mu: NDArray[np.float64], rows: NDArray[np.intp] | None = None) -> RowRatios:
        """Statistics of the data at one value `mu` for each of `rows`, all by default."""
        rows = self._all if rows is None else rows
        self._lift(mu, rows)
        found = self._fit(self._around, rows, mu, self.likelihood.data, self._line)
        missed = found.converged & (2.0 * (found.fits.nll - self.free.nll[rows]) < -_NOISE)
        for i in np.flatnonzero(missed):
            self._restart(int(rows[i]), found.fits.values[i])
        q = 2.0 * (found.fits.nll - self.free.nll[rows])
        return self._ratios(mu, self.free.values[rows, self.poi], q, found)

    def asimov_at(self, mu: NDArray[np.float64], rows: NDArray[np.intp] | None = None) -> RowRatios:
        """The same of the Asimov sets."""
        rows = self._all if rows is None else rows
        found = self._fit(self._around_asimov, rows, mu, self.asimov.data, self._line_asimov)
        q = 2.0 * (found.fits.nll - self._asimov_nll[rows])
        best = np.full(len(rows), self.statistic.asimov_poi)
        return self._ratios(mu, best, q, found)

    def _ratios(
        self,
        mu: NDArray[np.float64],
        best: NDArray[np.float64],
        q: NDArray[np.float64],
        found: ConditionalFits,
    ) -> RowRatios:
        cut = self.statistic.cut * (best - mu) > 0.0
        return RowRatios(
            np.where(cut, 0.0, np.maximum(q, 0.0)),
            np.where(cut, 0.0, 2.0 * found.slope[:, 0]),
            cut,
            # A minimum that lies lower than the free one is none of a likelihood ratio.
            found.converged & (q >= -_NOISE),
            found.fits.values,
        )

    def _fit(
        self,
        around: list[Conditional],
        rows: NDArray[np.intp],
        mu: NDArray[np.float64],
        data: BatchData,
        line: RowLines,
    ) -> ConditionalFits:
        """Fits of rows with the parameter of interest at `mu`."""
        groups = [np.arange(len(rows))] if len(around) == 1 else list(np.arange(len(rows))[:, None])
        start, held, parts = line.at(mu, rows), np.full((len(rows), 1), self.poi), []
        for group in groups:
            of = rows[group]
            near = around[0 if len(around) == 1 else int(of[0])]
            fits = Conditional(
                self._target, self.request.rows(of), near.free, None, self._options, near.metric
            )
            parts.append(
                fits.fit(held[group], mu[group, None], data=data.part(of), start=start[group])
            )
        found = ConditionalFits.joined(parts)
        line.follow(mu, rows, found)
        return found

    def _restart(self, row: int, start: NDArray[np.float64]) -> None:
        """Repeat a free fit from elsewhere."""
        again = replace(self.request.row(row), start=start)
        data = self.likelihood.data.of_row(row)
        found = one_row(self._target, again, data, 0, self._options)
        if found.status[0] == Status.EDM and not found.nll[0] > self.free.nll[row]:
            self.free.replace(row, found)

    def _lift(self, mu: NDArray[np.float64], rows: NDArray[np.intp]) -> None:
        """Lift the upper bounds of the parameter of interest to what is tested."""
        upper, best = self.request.upper[rows, self.poi], self.free.values[rows, self.poi]
        self.request.upper[rows, self.poi] = np.maximum(upper, mu)
        for row in rows[(mu > upper) & (best >= upper)].tolist():
            self._restart(row, self.free.values[row])

    # -- limits -----------------------------------------------------------------------------------

    def expected_limits(
        self, alpha: float, n_sigma: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Limits that are expected if the estimate fluctuates by `n_sigma`, (rows,).

        Infinite where there is none; the second array says which searches came to an end.
        """
        critical = np.array([critical_value(alpha, n) for n in n_sigma.tolist()])

        def distance(mu: NDArray[np.float64], rows: NDArray[np.intp]) -> list[tuple[float, float]]:
            found = self.asimov_at(mu, rows)
            root = np.sqrt(found.q)
            slope = np.divide(found.slope, 2.0 * root, out=np.zeros(len(root)), where=root > 0.0)
            return list(zip((root - critical[rows]).tolist(), slope.tolist(), strict=True))

        return crossings(critical * self._line_asimov.sigma, distance, _RTOL)

    def observed_limits(self, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Observed limits, in the same form."""
        bounded = self.statistic.bounded
        guesses = [
            limit_of_parabolas(best, sigma, alpha, bounded=bounded)
            for best, sigma in zip(
                self.free.values[:, self.poi].tolist(), self._line.sigma.tolist(), strict=True
            )
        ]

        def distance(mu: NDArray[np.float64], rows: NDArray[np.intp]) -> list[tuple[float, float]]:
            data, asimov = self.data_at(mu, rows), self.asimov_at(mu, rows)
            return [
                distance_to_limit(
                    tails,
                    (data.q[i], asimov.q[i]),
                    (data.slope[i], asimov.slope[i]),
                    alpha,
                )
                for i, tails in enumerate(tails_of(data, asimov, bounded=bounded))
            ]

        return crossings(np.array(guesses), distance, _RTOL)


def tails_of(data: RowRatios, asimov: RowRatios, *, bounded: bool) -> list[Tails]:
    """Tail probabilities of each row."""
    return [
        cls_tails(sqrt(s), sqrt(a), bounded=bounded, cut=bool(cut))
        for s, a, cut in zip(data.q, asimov.q, data.cut, strict=True)
    ]
