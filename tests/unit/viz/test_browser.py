"""A browser opens a report: it asks for nothing, and has nothing to complain about."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from nextstat_viz import make_report

if TYPE_CHECKING:
    from pathlib import Path

    from nextstat_core.models import HistFactoryModel

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} is installed")
    return found


def _open(browser: str, page: Path, folder: Path, *options: str) -> tuple[str, str, list[str]]:
    """What the browser made of a page, what it wrote, and the addresses that it asked for."""
    log = folder / "network.json"
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--enable-logging=stderr", f"--log-net-log={log}", f"--user-data-dir={folder}/user"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", "--disable-default-apps"),
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    details = [event.get("params", {}) for event in events]
    # What the browser asks for itself, such as the time, has no origin.
    asked = [
        each["url"] for each in details if each.get("initiator", "not an origin") != "not an origin"
    ]
    return done.stdout, done.stderr, asked


def test_report_makes_no_request(browser: str, example: HistFactoryModel, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    sections = ["summary", "fit", "pulls", "cls"]
    report = make_report(example, title="A report", sections=sections)
    page.write_text(report.html, encoding="utf-8")
    document, complaints, asked = _open(browser, page, tmp_path, "--window-size=1280,2000")
    assert "<h1>A report</h1>" in document
    assert 'id="provenance"' in document
    assert "CONSOLE" not in complaints
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []


def test_browser_would_tell(browser: str, tmp_path: Path) -> None:
    """The check itself: a page with a request and an error is noticed."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<h1>bad</h1><img src='http://nextstat.invalid/x.png'><script>nothing()</script>",
        encoding="utf-8",
    )
    _, complaints, asked = _open(browser, page, tmp_path)
    assert "CONSOLE" in complaints
    assert any("nextstat.invalid" in address for address in asked)
