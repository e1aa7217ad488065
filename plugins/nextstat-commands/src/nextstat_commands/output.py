"""Where results go: files, standard output, a table on a terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import click

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nextstat_core.tables import Table

__all__ = ["N_SIGMA", "Display", "bands", "figure", "is_terminal", "with_error", "write_json"]

#: Fluctuations of the best fit that five ascending expected values belong to, in units of sigma:
#: those of the estimate, downwards.
N_SIGMA = (2, 1, 0, -1, -2)


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


def figure(value: float | None) -> str:
    """A number as people read it."""
    return "none" if value is None else f"{value:.6g}"


def with_error(value: float | None, error: float | None) -> str:
    """A number and its standard error."""
    return figure(value) if value is None or error is None else f"{value:.6g} ± {error:.2g}"


def bands(what: str, values: Iterable[float | None] | None) -> list[tuple[str, str]]:
    """Rows of five ascending expected values; none where there are none."""
    names = ("-2 sigma", "-1 sigma", "median", "+1 sigma", "+2 sigma")
    if values is None:
        return []
    return [(f"{what}, {name}", figure(value)) for name, value in zip(names, values, strict=True)]


@dataclass(frozen=True, slots=True)
class Display:
    """A result for a person: a title, a table, and sentences below it."""

    title: str
    table: Table
    remarks: Sequence[str] = ()

    @classmethod
    def of_rows(
        cls, title: str, rows: Sequence[tuple[str, ...]], warnings: Iterable[str] = ()
    ) -> Self:
        """Quantities and their values."""
        from nextstat_core.tables import Table

        table = Table(("quantity", "value"), "lr", rows)
        return cls(title, table, [f"warning: {warning}" for warning in warnings])

    def show(self) -> None:
        """Print it."""
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table as RichTable

        shown = RichTable()
        for column, side in zip(self.table.columns, self.table.align, strict=True):
            # Names are folded rather than cut: they are what one copies into `--fix`.
            justify: Literal["left", "right"] = "left" if side == "l" else "right"
            shown.add_column(escape(column), justify=justify, overflow="fold")
        for row in self.table.rows:
            shown.add_row(*map(escape, row))
        console = Console()
        console.print(escape(self.title))
        console.print(shown)
        for remark in self.remarks:
            console.print(escape(remark))
