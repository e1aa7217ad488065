"""The NumPy backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import array_api_compat.numpy as xp
import numpy as np

from nextstat_backend_numpy._factor import factor, inverse_spd, solve_lower, solve_spd
from nextstat_backend_numpy._segments import SegmentSum
from nextstat_backend_numpy._sparse import SparseProduct
from nextstat_core.backend import Backend, Capability, SegmentPlan, SparseMatrix, get_backend
from nextstat_core.backend.memory import from_dlpack
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from nextstat_core.typing import Array, ArrayLike, Indices

__all__ = ["NumpyBackend"]


class NumpyBackend(Backend):
    """Float64 arrays of NumPy on the host."""

    name = "numpy"
    xp = xp
    dtype = np.dtype(np.float64)
    device = "cpu"
    capabilities = (
        Capability.FLOAT64
        | Capability.DETERMINISTIC
        | Capability.BATCH_INVARIANT
        | Capability.THREADS
    )

    def __reduce__(self) -> tuple[Callable[..., Backend], tuple[str]]:
        return get_backend, (self.name,)

    def asarray(self, values: ArrayLike, *, dtype: Any = None) -> Array:
        return _new_array(values, self.dtype if dtype is None else dtype)

    def to_numpy(self, x: Array) -> NDArray[Any]:
        return np.asarray(x)

    def spd_factor(self, matrices: Array) -> tuple[Array, Array]:
        return factor(matrices)

    def spd_solve(self, factor: Array, rhs: Array) -> Array:
        return solve_spd(factor, rhs)

    def lower_solve(self, factor: Array, rhs: Array) -> Array:
        return solve_lower(factor, rhs)

    def indices(self, values: Any) -> Indices:
        return np.asarray(values, dtype=np.intp)

    def take(self, x: Array, index: Indices, *, axis: int) -> Array:
        # The method skips numpy's dispatch and `clip` its check of bounds: 0.25 us against 0.85.
        return x.take(index, axis, None, "clip")

    def segment_plan(self, ids: NDArray[Any], n_segments: int) -> SegmentPlan:
        ids = np.asarray(ids, dtype=np.intp)
        return SegmentPlan(n_segments, ids, SegmentSum(ids, n_segments))

    def segment_sum(self, plan: SegmentPlan, x: Array) -> Array:
        return plan.payload(x)

    def sparse(self, rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> SparseMatrix:
        return SparseProduct(self, rows, columns, values, shape)

    def put_rows(self, x: Array, index: Indices, values: Array) -> Array:
        target = x if x.flags.writeable else x.copy()
        target[index] = values
        return target

    def add_diagonal(self, matrices: Array, values: Array) -> Array:
        target = matrices if matrices.flags.writeable else matrices.copy()
        diagonal = np.einsum("...ii->...i", target)
        diagonal += values
        return target

    def transposed(self, x: Array) -> Array:
        return np.ascontiguousarray(x.T)

    def spd_inverse(self, factor: Array) -> Array:
        return inverse_spd(factor)

    def any_true(self, mask: Array) -> bool:
        return bool(mask.any())

    def errstate(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")


def _new_array(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    try:
        if not isinstance(values, np.ndarray) and hasattr(values, "__dlpack__"):
            values = from_dlpack(values)
        return np.array(values, dtype=dtype, order="C")
    except (BufferError, TypeError, ValueError) as error:
        raise InputError(
            f"a {type(values).__name__} cannot be made an array of {np.dtype(dtype)}: {error}"
        ) from error
