"""Yields before and after fits: closed forms, differences, and the spread of toys."""

import json
from dataclasses import replace

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import fit, fit_toys, yields
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace, one_sided_bin


def shape(down, up):
    return {"hi_data": up, "lo_data": down}


@pytest.fixture(scope="module")
def two_bins(part, write):
    """Signal, and a background with one uncertainty of each kind that is easy to work out."""
    background = part.sample(
        "bkg",
        [50.0, 80.0],
        part.modifier("tilt", "histosys", shape([46.0, 86.0], [54.0, 74.0])),
        part.modifier("stat", "staterror", [3.0, 4.0]),
    )
    other = part.sample("other", [20.0, 30.0], part.modifier("ss", "shapesys", [2.0, 5.0]))
    signal = part.sample("signal", [10.0, 20.0], part.modifier("mu", "normfactor"))
    return write({"SR": [signal, background, other]}, {"SR": [83.0, 127.0]})


def test_prefit_uncertainties_are_the_closed_forms(two_bins):
    result = yields(two_bins)
    channel = result["SR"]
    assert channel.samples == ("signal", "bkg", "other")
    np.testing.assert_allclose(channel.values, [[10.0, 20.0], [50.0, 80.0], [20.0, 30.0]])
    expected = [[0.0, 0.0], [np.hypot(4.0, 3.0), np.hypot(6.0, 4.0)], [2.0, 5.0]]
    np.testing.assert_allclose(channel.errors, expected, rtol=1e-12)
    np.testing.assert_allclose(channel.total, [80.0, 130.0])
    np.testing.assert_allclose(
        channel.total_errors, np.sqrt([16.0 + 9.0 + 4.0, 36.0 + 16.0 + 25.0]), rtol=1e-12
    )


def test_sums_over_bins_have_the_correlations(two_bins):
    channel = yields(two_bins)["SR"]
    # The tilt moves the bins by 4 and -6: by -2 together, not by their quadrature.
    bkg = np.sqrt(4.0 + 9.0 + 16.0)
    np.testing.assert_allclose(channel.sample_sums, [30.0, 130.0, 50.0])
    np.testing.assert_allclose(channel.sample_sum_errors, [0.0, bkg, np.hypot(2.0, 5.0)])
    assert channel.sum_error == pytest.approx(np.sqrt(4.0 + 25.0 + 29.0))


def test_covariance_of_the_bins_is_the_closed_form(two_bins):
    expected = [[29.0, -24.0], [-24.0, 77.0]]
    np.testing.assert_allclose(yields(two_bins).covariance, expected, rtol=1e-12)


def test_totals_over_channels_have_the_correlations(part, write):
    norm = part.modifier("norm", "histosys", shape([45.0], [55.0]))
    opposite = part.modifier("norm", "histosys", shape([32.0], [28.0]))
    channels = {
        "A": [part.sample("bkg", [50.0], norm)],
        "B": [part.sample("bkg", [30.0], opposite)],
    }
    result = yields(write(channels, {"A": [50.0], "B": [30.0]}, poi=""))
    assert result.total_error == pytest.approx(5.0 - 2.0)
    assert result.samples == ("bkg",)
    assert result.sample_sum_errors[0] == pytest.approx(3.0)


def numeric_jacobian(model, at):
    """Derivatives of all cells, channels by name, samples, bins."""

    def cells(point):
        return np.concatenate(
            [
                np.ravel([sample["y"] for sample in channel["samples"]])
                for channel in model.expected_main_by_channel_sample(point)
            ]
        )

    step = 1e-5
    moves = step * np.eye(len(at))
    return np.stack([(cells(at + m) - cells(at - m)) / (2.0 * step) for m in moves], axis=1)


@pytest.mark.parametrize("name", ["full", "simple", "counting", "two_gammas"])
def test_postfit_uncertainties_are_those_of_the_covariance(load, name):
    model = load(name)
    best = fit(model)
    jacobian = numeric_jacobian(model, best.values)
    expected = np.sqrt(np.diagonal(jacobian @ best.covariance @ jacobian.T))
    result = yields(model, best)
    found = np.concatenate([channel.errors.ravel() for channel in result.channels])
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)
    total = jacobian.sum(0)
    assert result.total_error == pytest.approx(np.sqrt(total @ best.covariance @ total), rel=1e-6)
    assert result.stage == "postfit"
    assert result.fit is best


