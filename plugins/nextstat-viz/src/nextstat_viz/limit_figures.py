"""CLs against the parameter of interest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_viz.figure import Axis, Band, FigureSpec, HLine, Line, Panel, Series, VLine

if TYPE_CHECKING:
    from nextstat_core.results import ClsScan, LimitResult
    from nextstat_core.results.arrays import FloatArray

__all__ = ["bands", "cls_figure"]

#: CLs below this are not distinguished on a logarithmic axis.
_LEAST = 1e-4


def cls_figure(
    scan: ClsScan,
    *,
    limits: LimitResult | None = None,
    log: bool = False,
    parameter: str = "μ",
) -> FigureSpec:
    """CLs, observed and expected, with the limits.

    Parameters
    ----------
    scan : ClsScan
        At least two values; those whose fits did not converge are left out, and counted.
    limits : LimitResult, optional
        Limits that are marked and written down, instead of those that the scan interpolates.
    log : bool
        Whether the vertical axis is logarithmic.
    parameter : str
        What the horizontal axis is called.

    Raises
    ------
    InputError
        If fewer than two values are usable.
    """
    order = np.argsort(scan.mu_values, kind="stable")
    order = order[np.asarray(scan.converged)[order] & np.isfinite(scan.cls[order])]
    if len(order) < 2:
        raise InputError("there is no curve to draw: CLs is known at fewer than two values")
    mu, cls = scan.mu_values[order], scan.cls[order]
    series: list[Series] = [
        *bands(mu, scan.expected_cls[:, order]),
        Line(label="observed", role="observed", x=mu, y=cls),
        HLine(label=f"CLs = {scan.alpha:g}", role="threshold", y=scan.alpha),
    ]
    observed = scan.observed_limit if limits is None else limits.observed
    expected = scan.expected_limits if limits is None else limits.expected
    if np.isfinite(observed):
        series.append(VLine(role="limit", x=float(observed)))
    lowest = max(_LEAST, min(float(np.min(cls)), 0.2 * scan.alpha)) if log else 0.0
    return FigureSpec(
        name="cls",
        title="CLs",
        description=f"CLs against {parameter}: observed, expected, and bands of one and two sigma",
        panel=Panel(
            x=Axis(label=parameter, limits=(float(mu[0]), float(mu[-1]))),
            y=Axis(label="CLs", scale="log" if log else "linear", limits=(lowest, 1.05)),
            series=tuple(series),
        ),
        notes=tuple(_notes(observed, expected, len(scan.mu_values) - len(order))),
    )


def bands(x: FloatArray, expected: FloatArray) -> list[Series]:
    """Median and bands of expected values, shape (5, n), ascending in each column."""
    return [
        Band(label="expected ± 2σ", role="sigma2", x=x, y_lo=expected[0], y_hi=expected[4]),
        Band(label="expected ± 1σ", role="sigma1", x=x, y_lo=expected[1], y_hi=expected[3]),
        Line(label="expected", role="expected", x=x, y=expected[2]),
    ]


def _notes(observed: float, expected: FloatArray | None, left_out: int) -> list[str]:
    notes = [f"observed limit: {_number(observed)}"]
    if expected is not None:
        low, median, high = expected[1:4].tolist()
        text = _number(median)
        if np.isfinite([low, median, high]).all():
            text += f" ({low - median:+.2g}, {high - median:+.2g})"
        notes.append(f"expected: {text}")
    if left_out:
        notes.append(f"{left_out} not converged, left out")
    return notes


def _number(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "none"
