"""Goodness of fit: deviances by hand, pyhf's likelihoods, and the distribution in toys."""

import json
from dataclasses import replace
from math import isnan

import numpy as np
import pyhf
import pytest
from scipy import stats
from scipy.special import gammaln, xlogy

from nextstat_core.errors import InputError
from nextstat_core.infer import (
    FitOptions,
    draw_toys,
    fit,
    fit_many,
    fit_toys,
    goodness,
    goodness_of_fit,
)
from nextstat_core.models import GaussianMeanModel, HistFactoryModel

# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")


def saturated(model, auxdata, main):
    """Largest log-density of pyhf's model: every bin and every constraint at its own maximum."""
    bins = stats.poisson.logpmf(main, main).sum()
    constraints = 0.0
    position = 0
    for name in model.config.auxdata_order:
        group = model.config.param_set(name)
        observed = np.asarray(auxdata[position : position + group.n_parameters])
        position += group.n_parameters
        if group.pdf_type == "normal":
            constraints += stats.norm.logpdf(0.0, scale=group.width()).sum()
        else:  # not whole numbers
            constraints += (xlogy(observed, observed) - observed - gammaln(observed + 1.0)).sum()
    return bins + constraints


@pytest.mark.parametrize("name", ["simple", "full", "two_gammas", "counting"])
def test_statistic_is_twice_the_distance_to_the_saturated_model(workspace, load, name):
    spec = pyhf.Workspace(workspace(name))
    reference, model = spec.model(), load(name)
    best = fit(model)
    at_best = [best.values[i] for i in model.pyhf_order()]
    data = spec.data(reference)
    main, auxdata = data[: reference.config.nmaindata], data[reference.config.nmaindata :]
    distance = saturated(reference, auxdata, np.asarray(main)) - float(
        reference.logpdf(at_best, data)[0]
    )
    found = goodness_of_fit(model)
    assert found.statistic == pytest.approx(2.0 * distance, abs=1e-9)


def test_counting_experiment_by_hand(load):
    found = goodness_of_fit(load("counting"))
    observed = np.array([9.0, 43.0])
    expected = found.fit["mu"].value * np.array([10.0, 1.0]) + np.array([5.0, 40.0])
    deviance = 2.0 * np.sum(expected - observed + observed * np.log(observed / expected))
    assert found.statistic == pytest.approx(deviance, rel=1e-10)
    assert (found.n_bins, found.n_free, found.ndof) == (2, 1, 1)
    assert found.p_value == pytest.approx(stats.chi2.sf(deviance, 1), rel=1e-10)


def test_bins_without_events_count_with_their_expectation(load):
    model = load("counting")
    found = goodness_of_fit(model, data=[0.0, 0.0])
    assert found.fit["mu"].value == 0.0
    assert found.statistic == pytest.approx(2.0 * 45.0)


def test_fixed_parameters_are_not_counted_as_free(load):
    model = load("counting")
    fixed = goodness_of_fit(model, fixed={"mu": 1.0})
    assert (fixed.n_free, fixed.ndof) == (0, 2)
    given = goodness_of_fit(model, fit(model, fixed={"mu": 1.0}))
    assert given.to_dict() == fixed.to_dict()


def test_without_degrees_of_freedom_there_is_no_p_value_but_a_reason(load):
    found = goodness_of_fit(load("unidentified"))
    assert found.ndof == -1
    assert found.p_value is None
    assert "2 bins and 3 free parameters" in found.reason
    assert found.statistic == pytest.approx(0.0, abs=1e-7)


def test_masked_channels_leave_every_part(load):
    model = load("full")
    masked = goodness_of_fit(model.restricted(["CR"]))
    assert masked.n_bins == 2
    assert masked.n_free == 1
    assert "mu" not in masked.fit.parameter_names
    # Pulls of what the masked channel alone constrains do not contribute.
    pulls = masked.fit.pulls[~np.isnan(masked.fit.pulls)]
    main = np.array([510.0, 395.0])
    expected = np.array(model.restricted(["CR"]).expected_data(masked.fit.values)[:2])
    deviance = 2.0 * np.sum(expected - main + main * np.log(main / expected))
    assert masked.statistic == pytest.approx(deviance + np.sum(pulls**2), rel=1e-9)


