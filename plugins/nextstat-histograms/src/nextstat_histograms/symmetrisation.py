"""Symmetrisation: up and down variations that are mirror images of each other.

With the nominal yields n, the variations u and d, in every bin:

=============  ==========================================================================
``onesided``   The variation that is there, or the one that is further away, is kept: d' = 2n - u.
``twosided``   u' = n + (u - d) / 2
``absmean``    u' = n + (abs(u - n) + abs(d - n)) / 2
``maximum``    u' is, bin by bin, that one of u and d that is further from n.
=============  ==========================================================================

and the other variation is the mirror image, d' = 2n - u'. These are the definitions that TRExFitter
calls ONESIDED, TWOSIDED, ABSMEAN and MAXIMUM (its function ``HistoTools::SymmetrizeHistograms``),
without its cut at zero: negative bins are treated by a step of their own. ``split`` is what
cabinetry does where a description says ``Symmetrize``: normalisation f = sum(u) / sum(n) and shape
s = u / f are mirrored separately, d' = (2 - f) (2n - s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from nextstat_core.errors import InputError
from nextstat_histograms.normalisation import split

if TYPE_CHECKING:
    from nextstat_histograms.histogram import Histogram

__all__ = ["SymmetrisationMethod", "same_sided_bins", "separation", "symmetrise"]

SymmetrisationMethod: TypeAlias = Literal["onesided", "twosided", "absmean", "maximum", "split"]


def symmetrise(
    nominal: Histogram,
    up: Histogram | None,
    down: Histogram | None,
    method: SymmetrisationMethod,
) -> tuple[Histogram, Histogram]:
    """Make two variations symmetric about the nominal histogram.

    Parameters
    ----------
    nominal : Histogram
    up, down : Histogram or None
        One of them may be missing for ``onesided`` and ``split``. If both are there, these keep the
        one with the larger `separation`; up, if they are equal.
    method : {"onesided", "twosided", "absmean", "maximum", "split"}

    Returns
    -------
    up, down : Histogram
        Variances are those of the variations that came in: they are correlated with the nominal
        histogram in a way that histograms do not tell.
    """
    if method not in get_args(SymmetrisationMethod):
        raise InputError.unknown("symmetrisation", method, get_args(SymmetrisationMethod))
    if method in ("onesided", "split"):
        return _of_one(nominal, up, down, split_first=method == "split")
    if up is None or down is None:
        missing = "up" if up is None else "down"
        raise InputError(
            f"symmetrisation {method!r} needs both variations; there is no variation {missing}",
            hint="'onesided' needs only one",
        )
    n, u, d = nominal.values, up.values, down.values
    if method == "twosided":
        moved = n + (u - d) / 2.0
    elif method == "absmean":
        moved = n + (np.abs(u - n) + np.abs(d - n)) / 2.0
    else:
        moved = np.where(np.abs(u - n) < np.abs(d - n), d, u)
    return up.with_values(moved), down.with_values(2.0 * n - moved)


def _of_one(
    nominal: Histogram, up: Histogram | None, down: Histogram | None, *, split_first: bool
) -> tuple[Histogram, Histogram]:
    if up is not None and (down is None or separation(up, nominal) >= separation(down, nominal)):
        return up, _mirrored(nominal, up, split_first=split_first)
    if down is None:
        raise InputError("there is no variation to be mirrored")
    return _mirrored(nominal, down, split_first=split_first), down


def _mirrored(nominal: Histogram, kept: Histogram, *, split_first: bool) -> Histogram:
    if not split_first:
        return kept.with_values(2.0 * nominal.values - kept.values)
    factor, shape = split(nominal, kept)
    return kept.with_values((2.0 - factor) * (2.0 * nominal.values - shape))


def separation(one: Histogram, other: Histogram) -> float:
    """Half the sum of (a - b)^2 / (a + b) over bins; bins in which a + b is 0 count nothing."""
    total = one.values + other.values
    squares = np.square(one.values - other.values)
    parts = np.divide(squares, total, out=np.zeros_like(total), where=total != 0.0)
    return float(0.5 * parts.sum())


def same_sided_bins(nominal: Histogram, up: Histogram, down: Histogram) -> list[int]:
    """Bins in which both variations are on one side; in these ``twosided`` cancels their effect."""
    product = (up.values - nominal.values) * (down.values - nominal.values)
    return [int(index) for index in np.flatnonzero(product > 0.0)]
