"""The backend that the documentation shows passes the conformance kit."""

from __future__ import annotations

import runpy
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nextstat_core.testing import BackendContract

if TYPE_CHECKING:
    from nextstat_core.backend import Backend

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "how-to" / "write-a-backend.md"


@pytest.fixture(scope="module")
def acme() -> types.ModuleType:
    """The first block of the page, as a module: a backend has to pickle."""
    steps_of = runpy.run_path(str(HERE / "run_page.py"))["steps_of"]
    block, _ = next(steps_of(PAGE.read_text(encoding="utf-8")))
    module = types.ModuleType("acme_of_the_page")
    sys.modules[module.__name__] = module
    exec(compile(block.code, str(PAGE), "exec"), module.__dict__)
    return module


class TestBackendOfThePage(BackendContract):
    @pytest.fixture
    def backend(self, acme: types.ModuleType) -> Backend:
        return acme.AcmeBackend()
