"""A fit, its yields, and limits to write tables of."""

from types import SimpleNamespace

import pytest

import nextstat


@pytest.fixture(scope="session")
def model():
    return nextstat.from_pyhf("docs/examples/example_workspace.json")


@pytest.fixture(scope="session")
def best(model):
    return nextstat.fit(model, fixed={"JES_2": 0.0})


@pytest.fixture(scope="session")
def postfit(model, best):
    return nextstat.yields(model, best)


@pytest.fixture
def scan():
    """Limits of two masses, one of them without an observed value."""
    return SimpleNamespace(
        labels=(500.0, 600.0),
        observed=[1.25, None],
        expected=[[0.5, 0.7, 1.0, 1.5, 2.5], [0.6, 0.9, 1.2, 1.7, 2.4]],
        alpha=0.05,
    )