def test_statistics_of_toys_are_those_of_single_data_sets(load):
    # Without constraints a toy is a data set.
    model = load("counting")
    found = goodness_of_fit(model, n_toys=20, seed=3)
    drawn = draw_toys(model.compiled, found.fit.values, range(20), 3)
    single = [goodness_of_fit(model, data=row).statistic for row in drawn.main]
    # Fits end 1e-8 above the minimum at most.
    np.testing.assert_allclose(found.toys, single, rtol=0, atol=4e-8)
    k = sum(value >= found.statistic for value in single)
    assert found.p_value_toys == (k + 1) / 21


def test_toys_follow_the_chi_squared_distribution_where_counts_are_large(part, write):
    tilt = part.modifier(
        "tilt",
        "histosys",
        {"hi_data": [5100.0, 5000.0, 4900.0], "lo_data": [4900.0, 5000.0, 5100.0]},
    )
    stat = part.modifier("stat", "staterror", [50.0, 50.0, 50.0])
    signal = part.sample("signal", [400.0, 900.0, 300.0], part.modifier("mu", "normfactor"))
    model = write(
        {"SR": [signal, part.sample("bkg", [5000.0] * 3, tilt, stat)]},
        {"SR": [5500.0, 5800.0, 5250.0]},
    )
    found = goodness_of_fit(model, n_toys=600, seed=11)
    assert found.ndof == 2
    assert found.n_failed == 0
    assert stats.kstest(found.toys, stats.chi2(2).cdf).pvalue > 1e-3
    assert abs(found.p_value_toys - found.p_value) < 4.0 * found.p_value_toys_error


def test_toys_are_the_same_in_every_run(load):
    model = load("simple")
    first, second = (goodness_of_fit(model, n_toys=30, seed=9) for _ in range(2))
    np.testing.assert_array_equal(first.toys, second.toys)
    other = goodness_of_fit(model, n_toys=30, seed=10)
    assert (other.toys != first.toys).any()


def test_failed_toys_are_counted_and_left_out(load, monkeypatch):
    model = load("simple")
    best = fit(model)
    toys = fit_toys(model, best.values, n_toys=12, seed=42)
    broken = toys.converged.copy()
    broken[[2, 7]] = False
    monkeypatch.setattr(goodness, "fit_toys", lambda *_, **__: replace(toys, converged=broken))
    found = goodness_of_fit(model, best, n_toys=12)
    assert found.n_failed == 2
    assert len(found.toys) == 10
    assert "2 of 12 toys did not converge" in found.warnings[0]


def test_a_fit_that_failed_has_no_p_value(load):
    options = FitOptions(max_iterations=1, tolerance=1e-14)
    found = goodness_of_fit(load("full"), options=options, n_toys=5)
    assert not found.fit.converged
    assert found.p_value is None
    assert "did not converge" in found.reason
    assert found.toys is None


def test_other_data_may_be_tested(load):
    model = load("simple")
    data = [62.0, 60.0]
    other = goodness_of_fit(model, data=data)
    direct = goodness_of_fit(model.with_observed_main(data))
    assert other.statistic == pytest.approx(direct.statistic, rel=1e-12)
    assert fit_many(model, [data]).nll[0] == pytest.approx(other.fit.nll, abs=1e-7)


def test_what_cannot_be_used_is_refused(load):
    model, best = load("simple"), fit(load("counting"))
    with pytest.raises(InputError, match="other parameters"):
        goodness_of_fit(model, best)
    with pytest.raises(InputError, match="go with a new fit"):
        goodness_of_fit(model, fit(model), fixed=["mu"])
    with pytest.raises(InputError, match="need a HistFactory model; found a GaussianMeanModel"):
        goodness_of_fit(GaussianMeanModel([1.0, 2.0], 1.0))


def test_result_is_plain_json_and_shows_a_table(load):
    found = goodness_of_fit(load("simple"), n_toys=5)
    decoded = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert decoded["ndof"] == found.ndof
    assert not isnan(decoded["p_value_toys"])
    assert "degrees of freedom" in repr(found)
    assert "<table>" in found._repr_html_()


def test_model_on_a_backend_without_float64_gives_the_same(workspace, load):
    pytest.importorskip("torch", reason="the backend needs PyTorch")
    model = HistFactoryModel.from_pyhf(workspace("full"), backend="torch-float32")
    assert goodness_of_fit(model).statistic == pytest.approx(
        goodness_of_fit(load("full")).statistic, abs=1e-7
    )
