"""A reader of the HTML that notebooks show; properties are tested without a clock."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import settings

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
