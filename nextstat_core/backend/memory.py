"""Host memory to hand to an array library: for the hook `asarray` of backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["from_dlpack", "host_memory"]

#: Device type of host memory in the DLPack protocol.
_DLPACK_CPU = 1


def host_memory(values: ArrayLike) -> NDArray[Any]:
    """`values` as a new array of NumPy, whose memory is nobody else's.

    Numbers and booleans in native byte order, in rows, writable: what any library takes. Memory of
    a caller may be read-only, backward, broadcast or of foreign byte order; libraries share such
    memory as if it were their own, write into it, or abort the process.

    Parameters
    ----------
    values : sequence, NumPy array, or array of any library that speaks DLPack
        On any device.

    Raises
    ------
    InputError
        If it holds anything but real numbers and booleans.
    """
    try:
        if not isinstance(values, np.ndarray) and hasattr(values, "__dlpack__"):
            values = from_dlpack(values)
        array = np.asarray(values)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"a {type(values).__name__} cannot be made an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"an array of {array.dtype} was found; expected real numbers or booleans")
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def from_dlpack(values: Any) -> NDArray[Any]:
    """An array of another library on the host: a view of host memory, a copy of a device's.

    Raises
    ------
    BufferError, RuntimeError, TypeError, ValueError
        Whatever the libraries say about arrays that they cannot exchange.
    """
    if values.__dlpack_device__()[0] == _DLPACK_CPU:
        return np.from_dlpack(values)
    return np.from_dlpack(values, device="cpu")
