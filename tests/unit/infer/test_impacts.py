"""Impacts against refits one by one, closed forms and pyhf."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.backend import get_backend
from nextstat_core.errors import BackendUnavailableError, FitError, InputError, MissingPOIError
from nextstat_core.infer import FitOptions, fit, fit_minimum, impacts
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.results.impacts import CONVENTIONS
from nextstat_core.testing import StrictBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.results import Impacts

REFITTED = ("nominal", "prefit", "postfit")
# Accuracy of a refit, in uncertainties of the parameter of interest: the root of twice its EDM.
CLOSE = 2e-5
OPENED = {"mu": (-2.0, 20.0)}


def _expected(model: HistFactoryModel, name: str, value: float) -> float:
    held = fit_minimum(model, fixed={name: value}, bounds=OPENED)
    return held["mu"] - fit_minimum(model, bounds=OPENED)["mu"]


@pytest.mark.parametrize("convention", REFITTED)
@pytest.mark.parametrize("name", ["full", "two_gammas", "constrained", "kinks"])
def test_refits_are_those_of_single_fits(
    load: Callable[..., Any], name: str, convention: Any
) -> None:
    model = load(name)
    best, found = fit(model, bounds=OPENED), impacts(model, convention=convention, bounds=OPENED)
    assert found.n_refits >= 2 * len(found) - 2
    for entry in found:
        i = best.parameter_names.index(entry.name)
        width = best.errors[i] if convention == "postfit" else best.prefit_widths[i]
        center = best.prefit_centers[i] if convention == "nominal" else best.values[i]
        if math.isnan(width):
            assert (entry.up, entry.down) == (0.0, 0.0)
            assert entry.flags == ("no_width",)
            continue
        # The best fit of both is within its own distance of the minimum.
        assert entry.value_up == pytest.approx(center + width, abs=1e-5)
        assert entry.value_down == pytest.approx(center - width, abs=1e-5)
        noise = 3.0 * CLOSE * found.poi_sigma
        assert entry.up == pytest.approx(_expected(model, entry.name, entry.value_up), abs=noise)
        lower = _expected(model, entry.name, entry.value_down)
        assert entry.down == pytest.approx(lower, abs=noise)


def test_known_values(load: Callable[..., Any]) -> None:
    """Exact ones, from iminuit on pyhf's likelihood with a bound at zero."""
    found = impacts(load("full"), open_poi_bound=False)
    exact = {
        "bkg_shape": (-0.24878, 0.29562),
        "bkg_norm": (-1.498715, 1.029287),
        "bkg_ss[1]": (-0.58386, 0.62438),
        "lumi": (-0.13124, 0.13316),
    }
    for name, shifts in exact.items():
        assert (found[name].up, found[name].down) == pytest.approx(shifts, abs=1e-4)


def test_the_bound_of_the_poi_is_opened_unless_asked_otherwise(load: Callable[..., Any]) -> None:
    model = load("full")
    cut, opened = impacts(model, open_poi_bound=False), impacts(model)
    assert cut["bkg_norm"].up == pytest.approx(-cut.poi_value, abs=1e-9)
    assert cut["bkg_norm"].flags == ("at_bound",)
    assert opened["bkg_norm"].up < -opened.poi_value
    assert opened["bkg_norm"].flags == ()


def test_a_best_fit_at_the_bound_is_said(load: Callable[..., Any]) -> None:
    model = load("simple")
    cut = impacts(model, open_poi_bound=False)
    assert cut.poi_value == 0.0
    assert any("mu is at its lower bound" in warning for warning in cut.warnings)
    assert all("at_bound" in entry.flags for entry in cut)
    assert impacts(model).poi_value < 0.0
    linear = impacts(model, convention="covariance", open_poi_bound=False)
    assert math.isnan(linear.poi_sigma)
    assert all(entry.up == 0.0 and "at_bound" in entry.flags for entry in linear)


def test_order_is_by_size_then_name(load: Callable[..., Any]) -> None:
    for convention in CONVENTIONS:
        found = impacts(load("full"), convention=convention)
        assert np.all(np.diff(found.size) <= 1e-9 * found.size[0])
        again = impacts(load("full"), convention=convention)
        assert again.names == found.names
        assert np.array_equal(again.up, found.up)


def test_equal_impacts_are_ordered_by_name(write: Callable[..., Any], part: Any) -> None:
    modifiers = [part.modifier(name, "normsys", {"hi": 1.1, "lo": 0.9}) for name in "cab"]
    signal = part.sample("signal", [5.0, 10.0], part.modifier("mu", "normfactor"))
    background = part.sample("background", [50.0, 60.0], *modifiers)
    model = write({"SR": [signal, background]}, {"SR": [57.0, 69.0]})
    found = impacts(model, convention="global")
    assert found.names == ("a", "b", "c")


