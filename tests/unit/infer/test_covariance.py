"""Uncertainties: the inverse of the exact Hessian, at bounds and without information too."""

import numpy as np
import pytest

from nextstat_core.infer import fit, fit_many

# Weights of a first derivative from differences, with an error of order h**4.
_POINTS, _WEIGHTS = np.asarray([-2.0, -1.0, 1.0, 2.0]), np.asarray([1.0, -8.0, 8.0, -1.0]) / 12.0


def differences(model, at, step=1e-3):
    """Hessian from differences of the gradient."""
    matrix = np.empty((len(at), len(at)))
    for i in range(len(at)):
        moved = np.tile(at, (4, 1))
        moved[:, i] += step * _POINTS
        matrix[i] = _WEIGHTS @ np.asarray([model.grad_nll(point) for point in moved]) / step
    return 0.5 * (matrix + matrix.T)


def check_block(result, model, names):
    """Covariance of some parameters against the inverse Hessian of just these."""
    where = [result.parameter_names.index(name) for name in names]
    inverse = np.linalg.inv(differences(model, result.values)[np.ix_(where, where)])
    scale = np.sqrt(np.diagonal(inverse))
    inner = result.covariance[np.ix_(where, where)]
    np.testing.assert_allclose(inner / scale / scale[:, None], inverse / scale / scale[:, None],
                               rtol=0, atol=1e-5)  # fmt: skip
    np.testing.assert_allclose(result.errors[where], scale, rtol=1e-5)


@pytest.fixture(scope="module")
def one_sided(write, part):
    """A systematic that raises the rate on both sides, and a free factor."""
    shift = part.modifier("shift", "histosys", {"hi_data": [130.0, 50.0], "lo_data": [130.0, 50.0]})
    factor = part.modifier("mu", "normfactor")
    return write(
        {"SR": [part.sample("background", [100.0, 50.0], shift, factor)]}, {"SR": [160.0, 50.0]}
    )


@pytest.mark.parametrize("name", ["full", "two_gammas", "counting", "constrained", "gammas"])
def test_covariance_is_the_inverse_of_the_hessian(load, name):
    model = load(name)
    result = fit(model)
    assert result.covariance_status == "full"
    check_block(result, model, result.parameter_names)
    np.testing.assert_allclose(result.covariance, result.covariance.T, rtol=0, atol=1e-16)
    np.testing.assert_allclose(np.sqrt(np.diagonal(result.covariance)), result.errors, rtol=1e-12)


def test_parameters_at_a_bound_take_part_where_the_hessian_is_positive_definite(load):
    model = load("simple")
    result = fit(model)
    assert result.at_bound == (("mu", "lower"),)
    assert result.covariance_status == "full"
    check_block(result, model, result.parameter_names)


def test_parameters_at_a_bound_are_left_out_where_the_hessian_is_indefinite(one_sided):
    result = fit(one_sided, init={"shift": 0.1}, bounds={"shift": (0.0, 0.2)})
    assert result.converged
    assert result.at_bound == (("shift", "upper"),)
    assert np.linalg.eigvalsh(differences(one_sided, result.values))[0] < 0.0
    assert result.covariance_status == "free_set"
    assert np.isnan(result["shift"].error)
    check_block(result, one_sided, ["mu"])
    at = result.parameter_names.index("shift")
    assert np.isnan(result.covariance[at]).all()
    assert result.unidentified == ()


def test_fixed_parameters_have_no_share_in_the_covariance(load):
    model = load("full")
    result = fit(model, fixed=["sig_norm", "staterror_SR[1]"])
    free = [n for n in result.parameter_names if n not in {"sig_norm", "staterror_SR[1]"}]
    assert result.covariance_status == "full"
    check_block(result, model, free)
    for name in ("sig_norm", "staterror_SR[1]"):
        at = result.parameter_names.index(name)
        assert result.errors[at] == 0.0
        np.testing.assert_array_equal(result.covariance[at], 0.0)
        np.testing.assert_array_equal(result.covariance[:, at], 0.0)


def test_parameters_that_the_data_do_not_determine_are_infinitely_uncertain(load):
    model = load("unidentified")
    result = fit(model)
    assert result.covariance_status == "singular"
    assert result.unidentified == ("k_a", "k_b")
    assert result["k_a"].error == result["k_b"].error == np.inf
    assert result["k_a"].value * result["k_b"].value == pytest.approx(1.125, rel=1e-9)
    # mu and the product are determined: both bins are met, so their errors propagate linearly.
    closed = np.hypot(60.0 * np.sqrt(60.0), 50.0 * np.sqrt(75.0)) / 200.0
    assert result["mu"].error == pytest.approx(closed, rel=1e-5)
    at = result.parameter_names.index("mu")
    assert result.covariance[at, at] == pytest.approx(closed**2, rel=1e-5)


def test_fixing_what_is_not_determined_leaves_an_ordinary_covariance(load):
    model = load("unidentified")
    result = fit(model, fixed={"k_a": 1.0})
    assert result.covariance_status == "full"
    check_block(result, model, ["mu", "k_b"])


def test_unidentified_and_fixed_and_held_parameters_can_be_told_apart(write, part):
    pair = [part.modifier(name, "normfactor") for name in ("k_a", "k_b")]
    other = [part.modifier(name, "normfactor") for name in ("mu", "known")]
    samples = [part.sample("signal", [5.0, 10.0], *other), part.sample("b", [50.0, 60.0], *pair)]
    model = write({"SR": samples}, {"SR": [60.0, 60.0]})
    result = fit(model, fixed={"known": 1.0})
    assert result.at_bound == (("mu", "lower"),)
    assert result["known"].error == 0.0
    assert np.isinf([result["k_a"].error, result["k_b"].error]).all()
    assert result.unidentified == ("k_a", "k_b")
    assert not np.isfinite(result["mu"].error) or result["mu"].error > 0.0


def test_covariance_is_that_of_the_data_that_were_fitted(load):
    model, counts = load("constrained"), [1100.0]
    result = fit(model, data=counts)
    check_block(result, model.with_observed_main(counts), ["mu", "bkg"])


@pytest.mark.parametrize(
    ("wishes", "held"),
    [
        ({}, ()),
        ({"bounds": {"shift": (0.0, 0.2)}, "init_pars": [1.0, 0.1]}, ("shift",)),
        ({"fixed": {"mu": 1.1}}, ()),
    ],
)
def test_uncertainties_of_many_rows_are_those_of_single_fits(one_sided, wishes, held):
    counts = [[160.0, 50.0], [170.0, 40.0], [150.0, 55.0], [180.0, 50.0], [155.0, 45.0]]
    wishes = {"init_pars": [1.0, 0.8], **wishes}
    many = fit_many(one_sided, counts, **wishes)
    for row, result in zip(counts, many, strict=True):
        single = fit(one_sided, data=row, **wishes)
        assert result.at_bound == single.at_bound
        assert tuple(name for name, _ in single.at_bound) == held
        np.testing.assert_allclose(result.errors, single.errors, rtol=2e-4)
