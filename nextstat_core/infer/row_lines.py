"""Where the next conditional minima of rows are expected: each on a line of its own."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.input_fits import along_poi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.conditional import Conditional, ConditionalFits

__all__ = ["RowLines"]

# Solutions that are closer, relative to the tested value, say nothing about a direction.
_APART = 1e-4


class RowLines:
    """Lines through the last two solutions of each row; the first have the covariance's direction.

    Parameters
    ----------
    around : list of Conditional
        One for all rows, or one for each.
    poi : int
    rows : int
    start : float array, shape (rows, n_params), optional
        Where lines begin, instead of the minima of `around`.

    Attributes
    ----------
    sigma : float array, shape (rows,)
        Uncertainty of the parameter of interest; 1 where it is not known.
    """

    def __init__(
        self,
        around: list[Conditional],
        poi: int,
        rows: int,
        start: NDArray[np.float64] | None = None,
    ) -> None:
        shape = (rows, len(around[0].x))
        begin = np.stack([each.x for each in around]) if start is None else start
        self._x = np.array(np.broadcast_to(begin, shape))
        self._mu = self._x[:, poi].copy()
        along = np.stack([along_poi(each, poi) for each in around])
        self._direction = np.array(np.broadcast_to(along, shape))
        self.sigma = np.array(np.broadcast_to([_sigma(each, poi) for each in around], (rows,)))

    def at(self, mu: NDArray[np.float64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Starts of `rows` at `mu`."""
        return self._x[rows] + (mu - self._mu[rows])[:, None] * self._direction[rows]

    def follow(
        self, mu: NDArray[np.float64], rows: NDArray[np.intp], found: ConditionalFits
    ) -> None:
        """Take in solutions."""
        gap, x = mu - self._mu[rows], found.fits.values
        usable = found.converged & np.isfinite(x).all(axis=1)
        apart = usable & (np.abs(gap) > _APART * np.abs(mu))
        self._direction[rows[apart]] = (x - self._x[rows])[apart] / gap[apart, None]
        self._x[rows[usable]], self._mu[rows[usable]] = x[usable], mu[usable]


def _sigma(around: Conditional, poi: int) -> float:
    metric = around.metric
    if metric is None or metric.inverse is None:
        return 1.0
    sigma = float(np.sqrt(metric.columns(np.array([poi]))[0, poi]))
    return sigma if 0.0 < sigma < inf else 1.0
