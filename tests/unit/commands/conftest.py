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
def full_workspace(tmp_path: Path) -> Path:
    """Two channels, five bins, and every modifier with a constraint; mu and k_bkg have none."""
    path = tmp_path / "full.json"
    path.write_text(json.dumps(_full()))
    return path


def _full() -> dict[str, Any]:
    def sample(name: str, data: list[float], **modifiers: Any) -> dict[str, Any]:
        listed = [
            {"name": key, "type": kind, "data": content}
            for key, (kind, content) in modifiers.items()
        ]
        return {"name": name, "data": data, "modifiers": listed}

    lumi = ("lumi", None)
    bkg_norm = ("normsys", {"hi": 1.2, "lo": 0.85})
    shape = {"hi_data": [55.0, 62.0, 38.0], "lo_data": [46.0, 59.0, 43.0]}
    signal = sample(
        *("signal", [5.0, 10.0, 3.0]),
        mu=("normfactor", None),
        lumi=lumi,
        sig_norm=("normsys", {"hi": 1.1, "lo": 0.9}),
    )
    background = sample(
        *("bkg", [50.0, 60.0, 40.0]),
        lumi=lumi,
        bkg_norm=bkg_norm,
        bkg_shape=("histosys", shape),
        bkg_ss=("shapesys", [5.0, 6.0, 4.0]),
        staterror_SR=("staterror", [2.0, 3.0, 1.5]),
    )
    control = sample(
        *("bkg", [500.0, 400.0]),
        bkg_norm=bkg_norm,
        k_bkg=("normfactor", None),
        staterror_CR=("staterror", [10.0, 9.0]),
    )
    luminosity = {
        "name": "lumi",
        "auxdata": [1.0],
        "sigmas": [0.017],
        "inits": [1.0],
        "bounds": [[0.915, 1.085]],
    }
    return {
        "channels": [
            {"name": "SR", "samples": [signal, background]},
            {"name": "CR", "samples": [control]},
        ],
        "observations": [
            {"name": "SR", "data": [58.0, 75.0, 41.0]},
            {"name": "CR", "data": [510.0, 395.0]},
        ],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": [luminosity]}}],
        "version": "1.0.0",
    }


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
