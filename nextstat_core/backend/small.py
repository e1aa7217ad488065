"""Cholesky factors and solves for many matrices of a few rows, in terms of the standard.

Libraries factorise a batch matrix by matrix, at a cost per matrix that exceeds the arithmetic of a
matrix of one to four rows by far. Here the loop runs over the entries of one matrix, and each
operation covers the whole batch. For the hooks `spd_factor`, `spd_solve` and `lower_solve` of
backends.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["factor_small", "lower_solve_small", "spd_solve_small"]


def factor_small(matrices: Array, xp: ArrayNamespace) -> tuple[Array, Array]:
    """Lower Cholesky factors of (rows, n, n), identity where there is none, and where there is one.

    Only the lower triangle is read.
    """
    n = matrices.shape[-1]
    lower: list[list[Array]] = []
    ok = xp.isfinite(matrices[:, 0, 0])
    for i in range(n):
        row: list[Array] = []
        for j in range(i):
            rest = matrices[:, i, j] - _products(row, lower[j], j)
            row.append(rest / lower[j][j])
        pivot = matrices[:, i, i] - _products(row, row, i)
        good = (pivot > 0.0) & (pivot < math.inf)
        ok = ok & good
        row.append(xp.sqrt(xp.where(good, pivot, xp.ones_like(pivot))))
        lower.append(row)
    one, zero = xp.ones_like(lower[0][0]), xp.zeros_like(lower[0][0])
    columns = [
        xp.where(ok, lower[i][j], one if i == j else zero) if j <= i else zero
        for i in range(n)
        for j in range(n)
    ]
    return xp.reshape(xp.stack(columns, axis=1), matrices.shape), ok


def lower_solve_small(factor: Array, rhs: Array, xp: ArrayNamespace) -> Array:
    """Solve ``L x = rhs`` for `rhs` of shape (rows, n, k)."""
    return xp.stack(_forward(factor, rhs), axis=1)


def spd_solve_small(factor: Array, rhs: Array, xp: ArrayNamespace) -> Array:
    """Solve ``L L.T x = rhs`` for `rhs` of shape (rows, n, k)."""
    x = _forward(factor, rhs)
    for i in reversed(range(len(x))):
        for j in range(i + 1, len(x)):
            x[i] = x[i] - factor[:, j, i, None] * x[j]
        x[i] = x[i] / factor[:, i, i, None]
    return xp.stack(x, axis=1)


def _forward(factor: Array, rhs: Array) -> list[Array]:
    x: list[Array] = []
    for i in range(rhs.shape[1]):
        rest = rhs[:, i, :]
        for j in range(i):
            rest = rest - factor[:, i, j, None] * x[j]
        x.append(rest / factor[:, i, i, None])
    return x


def _products(left: list[Array], right: list[Array], count: int) -> Array | float:
    total: Array | float = 0.0
    for k in range(count):
        total = total + left[k] * right[k]
    return total
