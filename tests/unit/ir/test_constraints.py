"""Constraints that a measurement chooses instead of those that modifiers bring."""

import math
from dataclasses import replace

import pytest

from nextstat_core.errors import ModelError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import (
    AffineResponse,
    ConstraintChoice,
    GaussianConstraint,
    LogNormalResponse,
    Parameter,
    ParameterSettings,
    PoissonConstraint,
    derive_parameters,
    model_from_dict,
    model_to_dict,
    with_auxiliary,
    with_channels,
    with_nominal,
)

STAT = [3.0, 8.0]
NOMINAL = [100.0, 40.0]


def workspace(*parameters, modifiers=()):
    stat = {"name": "stat", "type": "staterror", "data": STAT}
    bkg = [{"name": "jes", "type": "normsys", "data": {"hi": 1.2, "lo": 0.9}}, stat, *modifiers]
    signal = [{"name": "mu", "type": "normfactor", "data": None}]
    return {
        "channels": [
            {
                "name": "SR",
                "samples": [
                    {"name": "signal", "data": [5.0, 6.0], "modifiers": signal},
                    {"name": "bkg", "data": NOMINAL, "modifiers": bkg},
                ],
            }
        ],
        "observations": [{"name": "SR", "data": [103.0, 45.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": list(parameters)}}],
        "version": "1.0.0",
    }


def read(*parameters, modifiers=()):
    model = read_pyhf(workspace(*parameters, modifiers=modifiers))
    return model, {entry.name: entry for entry in model.parameters}


def chosen(name, kind, relative=None, **other):
    constraint = {"type": kind} | ({} if relative is None else {"rel_uncertainty": relative})
    return {"name": name, "constraint": constraint, **other}


def test_a_poisson_staterror_counts_what_its_width_is_worth():
    _, parameters = read(chosen("stat", "Poisson"))
    for i in range(2):
        tau = (NOMINAL[i] / STAT[i]) ** 2
        constraint = parameters[f"stat[{i}]"].constraint
        assert isinstance(constraint, PoissonConstraint)
        assert (constraint.count, constraint.factor) == pytest.approx((tau, tau), rel=1e-14)


def test_the_counts_of_a_poisson_staterror_follow_the_nominal_yields():
    model, _ = read(chosen("stat", "Poisson"))
    moved = {p.name: p for p in with_nominal(model, "SR", "bkg", [200.0, 40.0]).parameters}
    assert moved["stat[0]"].constraint.count == pytest.approx((200.0 / 3.0) ** 2, rel=1e-14)


def test_a_gaussian_shapesys_has_the_relative_uncertainty_as_its_width():
    dd = {"name": "dd", "type": "shapesys", "data": [10.0, 0.0]}
    _, parameters = read(chosen("dd", "Gaussian"), modifiers=[dd])
    assert parameters["dd[0]"].constraint == GaussianConstraint(1.0, 0.1)
    assert parameters["dd[1]"].fixed


def test_a_gamma_term_of_a_normsys_constrains_beta():
    _, parameters = read(chosen("jes", "Gamma", 0.5))
    jes = parameters["jes"]
    assert jes.constraint == PoissonConstraint(4.0, 4.0)
    assert jes.response == AffineResponse(2.0, -2.0)
    assert (jes.init, jes.lower, jes.upper) == (1.0, 1e-10, 10.0)


def test_a_lognormal_term_keeps_the_unit_gaussian_and_bends_what_modifiers_see():
    _, parameters = read(chosen("jes", "LogNormal", 0.3))
    expected = Parameter(
        "jes", "jes", 0.0, -5.0, 5.0,
        constraint=GaussianConstraint(0.0, 1.0), response=LogNormalResponse(0.3),
    )  # fmt: skip
    assert parameters["jes"] == expected


@pytest.mark.parametrize("kind", ["Uniform", "NoConstraint"])
@pytest.mark.parametrize("name", ["jes", "stat"])
def test_uniform_and_no_constraint_leave_no_term(name, kind):
    _, parameters = read(chosen(name, kind))
    members = [entry for entry in parameters.values() if entry.group == name]
    assert [entry.constraint for entry in members] == [None] * len(members)
    assert not any(entry.fixed for entry in members)


def test_a_free_factor_gets_the_measurement_that_its_settings_describe():
    told = chosen("mu", "Gaussian", auxdata=[1.1], sigmas=[0.2])
    assert read(told)[1]["mu"].constraint == GaussianConstraint(1.1, 0.2)
    told = chosen("mu", "Poisson", auxdata=[9.0], factors=[10.0])
    assert read(told)[1]["mu"].constraint == PoissonConstraint(9.0, 10.0)
    assert read(chosen("mu", "Gamma", 0.1))[1]["mu"].constraint.count == pytest.approx(100.0)


def test_an_explicit_gaussian_of_a_normsys_may_have_a_width():
    told = chosen("jes", "Gaussian", sigmas=[0.5])
    assert read(told)[1]["jes"].constraint == GaussianConstraint(0.0, 0.5)


def test_settings_of_one_bin_go_before_those_of_all():
    whole = {"name": "stat", "inits": [1.1, 1.2], "sigmas": [0.1, 0.2]}
    part = chosen("stat[1]", "Poisson", fixed=True, inits=[0.9])
    with pytest.raises(ModelError, match=r"stat\[1\].*has no `sigmas`"):
        read(whole, part)
    whole.pop("sigmas")
    _, parameters = read(whole, part)
    first, second = parameters["stat[0]"], parameters["stat[1]"]
    assert (first.init, first.fixed) == (1.1, False)
    assert isinstance(first.constraint, GaussianConstraint)
    assert (second.init, second.fixed) == (0.9, True)
    assert isinstance(second.constraint, PoissonConstraint)


def test_settings_of_one_bin_have_one_entry():
    with pytest.raises(ModelError, match=r"stat\[1\].*`inits` has 2 entries; expected 1"):
        read({"name": "stat[1]", "inits": [1.0, 1.0]})


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (chosen("jes", "Poisson"), "no rate; expected a gamma term"),
        (chosen("jes", "Gamma"), "gamma term of a normsys or histosys needs a relative"),
        (chosen("jes", "LogNormal"), "lognormal term of a normsys or histosys needs"),
        (chosen("stat", "LogNormal", 0.1), "acts through a normsys or histosys"),
        (chosen("mu", "Gaussian"), "`sigmas` is nan"),
        (chosen("jes", "Gamma", math.ulp(0.0)), "expected"),
    ],
)
def test_terms_that_a_parameter_cannot_have_are_refused(told, message):
    with pytest.raises(ModelError, match=message):
        read(told)


def test_new_auxiliary_data_go_before_what_is_said_about_a_bin():
    model, _ = read(chosen("stat[1]", "Poisson", auxdata=[20.0]))
    moved = with_auxiliary(model, {"stat[1]": 27.0, "stat[0]": 1.05})
    again = derive_parameters(moved.channels, moved.settings, "mu").parameters
    assert again == moved.parameters
    by_name = {entry.name: entry for entry in again}
    assert by_name["stat[1]"].constraint.count == 27.0
    assert by_name["stat[0]"].constraint.center == 1.05


def test_models_travel_with_their_constraints():
    model, _ = read(chosen("jes", "Gamma", 0.3), chosen("stat[0]", "Poisson"))
    assert model_from_dict(model_to_dict(model)) == model
    other, _ = read(chosen("jes", "LogNormal", 0.3))
    assert model_from_dict(model_to_dict(other)) == other


def test_restricting_a_model_keeps_settings_of_bins():
    model, _ = read(chosen("stat[1]", "Poisson"))
    kept = with_channels(model, ["SR"])
    assert kept.settings == (ParameterSettings("stat[1]", constraint=ConstraintChoice("poisson")),)
    assert kept == replace(model, settings=kept.settings)
