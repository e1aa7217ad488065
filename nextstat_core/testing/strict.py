"""A backend over array-api-strict: what it lacks, the core must not use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.backend import Backend, Capability
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from nextstat_core.typing import Array, ArrayLike

__all__ = ["StrictBackend"]


class StrictBackend(Backend):
    """Only what the array API standard has; all hooks with a default use the default.

    Parameters
    ----------
    device : str or None
        None for float64. ``"no_float64"`` for a device without float64, which stands in for
        accelerators of that kind and is not the default device either.
    """

    name = "array_api_strict"

    def __init__(self, device: str | None = None) -> None:
        import array_api_strict

        if device not in (None, "no_float64"):
            raise InputError(f"`device` must be None or 'no_float64'; found {device!r}")
        self._device_name = device
        self.xp = array_api_strict
        self.device = array_api_strict.Device(device or "CPU_DEVICE")
        self.dtype = array_api_strict.float32 if device else array_api_strict.float64
        self.capabilities = Capability.DETERMINISTIC
        if not device:
            self.capabilities |= Capability.FLOAT64 | Capability.BATCH_INVARIANT

    def __reduce__(self) -> tuple[Callable[..., Backend], tuple[str | None]]:
        # The namespace is a module and does not pickle.
        return StrictBackend, (self._device_name,)

    def asarray(self, values: ArrayLike, *, dtype: Any = None) -> Array:
        if hasattr(values, "__dlpack__") and not isinstance(values, np.ndarray):
            values = np.from_dlpack(values)
        if isinstance(values, np.ndarray):
            # array-api-strict refuses foreign byte orders and keeps read-only memory.
            values = np.array(values, dtype=values.dtype.newbyteorder("="), order="C")
        return self.xp.asarray(values, dtype=dtype or self.dtype, device=self.device)

    def to_numpy(self, x: Array) -> np.ndarray:
        return np.from_dlpack(x)

    def spd_factor(self, matrices: Array) -> tuple[Array, Array]:
        xp = self.xp
        rows = [self._factor_one(matrices[row, ...]) for row in range(matrices.shape[0])]
        factor = xp.stack([lower for lower, _ in rows])
        return factor, xp.asarray([ok for _, ok in rows], dtype=xp.bool, device=self.device)

    def _factor_one(self, matrix: Array) -> tuple[Array, bool]:
        xp = self.xp
        identity = xp.eye(matrix.shape[0], dtype=self.dtype, device=self.device)
        try:
            lower = xp.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:  # how array-api-strict says 'not positive definite'
            return identity, False
        finite = bool(xp.all(xp.isfinite(lower)))
        return (lower if finite else identity), finite

    def spd_solve(self, factor: Array, rhs: Array) -> Array:
        upper = self.xp.matrix_transpose(factor)
        return self.xp.linalg.solve(upper, self.lower_solve(factor, rhs))

    def lower_solve(self, factor: Array, rhs: Array) -> Array:
        return self.xp.linalg.solve(factor, rhs)

    def errstate(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")
