"""Contours of the profile likelihood in two parameters: rays from the best fit, in one batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.intervals import uncertainties
from nextstat_core.infer.observe import notify
from nextstat_core.infer.profile import Profile, place_of
from nextstat_core.infer.rays import OPEN, Rays, follow, to_bound
from nextstat_core.infer.row_fits import toy_results
from nextstat_core.models.arrays import number
from nextstat_core.results import Contour

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import ArrayLike

__all__ = ["contour"]

# The rays of strongly correlated parameters must not fall onto one line.
_MOST_CORRELATED = 0.99


def contour(
    model: StatisticalModel,
    first: str,
    second: str,
    *,
    levels: Sequence[float] = (0.683, 0.95),
    n_points: int = 48,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> Contour:
    """Lines of constant profile likelihood in two parameters.

    On the line of a level, twice ``-log L`` minimised over all others lies above the minimum by the
    quantile of chi-square with two degrees of freedom: 2.30 at 68.3 %, 5.99 at 95 %. The corners
    lie on rays from the best fit, at equal angles where the Hessian's ellipse is a circle, so a
    line that some ray meets more than once is not shown whole.

    Parameters
    ----------
    model : StatisticalModel
    first, second : str
        Names of two free parameters.
    levels : sequence of float
        Confidence levels.
    n_points : int
        Corners of each line, at least 4.
    data, fixed, bounds, init, options : optional
        As in `fit`.

    Returns
    -------
    Contour
        Corners at a bound say so. A lower minimum on the way becomes the best fit, which the result
        says; then all starts anew from there.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    FitError
        If the free fit did not converge and ``options.on_failure == "raise"``.
    """
    if first == second:
        raise InputError(f"both parameters are {first!r}; expected two")
    if n_points < 4:
        raise InputError(f"`n_points` is {n_points!r}; expected at least 4")
    shares = tuple(_share(level) for level in levels)
    delta = np.array([-2.0 * math.log1p(-share) for share in shares])
    profile = Profile.of(model, data=data, fixed=fixed, bounds=bounds, init=init, options=options)
    target, request = profile.target, profile.request
    place = np.array([place_of(target, request, name) for name in (first, second)], dtype=np.intp)
    notify("start", target, len(delta) * n_points + 1)
    found = None
    while found is None:
        rays = _rays(profile, place, delta, n_points)
        found = follow(profile, rays)
    distance = np.where(found.ends == OPEN, np.nan, found.distance)
    corners = profile.around.x[place] + distance[:, None] * rays.direction
    # Rounding must not carry a corner over its bound.
    corners = np.clip(corners, request.lower[place], request.upper[place])
    corners = corners.reshape(len(delta), n_points, 2)
    result = Contour(
        names=(first, second),
        levels=shares,
        delta=delta,
        points=np.concatenate([corners, corners[:, :1]], axis=1),
        ends=tuple(map(tuple, found.ends.reshape(len(delta), n_points).tolist())),
        best=profile.best(),
        fits=toy_results(target, request, found.fits),
        warnings=tuple(profile.warnings),
    )
    notify("end", target, len(delta) * n_points + 1, result)
    return result


def _rays(
    profile: Profile, place: NDArray[np.intp], delta: NDArray[np.float64], n_points: int
) -> Rays:
    """Rays for every level, at equal angles in the coordinates of the covariance."""
    angle = 2.0 * math.pi * np.arange(n_points) / n_points
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circle[np.abs(circle) < 1e-12] = 0.0
    direction = np.tile(circle @ _ellipse(profile, place).T, (len(delta), 1))
    held = np.tile(place, (len(direction), 1))
    request = profile.request
    reach = to_bound(profile.around.x[held], direction, request.lower[held], request.upper[held])
    return Rays(held, direction, reach, np.repeat(delta, n_points))


def _ellipse(profile: Profile, place: NDArray[np.intp]) -> NDArray[np.float64]:
    """Triangular root of the covariance of the two parameters."""
    sigma = uncertainties(profile)[place]
    metric, correlation = profile.around.metric, 0.0
    if metric is not None and metric.inverse is not None:
        columns = metric.columns(place)
        corner = columns[:, place]
        correlation = float(corner[0, 1] / math.sqrt(corner[0, 0] * corner[1, 1]))
    correlation = min(max(correlation, -_MOST_CORRELATED), _MOST_CORRELATED)
    rest = math.sqrt(1.0 - correlation**2)
    return np.array([[sigma[0], 0.0], [correlation * sigma[1], rest * sigma[1]]])


def _share(level: float) -> float:
    share = number("levels", level)
    if not 0.0 < share < 1.0:
        raise InputError(f"`levels` has {share:g}; expected confidence levels between 0 and 1")
    return share
