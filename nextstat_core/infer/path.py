"""Solutions along one parameter, from which the next ones are predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Path"]

# How far a line is followed beyond the last solution, in distances of the last two.
_FAR = 2.0


class Path:
    """Points of a profile that were solved, in order of the parameter."""

    def __init__(self) -> None:
        self._at: NDArray[np.float64] = np.zeros(0)
        self._x: NDArray[np.float64] = np.zeros((0, 0))

    def add(self, at: NDArray[np.float64], x: NDArray[np.float64]) -> None:
        """Take in solutions `x`, shape (n, n_parameters), at values `at`, shape (n,)."""
        if not len(at):
            return
        everything = np.concatenate([self._at, at])
        points = np.concatenate([self._x.reshape(-1, x.shape[1]), x])
        self._at, first = np.unique(everything, return_index=True)
        self._x = points[first]

    def start(self, at: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Points on the lines through neighbouring solutions; None while there are not two."""
        if len(self._at) < 2:
            return None
        left = np.clip(np.searchsorted(self._at, at) - 1, 0, len(self._at) - 2)
        gap = self._at[left + 1] - self._at[left]
        share = np.clip((at - self._at[left]) / gap, -_FAR, 1.0 + _FAR)[:, None]
        return (1.0 - share) * self._x[left] + share * self._x[left + 1]
