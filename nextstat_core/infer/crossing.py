"""Where a rising function of one positive variable crosses zero: Newton's method in a bracket.

Many are solved side by side, so that what they evaluate are rows of one batch. The search is
scale-free: it starts from a guess, and goes up as far as it must.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["MOST_ROUNDS", "Crossing", "crossings"]

# Without an upper end of the bracket a step goes at most so far; each time the square of it.
_STRETCH = 4.0
# Beyond this multiple of the first guess nothing is looked for any more.
_HOPELESS = 1e12
#: Points that a search may take.
MOST_ROUNDS = 80
# A value at the end that is farther from zero is none of a root: steps there are far smaller.
_NEAR = 0.05


@dataclass(slots=True)
class Crossing:
    """One search.

    Attributes
    ----------
    at : float
        Next point to evaluate, at the end the solution; infinite if there is none.
    done : bool
    trials : int
        Evaluations so far.
    lower, upper : float
        The bracket: below zero at the lower end, above at the upper one.
    value : float
        What the function was when it was told last.
    """

    at: float
    tolerance: float
    lower: float = 0.0
    upper: float = inf
    done: bool = False
    trials: int = 0
    value: float = 0.0
    _stretch: float = _STRETCH
    _ceiling: float = 0.0

    def __post_init__(self) -> None:
        self._ceiling = _HOPELESS * self.at

    def tell(self, value: float, slope: float) -> None:
        """Take in the function and its derivative at `at`, and choose the next point."""
        self.trials, self.value = self.trials + 1, value
        here = self.at
        if value < 0.0:
            self.lower = max(self.lower, here)
        else:
            self.upper = min(self.upper, here)
        step = -value / slope if slope > 0.0 and isfinite(value) else inf
        if abs(step) <= self.tolerance * here and self.lower <= here + step <= self.upper:
            self.at, self.done = here + step, True
            return
        if self.upper - self.lower <= self.tolerance * self.lower:
            self.at, self.done = 0.5 * (self.lower + self.upper), True
            return
        self.at = self._next(here + step)

    @property
    def jumps(self) -> bool:
        """Whether the function changes its sign at the end, but is not near zero there."""
        return self.done and isfinite(self.at) and abs(self.value) > _NEAR

    def reopen(self) -> None:
        """Forget the bracket: the function may have changed."""
        if isfinite(self.at):
            self.lower, self.upper, self.done = 0.0, inf, False

    def _next(self, wished: float) -> float:
        if isfinite(self.upper):
            inside = self.lower < wished < self.upper
            return wished if inside else self._middle()
        most = self.lower * self._stretch
        if most > self._ceiling:
            self.done = True
            return inf
        if self.lower < wished <= most:
            return wished
        # A root far away is reached in steps that grow.
        self._stretch *= self._stretch
        return most

    def _middle(self) -> float:
        # Halfway in the logarithm where the ends differ by orders of magnitude.
        if self.lower > 0.0 and self.upper > 10.0 * self.lower:
            return (self.lower * self.upper) ** 0.5
        return 0.5 * (self.lower + self.upper)


def crossings(
    guesses: NDArray[np.float64],
    distance: Callable[[NDArray[np.float64], NDArray[np.intp]], list[tuple[float, float]]],
    tolerance: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Solve for rows side by side.

    Parameters
    ----------
    guesses : float array, shape (rows,)
    distance : callable
        Takes values and their rows, and returns the function and its derivative for each.
    tolerance : float
        Relative length of the last step.

    Returns
    -------
    float array, shape (rows,)
        Solutions; infinite where there is none.
    bool array, shape (rows,)
        Which searches came to an end that is no jump.
    """
    searches = [Crossing(guess, tolerance) for guess in guesses.tolist()]
    for _ in range(MOST_ROUNDS):
        rows = np.array([i for i, each in enumerate(searches) if not each.done], dtype=np.intp)
        if not len(rows):
            break
        mu = np.array([searches[row].at for row in rows])
        for row, found in zip(rows, distance(mu, rows), strict=True):
            searches[row].tell(*found)
    ended = np.array([each.done and not each.jumps for each in searches])
    return np.array([each.at for each in searches]), ended
