"""The PyTorch backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import array_api_compat.torch as xp
import numpy as np
import torch

from nextstat_backend_torch._segments import segments_on
from nextstat_backend_torch._sparse import SparseProduct
from nextstat_core.backend import Backend, Capability, SegmentPlan, SparseMatrix, get_backend
from nextstat_core.backend.memory import host_memory
from nextstat_core.backend.small import factor_small, lower_solve_small, spd_solve_small
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["TorchBackend"]

#: Rows of matrices up to which a batch is factorised entry by entry, not matrix by matrix.
_SMALL = 4


class TorchBackend(Backend):
    """Tensors of PyTorch on one device.

    Parameters
    ----------
    name : {"torch", "torch-float32", "mps"}
        Decides the dtype: float64 for ``torch``, else float32.
    device : torch.device
        With its number where devices are numbered.
    """

    xp = xp

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = name
        self.device = device
        self.dtype = torch.float64 if name == "torch" else torch.float32
        self.capabilities = Capability.NONE
        if self.dtype == torch.float64:
            self.capabilities |= Capability.FLOAT64
        if device.type == "cpu":
            self.capabilities |= Capability.DETERMINISTIC | Capability.THREADS
        else:
            self.capabilities |= Capability.ASYNCHRONOUS
            self.lanes = 4096

    def __reduce__(self) -> tuple[Callable[..., Backend], tuple[str, str]]:
        return get_backend, (self.name, self.device_name)

    # -- arrays -----------------------------------------------------------------------------------

    def asarray(self, values: ArrayLike, *, dtype: Any = None) -> torch.Tensor:
        wanted = self.dtype if dtype is None else dtype
        if not isinstance(values, torch.Tensor):
            return torch.from_numpy(host_memory(values)).to(device=self.device, dtype=wanted)
        if values.requires_grad:
            raise InputError(
                "a tensor that requires a gradient was found, which would be lost",
                hint="pass tensor.detach()",
            )
        if values.is_complex():
            raise InputError(f"a tensor of {values.dtype} was found; expected real numbers")
        rows = torch.contiguous_format
        return values.to(device=self.device, dtype=wanted, copy=True, memory_format=rows)

    def to_numpy(self, x: torch.Tensor) -> NDArray[Any]:
        return x.detach().cpu().numpy()

    def indices(self, values: Any) -> torch.Tensor:
        if isinstance(values, torch.Tensor):
            return values.to(device=self.device, dtype=torch.int64)
        return torch.from_numpy(np.array(values, dtype=np.int64)).to(self.device)

    def take(self, x: torch.Tensor, index: torch.Tensor, *, axis: int) -> torch.Tensor:
        return x.index_select(axis, index)

    def put_rows(self, x: torch.Tensor, index: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        target = x.clone() if _is_shared(x) else x
        return target.index_copy_(0, index, values)

    def transposed(self, x: torch.Tensor) -> torch.Tensor:
        return x.T.contiguous()

    # -- sums -------------------------------------------------------------------------------------

    def segment_plan(self, ids: NDArray[Any], n_segments: int) -> SegmentPlan:
        if self.device.type == "mps":
            # Additions by index are atomic there, in any order.
            return super().segment_plan(ids, n_segments)
        return SegmentPlan(n_segments, ids, segments_on(ids, n_segments, self.device))

    def sparse(self, rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> SparseMatrix:
        if self.device.type == "mps":
            return super().sparse(rows, columns, values, shape)
        return SparseProduct(self, rows, columns, values, shape)

    # -- linear algebra ---------------------------------------------------------------------------

    def spd_factor(self, matrices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        n = matrices.shape[-1]
        if n <= _SMALL:
            return factor_small(matrices, torch)
        # Neither LU nor the inverse: batches of those go wrong on the CPU
        # (https://github.com/pytorch/pytorch/issues/142815).
        lower, info = torch.linalg.cholesky_ex(matrices)
        ok = (info == 0) & torch.isfinite(lower.diagonal(dim1=1, dim2=2).sum(dim=1))
        identity = torch.eye(n, dtype=self.dtype, device=self.device)
        return torch.where(ok[:, None, None], lower, identity), ok

    def spd_solve(self, factor: torch.Tensor, rhs: torch.Tensor) -> torch.Tensor:
        if factor.shape[-1] <= _SMALL:
            return spd_solve_small(factor, rhs, torch)
        # Two triangular solves: `cholesky_solve` copies layouts and is slower on CPU and GPU.
        half = torch.linalg.solve_triangular(factor, rhs, upper=False)
        return torch.linalg.solve_triangular(factor.mT, half, upper=True)

    def lower_solve(self, factor: torch.Tensor, rhs: torch.Tensor) -> torch.Tensor:
        if factor.shape[-1] <= _SMALL:
            return lower_solve_small(factor, rhs, torch)
        return torch.linalg.solve_triangular(factor, rhs, upper=False)

    def add_diagonal(self, matrices: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        target = matrices.clone() if _is_shared(matrices) else matrices
        target.diagonal(dim1=-2, dim2=-1).add_(values)
        return target

    def eigh(self, matrices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.device.type != "mps":
            values, vectors = torch.linalg.eigh(matrices)
            return values, vectors
        values, vectors = torch.linalg.eigh(matrices.cpu())
        return values.to(self.device), vectors.to(self.device)

    # -- control ----------------------------------------------------------------------------------

    def synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


def _is_shared(x: torch.Tensor) -> bool:
    """Whether entries share memory (as after `expand`): writing one would change others."""
    return any(step == 0 and size > 1 for step, size in zip(x.stride(), x.shape, strict=True))
