"""Workspaces in files, and a runner that keeps standard output and error apart."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nextstat_commands.main import cli
from nextstat_core.backend import Backend, BackendSpec
from nextstat_core.hooks import get_manager, hookimpl
from nextstat_core.testing import StrictBackend, generate_workspace, uncorrelated


@pytest.fixture
def run() -> Callable[..., Result]:
    def call(*arguments: str | Path, **options: Any) -> Result:
        runner = CliRunner()
        return runner.invoke(cli, list(map(str, arguments)), prog_name="nextstat", **options)

    return call


@pytest.fixture
def document() -> dict[str, Any]:
    return uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])


@pytest.fixture
def workspace(document: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def rich_workspace(tmp_path: Path) -> Path:
    path = tmp_path / "rich.json"
    path.write_text(json.dumps(generate_workspace(1, n_histosys=3, n_normsys=3, staterror=True)))
    return path


class _Acme:
    """Strict arrays as backend `acme`, with the devices of `StrictBackend`."""

    @hookimpl
    def nextstat_register_backends(self) -> list[BackendSpec]:
        def load(device: str | None) -> Backend:
            return StrictBackend(device)

        return [BackendSpec("acme", load)]


@pytest.fixture
def acme() -> Iterator[str]:
    get_manager().register(_Acme(), name="acme")
    yield "acme"
    get_manager().unregister("acme")
