"""Scans of the profile likelihood: conditional fits at points that the user names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError, InputError, MissingPOIError
from nextstat_core.infer.observe import notify
from nextstat_core.infer.profile import Profile
from nextstat_core.infer.row_fits import toy_results
from nextstat_core.infer.target import target_of
from nextstat_core.models.arrays import floats
from nextstat_core.results import ProfilePoints, ProfileScan, ProfileScan2D

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import ArrayLike

__all__ = ["profile_points", "profile_scan", "profile_scan_2d"]


def profile_points(
    model: StatisticalModel,
    names: Sequence[str],
    points: ArrayLike,
    *,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ProfilePoints:
    """Fit with some parameters held, at each of a list of points.

    Parameters
    ----------
    model : StatisticalModel
    names : sequence of str
        The k parameters to hold.
    points : array-like, shape (n, k)
        Their values, in any order. Bounds that a value lies beyond are lifted for all fits of this
        call, which the result says.
    data, fixed, bounds, init, options : optional
        As in `fit`.
    progress : callable, optional
        Is called with the number of points that are done, and that of all.

    Returns
    -------
    ProfilePoints
        Points whose fit did not converge are kept, with their reason. A point below the free fit
        means that this ended in the wrong minimum: it is repeated from that point, which the
        result says.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    FitError
        If a fit did not converge and ``options.on_failure == "raise"``.
    """
    chosen = _names(names)
    values = _values(points, len(chosen))
    profile = Profile.of(
        model, data=data, fixed=fixed, bounds=bounds, init=init, options=options,
        reaching=dict(zip(chosen, values.T, strict=True)),
    )  # fmt: skip
    target, request = profile.target, profile.request
    place = np.array([target.names.index(name) for name in chosen], dtype=np.intp)
    notify("start", target, len(values) + 1)
    found = profile.settled(np.tile(place, (len(values), 1)), values, progress=progress)
    held = request.fixed.copy()
    held[place] = True
    result = ProfilePoints(
        names=chosen,
        points=values,
        best=profile.best(),
        fits=toy_results(target, replace(request, fixed=held), found),
        warnings=tuple(profile.warnings),
    )
    notify("end", target, len(values) + 1, result)
    if options is not None and options.on_failure == "raise" and result.fits.failed:
        row, reason = result.fits.failed[0]
        point = dict(zip(chosen, values[row].tolist(), strict=True))
        raise FitError(f"the fit at {point} did not converge: {reason}")
    return result


def profile_scan(
    model: StatisticalModel,
    values: ArrayLike,
    *,
    parameter: str | None = None,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ProfileScan:
    """Scan the profile likelihood along one parameter.

    Parameters
    ----------
    values : array-like, shape (n,)
        Values of the parameter, in any order.
    parameter : str, optional
        Its name; the parameter of interest if left out.
    data, fixed, bounds, init, options, progress : optional
        As in `profile_points`.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    MissingPOIError
        If no parameter is named, and the model has no parameter of interest.
    FitError
        If a fit did not converge and ``options.on_failure == "raise"``.
    """
    name = _poi(model) if parameter is None else parameter
    column = _column("values", values)
    found = profile_points(
        model, [name], column[:, None], data=data, fixed=fixed, bounds=bounds, init=init,
        options=options, progress=progress,
    )  # fmt: skip
    return ProfileScan(
        names=found.names,
        points=found.points,
        best=found.best,
        fits=found.fits,
        warnings=found.warnings,
        parameter_index=found.best.parameter_names.index(name),
    )


def profile_scan_2d(
    model: StatisticalModel,
    first: tuple[str, ArrayLike],
    second: tuple[str, ArrayLike],
    *,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ProfileScan2D:
    """Scan the profile likelihood over a grid in two parameters.

    Parameters
    ----------
    first, second : (name, values)
        Parameters, and n and m values of them.
    data, fixed, bounds, init, options, progress : optional
        As in `profile_points`.
    """
    (x_name, x_values), (y_name, y_values) = _axis("first", first), _axis("second", second)
    x, y = _column("values of the first", x_values), _column("values of the second", y_values)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    found = profile_points(
        model, [x_name, y_name], points, data=data, fixed=fixed, bounds=bounds, init=init,
        options=options, progress=progress,
    )  # fmt: skip
    return ProfileScan2D(x=x, y=y, grid=found)


def _poi(model: StatisticalModel) -> str:
    target = target_of(model)
    if target.poi is None:
        raise MissingPOIError("a scan without `parameter`")
    return target.names[target.poi]


def _names(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise InputError(f"`names` is one string, {names!r}; expected a sequence of names")
    chosen = tuple(names)
    if len(set(chosen)) < len(chosen):
        raise InputError(f"`names` has a parameter twice: {', '.join(map(repr, chosen))}")
    return chosen


def _values(points: ArrayLike, count: int) -> NDArray[np.float64]:
    values = floats("points", points, finite=True)
    if not values.size:
        return np.zeros((0, count))
    if values.ndim != 2 or values.shape[1] != count:
        raise InputError(f"`points` has shape {values.shape}; expected (n, {count})")
    return values


def _column(what: str, values: ArrayLike) -> NDArray[np.float64]:
    column = floats(what, values, finite=True)
    if column.ndim != 1:
        raise InputError(f"`{what}` has shape {column.shape}; expected one axis")
    return column


def _axis(what: str, pair: tuple[str, ArrayLike]) -> tuple[str, ArrayLike]:
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], str):
        raise InputError(f"`{what}` must be (name, values); found {pair!r}")
    return pair[0], pair[1]