def test_postfit_yields_are_those_of_the_best_fit(load):
    model = load("full")
    best = fit(model)
    for found, expected in zip(
        yields(model, best).channels, model.expected_main_by_channel_sample(best.values),
        strict=True,
    ):  # fmt: skip
        assert found.channel == expected["channel_name"]
        np.testing.assert_allclose(found.total, expected["total"], rtol=1e-13)
        for name, values, entry in zip(
            found.samples, found.values, expected["samples"], strict=True
        ):
            assert name == entry["sample_name"]
            np.testing.assert_allclose(values, entry["y"], rtol=1e-13)


def test_variation_is_exact_where_yields_are_linear(two_bins):
    best = fit(two_bins, fixed={"mu": 1.0})
    linear, variation = yields(two_bins, best), yields(two_bins, best, method="variation")
    # The product of tilt and gamma is bilinear: single shifts see no difference.
    np.testing.assert_allclose(variation["SR"].total_errors, linear["SR"].total_errors, rtol=1e-12)
    assert variation.method == "variation"


def test_variation_takes_finite_shifts(part, write):
    norm = part.modifier("norm", "normsys", {"hi": 1.5, "lo": 0.8})
    model = write({"A": [part.sample("bkg", [100.0], norm)]}, {"A": [100.0]}, poi="")
    half = yields(model, params=[0.0], covariance=[[1.0]], method="variation")
    assert half["A"].errors[0, 0] == pytest.approx(0.5 * (150.0 - 80.0))
    # Code 4 has the slope of the mean logarithm at zero.
    slope = yields(model, params=[0.0], covariance=[[1.0]])["A"].errors[0, 0]
    jacobian = numeric_jacobian(model, np.zeros(1))
    assert slope == pytest.approx(jacobian[0, 0], rel=1e-8)
    assert abs(slope - 35.0) > 1.0


def test_spread_of_toys_agrees_with_the_linear_uncertainties(part, write):
    background = part.sample(
        "bkg",
        [4000.0, 6000.0],
        part.modifier("tilt", "histosys", shape([3900.0, 6100.0], [4100.0, 5900.0])),
        part.modifier("stat", "staterror", [40.0, 50.0]),
    )
    signal = part.sample("signal", [500.0, 900.0], part.modifier("mu", "normfactor"))
    model = write({"SR": [signal, background]}, {"SR": [4500.0, 6900.0]})
    best = fit(model)
    result = yields(model, best)["SR"]
    n_toys = 1500
    toys = fit_toys(model, best.values, n_toys=n_toys, seed=5)
    assert toys.n_converged == n_toys
    at_toys = np.array(
        [
            [sample["y"] for sample in model.expected_main_by_channel_sample(row)[0]["samples"]]
            for row in toys.values
        ]
    )
    # A standard deviation from n toys has a relative error of 1/sqrt(2 n); four of these.
    allowed = 4.0 / np.sqrt(2.0 * n_toys)
    for found, spread in (
        (result.errors, at_toys.std(0)),
        (result.total_errors, at_toys.sum(1).std(0)),
        (result.sample_sum_errors, at_toys.sum(2).std(0)),
        (result.sum_error, at_toys.sum((1, 2)).std()),
    ):
        np.testing.assert_allclose(spread, found, rtol=allowed)


def test_fixed_parameters_have_no_uncertainty(two_bins):
    best = fit(two_bins, fixed={"mu": 1.0})
    result = yields(two_bins, best)["SR"]
    assert (result.errors[0] == 0.0).all()
    assert (result.errors[1] > 0.0).all()


def test_parameters_held_by_a_bound_are_left_out_with_a_warning(part, write):
    both_up = part.modifier("shift", "histosys", shape([130.0, 50.0], [130.0, 50.0]))
    factor = part.modifier("mu", "normfactor")
    model = write(
        {"SR": [part.sample("bkg", [100.0, 50.0], both_up, factor)]}, {"SR": [160.0, 50.0]}
    )
    best = fit(model, init={"shift": 0.1}, bounds={"shift": (0.0, 0.2)})
    assert np.isnan(best["shift"].error)
    result = yields(model, best)
    assert "held by a bound: shift" in result.warnings[0]
    assert np.isfinite(result.covariance).all()
    i = best.parameter_names.index("mu")
    jacobian = numeric_jacobian(model, best.values)
    assert result.total_error == pytest.approx(abs(jacobian.sum(0)[i]) * best["mu"].error, rel=1e-6)


