"""Where results go: files, standard output, a table on a terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nextstat_core.tables import Table

__all__ = ["Display", "is_terminal", "write_json"]


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def write_json(data: Mapping[str, Any], path: str) -> None:
    """Write JSON to a file, or to standard output for ``-``."""
    text = json.dumps(data, indent=2, allow_nan=False)
    if path == "-":
        click.echo(text)
        return
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class Display:
    """A result for a person: a title, a table, and sentences below it."""

    title: str
    table: Table
    remarks: Sequence[str] = ()

    def show(self) -> None:
        """Print it."""
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table as RichTable

        shown = RichTable(title=escape(self.title), title_justify="left")
        for column, side in zip(self.table.columns, self.table.align, strict=True):
            # Names are folded rather than cut: they are what one copies into `--fix`.
            justify: Literal["left", "right"] = "left" if side == "l" else "right"
            shown.add_column(escape(column), justify=justify, overflow="fold")
        for row in self.table.rows:
            shown.add_row(*map(escape, row))
        console = Console()
        console.print(shown)
        for remark in self.remarks:
            console.print(escape(remark))
