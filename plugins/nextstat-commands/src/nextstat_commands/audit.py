"""``nextstat audit``: what a workspace holds, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.loading import source_options
from nextstat_commands.output import write_json

if TYPE_CHECKING:
    from nextstat_commands.loading import Source

__all__ = ["command"]


@click.command("audit")
@source_options()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
)
def command(*, source: Source, form: str) -> None:
    """Summarise WORKSPACE, usable or not, and list its problems.

    The exit code is 1 if the workspace cannot be loaded.
    """
    from nextstat_core.hooks import get_manager
    from nextstat_core.io import workspace_audit

    audit = workspace_audit(source.content(), modifier_types=get_manager().modifiers)
    if form == "json":
        write_json(audit, "-")
    else:
        click.echo("\n".join(_lines(audit)))
    if audit["problems"]:
        click.get_current_context().exit(1)


def _lines(audit: dict[str, Any]) -> list[str]:
    kinds = ", ".join(f"{kind} ({n})" for kind, n in audit["modifier_types_used"].items())
    lines = [
        f"channels:     {audit['channel_count']}",
        f"samples:      {audit['total_samples']}",
        f"bins:         {audit['total_bins']}",
        f"modifiers:    {audit['total_modifiers']}" + (f": {kinds}" if kinds else ""),
        f"parameters:   {audit['parameter_count_estimate']}",
    ]
    lines += [
        f"measurement:  {entry['name']!r}, parameter of interest {entry['poi']!r}, "
        f"{entry['n_fixed_params']} fixed"
        for entry in audit["measurements"]
    ]
    for title in ("problems", "warnings"):
        if audit[title]:
            lines += [f"{title}:", *(f"  - {_problem(entry)}" for entry in audit[title])]
    if audit["lint"]:
        lines.append(f"lint:         {len(audit['lint'])} findings: see `nextstat lint`")
    lines.append("The workspace cannot be loaded." if audit["problems"] else "The workspace loads.")
    return lines


def _problem(entry: dict[str, str]) -> str:
    text = f"{entry['place']}: {entry['message']}" if entry["place"] else entry["message"]
    return f"{text} ({entry['hint']})" if entry["hint"] else text
