"""Tables as text, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tabulate import tabulate

from nextstat_core.errors import InputError
from nextstat_tables.numbers import rounded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_tables.data import Column, DataTable, Value
    from nextstat_tables.numbers import Cell

__all__ = ["FORMATS", "render"]

#: What `render` writes.
FORMATS = ("text", "markdown", "latex", "csv")

_STYLES = {"text": "simple", "markdown": "pipe", "latex": "latex_raw"}
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{special: "\\" + special for special in "&%$#_{}"},
    }
)


def render(table: DataTable, format: str = "text") -> str:  # noqa: A002  what users call it
    """Write a table.

    Parameters
    ----------
    table : DataTable
    format : {"text", "markdown", "latex", "csv"}
        ``csv`` has every digit, with uncertainties in columns of their own. The others are rounded
        to two digits of the smallest uncertainty. ``latex`` is a ``tabular``, which needs no
        package; names are escaped.

    Returns
    -------
    str
        Ends with a newline.

    Raises
    ------
    InputError
        For another format.
    """
    if format not in FORMATS:
        raise InputError.unknown("format", format, FORMATS)
    if format == "csv":
        return _csv(table)
    latex = format == "latex"
    show = _latex_cell if latex else _plain_cell
    titles = [column.title for column in table.columns]
    rows = [[show(rounded(column, row)) for column in table.columns] for row in range(table.n_rows)]
    body = tabulate(
        rows,
        headers=[title.translate(_LATEX) for title in titles] if latex else titles,
        tablefmt=_STYLES[format],
        disable_numparse=True,
        colalign=["left" if _is_text(column) else "right" for column in table.columns],
    )
    heading = {"text": table.name, "markdown": f"**{table.name}**", "latex": f"% {table.name}"}
    gap = "" if latex else "\n"
    return f"{heading[format]}\n{gap}{body}\n"


def _is_text(column: Column) -> bool:
    return any(isinstance(value, str) for value in column.values)


def _plain_cell(cell: Cell) -> str:
    value, uncertainties = cell
    parts = [value]
    for minus, plus in uncertainties:
        if minus == plus:
            parts.append(f"± {plus}" if plus else "")
        else:
            parts.append(f"+{plus or '?'} -{minus or '?'}")
    return " ".join(filter(None, parts))


def _latex_cell(cell: Cell) -> str:
    value, uncertainties = cell
    if not _is_number(value):
        return value.translate(_LATEX)
    text = value
    for minus, plus in uncertainties:
        if minus == plus:
            text += rf" \pm {plus}" if plus else ""
        else:
            text += rf"\,{{}}^{{+{plus or '?'}}}_{{-{minus or '?'}}}"
    return f"${text.replace('inf', chr(92) + 'infty')}$"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv(table: DataTable) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = [entry for column in table.columns for entry in _flat(column)]
    writer.writerow([title for title, _ in columns])
    writer.writerows(zip(*(values for _, values in columns), strict=True))
    return text.getvalue()


def _flat(column: Column) -> Iterator[tuple[str, tuple[Value, ...]]]:
    yield column.title, column.values
    for each in column.uncertainties:
        label = f" {each.label}" if each.label else ""
        if each.minus == each.plus:
            yield f"{column.name}{label} error", each.plus
        else:
            yield f"{column.name}{label} minus", each.minus
            yield f"{column.name}{label} plus", each.plus
