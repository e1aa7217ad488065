"""Models that the tests of this folder share."""

from __future__ import annotations

import pytest

from nextstat_core.likelihood import CompiledModel
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace, uncertain_signal


@pytest.fixture
def shapes():
    """Three bins, eight parameters; the signal has every uncertainty, mu may be negative."""
    return HistFactoryModel.from_workspace(uncertain_signal(), interpolation={"normsys": "code1"})


@pytest.fixture
def bounded():
    """The same without negative signals."""
    return HistFactoryModel.from_workspace(
        uncertain_signal(0.0), interpolation={"normsys": "code1"}
    )


@pytest.fixture(scope="session")
def hundreds():
    """A model of 261 parameters: 60 systematics, 200 statistical ones."""
    return HistFactoryModel.from_workspace(
        generate_workspace(
            5, n_channels=8, n_bins=25, n_samples=3, n_normsys=40, n_histosys=20, staterror=True
        )
    )


class Evaluations:
    """Evaluations of the likelihood: rows and order of derivatives of each."""

    def __init__(self):
        self.rows, self.orders = [], []

    def __len__(self):
        return len(self.rows)

    def forget(self):
        self.rows.clear()
        self.orders.clear()


@pytest.fixture
def evaluations(monkeypatch):
    """What the likelihood is asked for, from here on."""
    seen, original = Evaluations(), CompiledModel.evaluate

    def evaluate(self, theta, data, order, **options):
        seen.rows.append(theta.shape[1])
        seen.orders.append(order)
        return original(self, theta, data, order, **options)

    monkeypatch.setattr(CompiledModel, "evaluate", evaluate)
    return seen
