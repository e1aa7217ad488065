"""Cholesky factors and triangular solves for batches of matrices.

Two ways, chosen by shape. Batches of many small matrices are computed column by column with the
batch as the last axis; all others go to LAPACK matrix by matrix, at 1 us of overhead each. The
first way wins where ``rows > 5 n``, for n up to 8 (measured). It adds in a fixed order, LAPACK may
not; callers that promise the same bits keep the number of rows fixed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["factor", "inverse_spd", "solve_lower", "solve_spd"]

_SMALL = 8


def _is_many_small(rows: int, n: int) -> bool:
    return n <= _SMALL and rows > 5 * n


def factor(matrices: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Lower Cholesky factors, identity where there is none, and where there is one."""
    rows, n = matrices.shape[:2]
    if _is_many_small(rows, n):
        return _factor_many_small(matrices)
    try:
        lower = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        return _factor_one_by_one(matrices)
    # Whatever is not finite in a row of the matrix reaches the diagonal of the factor.
    ok = lower.diagonal(0, 1, 2).sum(1) < math.inf
    if not ok.all():
        lower[~ok] = np.eye(n)
    return lower, ok


def _factor_one_by_one(matrices: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    # The same LAPACK call as for the whole batch: a bad neighbour must not change a row's bits.
    rows, n = matrices.shape[:2]
    lower = np.empty_like(matrices)
    ok = np.zeros(rows, dtype=np.bool_)
    for row in range(rows):
        try:
            lower[row] = np.linalg.cholesky(matrices[row])
            ok[row] = bool(lower[row].diagonal().sum() < math.inf)
        except np.linalg.LinAlgError:
            ok[row] = False
        if not ok[row]:
            lower[row] = np.eye(n)
    return lower, ok


def _factor_many_small(matrices: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    rows, n = matrices.shape[:2]
    rest = np.array(matrices.transpose(1, 2, 0), order="C")
    ok = np.ones(rows, dtype=np.bool_)
    with np.errstate(all="ignore"):
        for j in range(n):
            pivot = rest[j, j]
            ok &= (pivot > 0) & (pivot < math.inf)
            np.sqrt(pivot, out=pivot)
            below = rest[j + 1 :, j]
            below /= pivot
            rest[j + 1 :, j + 1 :] -= below[:, None] * below[None, :]
            rest[j, j + 1 :] = 0.0
    lower = np.array(rest.transpose(2, 0, 1), order="C")
    if not ok.all():
        lower[~ok] = np.eye(n)
    return lower, ok


def solve_lower(lower: NDArray[Any], rhs: NDArray[Any]) -> NDArray[Any]:
    """Solve ``L x = rhs``."""
    if _is_many_small(*rhs.shape[:2]):
        triangle, x = _rows_last(lower), _rows_last(rhs)
        _substitute_forward(triangle, x)
        return np.array(x.transpose(2, 0, 1), order="C")
    from scipy.linalg.lapack import dtrtrs

    out = np.empty(rhs.shape)
    for row in range(len(rhs)):
        # The transpose of a C-ordered lower triangle is a Fortran-ordered upper one: no copy.
        out[row] = dtrtrs(lower[row].T, rhs[row], lower=0, trans=1)[0]
    return out


def solve_spd(lower: NDArray[Any], rhs: NDArray[Any]) -> NDArray[Any]:
    """Solve ``L L.T x = rhs``."""
    if _is_many_small(*rhs.shape[:2]):
        triangle, x = _rows_last(lower), _rows_last(rhs)
        _substitute_forward(triangle, x)
        _substitute_backward(triangle, x)
        return np.array(x.transpose(2, 0, 1), order="C")
    from scipy.linalg.lapack import dpotrs

    out = np.empty(rhs.shape)
    for row in range(len(rhs)):
        out[row] = dpotrs(lower[row].T, rhs[row], lower=0)[0]
    return out


def inverse_spd(lower: NDArray[Any]) -> NDArray[Any]:
    """Inverse of ``L L.T``."""
    rows, n = lower.shape[:2]
    if _is_many_small(rows, n):
        return solve_spd(lower, np.broadcast_to(np.eye(n), lower.shape))
    from scipy.linalg.lapack import dpotri

    out = np.empty(lower.shape)
    for row in range(rows):
        # dpotri fills one triangle, here the upper one of the transpose: mirror it.
        half = dpotri(lower[row].T, lower=0)[0]
        upper = np.triu(half)
        out[row] = upper + np.triu(half, 1).T
    return out


def _rows_last(x: NDArray[Any]) -> NDArray[Any]:
    return np.array(x.transpose(1, 2, 0), order="C")


def _substitute_forward(triangle: NDArray[Any], x: NDArray[Any]) -> None:
    for i in range(len(x)):
        x[i] /= triangle[i, i]
        if i + 1 < len(x):
            x[i + 1 :] -= triangle[i + 1 :, i, None] * x[i]


def _substitute_backward(triangle: NDArray[Any], x: NDArray[Any]) -> None:
    for i in reversed(range(len(x))):
        x[i] /= triangle[i, i]
        if i:
            x[:i] -= triangle[i, :i, None] * x[i]
