"""Numerical derivatives, to hold exact ones against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["differences", "inner_points"]

# Balances the error of a fourth-order formula with the rounding error.
_STEP = 1e-3


def differences(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    point: NDArray[np.float64],
    room: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Derivatives of `function` by central differences of fourth order.

    Parameters
    ----------
    function : callable
        Takes (n,), returns an array.
    point : float array, shape (n,)
    room : float array, shape (n,)
        Distance of each entry to the next bound; entries without any get a derivative of 0.

    Returns
    -------
    float array, shape (n, *shape of the function's values)
    """
    value = np.asarray(function(point), dtype=float)
    result = np.zeros((len(point), *value.shape))
    for i, space in enumerate(room):
        step = min(_STEP * max(1.0, abs(point[i])), 0.4 * space)
        if step <= 0.0:
            continue

        def at(shift: float, i: int = i, step: float = step) -> NDArray[np.float64]:
            moved = point.copy()
            moved[i] += shift * step
            return np.asarray(function(moved), dtype=float)

        near, far = at(1.0) - at(-1.0), at(2.0) - at(-2.0)
        result[i] = (8.0 * near - far) / (12.0 * step)
    return result


def inner_points(
    init: Sequence[float], bounds: Sequence[tuple[float, float]], count: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points around the start, well inside the bounds, and their distances to these.

    Returns
    -------
    points, room : float arrays, shape (count, n)
        Entries that are fixed by equal bounds stay, and have no room.
    """
    start = np.asarray(init, dtype=float)
    lower, upper = np.asarray(bounds, dtype=float).reshape(-1, 2).T
    spread = 0.3 * np.maximum(1.0, np.abs(start))
    low = np.maximum(start - spread, start - 0.8 * (start - lower))
    high = np.minimum(start + spread, start + 0.8 * (upper - start))
    draws = np.random.default_rng(seed).random((count, len(start)))
    points = low + draws * (high - low)
    return points, np.minimum(points - lower, upper - points)
