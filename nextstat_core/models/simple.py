"""Small models with closed forms, for tests of optimizers and samplers."""

from __future__ import annotations

from math import exp, inf, isfinite, log, pi
from operator import index
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models.arrays import floats, number
from nextstat_core.models.parameters import parameter_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["FunnelModel", "GaussianMeanModel", "StdNormalModel"]

#: Standard deviation of the funnel's neck.
_NECK = 3.0


class _Unbounded:
    """Names, and no bounds."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self._names)}>"

    def n_params(self) -> int:
        return len(self._names)

    def dim(self) -> int:
        return len(self._names)

    def parameter_names(self) -> list[str]:
        return list(self._names)

    def suggested_init(self) -> list[float]:
        return [0.0] * len(self._names)

    def suggested_bounds(self) -> list[tuple[float, float]]:
        return [(-inf, inf)] * len(self._names)

    def _vector(self, params: ArrayLike) -> NDArray[np.float64]:
        return parameter_vector(params, len(self._names))


class GaussianMeanModel(_Unbounded):
    """Mean of Gaussian observations of known standard deviation, without constants.

    Parameters
    ----------
    y : array-like, shape (n,)
        Observations, finite, at least one.
    sigma : float
        Their standard deviation, finite and above 0.
    """

    def __init__(self, y: ArrayLike, sigma: float) -> None:
        super().__init__(["mu"])
        self._y = np.atleast_1d(floats("y", y))
        if self._y.ndim != 1 or not self._y.size:
            raise InputError(f"y must be non-empty and one-dimensional; got shape {self._y.shape}")
        if not np.isfinite(self._y).all():
            raise InputError("y must contain only finite values")
        self._sigma = number("sigma", sigma)
        if not (isfinite(self._sigma) and self._sigma > 0.0):
            raise InputError(f"sigma must be finite and > 0; got {sigma}")

    def nll(self, params: ArrayLike) -> float:
        residual = (self._y - self._vector(params)[0]) / self._sigma
        return 0.5 * float(residual @ residual)

    def grad_nll(self, params: ArrayLike) -> list[float]:
        return [float(np.sum(self._vector(params)[0] - self._y)) / self._sigma**2]

    def hessian(self, params: ArrayLike) -> NDArray[np.float64]:
        self._vector(params)
        return np.array([[len(self._y) / self._sigma**2]])

    def suggested_init(self) -> list[float]:
        return [float(np.mean(self._y))]


class StdNormalModel(_Unbounded):
    """Independent standard normals, without constants.

    Parameters
    ----------
    dim : int
        Number of parameters, at least 1.
    """

    def __init__(self, dim: int = 2) -> None:
        super().__init__([f"x{i}" for i in range(_dimension(dim, 1))])

    def nll(self, params: ArrayLike) -> float:
        x = self._vector(params)
        return 0.5 * float(x @ x)

    def grad_nll(self, params: ArrayLike) -> list[float]:
        return self._vector(params).tolist()

    def hessian(self, params: ArrayLike) -> NDArray[np.float64]:
        return np.eye(len(self._vector(params)))


class FunnelModel(_Unbounded):
    """Neal's funnel: ``y ~ N(0, 3)`` and ``x[i] ~ N(0, exp(y / 2))``, constants included.

    Parameters
    ----------
    dim : int
        Number of parameters, at least 2.
    """

    def __init__(self, dim: int = 2) -> None:
        super().__init__(["y", *(f"x[{i}]" for i in range(1, _dimension(dim, 2)))])
        self._constant = 0.5 * dim * log(2.0 * pi) + log(_NECK)

    def nll(self, params: ArrayLike) -> float:
        y, x, precision = self._split(params)
        spread = 0.5 * precision * float(x @ x) + 0.5 * len(x) * y
        return 0.5 * (y / _NECK) ** 2 + spread + self._constant

    def grad_nll(self, params: ArrayLike) -> list[float]:
        y, x, precision = self._split(params)
        neck = y / _NECK**2 + 0.5 * len(x) - 0.5 * precision * float(x @ x)
        return [neck, *(precision * x).tolist()]

    def hessian(self, params: ArrayLike) -> NDArray[np.float64]:
        _, x, precision = self._split(params)
        matrix = np.diag(np.full(len(x) + 1, precision))
        matrix[0, 0] = 1.0 / _NECK**2 + 0.5 * precision * float(x @ x)
        matrix[0, 1:] = matrix[1:, 0] = -precision * x
        return matrix

    def _split(self, params: ArrayLike) -> tuple[float, NDArray[np.float64], float]:
        vector = self._vector(params)
        y = float(vector[0])
        # exp overflows near 709; there the density is zero for every x that is not.
        return y, vector[1:], exp(-y) if -y < 709.0 else inf


def _dimension(dim: int, least: int) -> int:
    try:
        count = index(dim)
    except TypeError as error:
        raise InputError(f"dim must be an integer; got {dim!r}") from error
    if count < least:
        raise InputError(f"dim must be >= {least}; got {count}")
    return count
