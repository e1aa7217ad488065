"""Figures of one fit: pulls, and the correlations that matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_viz.figure import Axis, Boxes, FigureSpec, Matrix, Panel, Points, VLine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.results import FitResult

__all__ = ["correlation_figure", "pulls_figure"]


def pulls_figure(fit: FitResult, *, top_n: int | None = 40) -> FigureSpec:
    """Pulls of the constrained parameters, the largest ones at the top.

    Parameters
    ----------
    fit : FitResult
    top_n : int, optional
        How many are shown; None for all.

    Raises
    ------
    InputError
        If no parameter has a constraint.
    """
    pulls, widths = fit.pulls, fit.errors / fit.prefit_widths
    constrained = np.flatnonzero(np.isfinite(pulls) & ~np.array(fit.fixed))
    if not len(constrained):
        raise InputError("there are no pulls to draw: no free parameter has a constraint")
    order = constrained[np.argsort(-np.abs(pulls[constrained]), kind="stable")][:top_n]
    rows = np.arange(len(order), dtype=float)
    x, half = pulls[order], widths[order]
    reach = max(2.5, 1.1 * float(np.max(np.abs(x) + np.where(np.isfinite(half), half, 0.0))))
    everywhere: dict[str, Any] = {"y_lo": [-0.5], "y_hi": [len(order) - 0.5]}
    return FigureSpec(
        name="pulls",
        title="Pulls",
        subtitle=_count(len(order), len(constrained), "constrained parameters, largest pulls"),
        description="Best fit of constrained parameters, in units of their pre-fit uncertainty",
        panel=Panel(
            x=Axis(
                label="(fitted value − pre-fit value) / pre-fit uncertainty", limits=(-reach, reach)
            ),
            y=_names_axis([fit.parameter_names[i] for i in order]),
            series=(
                Boxes(role="prefit2", x_lo=[-2.0], x_hi=[2.0], **everywhere),
                Boxes(role="prefit1", x_lo=[-1.0], x_hi=[1.0], label="pre-fit", **everywhere),
                VLine(role="guide", x=0.0),
                Points(role="data", label="post-fit", x=x, y=rows, x_lo=x - half, x_hi=x + half),
            ),
        ),
    )


def correlation_figure(
    fit: FitResult, *, top_n: int = 25, threshold: float = 0.1, names: tuple[str, ...] | None = None
) -> FigureSpec:
    """Correlations, cut to parameters that have a large one.

    Parameters
    ----------
    fit : FitResult
    top_n : int
        At most so many parameters: those with the largest correlation with any other.
    threshold : float
        Parameters whose correlations are all smaller in size are left out. The parameter of
        interest stays.
    names : tuple of str, optional
        These parameters instead, in this order.

    Raises
    ------
    InputError
        If the fit has no covariance, or fewer than two parameters are left.
    """
    matrix = fit.correlation
    if matrix is None:
        raise InputError("there are no correlations to draw: the fit has no covariance matrix")
    if names is None:
        chosen = _correlated(fit, matrix, top_n, threshold)
    else:
        for name in names:
            if name not in fit.parameter_names:
                raise InputError.unknown("parameter", name, fit.parameter_names)
        chosen = np.array([fit.parameter_names.index(name) for name in names])
    if len(chosen) < 2:
        raise InputError(
            f"there are no correlations to draw: fewer than two parameters reach {threshold:g}"
        )
    ticks = _ticks([fit.parameter_names[i] for i in chosen])
    return FigureSpec(
        name="correlation",
        title="Correlations",
        subtitle=_count(len(chosen), len(matrix), "parameters, largest |ρ|")
        if names is None
        else "",
        description="Correlation matrix of the fitted parameters",
        panel=Panel(
            x=Axis(ticks=ticks, limits=(-0.5, len(chosen) - 0.5)),
            y=Axis(ticks=ticks, limits=(len(chosen) - 0.5, -0.5)),
            series=(
                Matrix(role="correlation", values=matrix[np.ix_(chosen, chosen)], limits=(-1, 1)),
            ),
        ),
    )


def _correlated(
    fit: FitResult, matrix: NDArray[np.float64], top_n: int, threshold: float
) -> NDArray[np.intp]:
    """Positions of the most correlated parameters, in vector order."""
    sizes = np.abs(np.nan_to_num(matrix, nan=0.0))
    np.fill_diagonal(sizes, 0.0)
    largest = sizes.max(axis=1)
    if fit.poi_index is not None and np.isfinite(matrix[fit.poi_index, fit.poi_index]):
        largest[fit.poi_index] = np.inf
    order = np.argsort(-largest, kind="stable")[:top_n]
    return np.sort(order[largest[order] >= threshold])


def _count(shown: int, total: int, what: str) -> str:
    return f"{shown} of {total} {what}" if shown < total else ""


def _ticks(names: list[str]) -> tuple[tuple[float, str], ...]:
    return tuple((float(row), name) for row, name in enumerate(names))


def _names_axis(names: list[str]) -> Axis:
    """A vertical axis of names, the first one at the top."""
    return Axis(ticks=_ticks(names), limits=(len(names) - 0.5, -0.5))
