"""Contours of the profile likelihood in two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_viz.figure import Axis, FigureSpec, Line, Panel, Points, Series

if TYPE_CHECKING:
    from nextstat_core.results import Contour

__all__ = ["contour_figure"]


def contour_figure(contour: Contour) -> FigureSpec:
    """Lines of constant profile likelihood around the best fit.

    Lines are interrupted where there is no point in some direction. Parts along a bound of a
    parameter are inside the true line, and the figure says so.
    """
    first, second = contour.names
    series: list[Series] = [
        Line(label=f"{100.0 * level:.3g} % CL", role=f"contour{number}", x=line[:, 0], y=line[:, 1])
        for number, (level, line) in enumerate(zip(contour.levels, contour.points, strict=True), 1)
    ]
    best = np.array([contour.best[first]]), np.array([contour.best[second]])
    series.append(Points(label="best fit", role="best", x=best[0], y=best[1]))
    return FigureSpec(
        name="contour",
        title="Profile likelihood",
        description=f"Contours of the profile likelihood in {first} and {second}",
        panel=Panel(x=Axis(label=first), y=Axis(label=second), series=tuple(series)),
        notes=tuple(_notes(contour)),
    )


def _notes(contour: Contour) -> list[str]:
    ends = [end for line in contour.ends for end in line]
    words = {"bound": "at a bound", "open": "open", "failed": "not found"}
    return [f"{ends.count(end)} corners {what}" for end, what in words.items() if end in ends]
