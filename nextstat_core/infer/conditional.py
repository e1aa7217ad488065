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

from nextstat_core.infer.fit import Fitted, hessian_at, minimise_one
from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.minimise_rows import minimise_rows
from nextstat_core.infer.row_fits import BatchFit, no_fits
from nextstat_core.infer.target import HistFactoryTarget
from nextstat_core.optimize import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, Target

__all__ = ["Conditional", "ConditionalFits"]

# Numbers that the columns of the metric for one block of rows may take: 32 MB.
_BLOCK = 2**22


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
    ) -> None:
        self.target, self.request, self.options = target, request, options
        self.free, self.data = free, data
        self.x: NDArray[np.float64] = np.array(target.backend.to_numpy(free.minima.x)[0])
        self.metric: SharedMetric | None = None
        if isinstance(target, HistFactoryTarget):
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

    def _metric(self, target: HistFactoryTarget) -> SharedMetric:
        here = replace(self.request, start=self.x)
        with target.backend.errstate():
            hessian = hessian_at(self.free.problem, self.free.minima)
        if target.host is not target:
            hessian = hessian.on(target.host.backend, target.backend)
        metric = SharedMetric(target, here, hessian)
        return metric if metric.inverse is not None else SharedMetric(target, here)

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
        certify: bool = True,
        second_modes: bool = True,
    ) -> ConditionalFits:
        """Minimise rows that hold parameters `held`, shape (rows, n), at `values`.

        Parameters
        ----------
        data : BatchData, optional
            One data set per row, or one for all; that of the free fit if left out.
        certify : bool
            Take a last Newton step with each row's own Hessian, which has to be positive definite.
            Without it the metric of the free fit estimates the distance to the minimum.
        second_modes : bool
            Look for a second mode of each row where the model can have one and the options allow
            it.
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
            parts.append(self._block(held[block], values[block], part, certify, second_modes))
        return ConditionalFits.joined(parts)

    def _block(
        self,
        held: NDArray[np.intp],
        values: NDArray[np.float64],
        data: BatchData | None,
        certify: bool,  # noqa: FBT001  internal
        second_modes: bool,  # noqa: FBT001  internal
    ) -> ConditionalFits:
        request = self.request.holding(held, values)
        condition = None
        if self.metric is not None and self.metric.inverse is not None:
            start, condition = self._predict(self.metric, held, values)
            inside = np.clip(start, request.lower, request.upper)
            request = replace(request, start=np.where(request.fixed, request.start, inside))
        fits, n_newton = minimise_rows(
            self.target,
            request,
            data,
            self.metric,
            self.options,
            condition=condition,
            certify=certify,
        )
        compiled = self.target.compiled
        if second_modes and self.options.second_modes and compiled and len(compiled.bent):
            self._other_modes(fits, request, data)
        return ConditionalFits(fits, self._slope(fits, request, data, held), n_newton)

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
        """Fit again, one by one, from second modes and from those of the free fit."""
        for row in range(len(fits.nll)):
            part = None if data is None else data.of_row(row)
            found = replace(request.row(row), start=fits.values[row])
            best = minimise_one(self.target, found, part, self.options)
            for rival in self.free.rivals:
                start = np.array(self.target.backend.to_numpy(rival.x)[0])
                start = np.where(found.fixed, found.start, np.clip(start, found.lower, found.upper))
                other = minimise_one(
                    self.target,
                    replace(found, start=start),
                    part,
                    replace(self.options, second_modes=False),
                )
                best = best.against(other)
            if best.converged and best.value + best.constant < fits.nll[row]:
                fits.replace(row, BatchFit.of(self.target, best.minima, best.constant))

    def _slope(
        self,
        fits: BatchFit,
        request: Request,
        data: BatchData | None,
        held: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Gradients at the solutions, of the held parameters."""
        backend = self.target.backend
        problem, _ = self.target.problem(len(held), request, data)
        rows = backend.indices(np.arange(len(held)))
        point = problem.objective.evaluate(backend.asarray(fits.values), rows, 1)
        return np.take_along_axis(backend.to_numpy(point.gradient), held, axis=1)
