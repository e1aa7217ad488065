"""Models that the tests of this folder share."""

from __future__ import annotations

import math

import pytest

from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")


def check_workspace(lower=-5.0):
    """Three bins; the signal has a histosys, a shapesys and a staterror of both samples."""
    signal = [
        {"name": "mu", "type": "normfactor", "data": None},
        {"name": "a", "type": "histosys",
         "data": {"hi_data": [6.2, 12.5, 4.0], "lo_data": [4.1, 8.5, 2.2]}},
        {"name": "ss", "type": "shapesys", "data": [1.0, 2.0, 0.8]},
        {"name": "st", "type": "staterror", "data": [0.5, 0.7, 0.4]},
    ]  # fmt: skip
    background = [
        {"name": "a", "type": "normsys", "data": {"hi": math.exp(0.1), "lo": math.exp(-0.1)}},
        {"name": "st", "type": "staterror", "data": [2.0, 2.5, 1.5]},
    ]
    samples = [
        {"name": "s", "data": [5.0, 10.0, 3.0], "modifiers": signal},
        {"name": "b", "data": [50.0, 60.0, 40.0], "modifiers": background},
    ]
    config = {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[lower, 20.0]]}]}
    return {
        "channels": [{"name": "c", "samples": samples}],
        "observations": [{"name": "c", "data": [58.0, 75.0, 41.0]}],
        "measurements": [{"name": "m", "config": config}],
        "version": "1.0.0",
    }


@pytest.fixture
def shapes():
    """The check model: its signal carries everything."""
    return HistFactoryModel.from_workspace(check_workspace(), interpolation={"normsys": "code1"})


@pytest.fixture
def bounded():
    """The check model without negative signals."""
    return HistFactoryModel.from_workspace(check_workspace(0.0), interpolation={"normsys": "code1"})


@pytest.fixture
def plain():
    """Two channels of three bins whose signal has factors only."""
    return HistFactoryModel.from_workspace(
        generate_workspace(5, n_channels=2, n_bins=3, n_normsys=2, n_histosys=0, staterror=False,
                           shapesys=False, n_samples=3)
    )  # fmt: skip
