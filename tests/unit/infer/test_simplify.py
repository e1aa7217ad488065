"""Simplified likelihoods: what is kept of the full one."""

import json

import numpy as np
import pyhf
import pytest
from scipy import optimize, stats

from nextstat_core.errors import InputError
from nextstat_core.infer import fit, simplified_likelihood, yields
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace

# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")


@pytest.fixture(scope="module")
def model(load):
    return load("full")


def test_background_is_that_of_the_fit_without_signal(model):
    best = fit(model, fixed={"mu": 0.0})
    found = simplified_likelihood(model)
    expected = model.expected_data(best.values, include_auxdata=False)
    np.testing.assert_allclose(found.background, expected, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, yields(model, best).covariance, rtol=1e-6)
    assert list(found.bins) == ["CR", "SR"]
    np.testing.assert_array_equal(found.observed, model.observed_main)


def test_signal_is_what_the_strength_adds(model):
    found = simplified_likelihood(model)
    values = found.yields.parameters.copy()
    values[0] = 1.0
    added = np.array(model.expected_data(values, include_auxdata=False)) - found.background
    np.testing.assert_allclose(found.signal, added, rtol=1e-12)
    assert (found.signal[found.bins["CR"]] == 0.0).all()
    assert found.poi == "mu"


@pytest.mark.parametrize("stage", ["prefit", "postfit"])
def test_workspace_has_the_covariance_before_any_fit(model, stage):
    found = simplified_likelihood(model, stage=stage)
    document = found.workspace()
    assert pyhf.Workspace(document).model().config.nmaindata == 5
    simple = yields(HistFactoryModel.from_pyhf(json.dumps(document)), params={"mu": 0.0})
    np.testing.assert_allclose(
        simple.covariance, found.covariance, rtol=1e-9, atol=1e-9 * found.covariance.max()
    )
    totals = np.concatenate([each.total for each in simple.channels])
    np.testing.assert_allclose(totals, found.background, rtol=1e-12)


def test_fits_of_the_workspace_are_those_of_a_gaussian_background(model):
    found = simplified_likelihood(model, stage="prefit", channels=["SR"])
    simple = HistFactoryModel.from_pyhf(found.workspace())
    inverse = np.linalg.inv(found.covariance)

    def profiled(mu):
        """Likelihood of bins with a background of this covariance, minimised by another program."""

        def nll(shift):
            rate = mu * found.signal + found.background + shift
            if (rate <= 0.0).any():
                return np.inf
            return 0.5 * shift @ inverse @ shift - stats.poisson.logpmf(found.observed, rate).sum()

        options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20000, "maxfev": 20000}
        start = np.zeros(len(found.background))
        return optimize.minimize(nll, start, method="Nelder-Mead", options=options).fun

    # What limits are made of: the profile likelihood, and where it is lowest.
    at = {mu: fit(simple, fixed={"mu": mu}).nll for mu in (0.0, 1.0, 3.0)}
    for mu in (1.0, 3.0):
        assert at[mu] - at[0.0] == pytest.approx(profiled(mu) - profiled(0.0), abs=1e-8)
    best = fit(simple, bounds={"mu": (-10.0, 10.0)})
    lowest = optimize.minimize_scalar(profiled, bracket=(0.0, 1.0, 3.0), options={"xtol": 1e-7})
    assert best["mu"].value == pytest.approx(lowest.x, abs=1e-4)


def test_full_correlation_moves_all_bins_together(model):
    found = simplified_likelihood(model)
    document = found.workspace(correlation="full")
    simple = yields(HistFactoryModel.from_pyhf(document), params={"mu": 0.0})
    errors = np.sqrt(np.diagonal(found.covariance))
    np.testing.assert_allclose(simple.covariance, np.outer(errors, errors), rtol=1e-9)
    names = {
        modifier["name"]
        for channel in document["channels"]
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
    }
    assert names == {"mu", "totalError"}


def test_channels_may_be_left_out(model):
    everything, found = simplified_likelihood(model), simplified_likelihood(model, channels=["SR"])
    bins = everything.bins["SR"]
    np.testing.assert_array_equal(found.background, everything.background[bins])
    np.testing.assert_array_equal(found.covariance, everything.covariance[bins, bins])
    assert [each["name"] for each in found.workspace()["channels"]] == ["SR"]


def test_background_may_come_from_fit_regions_alone(model):
    best = fit(model.restricted(["CR"]))
    found = simplified_likelihood(model, best, channels=["SR"])
    expected = yields(model, best, params={"mu": 0.0})
    np.testing.assert_allclose(found.background, expected["SR"].total, rtol=1e-12)


def test_a_model_without_parameter_of_interest_is_all_background(load):
    found = simplified_likelihood(load("gammas"))
    assert found.signal is None
    assert found.poi == ""
    assert found.to_dict()["poi"] is None
    assert found.workspace()["measurements"][0]["config"]["poi"] == ""


def test_fewer_sources_than_bins_give_as_many_directions(part, write):
    tilt = part.modifier("tilt", "histosys", {"hi_data": [55.0, 40.0], "lo_data": [45.0, 60.0]})
    signal = part.sample("signal", [5.0, 3.0], part.modifier("mu", "normfactor"))
    model = write({"SR": [signal, part.sample("bkg", [50.0, 50.0], tilt)]}, {"SR": [52.0, 49.0]})
    found = simplified_likelihood(model, stage="prefit")
    names = [m["name"] for m in found.workspace()["channels"][0]["samples"][1]["modifiers"]]
    assert names == ["direction_0"]


def test_plain_values_are_json(model):
    decoded = json.loads(json.dumps(simplified_likelihood(model).to_dict(), allow_nan=False))
    assert len(decoded["covariance"]) == 5
    assert decoded["channels"] == [{"name": "CR", "n_bins": 2}, {"name": "SR", "n_bins": 3}]
    assert "5 bins, postfit" in repr(simplified_likelihood(model))


def test_what_cannot_be_simplified_is_refused(model, load):
    with pytest.raises(InputError, match=r"free at .*; expected it fixed at 0"):
        simplified_likelihood(model, fit(model))
    with pytest.raises(InputError, match="has no fit"):
        simplified_likelihood(model, fit(model), stage="prefit")
    with pytest.raises(InputError, match="not determined by the data"):
        simplified_likelihood(load("unidentified"))
    with pytest.raises(InputError, match="no channel named 'SRR'"):
        simplified_likelihood(model, channels=["SRR"])
    with pytest.raises(InputError, match="no correlation named 'all'"):
        simplified_likelihood(model).workspace(correlation="all")
    document = generate_workspace(1, n_normsys=1)
    nuisance = HistFactoryModel.from_pyhf(document, poi="normsys_0")
    with pytest.raises(InputError, match="'normsys_0' is a normsys; expected a normfactor"):
        simplified_likelihood(nuisance)
