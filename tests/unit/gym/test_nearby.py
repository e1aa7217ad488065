"""When the fit without signal is done once: where the yields then do not matter at all."""

import numpy as np
import pytest

from nextstat_core.infer import InputTests
from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_core.testing import generate_workspace
from nextstat_gym.nearby import NearbyTests

SYSTEMATICS = {"n_channels": 2, "n_bins": 3, "n_normsys": 2, "n_histosys": 2, "shapesys": False}


def made(place, test_stat="q0", mu=0.0):
    model = HistFactoryModel.from_workspace(place["workspace_json"])
    inputs = ModelInputs(model, [(place["channel"], place["sample"])])
    return NearbyTests(inputs, test_stat, mu, inputs.values)


@pytest.fixture
def interpolated():
    """A signal with interpolated systematics of its own."""
    workspace = generate_workspace(5, **SYSTEMATICS)
    return {"workspace_json": workspace, "channel": "channel_1", "sample": "signal"}


@pytest.fixture(params=["luminosity", "interpolated"])
def scaled(request):
    """Arguments whose sample the signal strength scales as a whole."""
    return request.getfixturevalue(request.param)


def test_without_signal_likelihoods_do_not_depend_on_the_yields(scaled):
    tests = made(scaled)
    assert tests._fits == 1
    inputs, rng = tests._inputs, np.random.default_rng(1)
    theta = np.asarray(inputs.model.suggested_init()) + rng.uniform(-0.3, 0.3, len(tests._fixed))
    theta[tests._poi] = 0.0
    for _ in range(3):
        again = inputs.changed(inputs.values * rng.uniform(0.1, 5.0, inputs.size))
        assert again.nll(theta) == inputs.model.nll(theta)


def test_the_fit_without_signal_is_that_of_all_yields(scaled):
    tests, rng = made(scaled), np.random.default_rng(2)
    yields = tests._inputs.values * rng.uniform(0.5, 2.0, (8, tests._inputs.size))
    expected = InputTests(tests._inputs, test_stat="q0").at(yields, np.zeros(1)).tested
    for _ in range(2):
        q, converged = tests.at(yields)
        assert converged.all()
        np.testing.assert_allclose(q, expected.q, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "test_stat", "mu"),
    [
        ("background", "q0", 0.0),  # scaled by something else
        ("uncertain signal", "q0", 0.0),  # widths of constraints are made from the yields
        ("luminosity", "qtilde", 1.0),  # held at another signal
    ],
)
def test_otherwise_it_is_done_each_time(places, name, test_stat, mu):
    assert made(places[name], test_stat, mu)._fits > 1
