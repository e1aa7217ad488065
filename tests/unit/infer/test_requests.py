"""Start, bounds and fixed parameters: by name, by vector, and what is refused."""

import math
import re

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import FitOptions, fit, fit_minimum

NAMES = ["mu", "gamma[0]", "gamma[1]"]


@pytest.fixture(scope="module")
def simple(load):
    return load("simple")


def test_start_by_name_and_by_vector_are_the_same(simple):
    by_name = fit(simple, init={"mu": 2.0, "gamma[1]": 0.9})
    by_vector = fit(simple, init_pars=[2.0, 1.0, 0.9])
    assert by_name.initial_nll == by_vector.initial_nll == simple.nll([2.0, 1.0, 0.9])
    np.testing.assert_array_equal(by_name.values, by_vector.values)


def test_names_override_the_vector(simple):
    result = fit(simple, init_pars=(5.0, 1.1, 1.1), init={"mu": 2.0})
    assert result.initial_nll == simple.nll([2.0, 1.1, 1.1])


def test_start_outside_the_bounds_moves_to_the_bound(simple):
    assert fit(simple, init={"mu": 99.0}).initial_nll == simple.nll([10.0, 1.0, 1.0])


def test_bounds_by_name_and_by_vector_are_the_same(simple):
    wide = (1e-10, 10.0)
    by_name = fit(simple, bounds={"mu": (-5.0, 5.0)})
    by_vector = fit(simple, bounds=[(-5.0, 5.0), wide, wide])
    assert by_name["mu"].value < 0.0
    np.testing.assert_array_equal(by_name.values, by_vector.values)
    assert by_name.at_bound == ()


def test_bounds_hold_the_minimum(simple):
    result = fit(simple, bounds={"mu": (1.5, 3.0)})
    assert result["mu"].value == 1.5
    assert result.at_bound == (("mu", "lower"),)
    assert result["mu"].at_bound == "lower"


@pytest.mark.parametrize("fixed", [["mu"], ("mu",), "mu", {"mu": None}, {"mu": 1.0}])
def test_fixed_parameter_keeps_its_value_without_uncertainty(simple, fixed):
    result = fit(simple, fixed=fixed)
    assert result["mu"].value == 1.0
    assert result["mu"].error == 0.0
    assert result["mu"].fixed
    assert result.fixed == (True, False, False)
    assert (result.errors[1:] > 0.0).all()
    np.testing.assert_array_equal(result.covariance[0], 0.0)


def test_fixed_parameter_stands_at_the_start_that_was_asked_for(simple):
    assert fit(simple, init={"mu": 2.5}, fixed=["mu"])["mu"].value == 2.5


def test_fixed_parameter_may_stand_outside_its_bounds(simple):
    result = fit(simple, fixed={"mu": -0.5})
    assert result["mu"].value == -0.5
    assert result.converged
    assert result.at_bound == ()


def test_equal_bounds_fix_a_parameter(simple):
    by_bounds = fit(simple, bounds={"mu": (0.7, 0.7)})
    by_name = fit(simple, fixed={"mu": 0.7})
    assert by_bounds.fixed == by_name.fixed
    np.testing.assert_array_equal(by_bounds.values, by_name.values)
    np.testing.assert_array_equal(by_bounds.errors, by_name.errors)


def test_conditional_fit_is_the_profile_of_the_likelihood(simple):
    conditional = fit(simple, fixed={"mu": 1.0})
    for gamma in (0.9, 1.1):
        assert simple.nll([1.0, gamma, conditional.values[2]]) > conditional.nll
    assert np.abs(simple.grad_nll(conditional.values)[1:]).max() < 1e-9


def test_minimum_with_everything_fixed_is_the_start(simple):
    result = fit(simple, fixed=NAMES)
    assert result.converged
    assert result.nll == result.initial_nll == simple.nll([1.0, 1.0, 1.0])
    assert result.uncertainties == [0.0, 0.0, 0.0]


def test_parameter_that_the_model_fixes_stays_fixed_and_may_be_moved(load, workspace):
    document = workspace("full")
    document["measurements"][0]["config"]["parameters"][0]["fixed"] = True
    model = type(load("full")).from_pyhf(document)
    for result, value in (
        (fit(model), 1.0),
        (fit(model, init={"lumi": 1.05}), 1.05),
        (fit(model, fixed={"lumi": 1.05}), 1.05),
        (fit(model, bounds={"lumi": (0.9, 1.1)}), 1.0),
    ):
        assert (result["lumi"].value, result["lumi"].error) == (value, 0.0)
        assert result["lumi"].fixed


@pytest.mark.parametrize("fit_it", [fit, fit_minimum])
@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"init": {"nu": 1.0}}, "no parameter named 'nu'; there are: 'mu', 'gamma"),
        ({"fixed": ["gama[0]"]}, "did you mean 'gamma\\[0\\]'"),
        ({"fixed": {"nu": 1.0}}, "no parameter named 'nu'"),
        ({"bounds": {"nu": (0.0, 1.0)}}, "no parameter named 'nu'"),
        ({"init_pars": [1.0, 1.0]}, "= 3, got 2"),
        ({"init_pars": [1.0, math.nan, 1.0]}, "`init_pars\\[1\\]` is nan"),
        ({"init_pars": [math.inf, 1.0, 1.0]}, "`init_pars\\[0\\]` is inf"),
        ({"init": {"mu": math.nan}}, "init\\['mu'\\].*nan"),
        ({"fixed": {"mu": math.inf}}, "fixed\\['mu'\\].*inf"),
        ({"bounds": [(0.0, 1.0)]}, "expected 3, found 1"),
        ({"bounds": {"mu": (2.0, 1.0)}}, "'mu' are crossed.*2.0, 1.0"),
        ({"bounds": {"mu": (0.0, math.nan)}}, "'mu'.*nan"),
        ({"bounds": {"mu": (math.inf, math.inf)}}, "'mu'.*inf"),
        ({"bounds": {"mu": (0.0, 1.0, 2.0)}}, "expected 2, found 3"),
        ({"data": [50.0]}, "expected 2, got 1"),
        ({"data": [50.0, math.nan]}, "nan"),
        ({"data": [[50.0, 48.0], [51.0, 49.0]]}, "2 data sets; expected one"),
    ],
)
def test_request_that_cannot_be_met_is_refused_and_named(simple, fit_it, wishes, message):
    with pytest.raises(InputError, match=message):
        fit_it(simple, **wishes)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": math.nan}, "tolerance"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"n_starts": 0}, "n_starts"),
        ({"on_failure": "ignore"}, "on_failure"),
    ],
)
def test_settings_without_meaning_are_refused(settings, name):
    with pytest.raises(InputError, match=name):
        FitOptions(**settings)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"init": {"mu": "high"}}, "init['mu']"),
        ({"init": [1.0, 1.0, 1.0]}, "`init` maps names to values"),
        ({"init_pars": ["a", "b", "c"]}, "`init_pars` cannot be read as numbers"),
        ({"init_pars": [[1.0, 1.0, 1.0]]}, "`init_pars` has shape (1, 3)"),
        ({"fixed": {"mu": "one"}}, "fixed['mu']"),
        ({"bounds": {"mu": ("low", 1.0)}}, "bounds['mu']"),
    ],
)
def test_what_is_no_number_is_refused_with_its_place(simple, wish, message):
    with pytest.raises(InputError, match=re.escape(message)):
        fit(simple, **wish)
