"""Where results go: files, standard output, a table on a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results import FitResult

__all__ = ["fit_on_terminal", "is_terminal", "write_json"]


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def write_json(data: Mapping[str, Any], path: str, *, sort_keys: bool = False) -> None:
    """Write JSON to a file, or to standard output for ``-``."""
    text = json.dumps(data, indent=2, sort_keys=sort_keys, allow_nan=False)
    if path == "-":
        click.echo(text)
        return
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error}") from error


def fit_on_terminal(result: FitResult) -> None:
    """Show a fit to a person."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from nextstat_core.results.table import COLUMNS, headline, ranked, remarks, row_of

    table = Table(title=escape(headline(result)), title_justify="left")
    for position, column in enumerate(COLUMNS):
        # Names are folded rather than cut: they are what one copies into `--fix`.
        justify: Literal["left", "right"] = "left" if position in {0, len(COLUMNS) - 1} else "right"
        table.add_column(column, justify=justify, overflow="fold")
    for index in ranked(result):
        table.add_row(*map(escape, row_of(result, index)))
    console = Console()
    console.print(table)
    for remark in remarks(result):
        console.print(escape(remark))
