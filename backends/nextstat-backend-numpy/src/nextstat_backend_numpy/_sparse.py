"""Products of a constant sparse matrix with dense ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.backend import Backend, SparseMatrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SparseProduct"]


class SparseProduct(SparseMatrix):
    """One column is a gather and a weighted histogram; more are a product in scipy.sparse.

    scipy.sparse is imported, and its matrix made, when a product first has several columns.
    """

    def __init__(
        self, backend: Backend, rows: Any, columns: Any, values: Any, shape: tuple[int, int]
    ) -> None:
        super().__init__(backend, rows, columns, values, shape)
        self._triplets = np.asarray(values), np.asarray(rows), np.asarray(columns)
        self._shape = shape
        self._matrix: Any = None

    def __matmul__(self, x: NDArray[Any]) -> NDArray[Any]:
        if x.shape[1] == 1:
            return super().__matmul__(x)
        if self._matrix is None:
            from scipy.sparse import csr_array

            values, rows, columns = self._triplets
            self._matrix = csr_array((values, (rows, columns)), shape=self._shape)
        return self._matrix @ x
