r"""Tests of models whose numbers differ from row to row, with gradients with respect to them.

All rows are minimised together. At the minima the likelihood does not change with the parameters,
so only what the inputs x do to it directly counts (envelope theorem):

.. math::

    \frac{dq}{dx} = 2 \Big[ \frac{\partial L}{\partial x}(\mu, \hat\eta_\mu)
                          - \frac{\partial L}{\partial x}(\hat\theta) \Big]

Where data follow the inputs, as Asimov data do, :math:`\partial L / \partial n \cdot dn / dx` is
part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.conditional import Conditional
from nextstat_core.infer.input_fits import along_poi, by_rows, of_model, rows_of
from nextstat_core.infer.input_rows import RowLikelihood
from nextstat_core.infer.minimise_rows import minimise_rows
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.poi import lifted, poi_of
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import BatchFit
from nextstat_core.infer.statistics import statistic_of
from nextstat_core.infer.target import histfactory_target
from nextstat_core.optimize import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.infer.target import BatchData, HistFactoryTarget
    from nextstat_core.models import ModelInputs

__all__ = ["InputTest", "InputTests", "TestedRows"]

# The error of a gradient is of first order in the distance to the minimum: at most 1e-7 here.
_TOLERANCE = 1e-13
# Largest relative change of an input in differences of exact gradients.
_STEP = 5e-3


@dataclass(frozen=True, slots=True)
class TestedRows:
    """Tests of rows.

    Attributes
    ----------
    q, mu_hat : float arrays, shape (rows,)
        Test statistic, 0 where `cut`; best fit of the parameter of interest.
    likelihood_ratio : float array, shape (rows,)
        What `q` is before it is cut: the likelihood ratio, never below 0.
    cut, converged : bool arrays, shape (rows,)
        Whether the best fit lies on the side that does not count; whether both fits converged.
    free, held : float arrays, shape (rows, n_params)
        The minima, and those with the parameter of interest at `mu`.
    mu : float array, shape (rows,)
    n_fev, n_gev, n_hev : int arrays, shape (rows,)
        Evaluations of objective, gradient and exact Hessian in both fits of a row.
    """

    q: NDArray[np.float64]
    likelihood_ratio: NDArray[np.float64]
    mu_hat: NDArray[np.float64]
    cut: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    free: NDArray[np.float64]
    held: NDArray[np.float64]
    mu: NDArray[np.float64]
    n_fev: NDArray[np.int64]
    n_gev: NDArray[np.int64]
    n_hev: NDArray[np.int64]


class InputTest:
    """Rows of one evaluation, and gradients with respect to their inputs.

    Attributes
    ----------
    tested : TestedRows
    likelihood : RowLikelihood
        What was minimised.
    vectors : float array, shape (rows, size)
        Inputs of the rows.
    """

    def __init__(
        self,
        tested: TestedRows,
        likelihood: RowLikelihood,
        vectors: NDArray[np.float64],
        request: Request,
    ) -> None:
        self.tested, self.likelihood, self.vectors = tested, likelihood, vectors
        self._request = request

    def gradient(self) -> NDArray[np.float64]:
        """Gradient of the likelihood ratio with respect to the inputs, shape (rows, size)."""
        tested, by_inputs = self.tested, self.likelihood.by_inputs
        return 2.0 * (by_inputs(tested.held) - by_inputs(tested.free))

    def gradient_along(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Second derivatives of the likelihood ratio times a direction, shape (rows, size).

        Both minima move along the direction too, by one linear solve each. Exact, but for central
        differences of fourth order of exact gradients; not where parameters reach or leave bounds.

        Parameters
        ----------
        direction : float array, shape (rows, size)
        """
        held, free = self._request.fixed.copy(), self._request.fixed
        held[..., self._poi] = True
        ends = [
            self._along(direction, x, fixed)
            for x, fixed in ((self.tested.held, held), (self.tested.free, free))
        ]
        return 2.0 * (ends[0] - ends[1])

    def _along(
        self, direction: NDArray[np.float64], x: NDArray[np.float64], fixed: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """How the gradient of a minimum moves: directly, and with the minimum."""
        request = self._request
        free = self.likelihood.free_set(x, request.lower, request.upper, fixed)
        scale = np.where(self.vectors == 0.0, np.inf, np.abs(self.vectors))
        largest = np.max(np.abs(direction) / scale, axis=1, keepdims=True)
        step = _STEP / np.where(largest > 0.0, largest, 1.0)
        near, far = (
            [self._at(self.vectors + k * sign * step * direction) for sign in (1.0, -1.0)]
            for k in (1, 2)
        )

        def difference(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
            return (8.0 * (values[0] - values[1]) - (values[2] - values[3])) / (12.0 * step)

        mixed = difference([each.slope(x) for each in (*near, *far)])
        move = -self.likelihood.solve(x, free, np.where(free, mixed, 0.0))
        ends = zip((*near, *far), (1.0, -1.0, 2.0, -2.0), strict=True)
        return difference([each.by_inputs(x + k * step * move) for each, k in ends])

    def _at(self, vectors: NDArray[np.float64]) -> RowLikelihood:
        """The likelihood of rows with other inputs."""
        inputs, point = self.likelihood.inputs, self.likelihood.point
        if not by_rows(inputs):
            inputs = of_model(inputs, vectors[0])
            vectors = np.repeat(inputs.values[None, :], len(vectors), axis=0)
        return RowLikelihood(inputs, inputs.row_inputs(vectors), point)

    def sigma_mu(self) -> NDArray[np.float64]:
        """Standard deviation of the best fit of the parameter of interest, shape (rows,).

        NaN where it is at a bound, or the Hessian is not positive definite.
        """
        _, column = self._uncertainty
        return np.sqrt(column[:, self._poi])

    def gradient_of_mu_hat(self) -> NDArray[np.float64]:
        """Gradient of the best fit of the parameter of interest, shape (rows, size).

        Zero where it is at a bound.
        """
        likelihood, free, unit = self.likelihood, self._uncertainty[0], self._unit()
        return likelihood.through_minimum(self.tested.free, free, unit)

    def gradient_of_sigma_mu(self) -> NDArray[np.float64]:
        r"""Gradient of `sigma_mu`, shape (rows, size).

        With :math:`v = H^{-1} e_\mu` the variance changes by minus the change of
        :math:`\varphi = v^T H v` at fixed v: directly, and as the minimum moves. Both are second
        derivatives of exact gradients along v.
        """
        likelihood, x = self.likelihood, self.tested.free
        free, column = self._uncertainty
        direct = likelihood.along(likelihood.by_inputs, x, column, order=2)
        by_parameters = likelihood.along(likelihood.slope, x, column, order=2)
        moved = likelihood.through_minimum(x, free, by_parameters)
        return -(direct + moved) / (2.0 * self.sigma_mu()[:, None])

    @cached_property
    def _uncertainty(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Free parameters at the best fit, and the column of the covariance of mu."""
        x, request = self.tested.free, self._request
        free = self.likelihood.free_set(x, request.lower, request.upper, request.fixed)
        column = self.likelihood.solve(x, free, self._unit())
        column[~free[:, self._poi]] = np.nan
        return free, column

    @property
    def _poi(self) -> int:
        poi = self.likelihood.inputs.model.poi_index()
        assert poi is not None
        return poi

    def _unit(self) -> NDArray[np.float64]:
        unit = np.zeros_like(self.tested.free)
        unit[:, self._poi] = 1.0
        return unit


class InputTests:
    """Tests of one model with inputs that change.

    Parameters
    ----------
    inputs : ModelInputs
    test_stat : {"qtilde", "q", "q0", "t", "ttilde"}
        See `nextstat_core.infer.hypotest`.
    data : {"observed", "asimov"}
        The model's observed counts, or what rows expect at the start values of all parameters with
        the signal `asimov_poi`; these move with the inputs.
    asimov_poi : float, optional
        By default that of the statistic: 1 for q0, 0 for the others.
    options : FitOptions, optional
        Its tolerance is at most 1e-13.

    Raises
    ------
    MissingPOIError
        If the model has no parameter of interest.
    """

    def __init__(
        self,
        inputs: ModelInputs,
        *,
        test_stat: TestStatistic = "q0",
        data: Literal["observed", "asimov"] = "observed",
        asimov_poi: float | None = None,
        options: FitOptions | None = None,
    ) -> None:
        if data not in ("observed", "asimov"):
            raise InputError.unknown("`data`", data, ["observed", "asimov"])
        self.inputs = inputs
        self.statistic = statistic_of(test_stat)
        self.asimov_poi: float | None = None
        if data == "asimov":
            self.asimov_poi = self.statistic.asimov_poi if asimov_poi is None else asimov_poi
        options = options or FitOptions(second_modes=False)
        tolerance = min(options.tolerance, _TOLERANCE)
        # Polishing costs gradients, and spares most rows another exact Hessian.
        self.options = replace(options, tolerance=tolerance, polish_rows=True)
        target = histfactory_target(inputs.model, "tests with gradients")
        poi_of(target, make_request(target), "a hypothesis test")

    def at(self, vectors: NDArray[np.float64], mu: NDArray[np.float64]) -> InputTest:
        """Test rows.

        Parameters
        ----------
        vectors : float array, shape (1 or rows, size)
            Inputs; one set for all rows where templates or variances are among them.
        mu : float array, shape (1 or rows,)
            Tested values.
        """
        count = max(len(vectors), len(mu))
        inputs, given = rows_of(self.inputs, vectors, count)
        rows = inputs.row_inputs(given)
        tested = np.broadcast_to(np.asarray(mu, dtype=float), (count,))
        target = histfactory_target(inputs.model, "tests with gradients")
        point = self._asimov_point(target, count)
        start = self._own.x if point is None else point[0]
        request = _starting(self._request(target, tested), start)
        likelihood = RowLikelihood(inputs, rows, point)
        return self._fit(target, request, likelihood, given, tested)

    @cached_property
    def _own(self) -> Conditional:
        """The fit at the model's own numbers: a start that is near, and always the same."""
        inputs = self.inputs
        target = histfactory_target(inputs.model, "tests with gradients")
        data = RowLikelihood(inputs, inputs.row_inputs(inputs.values[None, :])).data
        request = self._request(target, np.zeros(1))
        return Conditional.around_fit(target, request, data, self.options)

    def _request(self, target: HistFactoryTarget, mu: NDArray[np.float64]) -> Request:
        assert target.poi is not None
        request = self.statistic.request(target, make_request(target), target.poi)
        return lifted(request, target.poi, float(np.max(mu)))

    def _asimov_point(self, target: HistFactoryTarget, rows: int) -> NDArray[np.float64] | None:
        if self.asimov_poi is None:
            return None
        point = np.array(make_request(target).start)
        point[target.poi] = self.asimov_poi
        return np.repeat(point[None, :], rows, axis=0)

    def _fit(
        self,
        target: HistFactoryTarget,
        request: Request,
        likelihood: RowLikelihood,
        vectors: NDArray[np.float64],
        mu: NDArray[np.float64],
    ) -> InputTest:
        rows, data = likelihood.rows, likelihood.data
        poi = target.poi
        assert poi is not None
        fixed = request.fixed[None, :] | rows.idle
        start = np.where(rows.idle, 1.0, request.start[None, :])
        first = replace(request, fixed=fixed[0], start=start[0])
        # Rows of the same model share the metric of its own numbers, which spares exact Hessians.
        shared = self.asimov_poi is None and likelihood.inputs is self.inputs
        if shared:
            own = self._own
            around = Conditional(target, first, own.free, data.of_row(0), self.options, own.metric)
        else:
            around = Conditional.around_fit(target, first, data.of_row(0), self.options)
        if len(mu) == 1 and not shared:
            free = BatchFit.of(target, around.free.minima, around.free.constant)
        else:
            free = self._free(target, request, fixed, data, around)
        x = np.where(np.isfinite(free.values), free.values, around.x)
        around.request = replace(request, fixed=fixed, start=np.where(rows.idle, 1.0, x))
        begin = x + (mu - x[:, poi])[:, None] * along_poi(around, poi)
        held = around.fit(
            np.full((len(mu), 1), poi), mu[:, None], data=data, start=begin,
            second_modes=False, slopes=False,
        )  # fmt: skip
        ratio = np.maximum(2.0 * (held.fits.nll - free.nll), 0.0)
        mu_hat = free.values[:, poi]
        cut = np.asarray(
            [self.statistic.is_cut(best, value) for best, value in zip(mu_hat, mu, strict=True)]
        )
        converged = (free.status == Status.EDM) & held.converged
        tested = TestedRows(
            np.where(cut, 0.0, ratio),
            ratio,
            mu_hat,
            cut,
            converged,
            free.values,
            held.fits.values,
            np.array(mu),
            free.n_fev + held.fits.n_fev,
            free.n_gev + held.fits.n_gev,
            free.n_hev + held.fits.n_hev,
        )
        return InputTest(tested, likelihood, vectors, around.request)

    def _free(
        self,
        target: HistFactoryTarget,
        request: Request,
        fixed: NDArray[np.bool_],
        data: BatchData,
        around: Conditional,
    ) -> BatchFit:
        shape = fixed.shape
        start = np.where(fixed, request.start[None, :], around.x[None, :])
        every = replace(
            request,
            start=np.where(fixed & ~request.fixed[None, :], 1.0, start),
            lower=np.broadcast_to(request.lower, shape),
            upper=np.broadcast_to(request.upper, shape),
            fixed=fixed,
        )
        return minimise_rows(target, every, data, around.metric, self.options)[0]


def _starting(request: Request, start: NDArray[np.float64]) -> Request:
    """The request from another start, where parameters are free and it is a number."""
    usable = ~request.fixed & np.isfinite(start)
    inside = np.clip(start, request.lower, request.upper)
    return replace(request, start=np.where(usable, inside, request.start))
