"""Parameter vectors that users pass in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["parameter_rows", "parameter_vector"]


def parameter_vector(params: ArrayLike, count: int, *, finite: bool = False) -> NDArray[np.float64]:
    """One parameter vector, shape (count,); NaN and infinities are refused if `finite`."""
    vector = floats("params", params, finite=finite)
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
