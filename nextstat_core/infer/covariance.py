"""Uncertainties from the exact Hessian at the best fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.linalg import factorize

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowInverse, ArrowMatrix
    from nextstat_core.results import CovarianceStatus

__all__ = ["Covariance", "covariance_of", "errors_of"]

# Relative to a Hessian scaled to unit diagonal: below, a direction is not determined by the data.
_SINGULAR = 1e-12
# Variance times curvature from which on the last digits of a Hessian show in the uncertainties.
_SENSITIVE = 1e3


@dataclass(frozen=True, slots=True)
class Covariance:
    """Uncertainties, and the covariance matrix on demand.

    Attributes
    ----------
    errors : float array, shape (n_parameters,)
        0 for fixed parameters, NaN for parameters at a bound that were left out, infinite for
        parameters that the data do not determine.
    unidentified : int array
        Positions of the latter.
    matrix : callable
        Makes the matrix, (n_parameters, n_parameters).
    sturdy : bool
        Whether a slightly other Hessian would give nearly the same.
    """

    status: CovarianceStatus
    errors: NDArray[np.float64]
    unidentified: NDArray[np.intp]
    matrix: Callable[[], NDArray[np.float64] | None]
    sturdy: bool = False


def covariance_of(
    hessian: ArrowMatrix,
    fixed: NDArray[np.bool_],
    held: NDArray[np.bool_],
    backend: Backend,
) -> Covariance:
    """Invert the Hessian of one row over all parameters that are not fixed.

    Where it is not positive definite, parameters held by a bound are left out; where it is singular
    even so, the pseudo-inverse serves those parameters that the data do determine.
    """
    full = _try(hessian, ~fixed, np.zeros_like(fixed), "full", backend)
    if full is not None:
        return full
    if held.any():
        free = _try(hessian, ~fixed & ~held, held & ~fixed, "free_set", backend)
        if free is not None:
            return free
    return _pseudo(hessian, ~fixed & ~held, fixed, backend)


def errors_of(
    hessian: ArrowMatrix,
    fixed: NDArray[np.bool_],
    held: NDArray[np.bool_],
    backend: Backend,
) -> NDArray[np.float64]:
    """Uncertainties of many rows, those of `covariance_of`; `held` has shape (rows, parameters)."""
    free = np.broadcast_to(~fixed, held.shape)
    mask = None if free.all() else backend.asarray(free.copy(), dtype=backend.xp.bool)
    factor = factorize(hessian, backend, free=mask)
    variance = backend.to_numpy(factor.inverse().diagonal())
    inflation = _inflation(hessian, variance, free, backend)
    fine = backend.to_numpy(factor.ok) & (inflation * _SINGULAR <= 1.0)
    errors = np.sqrt(np.where(free & fine[:, None], variance, 0.0))
    for row in np.flatnonzero(~fine):
        one = hessian.take(backend.indices([row]), backend)
        errors[row] = covariance_of(one, fixed, held[row], backend).errors
    return errors


def _inflation(
    hessian: ArrowMatrix,
    variance: NDArray[np.float64],
    free: NDArray[np.bool_],
    backend: Backend,
) -> NDArray[np.float64]:
    """Largest variance times curvature of each row's free parameters, (rows,).

    One for a parameter without correlations, huge near a singularity.
    """
    curvature = backend.to_numpy(hessian.diagonal(backend))
    inflation = np.where(free, variance * curvature, 1.0)
    return np.where(np.isfinite(inflation), inflation, np.inf).max(axis=1, initial=1.0)


def _try(
    hessian: ArrowMatrix,
    free: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    status: CovarianceStatus,
    backend: Backend,
) -> Covariance | None:
    mask = None if free.all() else backend.asarray(free[None, :], dtype=backend.xp.bool)
    factor = factorize(hessian, backend, free=mask)
    if not bool(factor.ok[0]):
        return None
    inverse = factor.inverse()
    variance = backend.to_numpy(inverse.diagonal())
    inflation = _inflation(hessian, variance, free, backend)[0]
    if inflation * _SINGULAR > 1.0:
        return None
    errors = np.where(unknown, np.nan, np.where(free, np.sqrt(variance[0]), 0.0))
    none = np.zeros(0, dtype=np.intp)
    sturdy = bool(inflation < _SENSITIVE)
    return Covariance(status, errors, none, _Matrix(inverse, unknown), sturdy)


@dataclass(frozen=True, slots=True)
class _Matrix:
    """Makes the covariance matrix when it is asked for."""

    inverse: ArrowInverse
    unknown: NDArray[np.bool_]

    def __call__(self) -> NDArray[np.float64]:
        matrix = np.array(self.inverse.backend.to_numpy(self.inverse.full())[0])
        matrix[self.unknown, :] = np.nan
        matrix[:, self.unknown] = np.nan
        return matrix


def _pseudo(
    hessian: ArrowMatrix, free: NDArray[np.bool_], fixed: NDArray[np.bool_], backend: Backend
) -> Covariance:
    """Eigenvalues of the scaled Hessian; directions without curvature are not determined."""
    n = len(free)
    where = np.flatnonzero(free)
    errors = np.where(fixed, 0.0, np.nan)
    dense = backend.to_numpy(hessian.full(backend))[0][np.ix_(where, where)]
    if not len(where) or not np.isfinite(dense).all():
        return Covariance("singular", errors, np.zeros(0, np.intp), lambda: None)
    size = np.abs(np.diagonal(dense))
    scale = 1.0 / np.sqrt(np.where(size > 0.0, size, 1.0))
    values, vectors = np.linalg.eigh(dense * scale[:, None] * scale)
    known = values > _SINGULAR * max(values.max(), 0.0)
    inverse = np.where(known, 1.0 / np.where(known, values, 1.0), 0.0)
    covariance = (vectors * inverse) @ vectors.T * scale[:, None] * scale
    # A parameter is not determined if it has a share in a direction without curvature.
    lost = np.abs(vectors[:, ~known]).max(axis=1, initial=0.0) > 1e-6
    errors[where] = np.where(lost, np.inf, np.sqrt(np.abs(np.diagonal(covariance))))
    matrix = np.where(fixed[:, None] | fixed, 0.0, np.full((n, n), np.nan))
    covariance[lost, :] = np.inf
    covariance[:, lost] = np.inf
    matrix[np.ix_(where, where)] = covariance
    return Covariance("singular", errors, where[lost], lambda: matrix)
