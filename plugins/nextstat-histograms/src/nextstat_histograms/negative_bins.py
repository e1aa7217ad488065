"""Bins with negative yields: what is done about them, and never silently.

With the floor c, every bin with v < c becomes v' = c. With `keep_sum`, all other bins are then
scaled by one factor so that the sum is what it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_histograms.histogram import Histogram

__all__ = ["raise_bins"]


def raise_bins(histogram: Histogram, floor: float = 0.0, *, keep_sum: bool = False) -> Histogram:
    """Raise yields below `floor` to it.

    Parameters
    ----------
    histogram : Histogram
    floor : float
        Smallest yield that is left, 0 or more.
    keep_sum : bool
        Whether the other bins are scaled to keep the sum of all.

    Returns
    -------
    Histogram
        With unchanged variances: the statistical uncertainty of a bin says how far below zero it
        came to be.

    Raises
    ------
    InputError
        If the sum cannot be kept, because the other bins do not have as much.
    """
    if not (np.isfinite(floor) and floor >= 0.0):
        raise InputError(f"`floor` is {floor!r}; expected 0 or a positive number")
    low = histogram.values < floor
    if not low.any():
        return histogram
    values = np.where(low, floor, histogram.values)
    if keep_sum:
        rest = histogram.values[~low].sum()
        wanted = histogram.sum - floor * low.sum()
        if not wanted > 0.0 < rest:
            raise InputError(
                f"the sum {histogram.sum:g} cannot be kept with yields of {floor:g} or more"
            )
        values[~low] *= wanted / rest
    return histogram.with_values(values)
