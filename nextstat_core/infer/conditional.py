"""Fits of many rows that each hold some parameters, around one minimum.

Tests, limits, scans, intervals, contours and impacts are such rows. Each starts where the
covariance at the minimum predicts its solution (for one parameter k held at x_k + d that is
``x + d H^-1 e_k / (H^-1)_kk``), and all share the inverse Hessian of the minimum as their metric,
conditioned on what the row holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.minimise_one import Fitted, hessian_at, minimise_one
from nextstat_core.infer.minimise_rows import minimise_rows
from nextstat_core.infer.modes import second_mode_starts
from nextstat_core.infer.row_fits import BatchFit, no_fits, one_row
from nextstat_core.infer.target import HistFactoryTarget
from nextstat_core.optimize import Status, known_minimum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, Target

__all__ = ["Conditional", "ConditionalFits"]

# Numbers that the columns of the metric for one block of rows may take: 32 MB.
_BLOCK = 2**22
# Shares of their curvature by which parameters at a bound are stiffened until the Hessian is
# positive definite; they rarely move.
_STIFFNESS = (0.0, 1.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class ConditionalFits:
    """Solutions of rows that hold parameters.

    Attributes
    ----------
    fits : BatchFit
        Minima, one row each; `nll` has all constants.
    slope : float array, shape (rows, held)
        Derivatives of ``-log L`` with respect to the held parameters at the solution: those of the
        profile likelihood.
    n_newton : int
        Rows that the shared metric did not bring to the minimum, so that they were minimised again
        with exact Hessians.
    """

    fits: BatchFit
    slope: NDArray[np.float64]
    n_newton: int

    @property
    def converged(self) -> NDArray[np.bool_]:
        return self.fits.status == Status.EDM

    def part(self, rows: slice | NDArray[np.intp]) -> ConditionalFits:
        """Some of the rows; `n_newton` is still that of all."""
        return ConditionalFits(self.fits.part(rows), self.slope[rows], self.n_newton)

    @staticmethod
    def joined(parts: Sequence[ConditionalFits]) -> ConditionalFits:
        """All rows of several batches."""
        return ConditionalFits(
            BatchFit.joined([part.fits for part in parts]),
            np.concatenate([part.slope for part in parts]),
            sum(part.n_newton for part in parts),
        )


class Conditional:
    """Conditional fits around one minimum.

    Parameters
    ----------
    target : Target
    request : Request
        What the free fit was asked for: bounds and fixed parameters that all rows inherit.
    free : Fitted
        The free fit.
    data : BatchData or None
        Its data; the model's own for None.
    options : FitOptions
    metric : SharedMetric, optional
        That of another minimum nearby; made from the Hessian of this one if left out.

    Attributes
    ----------
    x : float array, shape (n_parameters,)
        The minimum.
    """

    def __init__(
        self,
        target: Target,
        request: Request,
        free: Fitted,
        data: BatchData | None,
        options: FitOptions,
        metric: SharedMetric | None = None,
    ) -> None:
        self.target, self.request, self.options = target, request, options
        self.free, self.data = free, data
        self.x: NDArray[np.float64] = np.array(target.backend.to_numpy(free.minima.x)[0])
        self.metric = metric
        if metric is None and isinstance(target, HistFactoryTarget):
            self.metric = self._metric(target)

    @classmethod
    def around_fit(
        cls,
        target: Target,
        request: Request,
        data: BatchData | None,
        options: FitOptions,
    ) -> Self:
        """Make the free fit, and what fits around it."""
        free = minimise_one(target, request, data, options)
        return cls(target, request, free, data, options)

    @classmethod
    def at_minimum(
        cls,
        target: Target,
        request: Request,
        x: NDArray[np.float64],
        data: BatchData,
        options: FitOptions,
        metric: SharedMetric | None = None,
    ) -> Self:
        """Fits around a point that is known to be the minimum for `data`, as of Asimov data."""
        problem, constants = target.problem(1, replace(request, start=x), data, profile=False)
        free = Fitted(problem, known_minimum(problem), float(constants[0]))
        return cls(target, request, free, data, options, metric)

    def _metric(self, target: HistFactoryTarget) -> SharedMetric:
        here = replace(self.request, start=self.x)
        with target.backend.errstate():
            hessian = hessian_at(self.free.problem, self.free.minima)
        if target.host is not target:
            hessian = hessian.on(target.host.backend, target.backend)
        held = target.backend.to_numpy(self.free.minima.held)[0] != 0
        for stiffness in _STIFFNESS if held.any() else (0.0,):
            metric = SharedMetric(target, here, hessian, stiff=stiffness * held)
            if metric.inverse is not None:
                return metric
        return SharedMetric(target, here)

    @property
    def nll(self) -> float:
        """``-log L`` at the minimum, with all constants."""
        return self.free.value + self.free.constant

    def fit(
        self,
        held: NDArray[np.intp],
        values: NDArray[np.float64],
        *,
        data: BatchData | None = None,
        start: NDArray[np.float64] | None = None,
        certify: bool = True,
        second_modes: bool = True,
        slopes: bool = True,
    ) -> ConditionalFits:
        """Minimise rows that hold parameters `held`, shape (rows, n), at `values`.

        Parameters
        ----------
        start : float array, shape (rows, n_parameters), optional
            Where rows start instead of where the covariance predicts.
        data : BatchData, optional
            One data set per row, or one for all; that of the free fit if left out.
        certify : bool
            Take a last Newton step with each row's own Hessian, which has to be positive definite.
            Without it the metric of the free fit estimates the distance to the minimum.
        second_modes : bool
            Look for a second mode of each row where the model can have one and the options allow
            it.
        slopes : bool
            Whether `ConditionalFits.slope` is wanted, which costs a gradient per row; else it is
            NaN.
        """
        rows, data = len(held), self.data if data is None else data
        if not rows:
            fits = no_fits(len(self.x), variances=False)
            return ConditionalFits(fits, np.zeros(held.shape), 0)
        size = max(_BLOCK // (max(held.shape[1], 1) * len(self.x)), 1)
        parts = []
        for first in range(0, rows, size):
            block = slice(first, first + size)
            part = None if data is None else data.of_rows(block)
            begin = None if start is None else start[block]
            solved = self._block(
                held[block], values[block], part, begin, certify, second_modes, slopes
            )
            parts.append(solved)
        return ConditionalFits.joined(parts)

    def _block(
        self,
        held: NDArray[np.intp],
        values: NDArray[np.float64],
        data: BatchData | None,
        start: NDArray[np.float64] | None,
        certify: bool,  # noqa: FBT001  internal
        second_modes: bool,  # noqa: FBT001  internal
        slopes: bool,  # noqa: FBT001  internal
    ) -> ConditionalFits:
        request = self.request.holding(held, values)
        condition = predicted = None
        if self.metric is not None and self.metric.inverse is not None:
            predicted, condition = self._predict(self.metric, held, values)
        fits, n_newton = self._from(start, predicted, request, data, condition, certify)
        n_newton += self._again(fits, request, data)
        compiled = self.target.compiled
        if second_modes and self.options.second_modes and compiled and len(compiled.bent):
            if start is not None and predicted is not None:
                other, more = self._from(predicted, None, request, data, condition, certify)
                fits.take_lower(other)
                n_newton += more
            for neighbours in _neighbours(held, values, fits.values):
                other, more = self._from(neighbours, None, request, data, condition, certify)
                fits.take_lower(other)
                n_newton += more
            self._other_modes(fits, request, data)
        slope = self._slope(fits, request, data, held) if slopes else np.full(held.shape, np.nan)
        return ConditionalFits(fits, slope, n_newton)

    def _from(
        self,
        start: NDArray[np.float64] | None,
        otherwise: NDArray[np.float64] | None,
        request: Request,
        data: BatchData | None,
        condition: NDArray[np.float64] | None,
        certify: bool,  # noqa: FBT001  internal
    ) -> tuple[BatchFit, int]:
        """Minimise from `start`, or `otherwise`, or the free fit."""
        begin = otherwise if start is None else start
        if begin is None:
            begin = np.broadcast_to(self.x, request.start.shape)
        inside = np.clip(begin, request.lower, request.upper)
        return minimise_rows(
            self.target,
            replace(request, start=np.where(request.fixed, request.start, inside)),
            data,
            self.metric,
            self.options,
            condition=condition,
            certify=certify,
        )

    def _again(self, fits: BatchFit, request: Request, data: BatchData | None) -> int:
        """Fit rows that failed again, from the free minimum; returns how many these were.

        Predictions may lie far out where no step leads back, above all those for values that are
        far away.
        """
        failed = np.flatnonzero(fits.status != Status.EDM).tolist()
        for row in failed:
            own, part = request.row(row), None if data is None else data.of_row(row)
            inside = np.where(own.fixed, own.start, np.clip(self.x, own.lower, own.upper))
            other = one_row(self.target, replace(own, start=inside), part, 0, self.options)
            if other.status[0] == Status.EDM:
                fits.replace(row, other)
        return len(failed)

    def _predict(
        self, metric: SharedMetric, held: NDArray[np.intp], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where each row starts, and what conditions its metric (see `MetricDirection`)."""
        names, position = np.unique(held, return_inverse=True)
        columns = metric.columns(names)[position.reshape(held.shape)]
        corner = np.take_along_axis(columns, held[:, None, :], axis=2)
        lower = np.linalg.cholesky(0.5 * (corner + corner.transpose(0, 2, 1)))
        condition = np.linalg.solve(lower, columns)
        move = np.linalg.solve(lower, (values - self.x[held])[:, :, None])
        return self.x + (condition.transpose(0, 2, 1) @ move)[:, :, 0], condition

    def _other_modes(self, fits: BatchFit, request: Request, data: BatchData | None) -> None:
        """Fit again from what might lead to a lower mode, one by one."""
        once = replace(self.options, second_modes=False)
        for row in range(len(fits.nll)):
            found = replace(request.row(row), start=fits.values[row])
            part = None if data is None else data.of_row(row)
            for start in self._starts(found, part):
                inside = np.where(
                    found.fixed, found.start, np.clip(start, found.lower, found.upper)
                )
                other = minimise_one(self.target, replace(found, start=inside), part, once)
                if other.converged and other.value + other.constant < fits.nll[row]:
                    fits.replace(row, BatchFit.of(self.target, other.minima, other.constant))

    def _starts(self, found: Request, data: BatchData | None) -> list[NDArray[np.float64]]:
        """Where a second mode of one row may be: other modes of the free fit, and a look around."""
        target = self.target
        assert isinstance(target, HistFactoryTarget)
        rivals = [np.array(target.backend.to_numpy(rival.x)[0]) for rival in self.free.rivals]
        problem, _ = target.problem(1, found, data)
        minima = known_minimum(problem)
        with target.backend.errstate():
            hessian = hessian_at(problem, minima)
        value = float(minima.value[0])
        return rivals + second_mode_starts(target, found, data, found.start, value, hessian)

    def _slope(
        self,
        fits: BatchFit,
        request: Request,
        data: BatchData | None,
        held: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Gradients at the solutions, of the held parameters."""
        slope = np.full(held.shape, np.nan)
        if fits.slope is not None:
            slope = np.take_along_axis(fits.slope, held, axis=1)
        unknown = np.flatnonzero(np.isnan(slope).any(axis=1))
        if len(unknown):
            backend = self.target.backend
            problem, _ = self.target.problem(len(held), request, data)
            x = backend.asarray(fits.values[unknown])
            point = problem.objective.evaluate(x, backend.indices(unknown), 1)
            gradient = backend.to_numpy(point.gradient)
            slope[unknown] = np.take_along_axis(gradient, held[unknown], axis=1)
        return slope


def _neighbours(
    held: NDArray[np.intp], values: NDArray[np.float64], solved: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Solutions of the rows with the next lower and the next higher value of the held parameter.

    A mode that one row found may be the lowest one of its neighbour, too.
    """
    if held.shape != (len(solved), 1) or len(solved) < 2 or len(set(held[:, 0].tolist())) > 1:
        return []
    order = np.argsort(values[:, 0], kind="stable")
    place = np.argsort(order, kind="stable")
    last = len(order) - 1
    return [solved[order[np.clip(place + step, 0, last)]] for step in (-1, 1)]
