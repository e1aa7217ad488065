"""Parameters that modifiers see through a response, and constraints of other kinds."""

import math

import numpy as np
import pytest

from nextstat_core.infer import fit
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_core.testing.differences import differences

TERMS = {
    "gamma": {"type": "Gamma", "rel_uncertainty": 0.4},
    "lognormal": {"type": "LogNormal", "rel_uncertainty": 0.3},
    "uniform": {"type": "Uniform"},
}


def with_term(name, term, seed=5, **recipe):
    workspace = generate_workspace(seed, n_normsys=2, n_histosys=2, n_coupled=1, **recipe)
    workspace["measurements"][0]["config"]["parameters"].append({"name": name, "constraint": term})
    return workspace


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS.keys())
@pytest.mark.parametrize("name", ["normsys_0", "histosys_1", "coupled_0"])
def test_derivatives_are_those_of_differences(case, name, term, backend):
    compiled = case(with_term(name, term), backend=backend)
    compiled.check_derivatives(compiled.random(1, spread=0.3))


@pytest.mark.parametrize("codes", [{"normsys": "code1", "histosys": "code2"}])
def test_derivatives_hold_for_other_codes(case, codes):
    compiled = case(with_term("coupled_0", TERMS["lognormal"]), interpolation=codes)
    compiled.check_derivatives(compiled.random(1, spread=0.3))


def one_bin(term):
    """One bin of 100 events with a normsys of 10 %, 130 observed."""
    jes = {"name": "jes", "type": "normsys", "data": {"hi": 1.1, "lo": 1 / 1.1}}
    return {
        "channels": [
            {"name": "c", "samples": [{"name": "b", "data": [100.0], "modifiers": [jes]}]}
        ],
        "observations": [{"name": "c", "data": [130.0]}],
        "measurements": [
            {
                "name": "m",
                "config": {"poi": "", "parameters": [{"name": "jes", "constraint": term}]},
            }
        ],
        "version": "1.0.0",
    }


# With hi * lo = 1 the interpolation is 1.1**alpha where |alpha| > 1.
def test_a_gamma_term_has_the_likelihood_of_root():
    relative = 0.25
    model = HistFactoryModel.from_workspace(one_bin({"type": "Gamma", "rel_uncertainty": relative}))
    y = relative**-2

    def by_hand(beta):
        rate = 100.0 * 1.1 ** ((beta - 1.0) / relative)
        gamma_pdf = y * math.log(beta) - y * beta + (y + 1) * math.log(y) - math.lgamma(y + 1)
        return rate - 130.0 * math.log(rate) + math.lgamma(131.0) - gamma_pdf

    # The Poisson term of y events differs from the Gamma density by log(y).
    for beta in (1.3, 1.5, 2.0):
        assert model.nll([beta]) == pytest.approx(by_hand(beta) + math.log(y), rel=1e-13)
    found = fit(model)
    assert found.converged
    grid = np.linspace(1.26, 2.0, 200001)
    best = grid[np.argmin([by_hand(beta) for beta in grid])]
    assert found.parameters[0] == pytest.approx(best, abs=1e-5)


def test_a_lognormal_term_has_the_likelihood_of_root():
    relative = 0.25
    term = {"type": "LogNormal", "rel_uncertainty": relative}
    model = HistFactoryModel.from_workspace(one_bin(term))

    def by_hand(alpha):
        seen = (1.25**alpha - 1.0) / relative
        rate = 100.0 * 1.1**seen
        constraint = 0.5 * alpha**2 + 0.5 * math.log(2.0 * math.pi)
        return rate - 130.0 * math.log(rate) + math.lgamma(131.0) + constraint

    for alpha in (1.2, 1.5, 2.0):
        assert model.nll([alpha]) == pytest.approx(by_hand(alpha), rel=1e-13)
    found = fit(model)
    grid = np.linspace(1.1, 2.5, 200001)
    best = grid[np.argmin([by_hand(alpha) for alpha in grid])]
    assert found.parameters[0] == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("name", ["staterror_channel_0", "shapesys_channel_0"])
@pytest.mark.parametrize("kind", ["Gaussian", "Poisson", "Gamma", "NoConstraint"])
@pytest.mark.parametrize("sample", ["bkg_1", "bkg_2"])
def test_the_constraint_follows_the_nominal_yields(name, kind, sample):
    workspace = with_term(
        name, {"type": kind}, staterror=True, shapesys=True, n_samples=3, n_channels=1
    )
    model = HistFactoryModel.from_workspace(workspace)
    rng = np.random.default_rng(3)
    point = np.asarray(model.suggested_init()) + 0.05 * rng.standard_normal(model.n_params())
    channel = next(entry for entry in model.ir.channels if entry.name == "channel_0")
    nominal = np.asarray(next(s.nominal for s in channel.samples if s.name == sample))

    def at(yields):
        moved = HistFactoryModel(model.ir)
        moved.set_sample_nominal(channel="channel_0", sample=sample, nominal=yields)
        return moved.nll(point)

    expected = differences(at, nominal, np.full(len(nominal), 0.5))
    found = model.nominal_gradient(point, channel="channel_0", sample=sample)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)
