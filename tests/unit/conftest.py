"""What several folders of tests use: a reader of HTML, plugins for one test, no clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable

# A busy machine is no failure.
settings.register_profile("nextstat", deadline=None)
settings.load_profile("nextstat")

#: Everything that tables need; no scripts, styles, links or images.
TAGS = {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}


class Page(HTMLParser):
    """Well-formed HTML as text: rows of tables, paragraphs, and what is folded."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.paragraphs: list[str] = []
        self.summaries: list[str] = []
        self.folded_rows = 0
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, f"<{tag}> in the HTML"
        assert {name for name, _ in attrs} <= {"style"}
        assert all(value in {"text-align: left", "text-align: right"} for _, value in attrs)
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.folded_rows += "details" in self._open
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag == "p":
            self.paragraphs.append("")
        if tag == "summary":
            self.summaries.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        place = self._open[-1]
        if place in {"td", "th"}:
            self.rows[-1][-1] += data
        else:
            assert place in {"p", "summary"}, f"{data!r} in <{place}>"
            (self.paragraphs if place == "p" else self.summaries)[-1] += data


@pytest.fixture
def read_html() -> Callable[[str], Page]:
    return Page


EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "example_workspace.json"


class Site:
    """A folder of distributions, put on the path of a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, distribution: str, point: str, source: str, *, target: str = "", metadata: bool = True
    ) -> None:
        module = f"{distribution.replace('-', '_')}_plugin"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        line = f"{point} = {target or module}" if point else "there is no equals sign here"
        (info / "entry_points.txt").write_text(f"[nextstat.plugins]\n{line}\n")
        if metadata:
            text = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
            (info / "METADATA").write_text(text)

    def run(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if "NEXTSTAT" not in name}
        return subprocess.run(
            [sys.executable, "-m", "nextstat_commands", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=clean | {"PYTHONPATH": str(self.folder)} | environment,
        )

    def fit_works(self, **environment: str) -> None:
        done = self.run("fit", EXAMPLE, **environment)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["converged"]
        assert result["nll"] == pytest.approx(129.4487, abs=1e-3)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
