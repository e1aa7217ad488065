"""Models that the tests of this folder share."""

from __future__ import annotations

import pytest

from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace, uncertain_signal

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")


@pytest.fixture
def shapes():
    """The check model: its signal carries everything."""
    return HistFactoryModel.from_workspace(uncertain_signal(), interpolation={"normsys": "code1"})


@pytest.fixture
def bounded():
    """The check model without negative signals."""
    return HistFactoryModel.from_workspace(
        uncertain_signal(0.0), interpolation={"normsys": "code1"}
    )


@pytest.fixture
def plain():
    """Two channels of three bins whose signal has factors only."""
    return HistFactoryModel.from_workspace(
        generate_workspace(5, n_channels=2, n_bins=3, n_normsys=2, n_histosys=0, staterror=False,
                           shapesys=False, n_samples=3)
    )  # fmt: skip