def test_pulls_and_constraints_are_those_of_the_fit(load: Callable[..., Any]) -> None:
    model = load("full")
    best, found = fit(model), impacts(model, convention="postfit")
    for entry in found:
        estimate = best[entry.name]
        assert entry.pull == pytest.approx(estimate.pull, abs=1e-6, nan_ok=True)
        assert entry.postfit == pytest.approx(estimate.error, rel=1e-6)
        if not math.isnan(entry.prefit):
            assert entry.constraint == pytest.approx(entry.postfit / entry.prefit)
    shapesys = found["bkg_ss[0]"]
    assert shapesys.prefit == pytest.approx(5.0 / 50.0)
    assert math.isnan(found["k_bkg"].constraint)


def test_which_parameters_are_ranked(load: Callable[..., Any]) -> None:
    model = load("full")
    everything = set(model.parameter_names()) - {"mu"}
    for convention in CONVENTIONS:
        names = set(impacts(model, convention=convention, fixed={"lumi": 1.0}).names)
        free = set() if convention in {"nominal", "global"} else {"k_bkg"}
        assert names == everything - {"k_bkg", "lumi"} | free
    assert impacts(model, parameters=["lumi", "bkg_norm", "lumi"]).names == ("bkg_norm", "lumi")
    assert impacts(model, parameters="lumi").names == ("lumi",)
    assert len(impacts(model, parameters=[])) == 0


def test_another_parameter_of_interest(load: Callable[..., Any]) -> None:
    model = load("full")
    found = impacts(model, poi="k_bkg", convention="postfit", parameters=["bkg_norm", "mu"])
    assert found.poi == "k_bkg"
    best = fit(model, bounds={"k_bkg": (0.0, 10.0)})
    moved = fit_minimum(model, fixed={"bkg_norm": best["bkg_norm"].value + best["bkg_norm"].error})
    expected = moved["k_bkg"] - best["k_bkg"].value
    assert found["bkg_norm"].up == pytest.approx(expected, abs=1e-4 * best["k_bkg"].error)


def test_values_stop_at_bounds(load: Callable[..., Any]) -> None:
    model = load("full")
    found = impacts(model, bounds={"bkg_norm": (-0.5, 0.5)})
    assert (found["bkg_norm"].value_up, found["bkg_norm"].value_down) == (0.5, -0.5)
    assert "clipped" in found["bkg_norm"].flags
    assert "clipped" not in found["bkg_shape"].flags


def test_shifts_to_the_same_side_are_flagged(load: Callable[..., Any]) -> None:
    found = impacts(load("full"), convention="prefit")
    assert found["bkg_ss[2]"].up > 0.0 < found["bkg_ss[2]"].down
    assert "one_sided" in found["bkg_ss[2]"].flags
    assert "one_sided" not in found["bkg_shape"].flags


def test_refits_that_fail_are_listed(load: Callable[..., Any]) -> None:
    model = load("kinks")
    found = impacts(model, options=FitOptions(max_iterations=1))
    assert found.failed
    assert set(found.failed) <= set(found.names)
    assert len(found) == 12
    assert any("did not converge" in warning for warning in found.warnings)
    with pytest.raises(FitError, match="did not converge"):
        impacts(model, options=FitOptions(max_iterations=1, on_failure="raise"))


def test_rows_that_need_newton_are_counted(load: Callable[..., Any]) -> None:
    assert impacts(load("full")).n_newton == 0
    kinks = impacts(load("kinks"))
    assert kinks.n_newton == kinks.n_refits == 24


