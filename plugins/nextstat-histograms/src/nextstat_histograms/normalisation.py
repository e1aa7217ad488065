"""A variation as the product of normalisation and shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nextstat_histograms.histogram import Histogram

__all__ = ["split"]


def split(nominal: Histogram, variation: Histogram) -> tuple[float, NDArray[np.float64]]:
    """Split a variation v of n into f = sum(v) / sum(n) and the shape v / f.

    Parameters
    ----------
    nominal, variation : Histogram

    Returns
    -------
    factor : float
        Effect on the normalisation; 1 is no effect.
    shape : ndarray, shape (n_bins,)
        Variation with the sum of the nominal histogram.

    Raises
    ------
    InputError
        If one of the sums is not positive.
    """
    for what, histogram in (("nominal histogram", nominal), ("variation", variation)):
        if not histogram.sum > 0.0:
            raise InputError(
                f"the yields of the {what} sum to {histogram.sum:g}: normalisation and shape cannot"
                " be told apart"
            )
    factor = variation.sum / nominal.sum
    return factor, variation.values / factor
