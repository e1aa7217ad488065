"""Single fits: the minimum that other tools find, and how fits end that do not converge."""

import iminuit
import numpy as np
import pyhf
import pytest

from nextstat_core.errors import FitError
from nextstat_core.infer import FitOptions, fit, fit_minimum
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import StrictBackend, coupled_histosys

# pyhf validates with an interface that jsonschema deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

# Tolerances of best-fit values and of uncertainties against other tools.
VALUES, ERRORS = 2e-4, 5e-4


@pytest.fixture(scope="module")
def negative(write, part):
    """Second of two channels has a bin whose rate falls below zero with mu < -0.5."""
    mu = part.modifier("mu", "normfactor")
    return write(
        {
            "A": [part.sample("signal", [1.0], mu), part.sample("background", [50.0])],
            "B": [
                part.sample("signal", [1.0, 10.0], mu),
                part.sample("background", [40.0, 5.0]),
            ],
        },
        {"A": [51.0], "B": [40.0, 4.0]},
    )


@pytest.fixture(scope="module")
def reference(workspace):
    """Function that minimises pyhf's likelihood of a workspace with Minuit."""

    def minimise(name):
        pyhf.set_backend("numpy")
        described = pyhf.Workspace(workspace(name))
        model = described.model()
        data = np.asarray(described.data(model))

        def twice_nll(x):
            return -2.0 * float(model.logpdf(x, data)[0])

        minuit = iminuit.Minuit(twice_nll, model.config.suggested_init())
        minuit.limits, minuit.errordef = model.config.suggested_bounds(), 1.0
        minuit.strategy, minuit.tol = 2, 1e-6
        minuit.migrad()
        return model.config.par_names, np.asarray(minuit.values), twice_nll

    return minimise


@pytest.mark.parametrize("name", ["simple", "full", "two_gammas", "counting", "constrained"])
def test_minimum_is_that_of_minuit_on_the_likelihood_of_pyhf(load, reference, name):
    result = fit(load(name))
    names, values, twice_nll = reference(name)
    ours = np.asarray([result[each].value for each in names])
    assert result.converged
    assert ours == pytest.approx(values, abs=VALUES)
    assert result.twice_nll == pytest.approx(twice_nll(ours), rel=1e-12)
    assert result.twice_nll <= twice_nll(values) + 1e-9


@pytest.mark.parametrize("name", ["full", "two_gammas", "counting", "constrained"])
def test_uncertainties_are_those_of_the_curvature_of_the_likelihood_of_pyhf(load, reference, name):
    result = fit(load(name))
    names, _, twice_nll = reference(name)
    where = [result.parameter_names.index(each) for each in names]
    best, scale = result.values[where], result.errors[where]
    coarse, fine = (
        _curvature(lambda z: 0.5 * twice_nll(best + scale * z), len(best), step)
        for step in (0.02, 0.01)
    )
    hessian = (4.0 * fine - coarse) / 3.0
    errors = scale * np.sqrt(np.diagonal(np.linalg.inv(hessian)))
    assert result.errors[where] == pytest.approx(errors, abs=0.1 * ERRORS)


def _curvature(function, n, step):
    """Second derivatives at zero from differences, with an error of order step**2."""
    unit = step * np.eye(n)
    matrix = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            corners = (
                function(a * unit[i] + b * unit[j]) * a * b for a in (1, -1) for b in (1, -1)
            )
            matrix[i, j] = matrix[j, i] = sum(corners) / (4.0 * step**2)
    return matrix


def test_minimum_of_the_reference_workspace(load):
    result = fit(load("full"))
    assert result.nll == pytest.approx(13.58056549, abs=1e-8)
    assert result["mu"].value == pytest.approx(1.498715, abs=1e-6)
    # Minuit's differences over a finite step say 1.487042.
    assert result["mu"].error == pytest.approx(1.487042, abs=1e-3)
    assert result.edm < 1e-20
    assert result.final_grad_norm < 1e-9
    assert result.termination_reason == "edm"


def test_minimum_without_uncertainties_is_the_same(load):
    model = load("full")
    whole, minimum = fit(model, init={"mu": 3.0}), fit_minimum(model, init={"mu": 3.0})
    np.testing.assert_array_equal(minimum.values, whole.values)
    assert (minimum.nll, minimum.initial_nll) == (whole.nll, whole.initial_nll)
    assert (minimum.converged, minimum.message, minimum.edm) == (True, "edm", whole.edm)
    assert np.abs(minimum.final_gradient).max() == whole.final_grad_norm


