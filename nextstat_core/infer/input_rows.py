r"""The likelihood of rows that differ in their inputs, as a function of parameters and inputs.

What Asimov data add: they are expected at a point :math:`\theta_A` and move with the inputs x and
with that point, :math:`d = d(x, \theta_A)`. Derivatives here are total ones, up to terms that do
not depend on the parameters at which the likelihood is evaluated; these cancel in every difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.target import BatchData

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.likelihood import Evaluation, Observations
    from nextstat_core.models import InputRows, ModelInputs

__all__ = ["RowLikelihood"]

# Length of the steps of differences, in standard deviations along the direction.
_STEP = 0.02
_LOWEST_GAMMA = 1e-11


class RowLikelihood:
    """``-log L`` of rows.

    Parameters
    ----------
    inputs : ModelInputs
    rows : InputRows
        The numbers of each row.
    point : float array, shape (rows, n_params), optional
        Where the Asimov data are expected that rows have; the counts of `rows` if left out.
    """

    def __init__(
        self, inputs: ModelInputs, rows: InputRows, point: NDArray[np.float64] | None = None
    ) -> None:
        self.inputs, self.rows, self.point = inputs, rows, point
        self._compiled = inputs.model.on_host
        self.data = self._own_data() if point is None else self._asimov(point)

    def _own_data(self) -> BatchData:
        rows = self.rows
        return BatchData(rows.main, None, rows.count, rows.yields, rows.width, rows.factor)

    def _asimov(self, point: NDArray[np.float64]) -> BatchData:
        layout, rows = self._compiled.layout, self.rows
        return BatchData(
            np.maximum(self.expected(point), 0.0),
            point[:, layout.gaussian],
            rows.factor * point[:, layout.poisson],
            rows.yields,
            rows.width,
            rows.factor,
        )

    def expected(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected main data, (rows, n_main)."""
        compiled, backend = self._compiled, self._compiled.backend
        with backend.errstate():
            rates = compiled.kernel.forward(_columns(theta), 0, nominal=_columns(self.rows.yields))
        return backend.to_numpy(compiled.to_main(rates.rate)).T

    # -- derivatives in the parameters -----------------------------------------------------------

    def slope(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gradients in the parameters, (rows, n_params)."""
        at, _ = self._evaluate(theta, 1)
        return self._compiled.backend.to_numpy(at.gradient).T

    def hessian(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Second derivatives in the parameters, (rows, n_params, n_params)."""
        at, observed = self._evaluate(theta, 2)
        backend = self._compiled.backend
        return backend.to_numpy(self._compiled.hessian(at, observed).full(backend))

    def _evaluate(self, theta: NDArray[np.float64], order: int) -> tuple[Evaluation, Observations]:
        compiled, data, layout = self._compiled, self.data, self._compiled.layout
        center = layout.center[None, :] if data.center is None else data.center
        parts = (center, data.count, data.width, data.factor)
        center_t, count, width, factor = (None if a is None else _columns(a) for a in parts)
        observed = compiled.observe(
            _columns(data.main), center=center_t, aux_count=count, width=width, aux_factor=factor
        )
        nominal = _columns(self.rows.yields)
        return compiled.evaluate(_columns(theta), observed, order, nominal=nominal), observed

    # -- derivatives in the inputs and in the point of Asimov data --------------------------------

    def by_inputs(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives in the inputs at fixed parameters, (rows, size)."""
        data = self.data
        if self.point is None:
            return self.inputs.gradient(theta, self.rows, main=data.main)
        found = self.inputs.gradient(
            theta, self.rows, main=data.main, center=data.center, count=data.count
        )
        for entry, where in zip(self.inputs.entries, self.inputs.slices, strict=True):
            if entry.kind == "data":  # Asimov data stand in for them
                found[:, where] = 0.0
        # A count a = tau gamma_A enters as -a log(gamma tau).
        index = self._compiled.layout.poisson
        counts = -self._log_gamma(theta) * self.point[:, index]
        return found + self.inputs.pull_back(
            self.point, -self._log_rate(theta), self.rows, counts=counts
        )

    def by_point(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives in the point of the Asimov data, at fixed parameters, (rows, n_params)."""
        assert self.point is not None
        compiled, backend, layout = self._compiled, self._compiled.backend, self._compiled.layout
        weights = _columns(-self._log_rate(theta)[:, compiled.plan.bin_order])
        width = layout.width if self.rows.width is None else self.rows.width
        pull = (theta - self.point)[:, layout.gaussian] / width**2
        counts = -self._log_gamma(theta) * self.rows.factor
        with backend.errstate():
            rates = compiled.kernel.forward(
                _columns(self.point), 1, nominal=_columns(self.rows.yields)
            )
            auxiliary = np.concatenate([-pull, counts], axis=1)
            found = compiled.kernel.gradient(rates, weights, _columns(auxiliary))
        return backend.to_numpy(found).T

    def _log_rate(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        compiled = self._compiled
        floor = compiled.backend.to_numpy(compiled.to_main(compiled.floor)).T
        return np.log(np.maximum(self.expected(theta), floor))

    def _log_gamma(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(np.maximum(theta[:, self._compiled.layout.poisson], _LOWEST_GAMMA))

    # -- minima -----------------------------------------------------------------------------------

    def free_set(
        self,
        theta: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        fixed: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Parameters that are neither fixed nor pressed against a bound, (rows, n_params)."""
        slope = self.slope(theta)
        near = 1e-10 * np.maximum(upper - lower, 1.0)
        pressed = ((theta <= lower + near) & (slope > 0.0)) | (
            (theta >= upper - near) & (slope < 0.0)
        )
        return ~(fixed | pressed)

    def solve(
        self,
        theta: NDArray[np.float64],
        free: NDArray[np.bool_],
        rhs: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Solve with the Hessian on the free parameters; zero for the others. (rows, n_params).

        Rows whose Hessian is not positive definite there are NaN.
        """
        hessian = self.hessian(theta)
        found = np.zeros_like(rhs)
        for row in range(len(rhs)):
            index = np.flatnonzero(free[row])
            matrix = hessian[row][np.ix_(index, index)]
            try:
                lower = np.linalg.cholesky(0.5 * (matrix + matrix.T))
            except np.linalg.LinAlgError:
                found[row] = np.nan
                continue
            half = np.linalg.solve(lower, rhs[row, index])
            found[row, index] = np.linalg.solve(lower.T, half)
        return found

    def through_minimum(
        self,
        theta: NDArray[np.float64],
        free: NDArray[np.bool_],
        cotangent: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Pull a cotangent of the minimum `theta` back to the inputs, (rows, size).

        The minimum moves by :math:`-H^{-1} X` with the mixed derivatives X; one solve gives v, and
        :math:`v^T X` is the derivative of `by_inputs` along v.
        """
        direction = self.solve(theta, free, np.where(free, cotangent, 0.0))
        return -self.along(self.by_inputs, theta, direction)

    def along(
        self,
        function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        theta: NDArray[np.float64],
        direction: NDArray[np.float64],
        *,
        order: int = 1,
    ) -> NDArray[np.float64]:
        """First or second derivative of an exact gradient along a direction per row.

        Central differences of fourth order; the step is a fiftieth of a standard deviation.
        """
        bend = np.einsum("tp,tpq,tq->t", direction, self.hessian(theta), direction)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(bend > 0.0, _STEP / np.sqrt(bend), 1.0)[:, None]
        near, far = (
            [function(theta + k * sign * step * direction) for sign in (1.0, -1.0)] for k in (1, 2)
        )
        if order == 1:
            return (8.0 * (near[0] - near[1]) - (far[0] - far[1])) / (12.0 * step)
        middle = function(theta)
        total = 16.0 * (near[0] + near[1]) - (far[0] + far[1]) - 30.0 * middle
        return total / (12.0 * step * step)


def _columns(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows as columns, as the likelihood takes them."""
    return np.ascontiguousarray(x.T)
