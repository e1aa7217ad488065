"""Constraints of HS3 documents: types, named distributions, likelihoods' own terms."""

import copy
from math import exp, lgamma, log, pi, sqrt
from typing import Any

import pytest

from nextstat_core.errors import ModelError, NextstatError
from nextstat_core.io import read_hs3
from nextstat_core.ir import (
    AffineResponse,
    GaussianConstraint,
    LogNormalResponse,
    Model,
    Parameter,
    PoissonConstraint,
    ShapeFactor,
    ShapeSys,
)
from nextstat_core.models import HistFactoryModel

Document = dict[str, Any]


def parameters(model: Model) -> dict[str, Parameter]:
    return {entry.name: entry for entry in model.parameters}


def add(background: Document, **modifier: Any) -> Document:
    background["modifiers"].append(modifier)
    return modifier


def refusal(document: Document) -> str:
    with pytest.raises(ModelError) as caught:
        read_hs3(document)
    return str(caught.value)


def nll(document: Document, **values: float) -> float:
    model = HistFactoryModel(read_hs3(document))
    return model.nll([values.get(entry.name, entry.init) for entry in model.ir.parameters])


def gaussian(x: float, mean: float, sigma: float) -> float:
    return 0.5 * ((x - mean) / sigma) ** 2 + log(sigma) + 0.5 * log(2 * pi)


def poisson(count: float, mean: float) -> float:
    return mean - count * log(mean) + lgamma(count + 1)


def term(document: Document, without: Document, **values: float) -> float:
    """What the constraints of a document add to the likelihood of another one."""
    return nll(document, **values) - nll(without, **values)


# -- types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["constraint", "constraint_type", None])
def test_systematics_have_unit_gaussians(
    document: Document, background: Document, key: str | None
) -> None:
    if key:
        background["modifiers"][0][key] = "Gauss"
    assert parameters(read_hs3(document))["alpha_jes"].constraint == GaussianConstraint(0.0, 1.0)


def test_const_holds_a_parameter_without_a_term(document: Document, background: Document) -> None:
    background["modifiers"][0]["constraint"] = "Const"
    jes = parameters(read_hs3(document))["alpha_jes"]
    assert jes.fixed
    assert jes.constraint is None


def test_null_says_that_there_is_no_constraint(document: Document, background: Document) -> None:
    background["modifiers"][0]["constraint"] = None
    background["modifiers"][1]["constraints"] = [None]
    found = parameters(read_hs3(document))
    assert found["alpha_jes"].constraint is None
    assert found["alpha_tilt"].constraint is None
    assert not found["alpha_jes"].fixed


@pytest.mark.parametrize("word", ["Poisson", "LogNormal"])
def test_types_without_meaning_for_an_alpha_are_refused(
    document: Document, background: Document, word: str
) -> None:
    background["modifiers"][0]["constraint"] = word
    assert f"the constraint type {word!r} has no meaning" in refusal(document)


def test_an_unknown_type_is_refused(document: Document, background: Document) -> None:
    background["modifiers"][0]["constraint"] = "Cauchy"
    assert "'Cauchy' is neither a distribution of the document nor a type" in refusal(document)


def test_factors_have_unit_constraints_around_one(document: Document, background: Document) -> None:
    factor = add(background, name="k", type="normfactor", constraint="Gauss")
    assert parameters(read_hs3(document))["k"].constraint == GaussianConstraint(1.0, 1.0)
    factor["constraint"] = "Poisson"
    assert parameters(read_hs3(document))["k"].constraint == PoissonConstraint(1.0, 1.0)


# -- staterror ------------------------------------------------------------------------------------


def test_staterrors_are_poisson_unless_told_otherwise(
    document: Document, background: Document
) -> None:
    stat = add(background, name="mcstat", type="staterror")
    gamma = parameters(read_hs3(document))["gamma_stat_SR_bin_0"]
    assert gamma.constraint == PoissonConstraint(pytest.approx(100.0), pytest.approx(100.0))
    document["distributions"][0]["staterror"] = {"constraint_type": "Gauss"}
    gamma = parameters(read_hs3(document))["gamma_stat_SR_bin_0"]
    assert gamma.constraint == GaussianConstraint(1.0, pytest.approx(0.1))
    stat["constraint"] = "Poisson"  # the modifier's own type goes first
    gamma = parameters(read_hs3(document))["gamma_stat_SR_bin_1"]
    assert gamma.constraint == PoissonConstraint(pytest.approx(400.0), pytest.approx(400.0))


