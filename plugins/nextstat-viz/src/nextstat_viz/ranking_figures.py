"""The ranking of systematic uncertainties in its classical layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_viz.figure import Axis, Boxes, FigureSpec, Panel, Points, Series, VLine

if TYPE_CHECKING:
    from nextstat_core.results import Impacts
    from nextstat_core.results.arrays import FloatArray

__all__ = ["ranking_figure"]

#: Half the height of a box.
_HALF = 0.4


def ranking_figure(
    impacts: Impacts, *, prefit: Impacts | None = None, top_n: int | None = 20
) -> FigureSpec:
    """Impacts as boxes on the upper axis, pulls as points on the lower one, the largest at the top.

    Parameters
    ----------
    impacts : Impacts
        Full boxes; the order is theirs.
    prefit : Impacts, optional
        Those of the convention ``prefit``: open boxes.
    top_n : int, optional
        How many are shown; None for all.

    Raises
    ------
    InputError
        If there are no impacts, or `prefit` lacks one of those that are shown.
    """
    shown = impacts[:top_n]
    if not len(shown):
        raise InputError("there is no ranking to draw: the model has no nuisance parameters")
    rows = np.arange(len(shown), dtype=float)
    series: list[Series] = []
    reach = float(np.max(shown.size))
    if prefit is not None:
        missing = set(shown.names) - set(prefit.names)
        if missing:
            raise InputError(f"`prefit` has no impact of {min(missing)!r}")
        before = [prefit[name] for name in shown.names]
        up, down = np.array([each.up for each in before]), np.array([each.down for each in before])
        series += _both_shifts(rows, up, down, "_prefit", "pre-fit impact")
        reach = max(reach, float(np.nanmax(np.abs([up, down]))))
    after = "impact" if prefit is None and impacts.convention != "postfit" else "post-fit impact"
    series += [
        *_both_shifts(rows, shown.up, shown.down, "", after),
        *(VLine(role="guide", x=at) for at in (-1.0, 0.0, 1.0)),
        Points(
            label="pull",
            role="data",
            x=shown.pull,
            y=rows,
            x_lo=shown.pull - shown.constraint,
            x_hi=shown.pull + shown.constraint,
        ),
    ]
    far = np.nan_to_num(np.abs(shown.pull) + shown.constraint, nan=0.0, posinf=0.0)
    pulls, moves = max(2.0, 1.1 * float(np.max(far))), 1.15 * reach or 1.0
    ticks = tuple((float(row), name) for row, name in enumerate(shown.names))
    count = f"{len(shown)} of {len(impacts)}" if len(shown) < len(impacts) else ""
    return FigureSpec(
        name="ranking",
        title=f"Impact on {impacts.poi}",
        subtitle=count,
        description=f"Impacts of nuisance parameters on {impacts.poi}, and their pulls",
        panel=Panel(
            x=Axis(label="pull: (θ − θ₀) / Δθ", limits=(-pulls, pulls)),
            x2=Axis(label=f"change of {impacts.poi}", limits=(-moves, moves)),
            y=Axis(ticks=ticks, limits=(len(shown) - 0.5, -0.5)),
            series=tuple(series),
        ),
    )


def _both_shifts(
    rows: FloatArray, up: FloatArray, down: FloatArray, stage: str, label: str
) -> list[Series]:
    """Boxes of both shifts; those to the same side share the height of their row."""
    same = up * down > 0.0
    return [
        Boxes(
            label=f"{label}, {sign}1σ",
            role=f"{name}{stage}",
            axis="x2",
            x_lo=np.nan_to_num(np.minimum(ends, 0.0), nan=0.0),
            x_hi=np.nan_to_num(np.maximum(ends, 0.0), nan=0.0),
            y_lo=np.where(same & (name == "down"), rows, rows - _HALF),
            y_hi=np.where(same & (name == "up"), rows, rows + _HALF),
        )
        for name, sign, ends in (("up", "+", up), ("down", "−", down))
    ]
