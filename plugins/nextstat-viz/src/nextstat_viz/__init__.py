"""Plots of results, their data for any renderer, and reports on one page.

Names are loaded when they are first used, so that finding the plugin costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_viz.artifacts import cls_curve, profile_curve, ranking_arrays, ranking_artifact
    from nextstat_viz.contour_figures import contour_figure
    from nextstat_viz.figure import FigureSpec, figure_schema
    from nextstat_viz.fit_figures import correlation_figure, pulls_figure
    from nextstat_viz.limit_figures import cls_figure
    from nextstat_viz.mass_figures import mass_figure
    from nextstat_viz.plots import (
        plot_channels,
        plot_cls,
        plot_contour,
        plot_correlation,
        plot_distribution,
        plot_mass_limits,
        plot_profile,
        plot_pulls,
        plot_ranking,
        plot_toys,
    )
    from nextstat_viz.ranking_figures import ranking_figure
    from nextstat_viz.rendering import render
    from nextstat_viz.report.page import Report, make_report
    from nextstat_viz.scan_figures import profile_figure
    from nextstat_viz.style import Style
    from nextstat_viz.toy_figures import toys_figure
    from nextstat_viz.yield_figures import channels_figure, distribution_figure

__all__ = [
    "FigureSpec",
    "Report",
    "Style",
    "channels_figure",
    "cls_curve",
    "cls_figure",
    "contour_figure",
    "correlation_figure",
    "distribution_figure",
    "figure_schema",
    "make_report",
    "mass_figure",
    "plot_channels",
    "plot_cls",
    "plot_contour",
    "plot_correlation",
    "plot_distribution",
    "plot_mass_limits",
    "plot_profile",
    "plot_pulls",
    "plot_ranking",
    "plot_toys",
    "profile_curve",
    "profile_figure",
    "pulls_figure",
    "ranking_arrays",
    "ranking_artifact",
    "ranking_figure",
    "render",
    "toys_figure",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_viz.artifacts": "cls_curve profile_curve ranking_arrays ranking_artifact",
    "nextstat_viz.contour_figures": "contour_figure",
    "nextstat_viz.figure": "FigureSpec figure_schema",
    "nextstat_viz.fit_figures": "correlation_figure pulls_figure",
    "nextstat_viz.limit_figures": "cls_figure",
    "nextstat_viz.mass_figures": "mass_figure",
    "nextstat_viz.plots": (
        "plot_channels plot_cls plot_contour plot_correlation plot_distribution "
        "plot_mass_limits plot_profile plot_pulls plot_ranking plot_toys"
    ),
    "nextstat_viz.ranking_figures": "ranking_figure",
    "nextstat_viz.rendering": "render",
    "nextstat_viz.report.page": "Report make_report",
    "nextstat_viz.scan_figures": "profile_figure",
    "nextstat_viz.style": "Style",
    "nextstat_viz.toy_figures": "toys_figure",
    "nextstat_viz.yield_figures": "channels_figure distribution_figure",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
