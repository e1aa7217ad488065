"""Products of a constant sparse matrix with dense ones."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nextstat_core.backend import Backend, SparseMatrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SparseProduct"]


class SparseProduct(SparseMatrix):
    """A matrix in compressed rows, multiplied by PyTorch."""

    def __init__(
        self, backend: Backend, rows: Any, columns: Any, values: Any, shape: tuple[int, int]
    ) -> None:
        starts, columns, values = _compressed(
            np.asarray(rows), np.asarray(columns), np.asarray(values), shape
        )
        with warnings.catch_warnings():
            # PyTorch calls the format a beta; products are all that is used of it.
            warnings.filterwarnings("ignore", "Sparse CSR tensor support", UserWarning)
            self._matrix = torch.sparse_csr_tensor(
                torch.from_numpy(starts),
                torch.from_numpy(columns),
                torch.from_numpy(values),
                size=shape,
                dtype=backend.dtype,
                device=backend.device,
                check_invariants=True,
            )

    def __matmul__(self, x: torch.Tensor) -> torch.Tensor:
        return self._matrix @ x


def _compressed(
    rows: NDArray[Any], columns: NDArray[Any], values: NDArray[Any], shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Row starts, columns and values, sorted; entries at the same place added up."""
    key = rows.astype(np.int64) * shape[1] + columns.astype(np.int64)
    places, inverse = np.unique(key, return_inverse=True)
    summed = np.bincount(inverse, values, len(places)).astype(np.float64)
    counts = np.bincount(places // shape[1], minlength=shape[0])
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return starts, places % shape[1], summed
