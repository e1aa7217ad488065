"""Error bars of observed counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike

__all__ = ["garwood"]


def garwood(
    counts: ArrayLike, *, level: float = 0.6826894921370859
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Central confidence intervals of Poisson means (Garwood, Biometrika 28 (1936) 437).

    Parameters
    ----------
    counts : array-like, shape (n,)
        Observed counts, 0 or more; not necessarily whole, as in Asimov data.
    level : float
        Probability content; one standard deviation by default.

    Returns
    -------
    lower, upper : float arrays, shape (n,)
        Ends of the intervals; the lower end for no count is 0.
    """
    from scipy.special import gammaincinv

    n, tail = np.asarray(counts, dtype=np.float64), 0.5 * (1.0 - level)
    # Half of the quantiles of chi-squared distributions are those of gamma distributions.
    lower = np.where(n > 0.0, gammaincinv(np.where(n > 0.0, n, 1.0), tail), 0.0)
    return lower, np.asarray(gammaincinv(n + 1.0, 1.0 - tail))
