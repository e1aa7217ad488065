"""Limits of many signals against one of their coordinates, such as a mass."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_viz.figure import Axis, FigureSpec, HLine, Line, Panel, Series
from nextstat_viz.limit_figures import bands

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nextstat_core.results import MassScan

__all__ = ["mass_figure"]


def mass_figure(
    scan: MassScan,
    *,
    x: str | None = None,
    where: Mapping[str, float | str] | None = None,
    unit: str = "",
    cross_section_unit: str = "",
) -> FigureSpec:
    """Upper limits, observed and expected, against a coordinate of the signals.

    With cross sections the limits are on these, and the prediction is drawn; without, they are on
    the signal strength, whose prediction is 1. Signals without a limit are left out, and counted.

    Parameters
    ----------
    scan : MassScan
    x : str, optional
        Name of the coordinate; the first one if left out. Signals without coordinates are drawn
        side by side, with their names.
    where : mapping of str to number or str, optional
        Only signals with these other coordinates.
    unit, cross_section_unit : str
        Written on the axes.

    Raises
    ------
    InputError
        If there is no such coordinate, it is no number, two signals share a place, or no signal
        with a limit is left.
    """
    chosen = _chosen(scan, where or {})
    usable = [i for i in chosen if np.isfinite(scan.observed[i])]
    if not usable:
        raise InputError("there are no limits to draw: no chosen signal has one")
    places, axis = _places(scan, usable, x, unit)
    order = np.argsort(places, kind="stable")
    rows, at = np.array(usable)[order], places[order]
    observed, expected, label = scan.observed, scan.expected, "signal strength"
    theory: Series = HLine(label="prediction", role="theory", y=1.0)
    if scan.cross_sections is not None:
        sizes = scan.cross_sections
        observed, label = observed * sizes, "cross section"
        expected = None if expected is None else expected * sizes[:, None]
        theory = Line(label="prediction", role="theory", x=at, y=sizes[rows])
    series: list[Series] = [] if expected is None else bands(at, expected[rows].T)
    series += [Line(label="observed", role="observed", x=at, y=observed[rows]), theory]
    left_out = len(chosen) - len(usable)
    return FigureSpec(
        name="mass_limits",
        title=f"Upper limits at {1.0 - scan.alpha:.0%} CL",
        description=f"Upper limits on the {label}, observed and expected",
        panel=Panel(
            x=axis,
            y=Axis(label=f"upper limit on the {label}", unit=cross_section_unit, scale="log"),
            series=tuple(series),
        ),
        notes=(f"{left_out} without a limit, left out",) if left_out else (),
    )


def _chosen(scan: MassScan, where: Mapping[str, float | str]) -> list[int]:
    positions = {_position(scan, name): value for name, value in where.items()}
    return [
        i
        for i, values in enumerate(scan.values)
        if all(values[place] == value for place, value in positions.items())
    ]


def _position(scan: MassScan, name: str) -> int:
    if name not in scan.value_names:
        raise InputError.unknown("coordinate", name, scan.value_names)
    return scan.value_names.index(name)


def _places(
    scan: MassScan, rows: Sequence[int], x: str | None, unit: str
) -> tuple[np.ndarray, Axis]:
    if x is None and not scan.value_names:
        ticks = tuple((float(i), scan.names[row]) for i, row in enumerate(rows))
        return np.arange(float(len(rows))), Axis(ticks=ticks, limits=(-0.5, len(rows) - 0.5))
    name = scan.value_names[0] if x is None else x
    values = [scan.values[row][_position(scan, name)] for row in rows]
    for row, value in zip(rows, values, strict=True):
        if not isinstance(value, Real):
            raise InputError(f"signal {scan.names[row]!r}: {name} is {value!r}, which is no number")
    places = np.array(values, dtype=float)
    if len(np.unique(places)) < len(places):
        raise InputError(
            f"several signals have the same {name}, so that limits are no line",
            hint="choose some of them: where={'another coordinate': value}",
        )
    return places, Axis(label=name, unit=unit)