@pytest.mark.parametrize("start", [0.0, 1.0, 9.0])
def test_initial_nll_is_that_of_the_start(load, start):
    model = load("full")
    vector = np.asarray(model.suggested_init())
    vector[0] = start
    result = fit(model, init={"mu": start})
    assert result.initial_nll == pytest.approx(model.nll(vector), rel=1e-14)
    assert result.nll < result.initial_nll


def test_other_data_are_fitted_as_if_they_were_the_model_s(load):
    model, counts = load("full"), [430.0, 410.0, 61.0, 70.0, 45.0]
    given, own = fit(model, data=counts), fit(model.with_observed_main(counts))
    np.testing.assert_array_equal(given.values, own.values)
    assert given.nll == pytest.approx(own.nll, rel=1e-14)
    assert own.nll == pytest.approx(model.with_observed_main(counts).nll(own.values), rel=1e-14)


@pytest.mark.parametrize("name", ["simple", "full", "two_gammas", "unidentified"])
def test_hybrid_method_finds_the_same_minimum(load, name):
    newton = fit(load(name), init={"mu": 2.0})
    hybrid = fit(load(name), init={"mu": 2.0}, options=FitOptions(method="hybrid"))
    assert hybrid.converged
    assert hybrid.nll == pytest.approx(newton.nll, abs=1e-10)
    assert hybrid.initial_nll == newton.initial_nll
    assert hybrid["mu"].value == pytest.approx(newton["mu"].value, abs=1e-7)


def test_strict_array_library_gives_the_same_fit(workspace):
    strict = HistFactoryModel.from_pyhf(workspace("full"), backend=StrictBackend())
    result, known = fit(strict), fit(HistFactoryModel.from_pyhf(workspace("full")))
    assert result.values == pytest.approx(known.values, abs=1e-11)
    assert result.errors == pytest.approx(known.errors, rel=1e-9)
    assert result.provenance["backend"] == strict.backend.name


def test_several_starts_find_the_lower_of_two_minima():
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    one, many = (
        fit(model, options=FitOptions(n_starts=n_starts, second_modes=False)) for n_starts in (1, 8)
    )
    assert one["shared"].value == pytest.approx(1.139, abs=2e-3)
    assert many["shared"].value == pytest.approx(-1.874, abs=2e-3)
    assert one.twice_nll - many.twice_nll == pytest.approx(1.61, abs=0.01)
    assert many.nll == pytest.approx(model.nll(many.values), rel=1e-14)
    assert [warning.split(",")[0] for warning in many.warnings] == [
        "another minimum lies 0.807 higher"
    ]


@pytest.mark.parametrize("fit_it", [fit, fit_minimum])
def test_second_mode_is_found_from_one_start(fit_it):
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    result = fit_it(model)
    assert result.converged
    assert result.values == pytest.approx([-1.874], abs=2e-3)
    fixed = fit_it(model, fixed={"shared": 1.0})
    assert fixed.values.tolist() == [1.0]
    inside = fit_it(model, bounds={"shared": (0.0, 5.0)})
    assert inside.values == pytest.approx([1.139], abs=2e-3)


def test_several_starts_are_the_same_every_time_and_leave_fixed_parameters_alone(load):
    options = FitOptions(n_starts=4)
    first, second = (fit(load("full"), fixed={"mu": 0.3}, options=options) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)
    assert first["mu"].value == 0.3


@pytest.mark.parametrize("fit_it", [fit, fit_minimum])
def test_fit_that_runs_out_of_iterations_says_so_or_raises(load, fit_it):
    model = load("full")
    result = fit_it(model, options=FitOptions(max_iterations=1))
    assert not result.converged
    assert "max_iterations" in {
        getattr(result, "termination_reason", ""),
        getattr(result, "message", ""),
    }
    with pytest.raises(FitError, match=r"max_iterations after 1 iterations, EDM 0\.00"):
        fit_it(model, options=FitOptions(max_iterations=1, on_failure="raise"))


