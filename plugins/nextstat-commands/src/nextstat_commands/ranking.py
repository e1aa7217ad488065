"""``nextstat ranking``: which systematic uncertainties matter."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.output import Display, figure
from nextstat_commands.progress import progress_bar

if TYPE_CHECKING:
    from nextstat_core.results import Impacts

__all__ = ["command"]


@click.command("ranking")
@with_analysis()
@click.option(
    "--convention",
    type=click.Choice(["nominal", "prefit", "postfit", "covariance", "global"]),
    default="nominal",
    show_default=True,
    help="Where nuisance parameters are held.",
)
@click.option("--top", type=click.IntRange(1), help="Keep the largest impacts only.")
def command(analysis: Analysis, *, convention: Any, top: int | None) -> None:
    """Impacts of nuisance parameters.

    How far each moves the best fit of the parameter of interest of WORKSPACE.
    """
    from nextstat_core.infer import impacts

    with progress_bar("refits") as progress:
        result = impacts(
            analysis.model, convention=convention, progress=progress, **analysis.request
        )
    shown = result[:top]
    counts = {"n_total": len(result), "n_returned": len(shown)}
    analysis.finish(result, {**shown.to_dict(), **counts}, _display(shown))


def _display(result: Impacts) -> Display:
    from nextstat_core.results.impacts import IMPACT_FLAGS

    from nextstat_core.tables import Table

    rows = [
        (
            impact.name,
            f"{impact.up:+.5g}",
            f"{impact.down:+.5g}",
            _or_blank(impact.pull),
            _or_blank(impact.constraint),
            ", ".join(impact.flags),
        )
        for impact in result
    ]
    found = {flag for flags in result.flags for flag in flags}
    title = f"Impacts on {result.poi} = {figure(result.poi_value)}, convention {result.convention}"
    return Display(
        title,
        Table(("parameter", "up", "down", "pull", "constraint", "note"), "lrrrrl", rows),
        [
            *(f"{flag}: {text}" for flag, text in IMPACT_FLAGS.items() if flag in found),
            *(f"warning: {warning}" for warning in result.warnings),
        ],
    )


def _or_blank(value: float) -> str:
    return f"{value:+.3f}" if isfinite(value) else ""
