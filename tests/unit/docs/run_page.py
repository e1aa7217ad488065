"""Run the Python blocks of a Markdown page in order, and compare what they print.

python tests/unit/docs/run_page.py docs/tutorial/first-fit.md

All blocks of a page share one namespace. A `text` block right after a `python` block holds exactly
what that block prints. After the comment `<!-- needs: torch -->` or `<!-- needs: torch:cuda -->` a
block is left out where this backend cannot be had; the script then says so.
"""

from __future__ import annotations

import io
import re
import sys
import types
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDS = re.compile(r"<!-- needs: (?P<backend>[\w:-]+) -->\s*$")
_FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is where its content starts, `gap` the text before its fence."""

    language: str
    code: str
    line: int
    gap: str


def blocks_of(text: str) -> list[Block]:
    found, reached = [], 0
    for match in _FENCED.finditer(text):
        line = text.count("\n", 0, match.start("code")) + 1
        gap = text[reached : match.start()]
        found.append(Block(match["language"], match["code"], line, gap))
        reached = match.end()
    return found


def steps_of(text: str) -> Iterator[tuple[Block, str | None]]:
    """Python blocks, each with the output that the page promises."""
    for block, following in pairwise([*blocks_of(text), Block("", "", 0, "")]):
        if block.language == "python":
            promised = following.language == "text" and not following.gap.strip()
            yield block, following.code if promised else None


def run_page(path: Path) -> dict[str, Any]:
    """Namespace that a page leaves behind; raises where a block fails or prints otherwise."""
    page = types.ModuleType("page")
    sys.modules["page"] = page  # classes of the page look their module up
    for block, promised in steps_of(path.read_text(encoding="utf-8")):
        missing = _missing_backend(block)
        if missing:
            sys.stdout.write(f"line {block.line} needs the backend {missing!r}\n")
            continue
        # Blank lines in front make line numbers in tracebacks those of the page.
        code = compile("\n" * (block.line - 1) + block.code, str(path), "exec")
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(code, page.__dict__)
        if promised is not None and _lines(printed.getvalue()) != _lines(promised):
            message = f"{path}:{block.line} prints\n{printed.getvalue()}\nexpected\n{promised}"
            raise AssertionError(message)
    return page.__dict__


def _lines(text: str) -> list[str]:
    """Lines without the blanks at their ends, which editors remove from pages."""
    return [line.rstrip() for line in text.strip().splitlines()]


def _missing_backend(block: Block) -> str:
    """The backend that a block needs and that cannot be had here."""
    needs = _NEEDS.search(block.gap)
    if not needs:
        return ""
    from nextstat_core.backend import get_backend
    from nextstat_core.errors import BackendNotFoundError, BackendUnavailableError

    name, _, device = needs["backend"].partition(":")
    try:
        get_backend(name, device or None)
    except (BackendNotFoundError, BackendUnavailableError):
        return needs["backend"]
    return ""


if __name__ == "__main__":
    run_page(Path(sys.argv[1]))
