"""Arrays that users pass in, of any library, as new float64 arrays of the host."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.backend.memory import from_dlpack
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["floats", "number"]

#: Kinds of dtype whose values are real numbers: bool, integers, floats.
_REAL = "biuf"
#: What to do about the others.
_REMEDIES = {
    "O": "None and pandas.NA are no numbers; convert what is one, for example with .astype(float)",
    "U": "convert text with .astype(float)",
    "c": "pass the real part",
}


def floats(what: str, values: ArrayLike, *, finite: bool = False) -> NDArray[np.float64]:
    """`values` as a new float64 array, contiguous and writeable.

    Taken are numbers, sequences of them (also of arrays), and arrays of any library, on any device:
    whatever has ``__array__`` or ``__dlpack__``. Integers and bools become floats. The result
    shares no memory with `values`, which may therefore be read-only, strided or of foreign byte
    order.

    Parameters
    ----------
    what : str
        Name of the argument, for errors.
    values : array-like, any shape
    finite : bool
        Refuse NaN and infinities.

    Raises
    ------
    InputError
        If they are no real numbers (complex, text, objects, masked, ragged), if they carry a
        gradient that would be lost, or cannot be copied to the host.
    """
    array = _on_host(what, values)
    if array.dtype.kind not in _REAL:
        raise InputError(
            f"`{what}` cannot be read as numbers: its dtype is {array.dtype}; "
            "expected real numbers",
            hint=_REMEDIES.get(array.dtype.kind, ""),
        )
    numbers = np.array(array, dtype=np.float64, order="C")
    if finite and not np.isfinite(numbers).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(numbers))[0])
        place = f"{what}[{', '.join(map(str, where))}]" if where else what
        raise InputError(f"`{place}` is {numbers[where]}; expected a finite number")
    return numbers


def number(what: str, value: Any) -> float:
    """One real number, also from an array without axes; errors as in `floats`."""
    if isinstance(value, Real):
        return float(value)
    array = floats(what, value)
    if array.ndim:
        raise InputError(f"`{what}` has shape {array.shape}; expected a number")
    return float(array)


def _on_host(what: str, values: Any) -> NDArray[Any]:
    """`values` as some array of NumPy, a view where one is possible."""
    if isinstance(values, np.ndarray):
        _refuse_masked(what, values)
        return values
    if isinstance(values, list | tuple) and values and _is_foreign(values[0]):
        # NumPy would read arrays on a device item by item, or not at all.
        values = [_on_host(f"{what}[{i}]", entry) for i, entry in enumerate(values)]
    if getattr(values, "requires_grad", False):
        raise InputError(
            f"`{what}` is a {type(values).__name__} that requires a gradient, which would be lost",
            hint="pass .detach() of it, or its values",
        )
    try:
        return from_dlpack(values) if _has_dlpack(values) else np.asarray(values)
    except (BufferError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"`{what}` cannot be read as numbers: {error} (found a {type(values).__name__})"
        ) from error


def _is_foreign(entry: Any) -> bool:
    return hasattr(entry, "__dlpack__") or isinstance(entry, np.ma.MaskedArray)


def _has_dlpack(values: Any) -> bool:
    # pyarrow hands out neither bools nor nulls through DLPack, but both through `__array__`.
    arrow = type(values).__module__.partition(".")[0] == "pyarrow"
    return hasattr(values, "__dlpack__") and not arrow


def _refuse_masked(what: str, values: NDArray[Any]) -> None:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(
            f"`{what}` has masked entries; expected a number in each",
            hint="say what they are with .filled(value)",
        )
