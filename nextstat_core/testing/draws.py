"""Random draws that are the same on every platform and for every version of Python and numpy."""

from __future__ import annotations

import math
from random import Random

__all__ = ["Draws"]

# Poisson draws are sums of draws with at most this rate: exp(-30) is far from underflow.
_LARGEST_RATE = 30.0


class Draws:
    """Seeded draws built on `random.Random.random`, the one method whose output is promised.

    Parameters
    ----------
    seed : int
        Same seed, same sequence.

    Examples
    --------
    >>> Draws(3).uniform(0.0, 10.0) == Draws(3).uniform(0.0, 10.0)
    True
    """

    def __init__(self, seed: int) -> None:
        self._source = Random(seed)

    def uniform(self, low: float, high: float) -> float:
        """Draw from the interval [low, high)."""
        return low + (high - low) * self._source.random()

    def normal(self) -> float:
        """Draw from Normal(0, 1), as the sum of twelve uniforms: no libm function, ``|z|`` <= 6."""
        # fsum: since Python 3.12 sum() rounds differently.
        return math.fsum(self._source.random() for _ in range(12)) - 6.0

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self._source.random() < probability

    def choose(self, n: int) -> int:
        """One of 0 ... n - 1."""
        return int(self._source.random() * n)

    def poisson(self, rate: float) -> int:
        """Draw a count from Poisson(max(rate, 0)); time grows linearly with the rate."""
        total = 0
        while rate > _LARGEST_RATE:
            total += self._small_poisson(_LARGEST_RATE)
            rate -= _LARGEST_RATE
        return total + self._small_poisson(max(rate, 0.0))

    def _small_poisson(self, rate: float) -> int:
        count, term = 0, math.exp(-rate)
        left = self._source.random() - term
        while left >= 0.0 and term > 0.0:
            count += 1
            term *= rate / count
            left -= term
        return count
