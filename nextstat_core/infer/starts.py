"""Starting points of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import Target

__all__ = ["starting_points"]

_SEED = 20240229


def starting_points(target: Target, request: Request, count: int) -> Iterator[NDArray[np.float64]]:
    """The request's start, then `count - 1` others.

    Constrained parameters are drawn from their constraints, the others around the start with the
    width of the start's distance to its bounds, or one; the same points every time.
    """
    yield request.start
    random = np.random.Generator(np.random.Philox(key=_SEED))
    widths = np.where(np.isnan(target.widths), 1.0, target.widths)
    centers = np.where(np.isnan(target.centers), request.start, target.centers)
    room = np.minimum(request.upper - request.start, request.start - request.lower)
    spread = np.where(np.isnan(target.widths) & (room > 0), np.minimum(widths, room), widths)
    for _ in range(count - 1):
        drawn = centers + spread * random.standard_normal(len(centers))
        drawn = np.clip(drawn, request.lower, request.upper)
        yield np.where(request.fixed, request.start, drawn)
