"""Where the profile likelihood reaches a level along rays from the best fit.

Intervals and contours are such points. Along a ray the root of ``2 (L(r) - L_hat)`` is almost a
straight line, and its slope costs nothing: it is the gradient of the held parameters. So Newton's
method on the root needs two or three turns; a bracket guards it. The rays of all parameters, sides
and levels are rows of one batch per turn; rows that are done leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.conditional import ConditionalFits
    from nextstat_core.infer.profile import Profile
    from nextstat_core.infer.row_fits import BatchFit

__all__ = ["BOUND", "CROSSING", "FAILED", "OPEN", "RayEnds", "Rays", "follow", "to_bound"]

#: How a ray ends: at the level, at a bound below the level, nowhere, or with a failure.
CROSSING, BOUND, OPEN, FAILED = "", "bound", "open", "failed"

# Relative distance from the level at which a ray is done.
_CLOSE = 5e-7
# Longest step, as a multiple of the distance from the best fit.
_LONGEST = 4.0
# The same where the likelihood falls on the way out: another minimum must not be stepped over.
_CAREFUL = 1.25
# Distance, in predicted distances of the level, beyond which there is none.
_FAR = 1e6
# A bracket this narrow around no crossing holds a jump, or a fit that fails.
_NARROW = 1e-9
_MAX_TURNS = 80


@dataclass(frozen=True, slots=True)
class Rays:
    """Straight lines from the best fit in the held parameters.

    Attributes
    ----------
    held : int array, shape (rays, n)
    direction : float array, shape (rays, n)
        The level is expected at a distance of the root of `rise`.
    reach : float array, shape (rays,)
        Distance at which a held parameter meets its bound.
    rise : float array, shape (rays,)
        The level, in 2 dNLL.
    """

    held: NDArray[np.intp]
    direction: NDArray[np.float64]
    reach: NDArray[np.float64]
    rise: NDArray[np.float64]


@dataclass(slots=True)
class RayEnds:
    """Where rays end: distance, how, and the conditional fit there."""

    distance: NDArray[np.float64]
    ends: NDArray[np.str_]
    fits: BatchFit


def to_bound(
    origin: NDArray[np.float64],
    direction: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Distance to the first bound along each ray; all arrays have shape (rays, n)."""
    edge = np.where(direction > 0.0, upper, lower)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(direction == 0.0, np.inf, (edge - origin) / direction)
    return np.maximum(room, 0.0).min(axis=1, initial=np.inf)


def follow(profile: Profile, rays: Rays) -> RayEnds | None:
    """Follow rays to their level.

    Returns
    -------
    RayEnds or None
        None where a minimum below the best fit was met: `profile` has moved there, and the rays
        have to start anew.
    """
    search = _Search(profile, rays)
    # A look for second modes takes long: one at the end, and those rays go on that it moves.
    for second_modes in (False, True):
        for _ in range(_MAX_TURNS):
            rows = np.flatnonzero(~search.done)
            if not len(rows):
                break
            found = profile.fit(
                rays.held[rows],
                search.points(rows),
                start=search.starts(rows),
                second_modes=second_modes,
            )
            if profile.improved_by(found.fits):
                return None
            search.learn(rows, found)
        if second_modes or not profile.may_have_modes:
            break
        search.reopen()
    search.give_up()
    return RayEnds(search.r, search.ends, search.fits)


