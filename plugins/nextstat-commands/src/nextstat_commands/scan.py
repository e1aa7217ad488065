"""``nextstat scan``: the profile likelihood on a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.output import Display, figure
from nextstat_commands.progress import progress_bar

if TYPE_CHECKING:
    from nextstat_core.results import ProfileScan

__all__ = ["command"]


@click.command("scan")
@with_analysis()
@click.option("--parameter", metavar="NAME", help="Default: the parameter of interest.")
@click.option("--start", type=float, default=0.0, show_default=True, help="First value.")
@click.option("--stop", type=float, default=5.0, show_default=True, help="Last value.")
@click.option("--points", type=click.IntRange(1), default=21, show_default=True)
def command(
    analysis: Analysis, *, parameter: str | None, start: float, stop: float, points: int
) -> None:
    """Profile likelihood along one parameter.

    WORKSPACE is fitted with the parameter held at each value.
    """
    import numpy as np

    from nextstat_core.infer import profile_scan

    values = np.linspace(start, stop, points)
    with progress_bar("points") as progress:
        result = profile_scan(
            analysis.model, values, parameter=parameter, progress=progress, **analysis.request
        )
    analysis.finish(result, result.to_dict(curve=True), _display(result))


def _display(result: ProfileScan) -> Display:
    from nextstat_core.tables import Table

    columns = result.values, result.twice_delta_nll, result.converged
    rows = [
        (figure(value), figure(rise), "" if converged else "not converged")
        for value, rise, converged in zip(*columns, strict=True)
    ]
    return Display(
        f"Profile of {result.parameter}, best fit {figure(result.mu_hat)}",
        Table((result.parameter, "2 dNLL", ""), "rrl", rows),
        [f"warning: {warning}" for warning in result.warnings],
    )
