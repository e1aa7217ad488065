"""``nextstat workspace``: what can be done with workspaces without a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import click

from nextstat_commands.combine import combine_command
from nextstat_commands.documents import (
    output_option,
    read_document,
    warn_if_unusable,
    write_document,
)
from nextstat_commands.inspect_tables import inspection_lines
from nextstat_commands.output import write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    _Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

__all__ = ["command"]


@click.group("workspace")
def command() -> None:
    """Combine, prune, rename, sort, patch and inspect workspaces."""


command.add_command(combine_command("none"))


def _names(*flags: str, help_: str) -> _Decorator:
    return click.option(*flags, multiple=True, metavar="NAME", help=help_)


def _pairs(*flags: str, help_: str) -> _Decorator:
    kind = click.Tuple([str, str])
    return click.option(*flags, multiple=True, type=kind, metavar="OLD NEW", help=help_)


@command.command("prune")
@click.argument("workspace")
@_names("-c", "--channel", "channels", help_="A channel; may be repeated.")
@_names("-s", "--sample", "samples", help_="A sample, in all channels; may be repeated.")
@_names("-m", "--modifier", "modifiers", help_="A modifier; may be repeated.")
@_names("-t", "--modifier-type", "modifier_types", help_="A type of modifiers; may be repeated.")
@_names("--measurement", "measurements", help_="A measurement; may be repeated.")
@output_option
def _prune(*, workspace: str, output: str, **names: tuple[str, ...]) -> None:
    """Remove parts of WORKSPACE by their names."""
    from nextstat_core.io import workspace_prune

    pruned = workspace_prune(read_document(workspace), **names)
    write_document(pruned, output)
    warn_if_unusable(pruned)


@command.command("rename")
@click.argument("workspace")
@_pairs("-c", "--channel", "channels", help_="A channel and its new name; may be repeated.")
@_pairs("-s", "--sample", "samples", help_="A sample and its new name; may be repeated.")
@_pairs("-m", "--modifier", "modifiers", help_="A modifier and its new name; may be repeated.")
@_pairs("--measurement", "measurements", help_="A measurement and its new name; may be repeated.")
@output_option
def _rename(*, workspace: str, output: str, **names: tuple[tuple[str, str], ...]) -> None:
    """Rename parts of WORKSPACE; all names change at once."""
    from nextstat_core.io import workspace_rename

    renamed = workspace_rename(
        read_document(workspace), **{what: dict(pairs) for what, pairs in names.items()}
    )
    write_document(renamed, output)
    warn_if_unusable(renamed)


@command.command("sort")
@click.argument("workspace")
@output_option
def _sort(*, workspace: str, output: str) -> None:
    """Sort channels, samples, modifiers and measurements of WORKSPACE by name."""
    from nextstat_core.io import workspace_sorted

    write_document(workspace_sorted(read_document(workspace)), output)


@command.command("digest")
@click.argument("workspace")
@click.option(
    "-a",
    "--algorithm",
    "algorithms",
    multiple=True,
    default=("sha256",),
    show_default=True,
    metavar="NAME",
    help="Name of an algorithm; may be repeated.",
)
@click.option("-j/-p", "--json/--plaintext", "as_json", default=False, help="Print JSON.")
def _digest(*, workspace: str, algorithms: tuple[str, ...], as_json: bool) -> None:
    """Print the digest of WORKSPACE, the same as pyhf's."""
    from nextstat_core.io import workspace_digest

    document = read_document(workspace)
    digests = {name: workspace_digest(document, name) for name in algorithms}
    if as_json:
        write_json(digests, "-")
    else:
        click.echo("\n".join(f"{name}:{digest}" for name, digest in digests.items()))


@command.command("inspect")
@click.argument("workspace")
@click.option("--measurement", metavar="NAME", help="Measurement; default: the first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _inspect(*, workspace: str, measurement: str | None, as_json: bool) -> None:
    """List channels, samples, modifiers, parameters and measurements of WORKSPACE."""
    from nextstat_core.hooks import get_manager
    from nextstat_core.io import workspace_inspect

    types = get_manager().modifiers
    found = workspace_inspect(
        read_document(workspace), measurement=measurement, modifier_types=types
    )
    if as_json:
        write_json(found, "-")
    else:
        click.echo("\n".join(inspection_lines(found)))


@command.command("patch")
@click.argument("workspace")
@click.option(
    "--patch",
    "patches",
    multiple=True,
    required=True,
    metavar="FILE[:NAME]",
    help="A JSON patch, or the patch NAME of a patchset; may be repeated.",
)
@output_option
def _patch(*, workspace: str, patches: tuple[str, ...], output: str) -> None:
    """Apply JSON patches to WORKSPACE, one after the other."""
    from nextstat_core.io import apply_patch

    document = read_document(workspace)
    for reference in patches:
        document = apply_patch(document, reference)
    write_document(document, output)
    warn_if_unusable(document)
