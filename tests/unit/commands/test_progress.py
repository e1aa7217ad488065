"""Progress of long work goes to a terminal, and only there."""

import io
import sys

import pytest

from nextstat_commands import progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress_bar("toys") as show:
        assert show is None
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_what_is_done_at_which_rate_and_what_remains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress.progress_bar("toys") as show:
        assert show is not None
        for done in (500, 1000, 2000):
            show(done, 4000)
    text = terminal.getvalue()
    assert "toys" in text
    assert "2000/4000" in text
    assert "/s" in text
    assert ":" in text
