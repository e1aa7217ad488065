"""Intervals of the profile likelihood (MINOS) for any parameters, all in one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.fit_results import covariance_at
from nextstat_core.infer.observe import notify
from nextstat_core.infer.profile import Profile, place_of
from nextstat_core.infer.rays import OPEN, Rays, follow, to_bound
from nextstat_core.infer.row_fits import toy_results
from nextstat_core.models.arrays import number
from nextstat_core.results import Interval, Intervals
from nextstat_core.stats.asymptotics import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.row_fits import BatchFit
    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import ArrayLike

__all__ = ["interval", "interval_ends", "intervals", "uncertainties"]


def intervals(
    model: StatisticalModel,
    parameters: Sequence[str] | None = None,
    *,
    delta: float | None = None,
    level: float | None = None,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> Intervals:
    """Where twice the profile likelihood has risen by `delta`, below and above the best fit.

    For one parameter theta these are the solutions of ``2 (L(theta) - L_hat) = delta``, where L is
    ``-log L`` minimised over all others (MINOS: James, Roos, Comput. Phys. Commun. 10 (1975) 343).
    2 dNLL at the ends is within 1e-6 `delta` of it.

    Parameters
    ----------
    model : StatisticalModel
    parameters : sequence of str, optional
        Whose intervals; all free parameters if left out.
    delta : float, optional
        1 if left out: 68.3 % for one parameter.
    level : float, optional
        Confidence level instead of `delta`: 0.95 gives 3.84, for one parameter.
    data, fixed, bounds, init, options : optional
        As in `fit`.

    Returns
    -------
    Intervals
        An end that is the parameter's bound, or does not exist (infinite), says so. A lower minimum
        on the way becomes the best fit, which the result says; then all starts anew from there.
        Where 2 dNLL rises, falls and rises again along the parameter, the end is one of its
        crossings.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    FitError
        If the free fit did not converge and ``options.on_failure == "raise"``.
    """
    rise = _rise(delta, level)
    profile = Profile.of(model, data=data, fixed=fixed, bounds=bounds, init=init, options=options)
    target, request = profile.target, profile.request
    names = _chosen(parameters, target.names, request.fixed)
    place = np.array([place_of(target, request, name) for name in names], dtype=np.intp)
    notify("start", target, 2 * len(place) + 1)
    ends, how, fits = interval_ends(profile, place, rise)
    result = Intervals(
        names=names,
        values=profile.around.x[place],
        lower=ends[:, 0],
        upper=ends[:, 1],
        lower_ends=tuple(how[:, 0].tolist()),
        upper_ends=tuple(how[:, 1].tolist()),
        delta=rise,
        best=profile.best(),
        fits=toy_results(target, request, fits),
        warnings=tuple(profile.warnings),
    )
    notify("end", target, 2 * len(place) + 1, result)
    return result


def interval_ends(
    profile: Profile, place: NDArray[np.intp], rise: float
) -> tuple[NDArray[np.float64], NDArray[np.str_], BatchFit]:
    """Both ends of the intervals of the parameters at `place`, and how they are reached.

    Returns
    -------
    ends : float array, shape (n, 2)
        Infinite where there is none. They are around the best fit that `profile` has afterwards.
    how : str array, shape (n, 2)
        As in `RayEnds`.
    fits : BatchFit
        At the ends, in this order.
    """
    found = None
    while found is None:
        rays = _rays(profile, place, rise)
        found = follow(profile, rays)
    distance = found.distance[:, None] * rays.direction
    ends = profile.around.x[place, None] + distance.reshape(-1, 2)
    # Rounding must not carry an end over its bound.
    request = profile.request
    ends = np.clip(ends, request.lower[place, None], request.upper[place, None])
    how = found.ends.reshape(-1, 2)
    return np.where(how == OPEN, [-np.inf, np.inf], ends), how, found.fits


def interval(model: StatisticalModel, parameter: str, **options: object) -> Interval:
    """The interval of one parameter; arguments as in `intervals`."""
    return intervals(model, [parameter], **options)[0]  # type: ignore[arg-type]  # checked there


def uncertainties(profile: Profile) -> NDArray[np.float64]:
    """Distances to the level 1 that the best fit's Hessian predicts; a guess where it cannot.

    Shape (n_parameters,).
    """
    around, free = profile.around, profile.around.free
    held = profile.target.backend.to_numpy(free.minima.held)[0] != 0
    with profile.target.backend.errstate():
        errors = covariance_at(free.problem, free.minima, profile.request.fixed, held).errors
    widths = profile.target.widths
    guess = np.where(np.isfinite(widths), widths, 0.1 * np.maximum(1.0, np.abs(around.x)))
    return np.where(np.isfinite(errors) & (errors > 0.0), errors, guess)


def _rays(profile: Profile, place: NDArray[np.intp], rise: float) -> Rays:
    """Down and up along each parameter."""
    held = np.repeat(place, 2)[:, None]
    sigma = uncertainties(profile)[place]
    direction = np.stack([-sigma, sigma], axis=1).reshape(-1, 1)
    request = profile.request
    reach = to_bound(profile.around.x[held], direction, request.lower[held], request.upper[held])
    return Rays(held, direction, reach, np.full(len(held), rise))


def _chosen(
    parameters: Sequence[str] | None, names: tuple[str, ...], fixed: NDArray[np.bool_]
) -> tuple[str, ...]:
    if isinstance(parameters, str):
        raise InputError(f"`parameters` is one string, {parameters!r}; expected a sequence")
    if parameters is None:
        return tuple(name for name, is_fixed in zip(names, fixed, strict=True) if not is_fixed)
    return tuple(parameters)


def _rise(delta: float | None, level: float | None) -> float:
    if delta is not None and level is not None:
        raise InputError(f"`delta` is {delta!r} and `level` is {level!r}; expected one of them")
    if level is not None:
        share = number("level", level)
        if not 0.0 < share < 1.0:
            raise InputError(f"`level` is {share:g}; expected a confidence level between 0 and 1")
        return normal_quantile(0.5 + 0.5 * share) ** 2
    rise = number("delta", 1.0 if delta is None else delta)
    if not 0.0 < rise < np.inf:
        raise InputError(f"`delta` is {rise:g}; expected a number above 0")
    return rise
