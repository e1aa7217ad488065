"""The quadratic form that is nearest to a likelihood, from its gradients.

Near its minimum a likelihood is a parabola in almost all of its parameters, and the parabola has
:math:`P^2 / 2` numbers, which a network would have to find out. The gradient of a quadratic form is
linear in the parameters, so that they are a linear regression: each point gives P equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["QuadraticForm"]

#: Points per unknown of each equation of the regression, at least.
_POINTS = 2


@dataclass(frozen=True, slots=True)
class QuadraticForm:
    r""":math:`\sum_i x_i (b_i + \frac12 \sum_j A_{ij} x_j)`.

    Attributes
    ----------
    linear : float array, shape (n,)
    matrix : float array, shape (n, n)
        Symmetric.
    """

    linear: NDArray[np.float64]
    matrix: NDArray[np.float64]

    @classmethod
    def none(cls, count: int) -> Self:
        """The form that is zero."""
        return cls(np.zeros(count), np.zeros((count, count)))

    @classmethod
    def nearest(cls, points: NDArray[np.float64], slopes: NDArray[np.float64]) -> Self:
        """The form with the least squared error of the slopes; zero for too few points.

        Parameters
        ----------
        points, slopes : float arrays, shape (rows, n)
            A column of equal points has no curvature of its own.
        """
        rows, count = points.shape
        if rows < _POINTS * (count + 1):
            return cls.none(count)
        design = np.concatenate([np.ones((rows, 1)), points], axis=1)
        found = np.linalg.lstsq(design, slopes, rcond=None)[0]
        # Both entries of a pair are found where both parameters vary; then they are averaged.
        varies = (points.std(axis=0) > 0.0).astype(float)
        half = found[1:] * varies[:, None]
        pairs = varies[:, None] + varies[None, :]
        return cls(found[0], (half + half.T) / np.maximum(pairs, 1.0))

    def value(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values, shape (rows,)."""
        found: NDArray[np.float64] = np.sum(
            points * (self.linear + 0.5 * (points @ self.matrix)), axis=1
        )
        return found

    def slope(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gradients, shape (rows, n)."""
        return self.linear + points @ self.matrix
