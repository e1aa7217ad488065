r"""Poisson terms of the likelihood in deviance form, finite for every rate.

For n > 0 and a rate :math:`\nu \ge \epsilon` the term is the half deviance

.. math:: \nu - n - n \log(\nu / n) = n \, (d - \log(1 + d)), \qquad d = (\nu - n) / n,

which keeps differences of likelihoods accurate where :math:`\nu \approx n`. Below
:math:`\epsilon` the logarithm is continued to second order, so the term stays finite and convex
in the rate. For n = 0 the term is the rate itself, below zero too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["PoissonTerms", "poisson_constant", "poisson_terms"]


@dataclass(frozen=True, slots=True)
class PoissonTerms:
    """Half deviance per bin and its derivatives with respect to the rate.

    Attributes
    ----------
    value : array
        ``rate - n - n log(rate / n)``; the rate where n = 0.
    slope : array or None
        First derivative ``1 - n / rate``.
    curvature : array or None
        Second derivative ``n / rate**2``.
    """

    value: Array
    slope: Array | None
    curvature: Array | None


def poisson_terms(
    rate: Array, count: Array, floor: Array, xp: ArrayNamespace, order: int = 2
) -> PoissonTerms:
    """Half deviances of `count` under `rate`, with the continuation below `floor`.

    Parameters
    ----------
    rate : array, shape (bins, rows)
        Expected counts; any finite value.
    count : array, shape (bins, rows) or (bins, 1)
        Observed counts, >= 0, not necessarily whole.
    floor : array, shape (bins, 1)
        Rate below which the logarithm is continued, > 0.
    order : int
        Highest derivative wanted: 0, 1 or 2.
    """
    inside = xp.maximum(rate, floor)
    below = rate - inside  # zero wherever the exact logarithm holds
    # One where there are no counts: arithmetic with a mask is faster than a choice.
    empty = xp.astype(count == 0.0, rate.dtype)
    divisor = count + empty
    excess = (inside - count) / divisor
    ratio = inside / divisor
    # log1p(excess), accurate near zero by what the rounding of the ratio lost there, and near -1.
    lost = xp.where(ratio > 0.5, excess - (ratio - 1.0), xp.zeros_like(excess))
    value = excess - xp.log(ratio) - lost / ratio
    value *= count
    value += below
    depth = below / floor
    value -= count * (depth - 0.5 * depth * depth)
    value += empty * inside
    if order == 0:
        return PoissonTerms(value, None, None)
    slope = (inside - count * (1.0 - depth)) / inside
    if order == 1:
        return PoissonTerms(value, slope, None)
    return PoissonTerms(value, slope, count / (inside * inside))


def poisson_constant(count: Array, backend: Backend) -> Array:
    """What completes half deviances to ``-log p``: ``n - n log n + log n!``, 0 where n = 0."""
    xp = backend.xp
    entries = count.shape[0] * count.shape[1]
    if entries > _TABLE_WORTHWHILE:
        largest = float(xp.max(count))
        if largest < entries and not backend.any_true(count != xp.floor(count)):
            # Many whole numbers, as in toys: compute each once.
            whole = xp.arange(int(largest) + 1, dtype=backend.dtype, device=backend.device)
            index = xp.reshape(xp.astype(count, xp.int64), (entries,))
            table = _constant(whole, backend)
            return xp.reshape(backend.take(table, index, axis=0), count.shape)
    return _constant(count, backend)


_TABLE_WORTHWHILE = 4096
_STIRLING_FROM = 16.0
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def _constant(count: Array, backend: Backend) -> Array:
    xp = backend.xp
    observed, large = count > 0, count >= _STIRLING_FROM
    safe = xp.where(observed & ~large, count, 1.0)
    small = count - count * xp.log(safe) + backend.gammaln(safe + 1.0)
    inverse = 1.0 / xp.where(large, count, _STIRLING_FROM)
    series = 0.0 * count + _STIRLING[-1]
    for term in _STIRLING[-2::-1]:
        series = series * inverse * inverse + term
    # The leading terms of log n! cancel against n log n - n: left out, they cost no digits.
    stirling = _HALF_LOG_2PI - 0.5 * xp.log(inverse) + inverse * series
    return xp.where(large, stirling, xp.where(observed, small, 0.0))
