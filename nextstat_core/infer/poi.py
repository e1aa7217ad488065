"""The parameter of interest: which it is, and how far it may go in a free fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError, MissingPOIError

if TYPE_CHECKING:
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import Target

__all__ = ["lifted", "lowest_poi", "opened", "poi_of", "with_poi_bounds"]

# Distance to the point at which a rate vanishes, relative to it.
_MARGIN = 1e-3


def poi_of(target: Target, request: Request, what: str, name: str | None = None) -> int:
    """Position of the parameter of interest: the model's, or the one called `name`.

    Raises
    ------
    MissingPOIError
        If the model has none; `what` says what needs it.
    InputError
        If there is no such parameter, or it is fixed.
    """
    if name is not None and name not in target.names:
        raise InputError.unknown("parameter", name, target.names)
    poi = target.poi if name is None else target.names.index(name)
    if poi is None:
        raise MissingPOIError(what)
    if request.fixed[poi]:
        raise InputError(
            f"{what} needs a free parameter of interest; {target.names[poi]!r} is fixed"
        )
    return poi


def with_poi_bounds(request: Request, poi: int, lower: float, upper: float) -> Request:
    """The same request with other bounds of one parameter; its start moves inside."""
    low, high, start = request.lower.copy(), request.upper.copy(), request.start.copy()
    low[poi], high[poi] = lower, upper
    start[poi] = min(max(start[poi], lower), upper)
    return replace(request, start=start, lower=low, upper=high)


def lifted(request: Request, poi: int, value: float) -> Request:
    """The same request with an upper bound that does not lie below `value`."""
    upper = max(float(request.upper[poi]), value)
    return with_poi_bounds(request, poi, float(request.lower[poi]), upper)


def opened(target: Target, request: Request, poi: int) -> Request:
    """The same request with a lower bound >= 0 of the POI opened as far as rates stay positive.

    A negative bound stays: whoever wrote it meant it.
    """
    lower, upper = float(request.lower[poi]), float(request.upper[poi])
    if lower < 0.0:
        return request
    return with_poi_bounds(request, poi, min(lowest_poi(target, request, poi), lower), upper)


def lowest_poi(target: Target, request: Request, poi: int) -> float:
    """Value of the POI just above the one at which some expected rate vanishes; at most 0.

    All others stand at the start of `request`. The rates are taken as linear in the POI, as those
    of a signal strength are; minus infinity where none falls with it.
    """
    compiled = target.compiled
    if compiled is None:
        return -np.inf
    backend = target.backend
    points = np.tile(request.start[:, None], (1, 2))
    points[poi] = 0.0, 1.0
    rates = backend.to_numpy(compiled.expected_main(backend.asarray(points)))
    background, signal = rates[:, 0], rates[:, 1] - rates[:, 0]
    falling = signal > 0.0
    if not falling.any():
        return -np.inf
    reach = float(np.min(background[falling] / signal[falling]))
    return -max(reach, 0.0) * (1.0 - _MARGIN)
