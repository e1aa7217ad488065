r"""Smoothing: variations without the fluctuations of few events.

What is smoothed is the ratio r = v / n of a variation and the nominal yields; the result is scaled
to the sum of the variation before smoothing. Statistical uncertainties are not used.

``353QH``, twice (J. Friedman, Proceedings of the 1974 CERN School of Computing, page 292;
``TH1::Smooth`` in ROOT): running medians of 3, 5 and 3 bins, quadratic interpolation of flat
segments, running means with weights 1/4, 1/2, 1/4. The residuals are smoothed in the same way, and
added. Ends: :math:`z_1 = \mathrm{median}(z_1, z_2, 3 z_2 - 2 z_3)` after the first median, and the
median of the three last entries of what went in in the second and second but last bin of the median
of 5.

``kernel`` (E. Nadaraya, G. Watson, 1964), with a Gaussian K of width h in units of bins:

.. math:: r'_j = \frac{\sum_i K((i - j) / h) \, v_i}{\sum_i K((i - j) / h) \, n_i}

This is the ratio of the two smoothed histograms, and needs no yield in every bin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nextstat_histograms.histogram import Histogram

__all__ = [
    "SmoothingAlgorithm",
    "kernel_ratio",
    "limit_variation",
    "smooth",
    "smooth_353qh_twice",
]

SmoothingAlgorithm: TypeAlias = Literal["353QH, twice", "kernel"]

_FEWEST_BINS = 3


def smooth(
    nominal: Histogram,
    variation: Histogram,
    algorithm: SmoothingAlgorithm = "353QH, twice",
    *,
    bandwidth: float = 1.0,
) -> Histogram:
    """Smooth the ratio of a variation and the nominal histogram.

    Parameters
    ----------
    nominal, variation : Histogram
    algorithm : {"353QH, twice", "kernel"}
    bandwidth : float
        Standard deviation of the kernel, in bins; of no meaning for 353QH.

    Returns
    -------
    Histogram
        With the sum and the variances of `variation`. Fewer than three bins are not changed.

    Raises
    ------
    InputError
        If a bin has no nominal yield (353QH), or nothing positive is left to be scaled.
    """
    if algorithm not in get_args(SmoothingAlgorithm):
        raise InputError.unknown("smoothing algorithm", algorithm, get_args(SmoothingAlgorithm))
    if nominal.n_bins < _FEWEST_BINS:
        return variation
    ratio = _ratio(nominal, variation, algorithm, bandwidth)
    smoothed = ratio * nominal.values
    if not smoothed.sum() > 0.0 < variation.sum:
        raise InputError(
            f"yields sum to {variation.sum:g} before and {smoothed.sum():g} after smoothing; "
            "expected positive numbers"
        )
    return variation.with_values(smoothed * (variation.sum / smoothed.sum()))


def limit_variation(nominal: Histogram, variation: Histogram, largest: float) -> Histogram:
    """Cut a variation, bin by bin, to at most `largest` times the nominal yield.

    v' is the value closest to v with abs(v' - n) <= largest abs(n).

    Parameters
    ----------
    nominal, variation : Histogram
    largest : float
        Relative to the nominal yield, more than 0.
    """
    if not (np.isfinite(largest) and largest > 0.0):
        raise InputError(f"`largest` is {largest!r}; expected a positive number")
    room = largest * np.abs(nominal.values)
    return variation.with_values(
        np.clip(variation.values, nominal.values - room, nominal.values + room)
    )


def _ratio(
    nominal: Histogram, variation: Histogram, algorithm: SmoothingAlgorithm, bandwidth: float
) -> NDArray[np.float64]:
    if algorithm == "kernel":
        return kernel_ratio(nominal.values, variation.values, bandwidth)
    empty = np.flatnonzero(nominal.values == 0.0)
    if empty.size:
        raise InputError(
            f"the nominal histogram is empty in bins {', '.join(map(str, empty))}: there is no "
            "ratio to smooth",
            hint="merge bins, or take the algorithm 'kernel'",
        )
    return smooth_353qh_twice(variation.values / nominal.values)


def kernel_ratio(
    nominal: NDArray[np.float64], variation: NDArray[np.float64], bandwidth: float
) -> NDArray[np.float64]:
    """Ratio of two histograms that are smoothed with a Gaussian kernel.

    Parameters
    ----------
    nominal, variation : ndarray, shape (n_bins,)
    bandwidth : float
        In bins.

    Returns
    -------
    ndarray, shape (n_bins,)

    Raises
    ------
    InputError
        If the smoothed nominal histogram is not positive everywhere.
    """
    if not (np.isfinite(bandwidth) and bandwidth > 0.0):
        raise InputError(f"`bandwidth` is {bandwidth!r}; expected a positive number of bins")
    bins = np.arange(nominal.size)
    kernel = np.exp(-0.5 * np.square((bins[:, None] - bins[None, :]) / bandwidth))
    below = kernel @ nominal
    if not (below > 0.0).all():
        raise InputError("the smoothed nominal histogram is not positive in every bin")
    return (kernel @ variation) / below


def smooth_353qh_twice(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth a row of numbers with the algorithm 353QH, twice.

    Parameters
    ----------
    values : array_like, shape (n_bins,)

    Returns
    -------
    ndarray, shape (n_bins,)
        Not negative if `values` are not. Fewer than three values are not changed.
    """
    row = np.array(values, dtype=np.float64)
    if row.size < _FEWEST_BINS:
        return row
    smoothed = _smooth_353qh(row)
    smoothed = smoothed + _smooth_353qh(row - smoothed)
    return smoothed if row.min() < 0.0 else np.maximum(smoothed, 0.0)


def _smooth_353qh(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _hanning(_interpolate_flat(_medians_353(values)))


def _medians_353(values: NDArray[np.float64]) -> NDArray[np.float64]:
    medians = _running_median(values, 3)
    # Tukey's rule for ends: what the next two bins extrapolate to takes part.
    medians[0] = np.median([3.0 * medians[1] - 2.0 * medians[2], values[0], medians[1]])
    medians[-1] = np.median([3.0 * medians[-2] - 2.0 * medians[-3], values[-1], medians[-2]])
    before, medians = medians, _running_median(medians, 5)
    medians[1] = np.median(before[:3])
    medians[-2] = np.median(before[-3:])
    return _running_median(medians, 3)


def _running_median(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Medians of windows that fit; other entries are not changed."""
    medians = values.copy()
    if values.size >= width:
        half = width // 2
        windows = np.lib.stride_tricks.sliding_window_view(values, width)
        medians[half : values.size - half] = np.median(windows, axis=1)
    return medians


def _interpolate_flat(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace hills and valleys that are three bins wide and flat by parabolas."""
    curved = values.copy()
    for middle in range(2, values.size - 2):
        left, centre, right = values[[middle - 2, middle, middle + 2]]
        flat = values[middle - 1] == centre == values[middle + 1]
        if not flat or (left - centre) * (right - centre) <= 0.0:
            continue
        # The parabola starts at the side that differs less.
        step = -1 if abs(right - centre) > abs(left - centre) else 1
        near, far = (left, right) if step == 1 else (right, left)
        curved[middle] = -0.5 * near + centre / 0.75 + far / 6.0
        curved[middle + step] = 0.5 * (far - near) + centre
    return curved


def _hanning(values: NDArray[np.float64]) -> NDArray[np.float64]:
    means = values.copy()
    means[1:-1] = 0.25 * values[:-2] + 0.5 * values[1:-1] + 0.25 * values[2:]
    return means
