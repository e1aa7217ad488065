"""Arrays inside results: read-only float64 columns of known length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["FloatArray", "read_only", "read_only_floats"]

#: Float64 array on the host.
FloatArray: TypeAlias = "NDArray[np.float64]"


def read_only_floats(what: str, values: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Read-only float64 copy of `values`, which must have this shape; read-only ones are shared."""
    array = np.asarray(values, dtype=np.float64)
    if array.flags.writeable and array is values:
        array = array.copy()
    return read_only(what, array, shape, np.float64)


def read_only(what: str, values: ArrayLike, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Read-only view of `values` in this dtype; only a conversion copies."""
    array = np.asarray(values, dtype=dtype).view()
    if array.shape != shape:
        raise InputError(f"`{what}` has the wrong shape: expected {shape}, found {array.shape}")
    array.flags.writeable = False
    return array
