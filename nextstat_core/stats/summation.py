"""Sums with an error that does not grow with the number of terms, in array operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["compensated_sum"]


def compensated_sum(x: Array, xp: ArrayNamespace) -> Array:
    """Sum over the first axis by a tree of two-sums (Knuth, TAOCP 2, 4.2.2, theorem B).

    Each level adds the upper half to the lower half and carries the exact rounding error along, so
    the result is that of a sum in twice the working precision, and the order of operations does not
    depend on the library.

    Parameters
    ----------
    x : array, shape (n, ...)

    Returns
    -------
    array, shape (...)
    """
    if x.shape[0] == 0:
        return xp.sum(x, axis=0)  # zeros on the device of x
    error = xp.zeros_like(x)
    while x.shape[0] > 1:
        half = x.shape[0] // 2
        low, high = x[:half, ...], x[half : 2 * half, ...]
        total = low + high
        part = total - low
        lost = (low - (total - part)) + (high - part)
        carried = error[:half, ...] + error[half : 2 * half, ...] + lost
        rest = slice(2 * half, None)
        x = xp.concat([total, x[rest, ...]], axis=0)
        error = xp.concat([carried, error[rest, ...]], axis=0)
    return x[0, ...] + error[0, ...]