def test_bins_below_the_threshold_are_constant_and_keep_their_term(
    document: Document, background: Document
) -> None:
    add(background, name="mcstat", type="staterror")
    document["distributions"][0]["staterror"] = {"relThreshold": 0.07}
    found = parameters(read_hs3(document))
    assert not found["gamma_stat_SR_bin_0"].fixed
    assert found["gamma_stat_SR_bin_1"].fixed
    assert isinstance(found["gamma_stat_SR_bin_1"].constraint, PoissonConstraint)


def test_the_old_layout_calls_the_channels_settings_otherwise(
    document: Document, background: Document
) -> None:
    add(background, name="mcstat", type="staterror")
    document["distributions"][0]["statError"] = {"constraint": "Gauss", "relThreshold": 0.07}
    found = parameters(read_hs3(document))
    assert found["gamma_stat_SR_bin_0"].constraint == GaussianConstraint(1.0, pytest.approx(0.1))
    assert found["gamma_stat_SR_bin_1"].fixed


def test_errors_of_all_samples_with_a_staterror_add_in_quadrature(
    document: Document, background: Document
) -> None:
    signal = document["distributions"][0]["samples"][0]
    signal["data"]["errors"] = [1.2, 0.0]
    for sample in (signal, background):
        add(sample, name="staterror", type="staterror", constraint="Gauss")
    gamma = parameters(read_hs3(document))["gamma_stat_SR_bin_0"]
    assert gamma.constraint == GaussianConstraint(1.0, pytest.approx(sqrt(1.2**2 + 25.0) / 55.0))


def test_a_bin_without_error_is_constant_without_a_term(
    document: Document, background: Document
) -> None:
    add(background, name="staterror", type="staterror", constraint="Gauss")
    background["data"]["errors"] = [5.0, 0.0]
    gamma = parameters(read_hs3(document))["gamma_stat_SR_bin_1"]
    assert gamma.fixed
    assert gamma.constraint is None


def test_a_staterror_may_bring_its_own_errors(document: Document, background: Document) -> None:
    add(background, name="mc", type="staterror", data={"uncertainties": [10.0, 6.0]})
    gamma = parameters(read_hs3(document))["gamma_stat_SR_bin_0"]
    assert gamma.constraint == PoissonConstraint(pytest.approx(25.0), pytest.approx(25.0))
    background["modifiers"][-1]["data"]["uncertainties"] = [10.0]
    assert "there are 1 errors; expected 2" in refusal(document)


def test_without_errors_square_roots_of_yields_are_taken(
    document: Document, background: Document
) -> None:
    add(background, name="staterror", type="staterror")
    del background["data"]["errors"]
    model = read_hs3(document)
    gamma = parameters(model)["gamma_stat_SR_bin_0"]
    assert gamma.constraint == PoissonConstraint(pytest.approx(50.0), pytest.approx(50.0))
    assert any("no `errors`" in str(warning) for warning in model.warnings)


# -- shapesys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packages", "argument", "values", "tau"),
    [
        ([{"name": "ROOT", "version": "6.38.00"}], None, [0.1, 0.2], 100.0),
        ([{"name": "ROOT", "version": "6.28/04"}], None, [100.0, 25.0], 100.0),
        ([], None, [5.0, 12.0], 100.0),
        ([], "relative", [0.1, 0.2], 100.0),
        ([{"name": "ROOT", "version": "6.38.00"}], "absolute", [5.0, 12.0], 100.0),
    ],
)
def test_values_of_a_shapesys_are_read_as_their_writer_means_them(
    document: Document, background: Document, packages: Any, argument: Any, values: Any, tau: float
) -> None:
    document["metadata"]["packages"] = packages
    add(background, name="dd", type="shapesys", constraint="Poisson", data={"vals": values})
    model = read_hs3(document, shapesys=argument)
    found = parameters(model)
    assert found["gamma_dd_bin_0"].constraint == PoissonConstraint(
        pytest.approx(tau), pytest.approx(tau)
    )
    assert found["gamma_dd_bin_1"].constraint == PoissonConstraint(
        pytest.approx(25.0), pytest.approx(25.0)
    )
    assert isinstance(model.channels[0].samples[1].modifiers[-1], ShapeSys)
    guessed = any("nobody says" in str(warning) for warning in model.warnings)
    assert guessed == (not packages and argument is None)


