"""``nextstat report``: one page about a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["command"]

_INCOMPLETE = 3


@click.command("report")
@click.argument("workspace")
@click.option(
    "--patch",
    "patches",
    multiple=True,
    metavar="FILE[:NAME]",
    help="Apply a JSON patch, or the patch NAME of a patchset; may be repeated.",
)
@click.option("-o", "--output", metavar="FILE", default="report.html", show_default=True)
@click.option("--sections", metavar="A,B", help="Only these sections; default: all.")
@click.option("--title", default="", help="Heading of the page.")
@click.option("--style", "theme", default="plain", show_default=True, metavar="plain|atlas|cms")
@click.option("--experiment", default="", help="Name that is written on figures.")
@click.option("--status", default="", help="Word after it, such as 'Internal'.")
@click.option("--luminosity", type=float, help="In inverse femtobarn.")
@click.option("--energy", type=float, help="In TeV, in the centre of mass.")
@click.option("--alpha", type=float, default=0.05, show_default=True, help="1 - confidence level.")
@click.option("--top", "top_n", type=click.IntRange(1), default=20, show_default=True)
@click.option("--measurement", metavar="NAME", help="Measurement; default: the first.")
@click.option("--poi", metavar="NAME|none", help="Parameter of interest; default: as declared.")
@click.option("--backend", metavar="NAME[:DEVICE]", default="numpy", show_default=True)
def command(
    *,
    workspace: str,
    patches: tuple[str, ...],
    output: str,
    sections: str | None,
    title: str,
    theme: str,
    experiment: str,
    status: str,
    luminosity: float | None,
    energy: float | None,
    alpha: float,
    top_n: int,
    measurement: str | None,
    poi: str | None,
    backend: str,
) -> None:
    """Describe WORKSPACE on one page of HTML with all that it needs inside.

    The exit code is 3 if the fit did not converge or a section could not be made; the page is
    written all the same, and says why.
    """
    # Nothing of this is imported to list the command.
    from nextstat_core.errors import InputError
    from nextstat_core.io import apply_patch, decode, read_text
    from nextstat_core.models import HistFactoryModel
    from nextstat_viz.report.page import make_report
    from nextstat_viz.style import Style

    content: Any = read_text(workspace)
    if patches:
        content = decode(content).usable()
        for reference in patches:
            content = apply_patch(content, reference)
    declared: dict[str, Any] = {} if poi is None else {"poi": None if poi == "none" else poi}
    model = HistFactoryModel.from_workspace(
        content, measurement=measurement, backend=backend, **declared
    )
    for warning in model.warnings:
        click.echo(f"warning: {warning}", err=True)
    look = Style(
        theme=theme, experiment=experiment, status=status, luminosity=luminosity, energy=energy
    )
    report = make_report(
        model,
        content=content,
        title=title,
        source=" + ".join((workspace, *patches)),
        sections=None if sections is None else [each.strip() for each in sections.split(",")],
        style=look,
        alpha=alpha,
        top_n=top_n,
    )
    try:
        Path(output).write_text(report.html, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output!r}: {error}") from error
    click.echo(f"wrote {output}", err=True)
    for complaint in report.complaints:
        click.echo(f"error: {complaint}", err=True)
    if report.complaints:
        click.get_current_context().exit(_INCOMPLETE)
