"""Float64 on the host, with little more than what a backend must supply."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as xp
import numpy as np

from nextstat_core.backend import Backend, Capability

__all__ = ["AcmeBackend"]


class AcmeBackend(Backend):
    """Arrays of NumPy; every default of `Backend` is used as it is."""

    name = "acme"
    xp = xp
    dtype = xp.float64
    device = "cpu"  # what x.device returns: torch.device("cpu") for torch
    capabilities = Capability.FLOAT64 | Capability.DETERMINISTIC

    def asarray(self, values: Any, *, dtype: Any = None) -> Any:
        if hasattr(values, "__dlpack__") and not isinstance(values, np.ndarray):
            values = np.from_dlpack(values)  # arrays of torch, cupy, ... without their library
        # A copy: never an alias of memory that is read-only, reversed, or of foreign byte order.
        return np.array(values, dtype=dtype or self.dtype, order="C")

    def to_numpy(self, x: Any) -> Any:
        return np.asarray(x)

    def spd_factor(self, matrices: Any) -> tuple[Any, Any]:
        factor = np.zeros(matrices.shape)
        ok = np.zeros(matrices.shape[0], dtype=bool)
        for row, matrix in enumerate(matrices):
            try:
                factor[row] = np.linalg.cholesky(matrix)
                ok[row] = np.isfinite(factor[row]).all()
            except np.linalg.LinAlgError:  # this row is not positive definite; others may be
                ok[row] = False
            if not ok[row]:
                factor[row] = np.eye(matrix.shape[0])  # anything that later solves survive
        return factor, ok

    def lower_solve(self, factor: Any, rhs: Any) -> Any:
        return np.linalg.solve(factor, rhs)

    def spd_solve(self, factor: Any, rhs: Any) -> Any:
        return np.linalg.solve(np.swapaxes(factor, 1, 2), self.lower_solve(factor, rhs))

    def errstate(self) -> Any:
        return np.errstate(all="ignore")
