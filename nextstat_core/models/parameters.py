"""Parameter vectors that users pass in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["FloatArray", "floats", "parameter_rows", "parameter_vector"]

FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def floats(what: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values` as a float64 array.

    Raises
    ------
    InputError
        If they are no numbers, or ragged.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{what}` cannot be read as numbers: {error}") from error


def parameter_vector(params: ArrayLike, count: int) -> NDArray[np.float64]:
    """One parameter vector, shape (count,)."""
    vector = floats("params", params)
    if vector.ndim != 1:
        raise InputError(f"`params` has {vector.ndim} axes; expected one with {count} parameters")
    if len(vector) != count:
        raise InputError(f"Parameter length mismatch: expected {count}, got {len(vector)}")
    return vector


def parameter_rows(params: ArrayLike, count: int) -> NDArray[np.float64]:
    """A batch of parameter vectors, shape (rows, count); a single one is a batch of one."""
    rows = np.atleast_2d(floats("params", params))
    if rows.ndim != 2:
        raise InputError(f"`params` has {rows.ndim} axes; expected (rows, {count})")
    if rows.shape[1] != count:
        raise InputError(f"Parameter length mismatch: expected {count}, got {rows.shape[1]}")
    return rows