def test_fit_that_converges_does_not_raise(load):
    assert fit(load("simple"), options=FitOptions(on_failure="raise")).converged


def test_rate_that_is_not_positive_is_named_by_channel_and_bin(negative):
    result = fit(negative, fixed={"mu": -1.0})
    assert not result.converged
    assert result.termination_reason == "non_positive_rate"
    assert result.non_positive == (("B", 1),)
    assert np.isfinite(result.nll)
    assert "channel 'B', bin 1" in str(result)


def test_rate_that_is_not_positive_counts_only_where_there_are_events(negative):
    result = fit(negative, data=[51.0, 40.0, 0.0], fixed={"mu": -1.0})
    assert result.converged
    assert result.non_positive == ()


def test_rate_that_is_not_positive_is_found_in_data_passed_to_the_fit(negative):
    result = fit(negative, data=[51.0, 40.0, 1.0], bounds={"mu": (-3.0, -1.0)})
    assert result.non_positive == (("B", 1),)
    assert result.at_bound == (("mu", "upper"),)


@pytest.mark.parametrize("kind", ["normsys", "histosys"])
def test_minimum_on_a_kink_is_reported_with_the_bounds(write, part, kinked, kind):
    # Both sides raise the rate, and the data lie below: any shift is worse.
    effects = {
        "normsys": {"hi": 1.1, "lo": 1.08},
        "histosys": {"hi_data": [110.0], "lo_data": [108.0]},
    }
    content = part.sample("background", [100.0], part.modifier("jes", kind, effects[kind]))
    model = write({"bin": [content]}, {"bin": [95.0]}, poi="", interpolation=kinked)
    result = fit(model, init={"jes": 0.7})
    assert result.converged
    assert result.values.tolist() == [0.0]
    assert result.at_bound == (("jes", "kink"),)
    assert result.nll == min(model.nll([x / 100.0]) for x in range(-300, 301))
    smooth = fit(write({"bin": [content]}, {"bin": [95.0]}, poi=""))
    assert smooth.at_bound == ()
    assert smooth["jes"].value != 0.0


@pytest.mark.parametrize("start", [-0.9, -0.3, 0.0, 0.3, 0.9])
def test_minimum_of_one_side_of_a_kink_is_left_where_the_other_side_falls(
    write, part, kinked, start
):
    # To the right the systematic is a multiple of the signal: mu takes all of it, and alpha = 0.
    effect = {"hi_data": [110.0, 55.0], "lo_data": [108.0, 40.0]}
    samples = [
        part.sample("signal", [10.0, 5.0], part.modifier("mu", "normfactor")),
        part.sample("background", [100.0, 50.0], part.modifier("jes", "histosys", effect)),
    ]
    model = write({"SR": samples}, {"SR": [108.0, 53.0]}, interpolation=kinked)
    result = fit(model, init={"jes": start})
    assert result.converged
    assert result["jes"].value == pytest.approx(-0.0507, abs=1e-4)
    assert np.abs(model.grad_nll(result.values)).max() < 1e-9


def test_minimum_away_from_the_kink_is_smooth(load):
    result = fit(load("kinks"))
    assert result.converged
    held = [name for name, side in result.at_bound if side == "kink"]
    free = [i for i, name in enumerate(result.parameter_names) if name not in held]
    assert np.abs(np.asarray(load("kinks").grad_nll(result.values))[free]).max() < 1e-8


def test_large_model_that_needs_many_steps_makes_no_dense_matrix():
    n = 50_000
    signal = {"name": "s", "data": [5.0] * n}
    signal["modifiers"] = [{"name": "mu", "type": "normfactor", "data": None}]
    background = {"name": "b", "data": [50.0 + i % 7 for i in range(n)]}
    background["modifiers"] = [{"name": "st", "type": "staterror", "data": [2.0] * n}]
    for k in range(9):
        data = {"hi": 1.05 + k / 100.0, "lo": 0.95}
        background["modifiers"].append({"name": f"a{k}", "type": "normsys", "data": data})
    workspace = {
        "channels": [{"name": "c", "samples": [signal, background]}],
        "observations": [{"name": "c", "data": [56.0 + i % 5 for i in range(n)]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
    result = fit(HistFactoryModel.from_pyhf(workspace))
    assert result.n_iter > 25
    assert result.converged