def test_a_shapesys_may_be_gaussian(document: Document, background: Document) -> None:
    add(background, name="dd", type="shapesys", constraint="Gauss", data={"vals": [0.1, 0.0]})
    found = parameters(read_hs3(document))
    assert found["gamma_dd_bin_0"].constraint == GaussianConstraint(1.0, pytest.approx(0.1))
    assert found["gamma_dd_bin_1"].fixed
    assert found["gamma_dd_bin_1"].constraint is None


def test_a_shapesys_of_two_samples_is_one_group(document: Document, background: Document) -> None:
    signal = document["distributions"][0]["samples"][0]
    for sample in (signal, background):
        add(sample, name="dd", type="shapesys", constraint="Poisson", data={"vals": [0.1, 0.2]})
    model = read_hs3(document)
    found = parameters(model)
    assert isinstance(model.channels[0].samples[1].modifiers[-1], ShapeFactor)
    assert found["gamma_dd_bin_1"].constraint == PoissonConstraint(
        pytest.approx(25.0), pytest.approx(25.0)
    )
    background["modifiers"][-1]["data"]["vals"] = [0.1, 0.3]
    assert "constrains it in another way" in refusal(document)


def test_a_constrained_bin_without_yield_stays_free(
    document: Document, background: Document
) -> None:
    background["data"]["contents"] = [50.0, 0.0]
    add(background, name="dd", type="shapesys", constraint="Poisson", data={"vals": [0.1, 0.2]})
    found = parameters(read_hs3(document))
    assert not found["gamma_dd_bin_1"].fixed
    assert found["gamma_dd_bin_1"].constraint == PoissonConstraint(
        pytest.approx(25.0), pytest.approx(25.0)
    )


def test_root_writes_constant_shapefactors_as_shapesys(
    document: Document, background: Document
) -> None:
    add(background, name="shape", type="shapesys", constraint="Const", data={"vals": [0.0, 0.0]})
    found = parameters(read_hs3(document))
    assert found["gamma_shape_bin_0"].fixed
    assert found["gamma_shape_bin_0"].constraint is None


def test_shapefactors_are_free_and_shared_by_the_names_of_parameters(
    document: Document, background: Document
) -> None:
    signal = document["distributions"][0]["samples"][0]
    add(background, name="a", type="shapefactor", parameters=["g0", "g1"])
    add(signal, name="b", type="shapefactor", parameters=["g0", "g1"])
    model = read_hs3(document)
    assert [entry.name for entry in model.parameters][1:3] == ["g0", "g1"]
    assert parameters(model)["g0"].constraint is None
    add(signal, name="c", type="shapefactor", parameters=["h0"])
    assert "has 1 parameters; expected 2, one per bin" in refusal(document)


# -- named distributions --------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["constraint", "constraint_name"])
def test_a_factor_is_constrained_by_a_named_gaussian(
    document: Document, background: Document, key: str
) -> None:
    add(background, name="Lumi", parameter="Lumi", type="normfactor", **{key: "lumiConstraint"})
    document["distributions"].append(
        {
            "name": "lumiConstraint",
            "type": "gaussian_dist",
            "x": "Lumi",
            "mean": "nominalLumi",
            "sigma": 0.02,
        }
    )
    document["parameter_points"][0]["parameters"] += [
        {"name": "nominalLumi", "value": 1.1, "const": True}
    ]
    found = parameters(read_hs3(document))
    assert found["Lumi"].constraint == GaussianConstraint(1.1, 0.02)
    free = copy.deepcopy(document)
    del free["distributions"][0]["samples"][1]["modifiers"][-1][key]
    expected = gaussian(1.1, 0.97, 0.02)
    assert term(document, free, Lumi=0.97) == pytest.approx(expected, rel=1e-12)


