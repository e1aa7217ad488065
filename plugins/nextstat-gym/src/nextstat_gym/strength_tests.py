"""Tests of rows of a model whose profile likelihood has a closed form.

It is convex, so the sign of its slope at the tested value says on which side of it the best fit
lies: on one side the statistic is zero. On the other Newton steps lead to the minimum, from that of
the last call. A single row with few bins is computed with plain floats, which cost less than calls
of NumPy. Rows where the closed form does not hold are tested by `InputTests`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer import InputTests
    from nextstat_gym.strength import StrengthLikelihood

__all__ = ["StrengthTests"]

_STEPS = 20
# Distance to the minimum at which a step ends; what it says is taken off the value.
_CLOSE = 1e-9
# Bins up to which floats are faster than arrays.
_FEW = 12


class StrengthTests:
    """One statistic of one model, again and again.

    Parameters
    ----------
    tests : InputTests
        For rows without a closed form.
    likelihood : StrengthLikelihood
    mu : float
        The tested signal.
    span : tuple of float
        Least and largest best fit for which the statistic is not zero; `mu` is one of them.
    start : float
        Best fit from which rows start.
    """

    def __init__(
        self,
        tests: InputTests,
        likelihood: StrengthLikelihood,
        mu: float,
        span: tuple[float, float],
        start: float,
    ) -> None:
        self._tests, self._likelihood, self._mu = tests, likelihood, mu
        self._span, self._start = span, min(max(start, span[0]), span[1])
        self._single, self._rows = self._start, np.zeros(0)

    def restart(self, rows: NDArray[np.intp] | None = None) -> None:
        """Start rows, or all of them, from where the first call started."""
        if rows is None:
            self._single, self._rows = self._start, self._rows[:0]
        elif len(self._rows):
            self._rows[rows] = self._start

    def one(self, yields: NDArray[np.float64]) -> tuple[float, bool]:
        """Statistic of one row, shape (bins,), and whether its fits converged."""
        found = self._by_floats(yields) if len(yields) <= _FEW else None
        if found is not None:
            return found, True
        q, converged = self.at(yields[None, :])
        return q[0].item(), bool(converged[0])

    def _by_floats(self, yields: NDArray[np.float64]) -> float | None:
        likelihood, (low, high), mu = self._likelihood, self._span, self._single
        rates = likelihood.signal(yields)
        signal = rates.tolist()
        if self._mu == 0.0:
            held, slope = 0.0, likelihood.slope_at_zero(rates).item()
        else:
            tested = likelihood.of_one(self._mu, signal)
            if tested is None:
                return None
            held, slope, _ = tested
        if (slope >= 0.0 and self._mu == low) or (slope <= 0.0 and self._mu == high):
            return 0.0
        for _ in range(_STEPS):
            found = likelihood.of_one(mu, signal)
            if found is None or not found[2] > 0.0:
                return None
            value, slope, curvature = found
            step = slope / curvature
            inside = min(max(mu - step, low), high)
            distance = 0.5 * slope * step if inside == mu - step else math.inf
            if inside == mu:  # at an end, beyond which a better fit would lie
                distance = 0.0
            if distance < _CLOSE:
                self._single = inside
                return max(2.0 * (held - value + distance), 0.0)
            mu = inside
        return None

    def at(self, yields: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Statistics of rows of yields, shape (rows, bins), and whether their fits converged."""
        if len(self._rows) != len(yields):
            self._rows = np.full(len(yields), self._start)
        with np.errstate(all="ignore"):
            q, found = self._by_arrays(self._likelihood.signal(yields))
        if not found.all():
            rows = np.flatnonzero(~found)
            tested = self._tests.at(yields[rows], np.array([self._mu])).tested
            q[rows], found[rows] = tested.q, tested.converged
        return q, found

    def _by_arrays(
        self, signal: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        likelihood, (low, high), mu = self._likelihood, self._span, self._rows
        held: Any = 0.0
        if self._mu == 0.0:
            slope = likelihood.slope_at_zero(signal)
        else:
            held, slope, _ = likelihood.of_rows(np.full(len(mu), self._mu), signal)
        cut = slope >= 0.0 if self._mu == low else slope <= 0.0
        if low == high:
            cut |= slope <= 0.0
        for _ in range(_STEPS):
            value, slope, curvature = likelihood.of_rows(mu, signal)
            step = slope / curvature
            target = mu - step
            inside = np.minimum(np.maximum(target, low), high)
            distance = 0.5 * slope * step
            distance[inside != target] = np.inf
            distance[inside == mu] = 0.0
            close = distance < _CLOSE
            if (close | cut).all() or (close | cut | np.isnan(value)).all():
                break
            mu = inside
        found = close | cut
        q = np.maximum(2.0 * (held - value + distance), 0.0)
        q[cut] = 0.0
        self._rows = np.where(close, inside, self._start)
        return q, found
