"""Every page of the documentation does what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUNNER = Path(__file__).with_name("run_page.py")
PAGES = sorted(
    [
        ROOT / "README.md",
        *ROOT.glob("CONTRIBUTING.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("backends/*/README.md"),
        *ROOT.glob("plugins/*/README.md"),
    ]
)
WITH_PYTHON = [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")]
#: pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
WARNINGS = ("-W", "error", "-W", "ignore:jsonschema.RefResolver:DeprecationWarning")
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "NEXTSTAT_BACKEND"}


def _run(page: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *WARNINGS, str(RUNNER), str(page)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**_ENVIRONMENT, "OPENBLAS_NUM_THREADS": "1"},
    )


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_PYTHON, ids=_name)
def test_python_blocks_run_and_print_what_the_page_says(page: Path) -> None:
    done = _run(page)
    assert done.returncode == 0, done.stderr
    if done.stdout:
        pytest.skip(f"all other blocks pass: {', '.join(done.stdout.splitlines())}")


def _links(page: Path) -> list[tuple[Path, str]]:
    """Files that a page links to, and the headings in them."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    parts = [target.partition("#") for target in targets if "://" not in target]
    return [(page.parent / path if path else page, anchor) for path, _, anchor in parts]


def _anchors(page: Path) -> set[str]:
    """Names under which forges link to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    links = _links(page)
    assert [path for path, _ in links if not path.exists()] == []
    assert [link for link in links if link[1] and link[1] not in _anchors(link[0])] == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n", "line 6"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "prints\n1"),
        ("```python\nimport warnings\nwarnings.warn('old')\n```\n", "UserWarning: old"),
    ],
    ids=["a failing block", "another output", "a warning"],
)
def test_a_page_that_is_wrong_is_noticed(text: str, complaint: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    done = _run(page)
    assert done.returncode == 1
    assert complaint in done.stderr


def test_a_block_for_a_backend_that_is_not_installed_is_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- needs: numpy -->\n```python\nx = 1\n```\n\n"
        "<!-- needs: nobody -->\n\n```python\nx = 2\n```\n\n```python\nassert x == 1\n```\n",
        encoding="utf-8",
    )
    done = _run(page)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "line 9 needs the backend 'nobody'\n"


def test_a_page_that_is_right_passes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\nprint(x)\n```\n\n```text\n1\n```\n", encoding="utf-8")
    assert _run(page).returncode == 0
