"""Segment sums on the devices of PyTorch, in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AddedSegments", "ReducedSegments", "segments_on"]


class AddedSegments:
    """Adds one entry after the other along the first axis: streams through a CPU's memory.

    On a GPU these would be atomic additions, in any order.

    Parameters
    ----------
    ids : int array on the host, shape (n,)
        Segment of each entry; unsorted, with gaps, as you like.
    """

    def __init__(self, ids: NDArray[np.int64], n_segments: int, device: torch.device) -> None:
        self._n_segments = n_segments
        self._ids = torch.from_numpy(ids.copy()).to(device)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Sums of entries (n, rows): (n_segments, rows)."""
        total = torch.zeros((self._n_segments, x.shape[1]), dtype=x.dtype, device=x.device)
        return total.index_add_(0, self._ids, x)


class ReducedSegments:
    """Sorts the entries and reduces each segment in one thread of a GPU; arguments as above."""

    def __init__(self, ids: NDArray[np.int64], n_segments: int, device: torch.device) -> None:
        order = np.argsort(ids, kind="stable")
        is_sorted = bool((order == np.arange(ids.size)).all())
        self._order = None if is_sorted else torch.from_numpy(order).to(device)
        counts = np.bincount(ids, minlength=n_segments).astype(np.int64)
        self._lengths = torch.from_numpy(counts).to(device)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Sums of entries (n, rows): (n_segments, rows)."""
        if self._order is not None:
            x = x.index_select(0, self._order)
        # `unsafe` leaves out a check of the lengths, which would wait for the device.
        return torch.segment_reduce(
            x.contiguous(), "sum", lengths=self._lengths, axis=0, unsafe=True, initial=0
        )


class _Identity:
    """Every entry is a segment of its own."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x


def segments_on(
    ids: NDArray[np.intp], n_segments: int, device: torch.device
) -> AddedSegments | ReducedSegments | _Identity:
    """Return what sums segments on `device`.

    Raises
    ------
    InputError
        If an id names no segment.
    """
    ids = np.asarray(ids, dtype=np.int64)
    if ids.size and not 0 <= ids.min() <= ids.max() < n_segments:
        raise InputError(
            f"`ids` must lie in 0 ... {n_segments - 1}; found {ids.min()} ... {ids.max()}"
        )
    if n_segments == ids.size and bool((ids == np.arange(ids.size)).all()):
        return _Identity()
    if device.type == "cuda" and ids.size:
        return ReducedSegments(ids, n_segments, device)
    return AddedSegments(ids, n_segments, device)
