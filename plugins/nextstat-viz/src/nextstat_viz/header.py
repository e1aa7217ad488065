"""What is written above a figure: its title, the experiment, energy and luminosity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_viz.style import THEMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from nextstat_viz.figure import FigureSpec
    from nextstat_viz.style import Style

__all__ = ["write_header"]

#: Height of a line, in points.
_LINE = 17.0


def write_header(ax: Axes, spec: FigureSpec, style: Style) -> None:
    """Write title and labels; inside the axes room is made at the top."""
    theme = THEMES[style.theme]
    title = spec.title if not spec.subtitle else f"{spec.title} ({spec.subtitle})"
    head = ax.set_title(title.replace("$", r"\$"), loc="left", fontsize="medium")
    if not (style.experiment or style.conditions):
        return
    inside = theme.label_inside and not (spec.panel.y.ticks or spec.panel.x2)
    if inside:
        lines = bool(style.experiment) + bool(style.conditions)
        _make_room(ax, lines * _LINE + 8.0)
        at: dict[str, Any] = {"xycoords": "axes fraction", "va": "top"}
        _experiment(ax, style, (0.0, 1.0), {**at, "xytext": (8, -8)})
        drop = -8.0 - _LINE * bool(style.experiment)
        at["xytext"] = (8, drop)
        ax.annotate(style.conditions, (0.0, 1.0), textcoords="offset points", **at)
        return
    at = {"xycoords": head, "xytext": (0, 5), "va": "bottom"}
    _experiment(ax, style, (0.0, 1.0), at)
    at["xycoords"] = ("axes fraction", head)
    ax.annotate(style.conditions, (1.0, 1.0), ha="right", textcoords="offset points", **at)


def _experiment(ax: Axes, style: Style, where: tuple[float, float], at: Mapping[str, Any]) -> None:
    theme = THEMES[style.theme]
    name: Text = ax.annotate(
        style.experiment,
        where,
        textcoords="offset points",
        fontsize="large",
        **theme.label_font,
        **at,
    )
    if style.status:
        ax.annotate(
            style.status,
            (1.0, 0.0),
            xycoords=name,
            xytext=(5, 0),
            textcoords="offset points",
            va="bottom",
            fontsize="large",
            **theme.status_font,
        )


def _make_room(ax: Axes, points: float) -> None:
    """Raise the upper limit, so that the top of the axes stays free."""
    height = 72.0 * ax.bbox.height / ax.figure.dpi
    fraction = min(0.5, points / height)
    transform = ax.yaxis.get_transform()
    low, high = transform.transform(ax.get_ylim())
    raised = low + (high - low) / (1.0 - fraction)
    ax.set_ylim(*transform.inverted().transform([low, raised]))
