"""The documentation site builds without a warning, and describes every public name."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import nextstat_core

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "reference" / "api"
MODULES = [
    *("nextstat", "nextstat.report", "nextstat_core.hooks.specs", "nextstat_core.io.containers"),
    *(f"nextstat_core.{module.name}" for module in pkgutil.iter_modules(nextstat_core.__path__)),
]


def test_every_public_module_has_a_page() -> None:
    assert sorted(path.stem for path in PAGES.glob("nextstat*.md")) == sorted(MODULES)


def _inventory(path: Path) -> set[str]:
    """Python names that the site can be linked to by; four lines of header, then zlib."""
    content = zlib.decompress(path.read_bytes().split(b"\n", 4)[4]).decode()
    entries = [line.split() for line in content.splitlines()]
    return {name for name, kind, *_ in entries if kind.startswith("py:")}


def test_site_builds_without_warnings_and_documents_every_public_name(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="python -m pip install -r docs/requirements.txt")
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "docs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    documented = _inventory(tmp_path / "objects.inv")
    public = {
        f"{module}.{name}" for module in MODULES for name in importlib.import_module(module).__all__
    }
    assert public - documented == set()
