"""Plots with matplotlib: one function for each kind of result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_viz.contour_figures import contour_figure
from nextstat_viz.fit_figures import correlation_figure, pulls_figure
from nextstat_viz.limit_figures import cls_figure
from nextstat_viz.mass_figures import mass_figure
from nextstat_viz.ranking_figures import ranking_figure
from nextstat_viz.rendering import render
from nextstat_viz.scan_figures import profile_figure
from nextstat_viz.toy_figures import toys_figure
from nextstat_viz.yield_figures import channels_figure, distribution_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nextstat_core.results import (
        ClsScan,
        Contour,
        FitResult,
        Impacts,
        MassScan,
        ProfileScan,
        ToyHypotestResult,
        Yields,
    )
    from nextstat_viz.style import Style

__all__ = [
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
]


def plot_channels(
    yields: Yields, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """Sums of all channels: stacked samples with their uncertainty, and data.

    All functions of this module draw into `ax`, or into a figure of their own, in a `style`
    (see `render`); the other arguments are those of the function that makes the data, here of
    `channels_figure`.
    """
    return render(channels_figure(yields, **options), ax=ax, style=style)


def plot_cls(
    scan: ClsScan, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """CLs against the parameter of interest; `options` as in `cls_figure`."""
    return render(cls_figure(scan, **options), ax=ax, style=style)


def plot_contour(
    contour: Contour, *, ax: Axes | None = None, style: str | Style = "plain"
) -> Figure:
    """Contours in two parameters."""
    return render(contour_figure(contour), ax=ax, style=style)


def plot_correlation(
    fit: FitResult, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """Correlations that matter; `options` as in `correlation_figure`."""
    return render(correlation_figure(fit, **options), ax=ax, style=style)


def plot_distribution(
    yields: Yields,
    channel: str,
    *,
    ax: Axes | None = None,
    style: str | Style = "plain",
    **options: Any,
) -> Figure:
    """Bins of a channel, with data and ratio; `options` as in `distribution_figure`."""
    return render(distribution_figure(yields, channel, **options), ax=ax, style=style)


def plot_mass_limits(
    scan: MassScan, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """Limits of many signals against a mass; `options` as in `mass_figure`."""
    return render(mass_figure(scan, **options), ax=ax, style=style)


def plot_profile(
    scan: ProfileScan, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """Profile likelihood; `options` as in `profile_figure`."""
    return render(profile_figure(scan, **options), ax=ax, style=style)


def plot_pulls(
    fit: FitResult, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """Pulls of constrained parameters; `options` as in `pulls_figure`."""
    return render(pulls_figure(fit, **options), ax=ax, style=style)


def plot_ranking(
    impacts: Impacts, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """Impacts and pulls; `options` as in `ranking_figure`."""
    return render(ranking_figure(impacts, **options), ax=ax, style=style)


def plot_toys(
    test: ToyHypotestResult, *, ax: Axes | None = None, style: str | Style = "plain", **options: Any
) -> Figure:
    """Test statistics of toys; `options` as in `toys_figure`."""
    return render(toys_figure(test, **options), ax=ax, style=style)
