"""Commands that turn documents into documents: how they read, write and warn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["output_option", "read_document", "warn_if_unusable", "write_document", "write_text"]

output_option = click.option(
    "-o",
    "--output",
    "--output-file",
    metavar="FILE",
    default="-",
    help="Write the JSON to a file; default: standard output.",
)


def read_document(path: str) -> Any:
    """Decoded JSON of a file, or of standard input for ``-``."""
    from nextstat_core.io import decode, read_text

    return decode(read_text(path)).usable()


def write_text(text: str, path: str) -> None:
    """Write text to a file, or to standard output for ``-``."""
    if path == "-":
        click.echo(text)
        return
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error}") from error


def write_document(document: Mapping[str, Any], path: str) -> None:
    """Write a document as indented JSON to a file, or to standard output for ``-``."""
    from nextstat_core.io import encode

    write_text(encode(document), path)


def warn_if_unusable(document: Mapping[str, Any]) -> None:
    """Say on standard error why a workspace that was written cannot be loaded, if so.

    That its parameter of interest is absent is no reason: background-only workspaces are like that.
    """
    from nextstat_core.hooks import get_manager
    from nextstat_core.io import try_pyhf

    types = get_manager().modifiers
    if try_pyhf(document, modifier_types=types).model is None:
        for problem in try_pyhf(document, poi=None, modifier_types=types).problems:
            click.echo(f"warning: the workspace cannot be loaded: {problem}", err=True)