class _Search:
    """Brackets and next trial distances of all rays."""

    def __init__(self, profile: Profile, rays: Rays) -> None:
        count, around = len(rays.rise), profile.around
        self._rays, self._minimum = rays, around.nll
        self._origin = around.x[rays.held]
        self._first = np.sqrt(rays.rise)
        self._low, self._high = np.zeros(count), np.full(count, np.inf)
        self.r = np.minimum(self._first, rays.reach)
        self._best = around.x
        self._known, self._at = np.zeros((count, len(around.x))), np.zeros(count)
        self.fits = profile.best_row().part(np.zeros(count, dtype=np.intp))
        self.done = rays.reach <= 0.0
        self.ends = np.where(self.done, BOUND, CROSSING).astype("<U8")

    def points(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Values of the held parameters at the trial distances."""
        return self._origin[rows] + self.r[rows, None] * self._rays.direction[rows]

    def starts(self, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
        """On the line from the best fit through the last solution; None before the first."""
        if not self._at[rows].all():
            return None
        return self._best + (self.r[rows] / self._at[rows])[:, None] * (
            self._known[rows] - self._best
        )

    def learn(self, rows: NDArray[np.intp], found: ConditionalFits) -> None:
        """Narrow the brackets by what the trials found, and choose the next."""
        r, level, reach = self.r[rows], self._rays.rise[rows], self._rays.reach[rows]
        rise = 2.0 * (found.fits.nll - self._minimum)
        fine = found.converged & np.isfinite(rise)
        at_level = fine & (np.abs(rise - level) <= _CLOSE * level)
        inside = fine & (rise < level)
        kept = np.flatnonzero(inside | at_level)
        self.fits.put(rows[kept], found.fits.part(kept))
        self._known[rows[fine]], self._at[rows[fine]] = found.fits.values[fine], r[fine]
        self._low[rows] = np.where(inside, np.maximum(self._low[rows], r), self._low[rows])
        self._high[rows] = np.where(inside, self._high[rows], np.minimum(self._high[rows], r))
        far = r > _FAR * self._first[rows]
        narrow = self._low[rows] >= (1.0 - _NARROW) * self._high[rows]
        self._end(rows, at_level, CROSSING)
        self._end(rows, inside & (r >= reach), BOUND)
        self._end(rows, inside & far, OPEN)
        self._end(rows, narrow, FAILED)
        slope = np.sum(found.slope * self._rays.direction[rows], axis=1)
        ahead = ~self.done[rows]
        self.r[rows[ahead]] = self._next(rows, rise, slope, fine)[ahead]
        failed = self.ends[rows] == FAILED
        self.r[rows[failed]] = self._low[rows[failed]]

    def _end(self, rows: NDArray[np.intp], which: NDArray[np.bool_], how: str) -> None:
        new = rows[which & ~self.done[rows]]
        self.done[new], self.ends[new] = True, how

    def _next(
        self,
        rows: NDArray[np.intp],
        rise: NDArray[np.float64],
        slope: NDArray[np.float64],
        fine: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Newton's step on the root of the rise, inside the bracket; else its middle."""
        r, low, high = self.r[rows], self._low[rows], self._high[rows]
        growth = np.where(fine & (slope < 0.0), _CAREFUL, _LONGEST)
        longest = np.minimum(np.maximum(growth * r, self._first[rows]), self._rays.reach[rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(rise)
            newton = r + (self._first[rows] - root) * root / slope
        usable = fine & (slope > 0.0) & np.isfinite(newton)
        trial = np.where(usable, newton, longest)
        bracketed = np.isfinite(high)
        middle = 0.5 * (low + np.where(bracketed, high, low))
        good = usable & (trial > low) & (trial < high)
        return np.where(bracketed, np.where(good, trial, middle), np.minimum(trial, longest))

    def reopen(self) -> None:
        """Evaluate every end once more, in a bracket that begins at the best fit."""
        again = np.isin(self.ends, (CROSSING, BOUND)) & (self.r > 0.0)
        self._low[again], self._high[again] = 0.0, np.inf
        self.done[again] = False

    def give_up(self) -> None:
        """Rays that are still on their way have no crossing, or none that could be found."""
        left = ~self.done
        self.ends[left] = np.where(np.isfinite(self._high[left]), FAILED, OPEN)
        self.r[left] = self._low[left]
        self.r[self.ends == OPEN] = np.inf
        self.done[:] = True