def test_yields_of_undetermined_parameters_have_no_finite_uncertainty(load):
    model = load("unidentified")
    result = yields(model, fit(model))
    signal, background = result["channel"].errors
    assert np.isfinite(signal).all()
    assert np.isinf(background).all()
    assert np.isinf(result.total_error)
    assert "undetermined parameters" in result.warnings[0]
    assert result.to_dict()["total_error"] is None


def test_validation_regions_are_predicted_from_the_fit_regions(load):
    model = load("full")
    best = fit(model.restricted(["CR"]))
    assert set(best.parameter_names) < set(model.parameter_names())
    result = yields(model, best)
    names = model.parameter_names()
    here = [names.index(name) for name in best.parameter_names]
    values, covariance = (
        yields(model).parameters.copy(),
        np.diag(yields(model).parameter_errors ** 2),
    )
    values[here] = best.values
    covariance[np.ix_(here, here)] = best.covariance
    jacobian = numeric_jacobian(model, values)
    expected = np.sqrt(np.diagonal(jacobian @ covariance @ jacobian.T))
    found = np.concatenate([channel.errors.ravel() for channel in result.channels])
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)
    assert "mu" in result.prefit_parameters
    assert "bkg_norm" not in result.prefit_parameters
    # In the fit regions they are those of the fit alone.
    alone = yields(model.restricted(["CR"]), best)
    np.testing.assert_allclose(result["CR"].total_errors, alone["CR"].total_errors, rtol=1e-10)


def test_parameters_may_be_set_by_name(two_bins):
    without = yields(two_bins, params={"mu": 0.0})
    assert (without["SR"].values[0] == 0.0).all()
    assert without.stage == "custom"
    np.testing.assert_allclose(without["SR"].values[1], [50.0, 80.0])


def test_values_outside_of_bounds_stay(two_bins):
    # The bounds of a fit may have been wider than those of the model.
    best = fit(two_bins, data=[60.0, 90.0], bounds={"mu": (-10.0, 10.0)})
    assert best["mu"].value < 0.0
    result = yields(two_bins, best, params={"tilt": 0.0})
    np.testing.assert_allclose(result["SR"].values[0], best["mu"].value * np.array([10.0, 20.0]))


def test_a_minimum_without_uncertainties_is_not_enough(two_bins):
    best = replace(fit(two_bins), covariance_source=None, covariance_status="not_computed")
    with pytest.raises(InputError, match="no covariance"):
        yields(two_bins, best)


def test_what_cannot_be_used_is_refused(two_bins):
    best = fit(two_bins)
    with pytest.raises(InputError, match="exclude each other"):
        yields(two_bins, best, covariance=best.covariance)
    with pytest.raises(InputError, match=r"shape \(1, 1\); expected \(6, 6\)"):
        yields(two_bins, covariance=[[1.0]])
    with pytest.raises(InputError, match="no method named 'linaer'"):
        yields(two_bins, method="linaer")
    with pytest.raises(InputError, match="no parameter of this model"):
        yields(HistFactoryModel.from_pyhf(one_sided_bin()), best)
    with pytest.raises(InputError, match="no channel named 'SRR'"):
        yields(two_bins)["SRR"]
    with pytest.raises(InputError, match="negative variance for 'mu'"):
        yields(two_bins, covariance=-np.eye(6))
    with pytest.raises(InputError, match="no parameter named 'nu'"):
        yields(two_bins, params={"nu": 1.0})
    with pytest.raises(InputError, match="gives 'mu' a value that is not finite"):
        yields(two_bins, params={"mu": np.nan})


def test_result_is_plain_json_and_shows_a_table(two_bins):
    result = yields(two_bins, fit(two_bins))
    decoded = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert decoded["channels"][0]["samples"][1]["y"] == result["SR"].values[1].tolist()
    assert "Post-fit yields" in repr(result)
    assert "<table>" in result._repr_html_()
    assert not result["SR"].values.flags.writeable


def test_large_generated_model_agrees_with_differences():
    model = HistFactoryModel.from_pyhf(
        generate_workspace(3, n_channels=3, n_bins=12, n_samples=4, n_normsys=3, n_histosys=3,
                           staterror=True, shapesys=True, lumi=True)
    )  # fmt: skip
    result = yields(model)
    jacobian = numeric_jacobian(model, result.parameters) * result.parameter_errors
    found = np.concatenate([channel.errors.ravel() for channel in result.channels])
    np.testing.assert_allclose(found, np.sqrt((jacobian**2).sum(1)), rtol=1e-6, atol=1e-7)
