"""Figures as plain data, drawn with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_viz.artists import draw
from nextstat_viz.figure import Boxes, Matrix
from nextstat_viz.header import write_header
from nextstat_viz.names import cut_names
from nextstat_viz.style import THEMES, Style, as_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nextstat_viz.figure import Axis, FigureSpec, Panel
    from nextstat_viz.style import Theme

__all__ = ["render"]

#: Longest name on a vertical and on a horizontal axis.
_CUT = {"y": 34, "x": 22, "legend": 34}
#: Order in the legend; the rest stands between, as drawn.
_FIRST = ("data", "observed", "best", "expected", "sigma1", "sigma2")
_INCHES_PER_ROW, _INCHES_PER_CELL, _INCHES_PER_COLUMN = 0.2, 0.3, 0.32
_INCHES_PER_LETTER = 0.06


def render(spec: FigureSpec, *, ax: Axes | None = None, style: str | Style = "plain") -> Figure:
    """Draw a figure.

    Parameters
    ----------
    spec : FigureSpec
    ax : matplotlib Axes, optional
        Where to draw; a figure of its own, of a size that suits it, if left out.
    style : str or Style
        ``plain``, ``atlas``, ``cms``, or a `Style` with what is written about the experiment.

    Returns
    -------
    matplotlib.figure.Figure
        The figure of `ax`. It is not registered with pyplot: save it with ``savefig``.
    """
    import matplotlib as mpl

    chosen = as_style(style)
    theme = THEMES[chosen.theme]
    settings: Any = dict(theme.settings)  # matplotlib types every key
    with mpl.rc_context(settings):
        own, lower = _new_axes(spec) if ax is None else (ax, _below(ax, spec))
        handles = _draw_panel(own, spec.panel, theme)
        if spec.below is not None and lower is not None:
            _draw_panel(lower, spec.below, theme)
            own.tick_params(labelbottom=False)
            own.set_xlabel("")
        write_header(own, spec, chosen)
        _write_legend(own, spec, handles)
    figure = own.get_figure(root=True)
    assert figure is not None  # axes that were just drawn on belong to one
    return figure


def _new_axes(spec: FigureSpec) -> tuple[Axes, Axes | None]:
    """Axes in a figure of their own, and those below them."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if spec.below is None:
        figure = Figure(figsize=_size(spec), layout="constrained")
        return figure.subplots(), None
    figure = Figure(figsize=_size(spec), layout=ConstrainedLayoutEngine(hspace=0.02, h_pad=0.02))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.0, 1.0))
    return upper, lower


def _below(ax: Axes, spec: FigureSpec) -> Axes | None:
    """Axes below those of the user."""
    return None if spec.below is None else ax.inset_axes((0.0, -0.34, 1.0, 0.3), sharex=ax)


def _size(spec: FigureSpec) -> tuple[float, float]:
    """Inches that give every name a line of its own."""
    rows, columns = len(spec.panel.y.ticks), len(spec.panel.x.ticks)
    if any(isinstance(each, Matrix) for each in spec.panel.series):
        side = 2.6 + _INCHES_PER_CELL * rows
        return side + 0.4, side
    width = max(6.4, 2.5 + _INCHES_PER_COLUMN * columns)
    longest = max((len(text) for _, text in spec.panel.x.ticks), default=0)
    if rows:
        return 7.6, max(3.0, 1.6 + _INCHES_PER_ROW * rows)
    beside = [*spec.notes, *(each.label for each in spec.panel.series if each.label)]
    widest = min(max(map(len, beside), default=0), _CUT["legend"])
    height = max(4.4 + _INCHES_PER_LETTER * min(longest, _CUT["x"]), 0.8 + 0.2 * len(beside))
    return width + max(0.0, _INCHES_PER_LETTER * (widest - 12)), height


def _draw_panel(ax: Axes, panel: Panel, theme: Theme) -> list[tuple[str, str, Any]]:
    """Roles, labels and artists of what is drawn, for a legend."""
    upper = ax.twiny() if panel.x2 is not None else ax
    if upper is not ax:
        # Twins are drawn later, but points must be above boxes.
        ax.set_zorder(upper.get_zorder() + 1)
        ax.patch.set_visible(False)
    handles = []
    for series in panel.series:
        artist = draw(upper if series.axis == "x2" else ax, series, theme)
        if series.label:
            handles.append((series.role, series.label, artist))
        if isinstance(series, Matrix):
            bar = ax.figure.colorbar(artist, cax=ax.inset_axes((1.02, 0.0, 0.03, 1.0)))
            bar.set_label("ρ")
        if isinstance(series, Boxes):
            ax.autoscale_view()
    _set_axis(ax, "x", panel.x)
    _set_axis(ax, "y", panel.y)
    if panel.x2 is not None:
        _set_axis(upper, "x", panel.x2)
    return handles


def _set_axis(ax: Axes, which: str, axis: Axis) -> None:
    label = f"{axis.label} [{axis.unit}]" if axis.unit else axis.label
    ax.set(**{f"{which}label": _plain(label), f"{which}scale": axis.scale})
    if axis.limits is not None:
        ax.set(**{f"{which}lim": axis.limits})
    if axis.ticks:
        texts = [_plain(text) for text in cut_names((text for _, text in axis.ticks), _CUT[which])]
        upright = which == "x" and max(map(len, texts)) > 4
        one = ax.xaxis if which == "x" else ax.yaxis
        one.set_ticks([at for at, _ in axis.ticks], texts)
        one.set_tick_params(length=0, which="both")
        for text in one.get_ticklabels():
            text.set(fontsize=8, **({"rotation": 90} if upright else {}))


def _plain(text: str) -> str:
    """Text in which dollars, which names may hold, start no formula."""
    return text.replace("$", r"\$")


def _write_legend(ax: Axes, spec: FigureSpec, handles: list[tuple[str, str, Any]]) -> None:
    from matplotlib.lines import Line2D

    order = {role: rank for rank, role in enumerate(_FIRST, -len(_FIRST))}
    ranked = sorted(handles, key=lambda entry: order.get(entry[0], 0))
    # matplotlib leaves out labels that start with an underscore.
    texts = cut_names((text for _, text, _ in ranked), _CUT["legend"])
    labels = [f" {text}" if text.startswith("_") else text for text in texts]
    artists = [artist for _, _, artist in ranked]
    for note in spec.notes:
        labels.append(note)
        artists.append(Line2D([], [], linestyle="none"))
    if not labels:
        return
    # Beside the axes, where it hides nothing whatever the data are.
    ax.legend(
        artists,
        list(map(_plain, labels)),
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
    )
