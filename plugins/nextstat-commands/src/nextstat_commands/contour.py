"""``nextstat contour``: confidence regions of two parameters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.output import Display, figure

if TYPE_CHECKING:
    from nextstat_core.results import Contour

__all__ = ["command"]


@click.command("contour")
@with_analysis()
@click.option(
    "--parameters",
    nargs=2,
    required=True,
    metavar="NAME NAME",
    help="The two parameters; all others are profiled.",
)
@click.option(
    "--level",
    "levels",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    multiple=True,
    default=(0.683, 0.95),
    show_default=True,
    help="Confidence level of a line; may be repeated.",
)
@click.option("--points", type=click.IntRange(4), default=48, show_default=True)
def command(
    analysis: Analysis, *, parameters: tuple[str, str], levels: tuple[float, ...], points: int
) -> None:
    """Confidence regions of two parameters.

    Lines of constant profile likelihood of WORKSPACE, as polygons.
    """
    from nextstat_core.infer import contour

    result = contour(
        analysis.model, *parameters, levels=levels, n_points=points, **analysis.request
    )
    analysis.finish(result, result.to_dict(), _display(result))


def _display(result: Contour) -> Display:
    import numpy as np

    from nextstat_core.tables import Table

    rows = []
    for level, corners, ends in zip(result.levels, result.points, result.ends, strict=True):
        ranges = [
            f"{figure(float(np.nanmin(column)))} ... {figure(float(np.nanmax(column)))}"
            for column in corners.T
        ]
        odd = Counter(filter(None, ends))
        note = ", ".join(f"{end}: {count}" for end, count in sorted(odd.items()))
        rows.append((f"{100.0 * level:g} %", *ranges, note))
    where = ", ".join(f"{name} = {figure(result.best[name])}" for name in result.names)
    table = Table(("level", *result.names, "corners that end elsewhere"), "rrrl", rows)
    warnings = [f"warning: {warning}" for warning in result.warnings]
    return Display(f"Contours around {where}", table, warnings)
