"""Any model of the general contract as an objective of the optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.linalg import ArrowMatrix, ArrowShape
from nextstat_core.models import ModelWithHessian
from nextstat_core.models.arrays import floats
from nextstat_core.optimize import Point

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import Array, Indices

__all__ = ["GeneralObjective"]

# Central differences of a gradient: the cube root of the rounding error balances both errors.
_STEP = 6e-6


class GeneralObjective:
    """Objective of a model that has `nll` and `grad_nll`, and perhaps `hessian`.

    Without `hessian` second derivatives are differences of the gradient, which is asked for inside
    the bounds `lower` and `upper`, shape (n_parameters,), only.
    """

    def __init__(
        self,
        model: StatisticalModel,
        backend: Backend,
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
    ) -> None:
        self._model, self._backend = model, backend
        n = model.n_params()
        everything = backend.indices(np.arange(n))
        self._shape = ArrowShape(n, n, everything, (), everything)
        self._lower, self._upper = lower, upper

    def evaluate(self, x: Array, rows: Indices, order: int) -> Point:
        """Objective and gradient row by row."""
        backend = self._backend
        points = backend.to_numpy(x)
        values = np.asarray([float(self._model.nll(point)) for point in points])
        gradient = None
        if order > 0:
            gradient = backend.asarray(np.asarray([self._gradient(point) for point in points]))
        return Point(x, backend.asarray(values), gradient, self._hessian_at(points))

    def _gradient(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        return floats("the model's grad_nll", self._model.grad_nll(point))

    def _hessian_at(self, points: NDArray[np.float64]) -> Callable[[], ArrowMatrix]:
        def hessian() -> ArrowMatrix:
            make = self._exact if isinstance(self._model, ModelWithHessian) else self._differences
            dense = np.asarray([make(point) for point in points])
            return ArrowMatrix(self._shape, self._backend.asarray(dense), ())

        return hessian

    def _exact(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        return floats("the model's hessian", self._model.hessian(point))  # type: ignore[attr-defined]

    def _differences(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        n = len(point)
        matrix = np.empty((n, n))
        for i in range(n):
            step = _STEP * max(1.0, abs(point[i]))
            # Differences stay inside the bounds, one-sided at a bound if need be.
            up = min(point[i] + step, self._upper[i])
            down = max(point[i] - step, self._lower[i])
            high, low = point.copy(), point.copy()
            high[i], low[i] = up, down
            width = up - down
            matrix[i] = (self._gradient(high) - self._gradient(low)) / width if width else 0.0
        return 0.5 * (matrix + matrix.T)
