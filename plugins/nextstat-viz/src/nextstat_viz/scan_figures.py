"""The profile likelihood along one parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_viz.figure import Axis, FigureSpec, HLine, Line, Panel, Series, VLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results import Interval, ProfileScan

__all__ = ["profile_figure"]

#: 2 dNLL of one parameter at these confidence levels.
_LEVELS: Mapping[str, tuple[str, float]] = {
    "threshold": ("68.3 %", 1.0),
    "threshold2": ("95 %", 3.841458820694124),
}


def profile_figure(scan: ProfileScan, *, interval: Interval | None = None) -> FigureSpec:
    """Twice the rise of the negative log-likelihood above its minimum, along a parameter.

    Points whose fit did not converge are left out of the curve, and counted.

    Parameters
    ----------
    scan : ProfileScan
    interval : Interval, optional
        Drawn as vertical lines at its ends, and written down.
    """
    order = np.argsort(scan.values, kind="stable")
    values, rise = scan.values[order], scan.twice_delta_nll[order]
    good = scan.converged[order] & np.isfinite(rise)
    highest = float(np.max(rise[good])) if np.any(good) else 1.0
    series: list[Series] = [
        Line(label="profile likelihood", role="curve", x=values[good], y=rise[good]),
        *(
            HLine(label=f"{level} CL", role=role, y=height)
            for role, (level, height) in _LEVELS.items()
            if height <= max(1.0, highest)
        ),
        VLine(label=f"best fit {scan.mu_hat:.4g}", role="guide", x=scan.mu_hat),
    ]
    notes = []
    if interval is not None:
        down, up = interval.errors
        notes.append(f"interval: {interval.value:.4g} ({down:+.3g}, {up:+.3g})")
        for side, end in (("lower", interval.lower_end), ("upper", interval.upper_end)):
            if end:
                notes.append(f"{side} end: {end}")
        series += [
            VLine(role="limit", x=float(end))
            for end in (interval.lower, interval.upper)
            if np.isfinite(end)
        ]
    failed = int(np.count_nonzero(~good))
    if failed:
        notes.append(f"{failed} of {len(good)} points did not converge")
    return FigureSpec(
        name="profile",
        title="Profile likelihood",
        description=f"2 ΔNLL against {scan.parameter}, all other parameters profiled",
        panel=Panel(
            x=Axis(label=scan.parameter),
            y=Axis(label="2 ΔNLL", limits=(0.0, 1.1 * max(highest, 1.0))),
            series=tuple(series),
        ),
        notes=tuple(notes),
    )
