"""Tables for people: aligned text, and HTML for notebooks.

The HTML brings no colours, style sheets or scripts, so that it looks like the page around it, dark
or light. All text is escaped: names of parameters are anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Table", "block", "folded", "paragraph"]

#: Rows of HTML beyond which a browser becomes slow.
_MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text under headings.

    Attributes
    ----------
    columns : tuple of str
    align : str
        One letter per column: ``l`` for text, ``r`` for numbers.
    rows : sequence of tuples of str
        The most interesting ones first.
    shown : int
        How many of them are shown at once.
    """

    columns: tuple[str, ...]
    align: str
    rows: Sequence[tuple[str, ...]]
    shown: int = 15

    def text(self, *, rest: str = "") -> list[str]:
        """Aligned lines; `rest` says where to find the rows that are not shown."""
        visible = [self.columns, *self.rows[: self.shown]]
        widths = [max(map(len, column)) for column in zip(*visible, strict=True)]
        lines = [self._line(row, widths) for row in visible]
        hidden = len(self.rows) - self.shown
        if hidden > 0:
            lines.append(f"  ... and {hidden} more" + (f": {rest}" if rest else ""))
        return lines

    def _line(self, row: tuple[str, ...], widths: list[int]) -> str:
        cells = [
            cell.ljust(width) if side == "l" else cell.rjust(width)
            for cell, width, side in zip(row, widths, self.align, strict=True)
        ]
        return "  ".join(["", *cells]).rstrip()

    def html(self) -> str:
        """A table; rows that are not shown at once are folded below it."""
        head, hidden = self._html(self.rows[: self.shown]), len(self.rows) - self.shown
        if hidden <= 0:
            return head
        tail = self.rows[self.shown : _MOST_ROWS]
        below = [self._html(tail)]
        if hidden > len(tail):
            below.append(paragraph(f"... and {hidden - len(tail)} more"))
        return head + folded(f"and {hidden} more", *below)

    def _html(self, rows: Sequence[tuple[str, ...]]) -> str:
        head = self._html_row("th", self.columns)
        body = "".join(self._html_row("td", row) for row in rows)
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"

    def _html_row(self, tag: str, row: tuple[str, ...]) -> str:
        sides = {"l": "left", "r": "right"}
        cells = "".join(
            f'<{tag} style="text-align: {sides[side]}">{escape(cell)}</{tag}>'
            for cell, side in zip(row, self.align, strict=True)
        )
        return f"<tr>{cells}</tr>"


def block(*parts: str) -> str:
    """One piece of HTML from several."""
    return f"<div>{''.join(parts)}</div>"


def paragraph(text: str) -> str:
    """HTML of a sentence."""
    return f"<p>{escape(text)}</p>"


def folded(summary: str, *parts: str) -> str:
    """HTML that a click on `summary` unfolds."""
    return f"<details><summary>{escape(summary)}</summary>{''.join(parts)}</details>"
