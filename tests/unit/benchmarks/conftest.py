"""The benchmarks are scripts: their modules are found beside each other, and imported so here."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmarks():
    """Folder of the benchmarks."""
    return BENCHMARKS


@pytest.fixture
def load(monkeypatch):
    """Import one module of the benchmarks; none of them stays behind."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for path in BENCHMARKS.glob("*.py"):
        sys.modules.pop(path.stem, None)