def test_a_name_goes_before_a_type(document: Document, background: Document) -> None:
    background["modifiers"][0]["constraint"] = "Poisson"
    document["distributions"].append(
        {"name": "Poisson", "type": "gaussian_dist", "x": "alpha_jes", "mean": 0.5, "sigma": 2}
    )
    assert parameters(read_hs3(document))["alpha_jes"].constraint == GaussianConstraint(0.5, 2.0)


def test_the_dialect_of_july_2026(document: Document, background: Document) -> None:
    """Distributions by name, one per bin with nulls, constants in the parameter point."""
    background["modifiers"][0]["constraint"] = "alpha_jesConstraint"
    add(
        background,
        name="dd",
        type="shapesys",
        parameters=["gamma_dd_bin_0", "gamma_dd_bin_1"],
        constraints=["gamma_dd_bin_0_constraint", None],
        data={"vals": [0.1, 0.0]},
    )
    document["distributions"] += [
        {
            "name": "alpha_jesConstraint",
            "type": "gaussian_dist",
            "x": "alpha_jes",
            "mean": "nom_alpha_jes",
            "sigma": 1.0,
        },
        {
            "name": "gamma_dd_bin_0_constraint",
            "type": "poisson_dist",
            "x": "nom_gamma_dd_bin_0",
            "mean": "gamma_dd_bin_0_poisMean",
        },
    ]
    document["functions"] = [
        {
            "name": "gamma_dd_bin_0_poisMean",
            "type": "product",
            "factors": ["gamma_dd_bin_0", "gamma_dd_bin_0_tau"],
        }
    ]
    document["parameter_points"][0]["parameters"] += [
        {"name": "gamma_dd_bin_0_tau", "value": 100.0, "const": True},
        {"name": "nom_gamma_dd_bin_0", "value": 97.0, "const": True},
        {"name": "gamma_dd_bin_1", "value": 1.0, "const": True},
    ]
    found = parameters(read_hs3(document))
    assert found["alpha_jes"].constraint == GaussianConstraint(0.0, 1.0)
    assert found["gamma_dd_bin_0"].constraint == PoissonConstraint(97.0, 100.0)
    assert found["gamma_dd_bin_1"].constraint is None
    assert found["gamma_dd_bin_1"].fixed


def test_a_null_without_const_leaves_the_bin_free(document: Document, background: Document) -> None:
    add(background, name="dd", type="shapesys", constraints=[None, None], data={"vals": [0.0, 0.0]})
    found = parameters(read_hs3(document))
    assert not found["gamma_dd_bin_0"].fixed
    assert found["gamma_dd_bin_0"].constraint is None


def test_what_a_constraint_lacks_is_named(document: Document, background: Document) -> None:
    background["modifiers"][0]["constraint_name"] = "absent"
    background["modifiers"][1]["constraint"] = "other"
    document["distributions"] += [
        {"name": "other", "type": "gaussian_dist", "x": "beta", "mean": 0.0, "sigma": 1.0},
        {"name": "wide", "type": "gaussian_dist", "x": "k", "mean": 1.0, "sigma": "unknown"},
        {"name": "heavy", "type": "lognormal_dist", "x": "k2", "mu": 1.0, "sigma": 1.0},
    ]
    add(background, name="k", type="normfactor", constraint="wide")
    add(background, name="k2", type="normfactor", constraint="heavy")
    text = refusal(document)
    assert "names the distribution 'absent', which does not exist" in text
    assert "'other' does not depend on its parameter 'alpha_tilt'" in text
    assert "distribution 'wide' (gaussian_dist): 'unknown' has no value" in text
    assert "'heavy' is a lognormal_dist" in text


# -- terms of the likelihood ----------------------------------------------------------------------


def constrained_factor(document: Document, background: Document) -> None:
    add(background, name="k", type="normfactor")
    document["distributions"].append(
        {"name": "kConstraint", "type": "gaussian_dist", "x": "nom_k", "mean": "k", "sigma": 0.3}
    )


