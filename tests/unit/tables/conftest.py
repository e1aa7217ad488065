"""A fit, its yields, and limits to write tables of."""

import numpy as np
import pytest

import nextstat
from nextstat_core.results import MassScan


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
    """Limits of two signals, one of them without an observed value."""
    return MassScan(
        alpha=0.05,
        names=("light", "heavy"),
        value_names=("mass",),
        values=((500.0,), (600.0,)),
        observed=np.array([1.25, np.nan]),
        expected=np.array([[0.5, 0.7, 1.0, 1.5, 2.5], [0.6, 0.9, 1.2, 1.7, 2.4]]),
        cross_sections=np.array([10.0, 2.0]),
        limits={},
        errors={"heavy": "no result"},
    )