def test_progress_is_reported(load: Callable[..., Any]) -> None:
    seen: list[tuple[int, int]] = []
    impacts(load("full"), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (24, 24)


# -- first order ----------------------------------------------------------------------------------


def test_closed_form_of_a_counting_experiment(write: Callable[..., Any], part: Any) -> None:
    """n ~ Poisson(mu s + b gamma), gamma ~ Normal(1, delta): all derivatives by hand."""
    s, b, n, u = 20.0, 80.0, 100.0, 12.0
    signal = part.sample("signal", [s], part.modifier("mu", "normfactor"))
    background = part.sample("background", [b], part.modifier("st", "staterror", [u]))
    model = write({"SR": [signal, background]}, {"SR": [n]})
    delta = u / b
    # mu = (n - b gamma) / s with gamma at its auxiliary value.
    found = impacts(model, convention="global")
    assert found.poi_value == pytest.approx((n - b) / s, abs=1e-6)
    assert found["st[0]"].up == pytest.approx(-b * delta / s)
    assert found.statistical == pytest.approx(math.sqrt(n) / s)
    assert found.poi_sigma == pytest.approx(math.hypot(math.sqrt(n) / s, b * delta / s))
    for convention in ("nominal", "prefit", "postfit", "covariance"):
        same = impacts(model, convention=convention)["st[0]"]
        assert (same.up, same.down) == pytest.approx((-b * delta / s, b * delta / s), abs=1e-5)


def test_closed_form_with_a_poisson_constraint(write: Callable[..., Any], part: Any) -> None:
    s, b, n, u = 20.0, 80.0, 100.0, 12.0
    signal = part.sample("signal", [s], part.modifier("mu", "normfactor"))
    background = part.sample("background", [b], part.modifier("ss", "shapesys", [u]))
    model = write({"SR": [signal, background]}, {"SR": [n]})
    # gamma = a / tau, and the auxiliary count varies by its root.
    found = impacts(model, convention="global")
    assert found["ss[0]"].up == pytest.approx(-u / s)
    assert found.poi_sigma == pytest.approx(math.hypot(math.sqrt(n) / s, u / s))


def _asimov(model: HistFactoryModel) -> HistFactoryModel:
    start = model.suggested_init()
    return model.with_observed_main(model.expected_data(start, include_auxdata=False))


@pytest.mark.parametrize("name", ["full", "two_gammas", "simple", "constrained"])
def test_squares_of_global_impacts_add_up(load: Callable[..., Any], name: str) -> None:
    model = _asimov(load(name))
    found = impacts(model, convention="global")
    assert found.statistical is not None
    total = math.sqrt(found.statistical**2 + float(np.sum(found.up**2)))
    assert total == pytest.approx(found.poi_sigma, rel=1e-6)


def test_global_impacts_are_derivatives_of_the_best_fit(
    workspace: Callable[[str], dict[str, Any]],
) -> None:
    """Central differences of fits with other auxiliary data."""

    def best(config: dict[str, Any]) -> float:
        written = workspace("full")
        for entry in written["measurements"][0]["config"]["parameters"]:
            if entry["name"] == config["name"]:
                entry.update(config)
                break
        else:
            written["measurements"][0]["config"]["parameters"].append(config)
        model = HistFactoryModel.from_pyhf(written)
        return fit_minimum(model, bounds=OPENED)["mu"]

    found = impacts(HistFactoryModel.from_pyhf(workspace("full")), convention="global")
    step = 1e-3
    cases = [
        ("lumi", "lumi", [1.0], 0, 0.017),
        ("bkg_norm", "bkg_norm", [0.0], 0, 1.0),
        ("bkg_shape", "bkg_shape", [0.0], 0, 1.0),
        ("staterror_SR[1]", "staterror_SR", [1.0, 1.0, 1.0], 1, 3.0 / 60.0),
        ("bkg_ss[0]", "bkg_ss", [100.0, 100.0, 100.0], 0, 10.0),
    ]
    for name, group, auxdata, i, width in cases:
        ends = []
        for sign in (1.0, -1.0):
            moved = list(auxdata)
            moved[i] += sign * step * width
            ends.append(best({"name": group, "auxdata": moved}))
        assert found[name].up == pytest.approx((ends[0] - ends[1]) / (2.0 * step), rel=2e-3)


def test_covariance_is_postfit_to_first_order(load: Callable[..., Any]) -> None:
    """On data a thousand times as many, where the likelihood is a parabola."""
    model = _asimov(load("constrained"))
    linear = impacts(model, convention="covariance")
    exact = impacts(model, convention="postfit")
    assert exact["bkg"].up == pytest.approx(linear["bkg"].up, rel=1e-2)
    full = load("full")
    for entry in impacts(full, convention="covariance", parameters=["lumi", "bkg_shape"]):
        refit = impacts(full, convention="postfit", parameters=[entry.name])[0]
        symmetric = 0.5 * (refit.up - refit.down)
        assert entry.up == pytest.approx(symmetric, rel=0.1)


def test_gaussian_constraints_relate_the_two_first_order_conventions(
    load: Callable[..., Any],
) -> None:
    full = load("full")
    shifted, moved = (impacts(full, convention=each) for each in ("global", "covariance"))
    for entry in shifted:
        if "bkg_ss" not in entry.name:
            assert entry.up == pytest.approx(moved[entry.name].up * entry.constraint, rel=1e-6)


# -- other models and backends --------------------------------------------------------------------


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_strict_backend(load: Callable[..., Any], convention: Any) -> None:
    model = load("full")
    elsewhere = impacts(model.to(StrictBackend()), convention=convention)
    _same(elsewhere, impacts(model, convention=convention))


@pytest.mark.parametrize("name", ["torch", "torch-float32"])
def test_torch(load: Callable[..., Any], name: str) -> None:
    try:
        backend = get_backend(name)
    except BackendUnavailableError:
        pytest.skip("needs torch")
    model = load("full")
    for convention in CONVENTIONS:
        elsewhere = impacts(model.to(backend), convention=convention)
        _same(elsewhere, impacts(model, convention=convention))


def _same(found: Impacts, expected: Impacts) -> None:
    for entry in expected:
        other, noise = found[entry.name], 3.0 * CLOSE * expected.poi_sigma
        assert (other.up, other.down) == pytest.approx((entry.up, entry.down), abs=noise)


class _TwoMeans(GaussianMeanModel):
    """A measurement of the sum of two parameters, and one of the second alone."""

    def n_params(self) -> int:
        return 2

    dim = n_params

    def parameter_names(self) -> list[str]:
        return ["a", "b"]

    def suggested_init(self) -> list[float]:
        return [0.0, 0.0]

    def suggested_bounds(self) -> list[tuple[float, float]]:
        return [(-100.0, 100.0)] * 2

    def nll(self, params: Any) -> float:
        a, b = params
        return 0.5 * ((a + b - 3.0) / 2.0) ** 2 + 0.5 * ((b - 1.0) / 0.5) ** 2

    def grad_nll(self, params: Any) -> list[float]:
        a, b = params
        both = (a + b - 3.0) / 4.0
        return [both, both + (b - 1.0) / 0.25]

    def hessian(self, params: Any) -> Any:
        return np.array([[0.25, 0.25], [0.25, 0.25 + 4.0]])


@pytest.mark.parametrize("convention", ["postfit", "covariance"])
def test_general_models(convention: Any) -> None:
    found = impacts(_TwoMeans([1.0], 1.0), poi="a", convention=convention)
    assert found.poi_sigma == pytest.approx(math.hypot(2.0, 0.5))
    assert (found["b"].up, found["b"].down) == pytest.approx((-0.5, 0.5), abs=1e-4)
    assert math.isnan(found["b"].pull)


# -- what is refused ------------------------------------------------------------------------------


def test_a_model_without_poi_needs_a_name(load: Callable[..., Any]) -> None:
    model = load("gammas")
    with pytest.raises(MissingPOIError, match="impacts needs a parameter of interest"):
        impacts(model)
    assert impacts(model, poi="ss[0]").poi == "ss[0]"


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"convention": "posfit"}, "no convention named 'posfit'"),
        ({"parameters": ["lumi", "lumy"]}, "no parameter named 'lumy'"),
        ({"parameters": ["mu"]}, "the parameter of interest itself"),
        ({"parameters": ["lumi"], "fixed": ["lumi"]}, "'lumi', which is fixed"),
        ({"poi": "nu"}, "no parameter named 'nu'"),
        ({"fixed": ["mu"]}, "'mu' is fixed"),
        ({"data": [[1.0] * 5, [1.0] * 5]}, "2 data sets"),
    ],
)
def test_unusable_arguments(load: Callable[..., Any], wishes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        impacts(load("full"), **wishes)


# -- against pyhf ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
@pytest.mark.parametrize("convention", ["nominal", "prefit"])
def test_pyhf_gives_the_same(
    workspace: Callable[[str], dict[str, Any]], load: Callable[..., Any], convention: Any
) -> None:
    pyhf = pytest.importorskip("pyhf", reason="the reference of this test")
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12, maxiter=1000))
    written = pyhf.Workspace(workspace("full"))
    theirs = written.model()
    config, data = theirs.config, written.data(theirs)
    bounds = config.suggested_bounds()
    bounds[config.poi_index] = OPENED["mu"]

    def best(start: list[float], fixed: list[bool]) -> np.ndarray:
        return pyhf.infer.mle.fit(
            data, theirs, init_pars=start, par_bounds=bounds, fixed_params=fixed
        )

    free = best(config.suggested_init(), config.suggested_fixed())
    found = impacts(load("full"), convention=convention, bounds=OPENED)
    names = list(config.par_names)
    for name in ("bkg_norm", "bkg_shape", "lumi", "bkg_ss[1]", "staterror_SR[0]"):
        i, entry = names.index(name), found[name]
        for value, shift in ((entry.value_up, entry.up), (entry.value_down, entry.down)):
            start, fixed = free.tolist(), config.suggested_fixed()
            start[i], fixed[i] = value, True
            expected = best(start, fixed)[config.poi_index] - free[config.poi_index]
            # SLSQP ends within some 1e-4 uncertainties of the minimum.
            assert shift == pytest.approx(expected, abs=1e-3 * found.poi_sigma)