def test_auxiliary_distributions_constrain(document: Document, background: Document) -> None:
    constrained_factor(document, background)
    document["likelihoods"][0]["aux_distributions"] = ["kConstraint"]
    document["parameter_points"][0]["parameters"].append({"name": "nom_k", "value": 0.8})
    assert parameters(read_hs3(document))["k"].constraint == GaussianConstraint(0.8, 0.3)


def test_other_auxiliary_distributions_are_refused_or_left_out(
    document: Document, background: Document
) -> None:
    document["distributions"].append({"name": "prior", "type": "uniform_dist", "x": "mu"})
    document["likelihoods"][0]["aux_distributions"] = ["prior"]
    assert "the constraint 'prior' is a uniform_dist; expected" in refusal(document)
    model = read_hs3(document, on_unknown="skip")
    assert any("'prior' is a uniform_dist; it is left out" in str(w) for w in model.warnings)
    document["likelihoods"][0]["aux_distributions"] = ["absent"]
    assert "the constraint 'absent' is missing" in refusal(document)


def test_a_constraint_of_nothing_is_left_out(document: Document, background: Document) -> None:
    constrained_factor(document, background)
    del background["modifiers"][-1]
    document["likelihoods"][0]["aux_distributions"] = ["kConstraint"]
    model = read_hs3(document)
    assert any("'kConstraint' is about 'k'" in str(warning) for warning in model.warnings)


def test_global_observables_may_be_data(document: Document, background: Document) -> None:
    constrained_factor(document, background)
    document["likelihoods"][0] |= {"aux_distributions": ["kConstraint"], "aux_data": ["globs"]}
    document["data"].append(
        {"name": "globs", "type": "unbinned", "axes": [{"name": "nom_k"}], "entries": [[0.6]]}
    )
    assert parameters(read_hs3(document))["k"].constraint == GaussianConstraint(0.6, 0.3)


@pytest.mark.parametrize("observed", [0.9, "point", "row"])
def test_a_pair_of_the_likelihood_may_be_a_constraint(
    document: Document, background: Document, observed: Any
) -> None:
    constrained_factor(document, background)
    document["likelihoods"][0]["distributions"].append("kConstraint")
    document["likelihoods"][0]["data"].append(observed)
    document["data"] += [
        {"name": "point", "type": "point", "value": 0.9},
        {"name": "row", "type": "unbinned", "axes": [{"name": "nom_k"}], "entries": [[0.9]]},
    ]
    assert parameters(read_hs3(document))["k"].constraint == GaussianConstraint(0.9, 0.3)


def test_a_product_of_channel_and_constraints_is_a_channel(
    document: Document, background: Document
) -> None:
    constrained_factor(document, background)
    document["distributions"].append(
        {"name": "all", "type": "product_dist", "factors": ["kConstraint", "model_SR"]}
    )
    document["likelihoods"][0]["distributions"] = ["all"]
    document["parameter_points"][0]["parameters"].append({"name": "nom_k", "value": 1.2})
    model = read_hs3(document)
    assert [channel.name for channel in model.channels] == ["model_SR"]
    assert parameters(model)["k"].constraint == GaussianConstraint(1.2, 0.3)


def test_contradicting_constraints_are_refused(document: Document, background: Document) -> None:
    constrained_factor(document, background)
    background["modifiers"][-1]["constraint"] = "Gauss"
    document["likelihoods"][0]["distributions"].append("kConstraint")
    document["likelihoods"][0]["data"].append(1.0)
    text = refusal(document)
    assert "parameter 'k': distribution 'kConstraint' (gaussian_dist) constrains it in an" in text


# -- Gamma and LogNormal --------------------------------------------------------------------------


def test_a_polynomial_of_a_poisson_parameter_is_a_gamma_term(
    document: Document, background: Document
) -> None:
    background["modifiers"][0]["parameter"] = "alphaOfBeta_jes"
    document["functions"] = [
        {
            "name": "alphaOfBeta_jes",
            "type": "polynomial",
            "x": "beta_jes",
            "coefficients": [-4.0, 4.0],
        }
    ]
    found = parameters(read_hs3(document))["beta_jes"]
    assert found.response == AffineResponse(4.0, -4.0)
    assert found.constraint == PoissonConstraint(16.0, 16.0)
    assert found.init == 1.0


