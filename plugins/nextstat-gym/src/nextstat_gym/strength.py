r"""A likelihood of one signal strength, in which each bin has at most one other parameter.

Such a bin expects :math:`\nu = a + t`, where :math:`a = r + \mu f s` has no uncertainty and
:math:`t = c \gamma` is scaled by the bin's own gamma. At every signal strength the best gamma has a
closed form: with counts n and a Poisson constraint :math:`\tau \gamma - m \log \gamma`,

.. math:: k t^2 + (k a - n - m) t - m a = 0, \quad k = 1 + \tau / c,

and with a Gaussian one :math:`w (t - t_c)^2 / 2` it is

.. math:: w \nu^2 + (1 - w (a + t_c)) \nu - n = 0.

What remains is a function of the signal strength alone, a sum of convex functions of a. It is taken
less its value at :math:`\mu = 0`, which the signal's yields do not enter: that keeps its digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["StrengthBins", "StrengthLikelihood"]

# A difference of roots that is smaller than this, relative to them, has lost too many digits.
_DIGITS = 1e-8


def _shift(a: Any, n: Any, m: Any, k: Any) -> Any:
    """The best t under a Poisson constraint."""
    b = k * a - n - m
    return ((b * b + 4.0 * k * m * a) ** 0.5 - b) / (2.0 * k)


def _rate(a: Any, n: Any, center: Any, weight: Any) -> Any:
    """The rate at the best t under a Gaussian constraint."""
    b = 1.0 - weight * (a + center)
    return ((b * b + 4.0 * weight * n) ** 0.5 - b) / (2.0 * weight)


def _bare(a: Any, numbers: Sequence[Any], log: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    n, first = numbers
    return a - first - n * log(a / first), 1.0 - n / a, n / (a * a)


def _poisson(a: Any, numbers: Sequence[Any], log: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    n, m, k, first, t_first = numbers
    t = _shift(a, n, m, k)
    rate = a + t
    logs = n * log(rate / (first + t_first)) + m * log(t / t_first)
    pull, hold = n / (rate * rate), m / (t * t)
    value = (a - first) + k * (t - t_first) - logs
    return value, 1.0 - n / rate, pull * hold / (pull + hold)


def _gaussian(a: Any, numbers: Sequence[Any], log: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    n, center, weight, first, t_first = numbers
    rate = _rate(a, n, center, weight)
    t, rate_first = rate - a, first + t_first
    moved = 0.5 * weight * (t - t_first) * (t + t_first - 2.0 * center)
    value = (rate - rate_first) - n * log(rate / rate_first) + moved
    pull = n / (rate * rate)
    return value, 1.0 - n / rate, pull * weight / (pull + weight)


@dataclass(frozen=True, slots=True)
class StrengthBins:
    """Bins of one form.

    Attributes
    ----------
    form : callable
        From a, the numbers and a logarithm to the value less that at zero signal, and to its first
        and second derivatives with respect to a. Takes arrays, or the floats of one bin.
    where : int array
        Which bins of the signal.
    rest : float array
        What they expect without signal and gamma.
    low, high : float arrays
        Between these a has a rate above its floor, the gamma lies inside of its bounds, and the
        closed form has its digits.
    numbers : list of float arrays
    """

    form: Callable[[Any, Sequence[Any], Callable[[Any], Any]], tuple[Any, Any, Any]]
    where: NDArray[np.intp]
    rest: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    numbers: list[NDArray[np.float64]]

    @classmethod
    def without_gamma(cls, where: Any, n: Any, rest: Any, floor: Any) -> StrengthBins:
        """Bins whose rate is a."""
        return cls(_bare, where, rest, floor, np.full(len(rest), np.inf), [n, rest])

    @classmethod
    def with_poisson(
        cls, where: Any, n: Any, rest: Any, floor: Any, ends: Any, m: Any, factor: Any
    ) -> StrengthBins:
        """Bins whose t, with bounds `ends`, has the constraint ``factor t - m log t``."""
        k = 1.0 + factor
        low, high = _window(n, [k - m / t for t in ends], ends)
        high = np.minimum(high, m / (k * _DIGITS))
        # Rates stay above n / k, however low a is.
        least = np.where(n < k * floor, floor - m / (k - n / floor), -np.inf)
        numbers = [n, m, k, rest, _shift(rest, n, m, k)]
        return cls(_poisson, where, rest, np.maximum(low, least), high, numbers)

    @classmethod
    def with_gaussian(
        cls, where: Any, n: Any, rest: Any, floor: Any, ends: Any, center: Any, weight: Any
    ) -> StrengthBins:
        """Bins whose t, with bounds `ends`, has the constraint ``weight (t - center)**2 / 2``."""
        low, high = _window(n, [1.0 + weight * (t - center) for t in ends], ends)
        least = floor - center - (n / floor - 1.0) / weight
        low = np.maximum(np.maximum(low, least), -center)
        high = np.where((n > 0.0) & (weight * n < _DIGITS), -np.inf, high)
        numbers = [n, center, weight, rest, _rate(rest, n, center, weight) - rest]
        return cls(_gaussian, where, rest, low, high, numbers)


def _window(n: Any, forces: Any, ends: Any) -> tuple[Any, Any]:
    """Values of a at which t is at its upper, and at its lower bound: it falls as a rises.

    At the best t the derivative of everything but ``-n log(rate)``, the force, is n / rate; where
    it is not positive t never gets that low.
    """
    high, low = (
        np.where(force > 0.0, n / force - t, np.inf) for force, t in zip(forces, ends, strict=True)
    )
    return low, high


class StrengthLikelihood:
    """Profile likelihood of the signal strength for given nominal yields of the signal."""

    def __init__(self, scale: NDArray[np.float64], groups: list[StrengthBins]) -> None:
        self._scale = scale
        # Bins along the first axis, so that loops of NumPy run over rows.
        self._groups = [
            replace(
                group,
                rest=group.rest[:, None],
                low=group.low[:, None],
                high=group.high[:, None],
                numbers=[column[:, None] for column in group.numbers],
            )
            for group in groups
        ]
        self._single = [
            (
                group.form,
                int(where),
                *(column[i].item() for column in (group.rest, group.low, group.high)),
                [column[i].item() for column in group.numbers],
            )
            for group in groups
            for i, where in enumerate(group.where)
        ]
        self._slopes = np.zeros(len(scale))
        for group in groups:
            self._slopes[group.where] = group.form(group.rest, group.numbers, np.log)[1]

    def signal(self, yields: NDArray[np.float64]) -> NDArray[np.float64]:
        """What nominal yields, shape (bins,) or (rows, bins), make a signal of ``mu = 1`` expect.

        Returns
        -------
        float array, shape (bins,) or (bins, rows)
        """
        if yields.ndim == 1:
            return yields * self._scale
        return np.multiply(yields.T, self._scale[:, None], order="C")

    def slope_at_zero(self, signal: NDArray[np.float64]) -> Any:
        """Derivative at ``mu = 0`` with respect to it, of a signal or of rows of them."""
        return self._slopes @ signal

    def of_one(self, mu: float, signal: Sequence[float]) -> tuple[float, float, float] | None:
        """Value less that at zero, slope and curvature; None where the closed form does not hold.

        Parameters
        ----------
        mu : float
        signal : sequence of float
            As from `signal`.
        """
        value = slope = curvature = 0.0
        for form, where, rest, low, high, numbers in self._single:
            strength = signal[where]
            a = rest + mu * strength
            if not low < a < high:
                return None
            found = form(a, numbers, math.log)
            value += found[0]
            slope += strength * found[1]
            curvature += strength * strength * found[2]
        return value, slope, curvature

    def of_rows(
        self, mu: NDArray[np.float64], signal: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The same of rows, for shapes (rows,) and (bins, rows); NaN instead of None."""
        value, slope, curvature = np.zeros((3, len(mu)))
        for group in self._groups:
            strength = signal if len(group.where) == len(signal) else signal[group.where]
            a = mu * strength
            a += group.rest
            if not (a > group.low).all() or not (a < group.high).all():
                a[(a <= group.low) | (a >= group.high)] = np.nan
            found = group.form(a, group.numbers, np.log)
            value += found[0].sum(axis=0)
            slope += (strength * found[1]).sum(axis=0)
            curvature += (strength * strength * found[2]).sum(axis=0)
        return value, slope, curvature
