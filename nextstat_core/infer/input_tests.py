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
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.conditional import Conditional
from nextstat_core.infer.minimise_rows import minimise_rows
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.poi import lifted, poi_of
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import BatchFit
from nextstat_core.infer.statistics import statistic_of
from nextstat_core.infer.target import BatchData, histfactory_target
from nextstat_core.models import ModelInputs
from nextstat_core.optimize import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.infer.target import HistFactoryTarget
    from nextstat_core.models import InputRows

__all__ = ["InputTest", "InputTests", "TestedRows"]

# The error of a gradient is of first order in the distance to the minimum: 1e-7 here.
_TOLERANCE = 1e-13


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
    """

    q: NDArray[np.float64]
    likelihood_ratio: NDArray[np.float64]
    mu_hat: NDArray[np.float64]
    cut: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    free: NDArray[np.float64]
    held: NDArray[np.float64]
    mu: NDArray[np.float64]


class InputTest:
    """Rows of one evaluation: their data, their fits, and gradients with respect to their inputs.

    Attributes
    ----------
    tested : TestedRows
    inputs : ModelInputs
        Of the model that was fitted.
    rows : InputRows
    data : BatchData
    """

    def __init__(
        self,
        tested: TestedRows,
        inputs: ModelInputs,
        rows: InputRows,
        data: BatchData,
        asimov_at: NDArray[np.float64] | None,
    ) -> None:
        self.tested, self.inputs, self.rows, self.data = tested, inputs, rows, data
        self._asimov_at = asimov_at

    def gradient(self) -> NDArray[np.float64]:
        """Gradient of the likelihood ratio with respect to the inputs, shape (rows, size)."""
        tested = self.tested
        ends = [self._at_fixed_data(x) for x in (tested.held, tested.free)]
        found = 2.0 * (ends[0] - ends[1])
        if self._asimov_at is None:
            return found
        return found + self._through_data(self._asimov_at)

    def _at_fixed_data(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        data = self.data
        count = None if self._asimov_at is None else data.count
        center = None if self._asimov_at is None else data.center
        return self.inputs.gradient(theta, self.rows, main=data.main, center=center, count=count)

    def _through_data(self, asimov_at: NDArray[np.float64]) -> NDArray[np.float64]:
        """What moves because the Asimov data move with the inputs."""
        compiled = self.inputs.model.on_host
        layout, tested = compiled.layout, self.tested
        rates = [_expected(self.inputs, x, self.rows) for x in (tested.held, tested.free)]
        floor = compiled.backend.to_numpy(compiled.to_main(compiled.floor)).T
        weights = -2.0 * (np.log(np.maximum(rates[0], floor)) - np.log(np.maximum(rates[1], floor)))
        gamma = [np.maximum(x[:, layout.poisson], 1e-11) for x in (tested.held, tested.free)]
        # A count a = tau gamma_A enters as -a log(gamma tau).
        counts = -2.0 * (np.log(gamma[0]) - np.log(gamma[1])) * asimov_at[:, layout.poisson]
        return self.inputs.pull_back(asimov_at, weights, self.rows, counts=counts)


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
        self.options = replace(options, tolerance=min(options.tolerance, _TOLERANCE))
        target = histfactory_target(inputs.model, "tests with gradients")
        poi_of(target, make_request(target), "a hypothesis test")
        self._by_rows = all(entry.kind in ("nominal", "data") for entry in inputs.entries)

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
        inputs, given = self.inputs, vectors
        if not self._by_rows:
            if len(vectors) != 1:
                raise InputError("rows share templates and variances; expected one set of inputs")
            inputs = _of_model(self.inputs, vectors[0])
            given = inputs.values[None, :]
        rows = inputs.row_inputs(np.repeat(given, count, axis=0) if len(given) < count else given)
        tested = np.broadcast_to(np.asarray(mu, dtype=float), (count,))
        target = histfactory_target(inputs.model, "tests with gradients")
        request = self._request(target, tested)
        asimov_at = self._asimov_point(request, target, count)
        data = _data(inputs, rows, asimov_at)
        return InputTest(
            self._fit(target, request, rows, data, tested), inputs, rows, data, asimov_at
        )

    def _request(self, target: HistFactoryTarget, mu: NDArray[np.float64]) -> Request:
        assert target.poi is not None
        request = self.statistic.request(target, make_request(target), target.poi)
        return lifted(request, target.poi, float(np.max(mu)))

    def _asimov_point(
        self, request: Request, target: HistFactoryTarget, rows: int
    ) -> NDArray[np.float64] | None:
        if self.asimov_poi is None:
            return None
        point = np.array(make_request(target).start)
        point[target.poi] = self.asimov_poi
        return np.repeat(point[None, :], rows, axis=0)

    def _fit(
        self,
        target: HistFactoryTarget,
        request: Request,
        rows: InputRows,
        data: BatchData,
        mu: NDArray[np.float64],
    ) -> TestedRows:
        poi = target.poi
        assert poi is not None
        fixed = request.fixed[None, :] | rows.idle
        start = np.where(rows.idle, 1.0, request.start[None, :])
        first = replace(request, fixed=fixed[0], start=start[0])
        around = Conditional.around_fit(target, first, data.of_row(0), self.options)
        if len(mu) == 1:
            free = BatchFit.of(target, around.free.minima, around.free.constant)
        else:
            free = self._free(target, request, fixed, data, around)
        x = np.where(np.isfinite(free.values), free.values, around.x)
        around.request = replace(request, fixed=fixed, start=np.where(rows.idle, 1.0, x))
        begin = x + _moves(around, poi, mu - x[:, poi])
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
        return TestedRows(
            np.where(cut, 0.0, ratio), ratio, mu_hat, cut, converged,
            free.values, held.fits.values, np.array(mu),
        )  # fmt: skip

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


def _of_model(inputs: ModelInputs, vector: NDArray[np.float64]) -> ModelInputs:
    """The same inputs of the model written again."""
    return ModelInputs(inputs.changed(vector), [entry.key for entry in inputs.entries])


def _data(inputs: ModelInputs, rows: InputRows, asimov_at: NDArray[np.float64] | None) -> BatchData:
    if asimov_at is None:
        return BatchData(rows.main, None, rows.count, rows.yields, rows.width, rows.factor)
    layout = inputs.model.compiled.layout
    return BatchData(
        np.maximum(_expected(inputs, asimov_at, rows), 0.0),
        asimov_at[:, layout.gaussian],
        rows.factor * asimov_at[:, layout.poisson],
        rows.yields,
        rows.width,
        rows.factor,
    )


def _expected(
    inputs: ModelInputs, theta: NDArray[np.float64], rows: InputRows
) -> NDArray[np.float64]:
    """Expected main data of rows, (rows, n_main)."""
    compiled = inputs.model.on_host
    backend = compiled.backend
    nominal = backend.asarray(np.ascontiguousarray(rows.yields.T))
    with backend.errstate():
        rates = compiled.kernel.forward(backend.asarray(theta.T), 0, nominal=nominal)
    return backend.to_numpy(compiled.to_main(rates.rate)).T


def _moves(around: Conditional, poi: int, distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """How all parameters move with the parameter of interest, in first order."""
    metric = around.metric
    if metric is None or metric.inverse is None:
        unit = np.zeros(len(around.x))
        unit[poi] = 1.0
        return distance[:, None] * unit
    column = metric.columns(np.asarray([poi]))[0]
    return distance[:, None] * column / column[poi]
