"""The chi-squared distribution for whole degrees of freedom."""

from __future__ import annotations

import math

__all__ = ["chi2_sf"]


def chi2_sf(x: float, ndof: int) -> float:
    """Probability that a chi-squared variable of `ndof` degrees of freedom exceeds `x`.

    The finite sums for whole degrees of freedom (Abramowitz, Stegun, Handbook of Mathematical
    Functions, 26.4.4 and 26.4.5); all terms are positive, so no digits cancel.

    Parameters
    ----------
    x : float
        1 where it is not positive.
    ndof : int
        At least 1.

    Examples
    --------
    >>> round(chi2_sf(3.841459, 1), 6), round(chi2_sf(2.0, 2), 6)
    (0.05, 0.367879)
    """
    if x <= 0.0:
        return 1.0
    half = 0.5 * x
    # Each term is the Poisson-like weight half**a exp(-half) / Gamma(a + 1), a = ndof/2 - 1, ...
    first = 0.5 * (ndof % 2)
    powers = [first + j for j in range(ndof // 2)]
    terms = [math.exp(a * math.log(half) - half - math.lgamma(a + 1.0)) for a in powers]
    if ndof % 2:
        terms.append(math.erfc(math.sqrt(half)))
    return min(math.fsum(terms), 1.0)
