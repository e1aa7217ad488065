"""Segment sums on the devices of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SegmentSum"]


class SegmentSum:
    """Sums entries of (n, rows) tensors by segment, in a fixed order.

    On the CPU entries are added one after the other along the first axis, which streams through
    memory. On CUDA that would be atomic additions in any order: there sorted segments are reduced,
    one thread per sum.

    Parameters
    ----------
    ids : int array on the host, shape (n,)
        Segment of each entry; unsorted, with gaps, as you like.
    """

    def __init__(self, ids: NDArray[np.intp], n_segments: int, device: torch.device) -> None:
        ids = np.asarray(ids, dtype=np.int64)
        if ids.size and not 0 <= ids.min() <= ids.max() < n_segments:
            raise InputError(
                f"`ids` must lie in 0 ... {n_segments - 1}; found {ids.min()} ... {ids.max()}"
            )
        self._n_segments = n_segments
        self._is_identity = n_segments == ids.size and bool((ids == np.arange(ids.size)).all())
        self._on_cuda = device.type == "cuda"
        self._ids = torch.from_numpy(ids.copy()).to(device)
        if self._on_cuda:
            order = np.argsort(ids, kind="stable")
            is_sorted = bool((order == np.arange(ids.size)).all())
            self._order = None if is_sorted else torch.from_numpy(order).to(device)
            counts = np.bincount(ids, minlength=n_segments).astype(np.int64)
            self._lengths = torch.from_numpy(counts).to(device)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Sums, shape (n_segments, rows); `x` itself where every entry is its own segment."""
        if self._is_identity:
            return x
        if self._on_cuda and x.shape[0]:
            if self._order is not None:
                x = x.index_select(0, self._order)
            return torch.segment_reduce(
                x.contiguous(), "sum", lengths=self._lengths, axis=0, unsafe=True
            )
        total = torch.zeros((self._n_segments, x.shape[1]), dtype=x.dtype, device=x.device)
        return total.index_add_(0, self._ids, x)
