"""``nextstat patchset``: signals that are published as patches of one workspace."""

from __future__ import annotations

import json
from typing import Any

import click

from nextstat_commands.documents import (
    output_option,
    read_document,
    warn_if_unusable,
    write_document,
    write_text,
)
from nextstat_commands.output import write_json

__all__ = ["apply_and_write", "command", "number_or_word"]

_name_option = click.option("--name", metavar="NAME", help="Name of the patch.")
_values_option = click.option(
    "--values", metavar="VALUES", help="Where the patch lies: one value per label, 900,400."
)


@click.group("patchset")
def command() -> None:
    """Inspect patchsets, verify that they fit a workspace, apply and extract patches."""


@command.command("apply")
@click.argument("background")
@click.argument("patchset")
@_name_option
@_values_option
@click.option("--no-verify", is_flag=True, help="Accept a workspace with another digest.")
@output_option
def _apply(
    *,
    background: str,
    patchset: str,
    name: str | None,
    values: str | None,
    no_verify: bool,
    output: str,
) -> None:
    """Apply a patch of PATCHSET to BACKGROUND, whose digests are verified.

    Without a name and values it is the first one.
    """
    apply_and_write(
        background, patchset, name=name, values=values, verify=not no_verify, output=output
    )


def apply_and_write(
    background: str,
    patchset: str,
    *,
    name: str | None,
    output: str,
    values: str | None = None,
    verify: bool = True,
) -> None:
    """Apply a patch of a patchset, and write the workspace."""
    from nextstat_core.io import apply_patchset

    point = None if values is None else number_or_word(values)
    patched = apply_patchset(read_document(background), patchset, name, values=point, verify=verify)
    write_document(patched, output)
    warn_if_unusable(patched)


def number_or_word(values: str) -> list[float | str]:
    """Values separated by commas; what is no number is a word."""
    point: list[float | str] = []
    for value in values.split(","):
        try:
            point.append(float(value))
        except ValueError:
            point.append(value.strip())
    return point


@command.command("extract")
@click.argument("patchset")
@_name_option
@_values_option
@click.option(
    "--with-metadata/--without-metadata", default=False, help="Add the metadata of the patchset."
)
@output_option
def _extract(
    *, patchset: str, name: str | None, values: str | None, with_metadata: bool, output: str
) -> None:
    """Write one patch of PATCHSET as a JSON patch; the first one unless told otherwise."""
    from nextstat_core.io import read_patchset

    read = read_patchset(patchset)
    patch = read.find(name, None if values is None else number_or_word(values))
    extracted: Any = patch.operations
    if with_metadata:
        metadata = {"name": patch.name, "values": list(patch.values), **read.metadata}
        extracted = {"metadata": metadata, "patch": patch.operations}
    write_text(json.dumps(extracted, indent=2, allow_nan=False, ensure_ascii=False), output)


@command.command("inspect")
@click.argument("patchset")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _inspect(*, patchset: str, as_json: bool) -> None:
    """List the patches of PATCHSET with their values."""
    from nextstat_core.io import read_patchset
    from nextstat_core.tables import Table

    read = read_patchset(patchset)
    if as_json:
        patches = [{"name": patch.name, "values": list(patch.values)} for patch in read.patches]
        write_json({"metadata": read.metadata, "patches": patches}, "-")
        return
    references = read.metadata["references"].items()
    click.echo(read.metadata["description"])
    for key, value in (*references, *read.digests.items()):
        click.echo(f"{key}: {value}")
    click.echo(f"patches: {len(read.patches)}")
    rows = [(patch.name, *map(str, patch.values)) for patch in read.patches]
    align = "l" + "r" * len(read.labels)
    table = Table(("patch", *read.labels), align, rows, shown=len(rows))
    click.echo("\n".join(table.text()))


@command.command("verify")
@click.argument("background")
@click.argument("patchset")
def _verify(*, background: str, patchset: str) -> None:
    """Check that PATCHSET is for BACKGROUND; the exit code is 1 if it is not."""
    from nextstat_core.io import read_patchset

    read = read_patchset(patchset)
    read.verify(read_document(background), f"the patchset {patchset!r}")
    click.echo(f"All good: {', '.join(read.digests)} of {background} as in {patchset}.")
