"""``nextstat preprocess``: smooth, symmetrise and prune the systematics of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nextstat_histograms.commands.output import write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_histograms.steps import Step

__all__ = ["command"]


@click.group("preprocess")
def command() -> None:
    """Smooth, symmetrise or prune the systematics of a workspace."""


def _with_files(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the workspace, and where results go."""
    options = (
        click.argument("workspace"),
        click.option("-o", "--output", metavar="FILE", default="-", help="Default: printed."),
        click.option("--report", metavar="FILE", help="What was done where, as JSON."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command("smooth")
@_with_files
@click.option("--algorithm", type=click.Choice(["353QH, twice", "kernel"]), default="353QH, twice")
@click.option("--bandwidth", type=float, default=1.0, show_default=True, help="Kernel, in bins.")
@click.option(
    "--max-variation",
    type=click.FloatRange(0.0),
    default=0.0,
    show_default=True,
    help="Largest relative variation of a bin that is left; 0 for any.",
)
def _smooth(*, workspace: str, output: str, report: str | None, **options: Any) -> None:
    """Smooth the ratio of each histosys of WORKSPACE to the nominal yields."""
    from nextstat_core.io import read_text
    from nextstat_histograms.preprocessing import smooth_workspace

    _write(*smooth_workspace(read_text(workspace), **options), output, report)


@command.command("symmetrise")
@_with_files
@click.option(
    "--method",
    type=click.Choice(["onesided", "twosided", "absmean", "maximum", "split"]),
    default="twosided",
    show_default=True,
)
def _symmetrise(*, workspace: str, output: str, report: str | None, method: Any) -> None:
    """Make up and down of each histosys and normsys of WORKSPACE mirror images."""
    from nextstat_core.io import read_text
    from nextstat_histograms.preprocessing import symmetrise_workspace

    _write(*symmetrise_workspace(read_text(workspace), method), output, report)


@command.command("prune")
@_with_files
@click.option("--threshold", type=float, default=0.005, show_default=True, help="For both effects.")
@click.option("--normalisation", type=float, help="For normalisations, instead of --threshold.")
@click.option("--shape", type=float, help="For shapes, instead of --threshold.")
def _prune(
    *,
    workspace: str,
    output: str,
    report: str | None,
    threshold: float,
    normalisation: float | None,
    shape: float | None,
) -> None:
    """Remove relative effects of systematics of WORKSPACE that are below a threshold."""
    from nextstat_core.io import read_text
    from nextstat_histograms.preprocessing import prune_workspace

    pruned = prune_workspace(
        read_text(workspace),
        normalisation=threshold if normalisation is None else normalisation,
        shape=threshold if shape is None else shape,
    )
    _write(*pruned, output, report)


def _write(workspace: dict[str, Any], step: Step, output: str, report: str | None) -> None:
    if report is not None:
        write_json([step.to_dict()], report)
    for change in step.changes:
        if "reason" in change.details:
            click.echo(f"warning: {change.place} is kept: {change.details['reason']}", err=True)
    write_json(workspace, output)
    if output != "-":
        click.echo(str(step), err=True)
