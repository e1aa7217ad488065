"""The CuPy backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import array_api_compat.cupy as xp
import cupy
import numpy as np
from cupyx.scipy.linalg import solve_triangular

from nextstat_backend_cupy._kernels import SegmentSum, SparseProduct
from nextstat_core.backend import Backend, Capability, SegmentPlan, SparseMatrix, get_backend
from nextstat_core.backend.memory import host_memory
from nextstat_core.backend.small import factor_small, lower_solve_small, spd_solve_small
from nextstat_core.errors import BackendUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["CupyBackend"]

#: Rows of matrices up to which a batch is factorised entry by entry, not matrix by matrix.
_SMALL = 4
#: Device types of NVIDIA memory in the DLPack protocol: on the device, and managed.
_DLPACK_CUDA = (2, 13)


class CupyBackend(Backend):
    """Float64 arrays of CuPy on one GPU.

    Parameters
    ----------
    number : int
        Which GPU.
    """

    name = "cupy"
    xp = xp
    dtype = np.dtype(np.float64)
    capabilities = Capability.FLOAT64 | Capability.ASYNCHRONOUS
    lanes = 4096

    def __init__(self, number: int) -> None:
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise BackendUnavailableError(
                f"the backend 'cupy' finds no NVIDIA GPU: {error}\n\n"
                "Hint: it needs an NVIDIA GPU, and a driver for the CUDA that CuPy was built with"
            ) from error
        if number >= count:
            raise BackendUnavailableError(
                f"the backend 'cupy' cannot use the device 'cuda:{number}': there are {count} "
                "GPUs, numbered from 0"
            )
        self.device = cupy.cuda.Device(number)

    def __reduce__(self) -> tuple[Callable[..., Backend], tuple[str, str]]:
        return get_backend, (self.name, self.device_name)

    @property
    def device_name(self) -> str:
        return f"cuda:{self.device.id}"

    # -- arrays -----------------------------------------------------------------------------------

    def asarray(self, values: ArrayLike, *, dtype: Any = None) -> cupy.ndarray:
        # CuPy works on the current device of a thread; every evaluation begins with its input.
        self.device.use()
        wanted = self.dtype if dtype is None else dtype
        if isinstance(values, cupy.ndarray):
            return cupy.array(values, dtype=wanted, order="C")
        if _is_on_gpu(values):
            return cupy.array(cupy.from_dlpack(values), dtype=wanted, order="C")
        return cupy.asarray(host_memory(values), dtype=wanted)

    def to_numpy(self, x: cupy.ndarray) -> NDArray[Any]:
        return cupy.asnumpy(x)

    def indices(self, values: Any) -> cupy.ndarray:
        self.device.use()
        return cupy.asarray(values, dtype=np.int64)

    def take(self, x: cupy.ndarray, index: cupy.ndarray, *, axis: int) -> cupy.ndarray:
        return x.take(index, axis)

    def put_rows(self, x: cupy.ndarray, index: cupy.ndarray, values: cupy.ndarray) -> cupy.ndarray:
        target = x.copy() if _is_shared(x) else x
        target[index] = values
        return target

    def transposed(self, x: cupy.ndarray) -> cupy.ndarray:
        return cupy.ascontiguousarray(x.T)

    # -- sums -------------------------------------------------------------------------------------

    def segment_plan(self, ids: NDArray[Any], n_segments: int) -> SegmentPlan:
        self.device.use()
        return SegmentPlan(n_segments, ids, SegmentSum(ids, n_segments))

    def sparse(self, rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> SparseMatrix:
        self.device.use()
        return SparseProduct(rows, columns, values, shape, self.dtype)

    # -- linear algebra ---------------------------------------------------------------------------

    def spd_factor(self, matrices: cupy.ndarray) -> tuple[cupy.ndarray, cupy.ndarray]:
        n = matrices.shape[-1]
        if n <= _SMALL:
            return factor_small(matrices, cupy)
        # CuPy does not say which matrices of a batch failed; a pivot that is not positive stays.
        lower = cupy.linalg.cholesky(matrices)
        diagonal = lower.diagonal(0, 1, 2)
        ok = ((diagonal > 0.0) & cupy.isfinite(diagonal)).all(axis=1)
        # And the diagonal of L L.T has to be that of the matrix.
        own = matrices.diagonal(0, 1, 2)
        ok &= (cupy.abs((lower * lower).sum(axis=2) - own) <= 1e-6 * cupy.abs(own)).all(axis=1)
        return cupy.where(ok[:, None, None], lower, cupy.eye(n)), ok

    def spd_solve(self, factor: cupy.ndarray, rhs: cupy.ndarray) -> cupy.ndarray:
        if factor.shape[-1] <= _SMALL:
            return spd_solve_small(factor, rhs, cupy)
        half = solve_triangular(factor, rhs, lower=True, check_finite=False)
        return solve_triangular(factor, half, trans="T", lower=True, check_finite=False)

    def lower_solve(self, factor: cupy.ndarray, rhs: cupy.ndarray) -> cupy.ndarray:
        if factor.shape[-1] <= _SMALL:
            return lower_solve_small(factor, rhs, cupy)
        return solve_triangular(factor, rhs, lower=True, check_finite=False)

    def add_diagonal(self, matrices: cupy.ndarray, values: cupy.ndarray) -> cupy.ndarray:
        rows, n = values.shape
        is_plain = matrices.flags.c_contiguous and not _is_shared(matrices)
        target = matrices if is_plain else cupy.array(matrices, order="C")
        target.reshape(rows, n * n)[:, :: n + 1] += values
        return target

    # -- control ----------------------------------------------------------------------------------

    def any_true(self, mask: cupy.ndarray) -> bool:
        return bool(mask.any())

    def synchronize(self) -> None:
        self.device.synchronize()


def _is_on_gpu(values: ArrayLike) -> bool:
    device_of = getattr(values, "__dlpack_device__", None)
    return device_of is not None and int(device_of()[0]) in _DLPACK_CUDA


def _is_shared(x: cupy.ndarray) -> bool:
    """Whether entries share memory (as after `broadcast_to`): writing one would change others."""
    return any(step == 0 and size > 1 for step, size in zip(x.strides, x.shape, strict=True))
