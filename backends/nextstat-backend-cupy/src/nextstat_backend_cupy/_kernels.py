"""Sums over segments and products with sparse matrices: one thread per sum, so in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from nextstat_core.backend import SparseMatrix
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SegmentSum", "SparseProduct"]

_SEGMENTS = cupy.ElementwiseKernel(
    "raw T x, raw int64 order, raw int64 starts, int64 rows",
    "T out",
    """
    const long long segment = i / rows, row = i % rows;
    T total = 0;
    for (long long e = starts[segment]; e < starts[segment + 1]; ++e) {
        total += x[order[e] * rows + row];
    }
    out = total;
    """,
    "nextstat_segment_sum",
)

_SPARSE = cupy.ElementwiseKernel(
    "raw T x, raw int64 columns, raw T values, raw int64 starts, int64 rows",
    "T out",
    """
    const long long line = i / rows, row = i % rows;
    T total = 0;
    for (long long e = starts[line]; e < starts[line + 1]; ++e) {
        total += values[e] * x[columns[e] * rows + row];
    }
    out = total;
    """,
    "nextstat_sparse_product",
)


def _starts(ids: NDArray[np.int64], count: int) -> cupy.ndarray:
    return cupy.asarray(np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=count))]))


class SegmentSum:
    """Sums entries of (n, rows) arrays by segment.

    Parameters
    ----------
    ids : int array on the host, shape (n,)
        Segment of each entry; unsorted, with gaps, as you like.
    """

    def __init__(self, ids: NDArray[Any], n_segments: int) -> None:
        ids = np.asarray(ids, dtype=np.int64)
        if ids.size and not 0 <= ids.min() <= ids.max() < n_segments:
            raise InputError(
                f"`ids` must lie in 0 ... {n_segments - 1}; found {ids.min()} ... {ids.max()}"
            )
        self._n_segments = n_segments
        self._is_identity = n_segments == ids.size and bool((ids == np.arange(ids.size)).all())
        self._order = cupy.asarray(np.argsort(ids, kind="stable"))
        self._starts = _starts(ids, n_segments)

    def __call__(self, x: cupy.ndarray) -> cupy.ndarray:
        """Sums, shape (n_segments, rows); `x` itself where every entry is its own segment."""
        if self._is_identity:
            return x
        out = cupy.empty((self._n_segments, x.shape[1]), dtype=x.dtype)
        x = cupy.ascontiguousarray(x)
        return _SEGMENTS(x, self._order, self._starts, max(x.shape[1], 1), out)


class SparseProduct(SparseMatrix):
    """A constant matrix in compressed rows times dense ones."""

    def __init__(
        self, rows: Any, columns: Any, values: Any, shape: tuple[int, int], dtype: Any
    ) -> None:
        rows = np.asarray(rows, dtype=np.int64)
        order = np.argsort(rows, kind="stable")
        self._n_lines = shape[0]
        self._columns = cupy.asarray(np.asarray(columns, dtype=np.int64)[order])
        self._entries = cupy.asarray(np.asarray(values)[order], dtype=dtype)
        self._starts = _starts(rows, shape[0])

    def __matmul__(self, x: cupy.ndarray) -> cupy.ndarray:
        out = cupy.empty((self._n_lines, x.shape[1]), dtype=x.dtype)
        x = cupy.ascontiguousarray(x)
        rows = max(x.shape[1], 1)
        return _SPARSE(x, self._columns, self._entries, self._starts, rows, out)
