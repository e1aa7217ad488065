"""One series of a figure as artists of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_viz.figure import Band, Boxes, HLine, Line, Matrix, Points, Series, Steps, VLine
from nextstat_viz.style import SAMPLE_COLOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from nextstat_viz.style import Theme

__all__ = ["draw"]

_LINES: Mapping[str, Mapping[str, Any]] = {
    "observed": {"color": "black", "marker": ".", "markersize": 4},
    "expected": {"color": "black", "linestyle": "--"},
    "theory": {"color": "#bd1f01"},
    "threshold": {"color": "#bd1f01", "linestyle": "-.", "linewidth": 1.0},
    "threshold2": {"color": "#e76300", "linestyle": "--", "linewidth": 1.0},
    "guide": {"color": "0.45", "linestyle": ":", "linewidth": 1.0},
    "observed_line": {"color": "black", "linewidth": 2.0},
    "limit": {"color": "black", "linestyle": ":", "linewidth": 1.0},
    "curve": {"color": "#3f90da", "marker": ".", "markersize": 4},
    "contour1": {"color": "#3f90da"},
    "contour2": {"color": "#e76300", "linestyle": "--"},
    "contour3": {"color": "#832db6", "linestyle": ":"},
    "prefit": {"color": "black", "linestyle": (0, (4, 2)), "linewidth": 1.0},
}
_POINTS: Mapping[str, Mapping[str, Any]] = {
    "data": {"color": "black", "marker": "o", "markersize": 3.5},
    "best": {"color": "black", "marker": "*", "markersize": 9},
    "beyond": {"color": "black", "marker": "^", "markersize": 5, "clip_on": False},
}
_BOXES: Mapping[str, Mapping[str, Any]] = {
    "prefit1": {"facecolor": "#c9dff3"},
    "prefit2": {"facecolor": "#edf3f9"},
    "up": {"facecolor": "#3f90da"},
    "down": {"facecolor": "#ffa90e"},
    "up_prefit": {"facecolor": "none", "edgecolor": "#2266a8"},
    "down_prefit": {"facecolor": "none", "edgecolor": "#b87400"},
}
_FILLED: Mapping[str, Mapping[str, Any]] = {
    "toys_sb": {"facecolor": "#bd1f01", "edgecolor": "#bd1f01", "alpha": 0.45},
    "signal": {"facecolor": "white", "edgecolor": "#bd1f01", "linewidth": 1.3},
    "toys_b": {"facecolor": "#3f90da", "edgecolor": "#3f90da", "alpha": 0.45},
}
_HATCHED = {"facecolor": "none", "edgecolor": "0.35", "hatch": "//////", "linewidth": 0.0}


def draw(ax: Axes, series: Series, theme: Theme) -> Any:
    """Draw a series; returns what stands for it in a legend."""
    artist: Any
    match series:
        case Line():
            (artist,) = ax.plot(series.x, series.y, **_line(series.role))
        case Band():
            looks = {"linewidth": 0.0, **_area(series.role, theme)}
            artist = ax.fill_between(series.x, series.y_lo, series.y_hi, **looks)
        case Points():
            artist = _points(ax, series)
        case Boxes():
            artist = _boxes(ax, series, theme)
        case Steps():
            artist = _steps(ax, series, theme)
        case Matrix():
            artist = _matrix(ax, series)
        case VLine():
            artist = ax.axvline(series.x, **_line(series.role))
        case HLine():
            artist = ax.axhline(series.y, **_line(series.role))
    return artist


def _line(role: str) -> dict[str, Any]:
    return {"linewidth": 1.5, **_LINES.get(role, {"color": "0.2"})}


def _area(role: str, theme: Theme) -> dict[str, Any]:
    if role in {"sigma1", "sigma2"}:
        return {"facecolor": theme.bands[role == "sigma2"]}
    if role.startswith("sample"):
        colour = SAMPLE_COLOURS[int(role.removeprefix("sample")) % len(SAMPLE_COLOURS)]
        return {"facecolor": colour, "edgecolor": "white", "linewidth": 0.3}
    if role == "uncertainty":
        return dict(_HATCHED)
    return dict({**_BOXES, **_FILLED}.get(role, {"facecolor": "0.8"}))


def _points(ax: Axes, series: Points) -> Any:
    bars: dict[str, Any] = {}
    for name, middle in (("x", series.x), ("y", series.y)):
        low, high = getattr(series, f"{name}_lo"), getattr(series, f"{name}_hi")
        if low is not None and high is not None:
            # matplotlib wants lengths; an infinite one is no bar.
            lengths = np.array([middle - low, high - middle])
            bars[f"{name}err"] = np.where(np.isfinite(lengths), lengths, 0.0)
    looks = {"linestyle": "none", "zorder": 4, **_POINTS.get(series.role, _POINTS["data"])}
    if not bars:
        return ax.plot(series.x, series.y, **looks)[0]
    return ax.errorbar(series.x, series.y, **looks, elinewidth=1.0, **bars)


def _boxes(ax: Axes, series: Boxes, theme: Theme) -> Any:
    from matplotlib.collections import PolyCollection

    corners = np.stack(
        [
            np.stack([series.x_lo, series.y_lo], axis=-1),
            np.stack([series.x_hi, series.y_lo], axis=-1),
            np.stack([series.x_hi, series.y_hi], axis=-1),
            np.stack([series.x_lo, series.y_hi], axis=-1),
        ],
        axis=1,
    )
    boxes = PolyCollection(list(corners), **_area(series.role, theme))
    return ax.add_collection(boxes)


def _steps(ax: Axes, series: Steps, theme: Theme) -> Any:
    if np.array_equal(series.y_lo, series.y_hi, equal_nan=True):
        return ax.stairs(series.y_hi, series.edges, baseline=None, **_line(series.role))
    looks = _area(series.role, theme)
    return ax.stairs(series.y_hi, series.edges, baseline=series.y_lo, fill=True, **looks)


def _matrix(ax: Axes, series: Matrix) -> Any:
    low, high = series.limits
    image = ax.imshow(series.values, cmap="RdBu_r", vmin=low, vmax=high, aspect="equal")
    count = len(series.values)
    size = 7.0 if count <= 12 else 5.5
    for row, column in np.argwhere(np.isfinite(series.values)):
        value = series.values[row, column]
        # In a large matrix small numbers are only noise.
        if row == column or (count > 12 and abs(value) < 0.1):
            continue
        ink = "white" if abs(value) > 0.65 * high else "black"
        # Adding zero turns a negative zero into a positive one.
        ax.text(
            column,
            row,
            f"{round(value, 2) + 0.0:.2f}",
            ha="center",
            va="center",
            fontsize=size,
            color=ink,
        )
    return image