def test_a_gamma_term_has_its_closed_form(document: Document, background: Document) -> None:
    """Outside of |alpha| = 1 code 4 is hi**alpha, so yields are known."""
    background["modifiers"] = background["modifiers"][:1]
    background["modifiers"][0]["parameter"] = "alphaOfBeta_jes"
    document["functions"] = [
        {"name": "alphaOfBeta_jes", "type": "polynomial", "x": "b", "coefficients": [-4.0, 4.0]}
    ]
    beta = 1.5  # alpha = 2
    yields = [5.0 + 50.0 * 1.2**2, 10.0 + 60.0 * 1.2**2]
    expected = poisson(52.0, yields[0]) + poisson(71.0, yields[1]) + poisson(16.0, 16.0 * beta)
    assert nll(document, b=beta) == pytest.approx(expected, rel=1e-12)


def test_roots_expression_is_a_lognormal_term(document: Document, background: Document) -> None:
    background["modifiers"] = background["modifiers"][:1]
    background["modifiers"][0]["parameter"] = "alphaOfBeta_jes"
    document["functions"] = [
        {
            "name": "alphaOfBeta_jes",
            "type": "generic_function",
            "expression": "tau_jes*(pow(kappa_jes,beta_jes)-1.)",
        }
    ]
    document["parameter_points"][0]["parameters"] += [
        {"name": "tau_jes", "value": 4.0, "const": True},
        {"name": "kappa_jes", "value": 1.25, "const": True},
    ]
    model = read_hs3(document)
    assert parameters(model)["beta_jes"].response == LogNormalResponse(0.25)
    beta = 2.0
    alpha = (exp(beta * log(1.25)) - 1.0) / 0.25
    yields = [5.0 + 50.0 * 1.2**alpha, 10.0 + 60.0 * 1.2**alpha]
    expected = poisson(52.0, yields[0]) + poisson(71.0, yields[1]) + gaussian(0.0, beta, 1.0)
    assert nll(document, beta_jes=beta) == pytest.approx(expected, rel=1e-12)


def test_other_functions_are_refused(document: Document, background: Document) -> None:
    background["modifiers"][0]["parameter"] = "f"
    document["distributions"][0]["samples"][0]["modifiers"][0]["parameter"] = "f"
    document["functions"] = [{"name": "f", "type": "sum", "summands": ["a", "b"]}]
    text = refusal(document)
    assert "modifier 'jes' (normsys): its parameter 'f' is a function (sum)" in text
    assert "modifier 'mu' (normfactor): its parameter 'f' is a function (sum)" in text


# -- constants ------------------------------------------------------------------------------------


def test_a_factor_that_is_called_by_its_value_is_constant(
    document: Document, background: Document
) -> None:
    """ROOT writes a RooConstVar in a product of factors like this."""
    add(background, name="0.5", parameter="0.5", type="normfactor")
    half = parameters(read_hs3(document))["0.5"]
    assert half.fixed
    assert half.init == 0.5


def test_a_constraint_around_another_parameter_is_refused(
    document: Document, background: Document
) -> None:
    add(background, name="k", type="normfactor", constraint="tied")
    document["distributions"].append(
        {"name": "tied", "type": "gaussian_dist", "x": "k", "mean": "mu", "sigma": 0.1}
    )
    assert "distribution 'tied' (gaussian_dist): depends on 'mu', which is a parameter" in refusal(
        document
    )


@pytest.mark.parametrize("huge", [10**30, 2**64, 10**400], ids=["30", "64", "400"])
def test_huge_numbers_are_read_or_refused(
    document: Document, background: Document, huge: int
) -> None:
    add(background, name="k", type="normfactor", constraint="wide")
    wide = {"name": "wide", "type": "gaussian_dist", "x": "k", "mean": 1.0, "sigma": huge}
    document["distributions"].append(wide)
    document["likelihoods"][0]["distributions"].append("wide")
    document["likelihoods"][0]["data"].append(huge)
    with pytest.raises(NextstatError):
        read_hs3(document)
