"""``nextstat build-hists``: from a description to a workspace."""

from __future__ import annotations

import click

from nextstat_histograms.commands.output import write_json

__all__ = ["command"]


@click.command("build-hists")
@click.argument("config")
@click.option("-o", "--output", metavar="FILE", default="-", help="Workspace; default: printed.")
@click.option("--report", metavar="FILE", help="What each step did, as JSON.")
@click.option("--histograms", metavar="FOLDER", help="Write all templates here, as .npz.")
@click.option("--base-dir", metavar="FOLDER", default=".", help="What InputPath is relative to.")
def command(
    *, config: str, output: str, report: str | None, histograms: str | None, base_dir: str
) -> None:
    """Build templates and a workspace as CONFIG describes, in the YAML of cabinetry."""
    # Nothing of this is imported to list the command.
    from nextstat_histograms.collection import collect_templates

    templates = collect_templates(config, base_dir=base_dir).treated()
    document = templates.workspace()
    if histograms is not None:
        templates.save(histograms)
    if report is not None:
        write_json(templates.report(), report)
    write_json(document, output)
    if output != "-":
        for step in templates.steps:
            click.echo(str(step), err=True)
