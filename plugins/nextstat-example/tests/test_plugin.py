"""What an author tests: the conformance kit, then what only the author knows."""

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from nextstat_core.hooks import get_manager
from nextstat_core.infer import fit
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import ModifierContract, PluginContract, uncorrelated
from nextstat_example.coupling import Coupling


class TestPlugin(PluginContract):
    entry_point = "example"


class TestCoupling(ModifierContract):
    @pytest.fixture
    def modifier_type(self) -> Coupling:
        return Coupling()


def with_coupling() -> dict:
    """Ten events, times ``1 + 0.5 c + 0.25 c^2``, on a background of fifty."""
    workspace = uncorrelated([10.0], [50.0], [5.0], [67.5])
    data = {"linear": [0.5], "quadratic": [0.25]}
    coupling = {"name": "c", "type": "example_coupling", "data": data}
    workspace["channels"][0]["samples"][0]["modifiers"] = [coupling]
    workspace["measurements"][0]["config"]["poi"] = "c"
    return workspace


def test_yields_are_quadratic_in_the_coupling() -> None:
    model = HistFactoryModel.from_workspace(with_coupling())
    for c in (-2.0, 0.0, 0.5, 3.0):
        (main,) = model.expected_data([c, 1.0], include_auxdata=False)
        assert main == pytest.approx(50.0 + 10.0 * (1.0 + 0.5 * c + 0.25 * c * c), rel=1e-14)


def test_fit_finds_the_coupling() -> None:
    # 67.5 - 50 = 10 (1 + 0.5 c + 0.25 c^2) at c = 1.
    assert fit(HistFactoryModel.from_workspace(with_coupling()))["c"].value == pytest.approx(1.0)


def test_fit_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    model = HistFactoryModel.from_workspace(with_coupling())
    with caplog.at_level(logging.INFO, logger="nextstat_example"):
        fit(model)
    assert caplog.messages == ["fitted 1 x 2 parameters"]


def test_command_prints_yields(tmp_path: Path) -> None:
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(with_coupling()))
    done = CliRunner().invoke(get_manager().commands["example-yields"], [str(path)])
    assert done.exit_code == 0
    lines = [line.split() for line in done.output.splitlines()]
    assert lines == [
        ["singlechannel", "signal", "10.00"],
        ["singlechannel", "background", "50.00"],
    ]
