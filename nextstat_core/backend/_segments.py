"""Segment sums by gathers alone, for any array library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nextstat_core.backend._protocol import Backend
    from nextstat_core.typing import Array

__all__ = ["PaddedSegments"]


class PaddedSegments:
    """Sums entries of (n, rows) arrays by segment, without scattering.

    Segments are filled up with zeros to the next power of two and summed together with those of the
    same width, so that at most twice the entries are touched and sums have a fixed order. Not a
    product with a one-hot matrix: 0 * inf would carry NaN into other segments.

    Parameters
    ----------
    ids : int array on the host, shape (n,)
        Segment of each entry; unsorted, with gaps, as you like.
    """

    def __init__(self, backend: Backend, ids: np.ndarray, n_segments: int) -> None:
        self._backend = backend
        ids = np.asarray(ids, dtype=np.intp)
        n = len(ids)
        self._is_identity = n_segments == n and bool((ids == np.arange(n)).all())
        order = np.argsort(ids, kind="stable")
        counts = np.bincount(ids, minlength=n_segments)
        starts = np.concatenate([[0], np.cumsum(counts)])
        widths = np.where(counts > 0, 2 ** np.ceil(np.log2(np.maximum(counts, 1))), 0).astype(int)
        self._groups, reached = [], []
        for width in np.unique(widths):
            members = np.flatnonzero(widths == width)
            reached.append(members)
            inside = np.arange(width)[None, :]
            position = np.minimum(starts[members][:, None] + inside, max(n - 1, 0))
            # One past the last entry stands for the zero that fills short segments up.
            filled = (
                np.where(inside < counts[members][:, None], order[position], n) if n else inside
            )
            self._groups.append((backend.indices(filled.reshape(-1)), len(members), int(width)))
        where = np.concatenate(reached) if reached else np.zeros(0, dtype=np.intp)
        is_sorted = bool((where == np.arange(n_segments)).all())
        self._order = None if is_sorted else backend.indices(np.argsort(where))

    def __call__(self, x: Array) -> Array:
        """Sums, shape (n_segments, rows); `x` itself where every entry is its own segment."""
        if self._is_identity:
            return x
        backend, xp, rows = self._backend, self._backend.xp, x.shape[1]
        zero = xp.zeros((1, rows), dtype=x.dtype, device=backend.device)
        padded = xp.concat([x, zero], axis=0)
        parts = []
        for filled, count, width in self._groups:
            cells = xp.reshape(backend.take(padded, filled, axis=0), (count, width, rows))
            parts.append(cells[:, 0, :] if width == 1 else xp.sum(cells, axis=1))
        if not parts:
            return xp.zeros((0, rows), dtype=x.dtype, device=backend.device)
        stacked = parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)
        return stacked if self._order is None else backend.take(stacked, self._order, axis=0)
