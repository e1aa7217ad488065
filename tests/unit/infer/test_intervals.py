"""Intervals against closed forms, iminuit, and the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from iminuit import Minuit
from scipy.optimize import brentq

from nextstat_core.errors import InputError
from nextstat_core.infer import FitOptions, fit, fit_minimum, interval, intervals
from nextstat_core.models import GaussianMeanModel, HistFactoryModel, StdNormalModel
from nextstat_core.testing import StrictBackend, coupled_histosys, unidentified_pair

if TYPE_CHECKING:
    from collections.abc import Callable


def _check(model: Any, found: Any) -> None:
    """At each end a fit with the parameter held there lies `delta` above the best fit."""
    best = fit_minimum(model)
    for each in found:
        for value, end in ((each.lower, each.lower_end), (each.upper, each.upper_end)):
            if end:
                continue
            held = fit_minimum(model, fixed={each.name: value})
            assert 2.0 * (held.nll - best.nll) == pytest.approx(found.delta, rel=1e-6), each


def test_gaussians_are_exact() -> None:
    found = intervals(GaussianMeanModel([1.0, 2.0, 4.0, 7.0], 2.0), delta=4.0)
    assert found["mu"].errors == pytest.approx((-2.0, 2.0), rel=1e-6)
    for each in intervals(StdNormalModel(3)):
        assert (each.value, each.lower, each.upper) == pytest.approx((0.0, -1.0, 1.0), abs=1e-6)


def test_counting_experiment(load: Callable[..., Any]) -> None:
    model = load("counting")
    best = fit_minimum(model)

    def rise(mu: float) -> float:
        return 2.0 * (model.nll([mu]) - best.nll) - 1.0

    low, high = brentq(rise, -0.4, best["mu"]), brentq(rise, best["mu"], 3.0)
    found = interval(model, "mu", bounds={"mu": (-0.4, 10.0)})
    assert (found.lower, found.upper) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize("name", ["simple", "full", "two_gammas", "constrained", "kinks"])
def test_every_end_lies_on_the_level(load: Callable[..., Any], name: str) -> None:
    model = load(name)
    found = intervals(model)
    free = [n for n, (low, up) in zip(model.parameter_names(), model.suggested_bounds(),
                                      strict=True) if low < up]  # fmt: skip
    assert list(found.names) == free
    assert not {"open", "failed"} & {*found.lower_ends, *found.upper_ends}
    _check(model, found)


def test_minos_of_iminuit(load: Callable[..., Any]) -> None:
    model = load("full")
    minuit = Minuit(
        model.nll, model.suggested_init(), grad=model.grad_nll, name=model.parameter_names()
    )
    minuit.errordef, minuit.limits, minuit.strategy = 0.5, model.suggested_bounds(), 2
    minuit.tol = 1e-4
    minuit.migrad()
    names = ["mu", "k_bkg", "bkg_shape", "staterror_SR[0]"]
    minuit.minos(*names)
    for each in intervals(model, names):
        reference = minuit.merrors[each.name]
        # MINOS stops within about one per cent of its level.
        assert each.errors == pytest.approx((reference.lower, reference.upper), rel=2e-3)


def test_symmetric_errors_are_their_limit(load: Callable[..., Any]) -> None:
    model = load("full")
    errors = fit(model)
    for each in intervals(model, ["mu", "bkg_norm"], delta=1e-4):
        assert each.errors == pytest.approx(np.array([-1, 1]) * 0.01 * errors[each.name].error,
                                            rel=5e-3)  # fmt: skip


def test_level_for_one_parameter() -> None:
    found = intervals(StdNormalModel(2), level=0.95)
    assert found.delta == pytest.approx(3.841458820694124, rel=1e-12)
    assert found[0].upper == pytest.approx(1.959963984540054, abs=1e-6)


def test_best_fit_at_a_bound(load: Callable[..., Any]) -> None:
    found = interval(load("simple"), "mu")
    assert (found.value, found.lower, found.lower_end) == (0.0, 0.0, "bound")
    assert found.upper > 0.1
    assert found.upper_end == ""


def test_end_beyond_a_bound(load: Callable[..., Any]) -> None:
    model = load("full")
    inside = fit_minimum(model)["mu"]
    found = intervals(model, ["mu"], bounds={"mu": (0.0, inside + 0.5)})
    assert found[0].upper == pytest.approx(inside + 0.5)
    assert found[0].upper_end == "bound"
    held = fit_minimum(model, fixed={"mu": inside + 0.5})
    assert 2.0 * (found.fits.nll[1] - found.best.nll) < 1.0
    assert found.fits.nll[1] == pytest.approx(held.nll, abs=2e-9)


@pytest.mark.parametrize("height", [0.8, 1.2])
def test_likelihood_that_flattens(shape: Any, height: float) -> None:
    found = intervals(shape.flat_tails(height))
    if height < 1.0:
        assert (found[0].lower, found[0].upper) == (-np.inf, np.inf)
        assert (found[0].lower_end, found[0].upper_end) == ("open", "open")
        assert found.to_dict()["intervals"][0]["upper"] is None
    else:
        end = np.sqrt(-height * np.log(1.0 - 1.0 / height))
        assert found[0].errors == pytest.approx((-end, end), rel=1e-6)


def test_likelihood_that_jumps_over_the_level(shape: Any) -> None:
    found = intervals(shape.step(0.9))
    assert found[0].lower == pytest.approx(-1.0, rel=1e-6)
    assert found[0].upper == pytest.approx(0.9, rel=1e-6)
    assert found.upper_ends == ("failed",)


def test_parameters_that_data_do_not_determine() -> None:
    model = HistFactoryModel.from_pyhf(unidentified_pair())
    found = intervals(model)
    assert not np.isnan([*found.lower, *found.upper]).any()
    assert found["k_a"].upper_end in {"bound", "open"}
    _check(model, found)


def test_a_lower_minimum_on_the_way() -> None:
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    local = FitOptions(second_modes=False)
    found = intervals(model, delta=36.0, options=local)
    lowest = fit_minimum(model)
    assert found.best.nll == pytest.approx(lowest.nll, abs=1e-9)
    assert found[0].value == pytest.approx(lowest["shared"], abs=1e-5)
    assert "a lower minimum was found on the way" in found.warnings[0]
    _check(model, found)


def test_other_data_fixed_parameters_and_backends(load: Callable[..., Any]) -> None:
    model = load("full")
    wishes: dict[str, Any] = {"data": model.observed_main + 3.0, "fixed": ["bkg_norm"]}
    here = intervals(model, ["mu", "k_bkg"], **wishes)
    there = intervals(model.to(StrictBackend()), ["mu", "k_bkg"], **wishes)
    assert there.lower == pytest.approx(here.lower, abs=1e-6)
    best = fit_minimum(model, **wishes)
    wishes["fixed"] = {"bkg_norm": None, "mu": here[0].upper}
    assert 2.0 * (fit_minimum(model, **wishes).nll - best.nll) == pytest.approx(1.0, rel=1e-6)


def test_results_are_read_in_several_ways(load: Callable[..., Any], read_html: Any) -> None:
    found = intervals(load("simple"))
    assert len(found) == 3
    assert str(found["mu"]).startswith("mu = 0 +0 +")
    assert [each.name for each in found[1:]] == ["gamma[0]", "gamma[1]"]
    assert found.fits[1]["mu"].value == pytest.approx(found["mu"].upper)
    assert "lower end at the bound" in repr(found)
    assert read_html(found._repr_html_()).rows[1][0] == "mu"
    with pytest.raises(InputError, match="no interval named 'nu'"):
        found["nu"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": 0.0}, "`delta` is 0; expected a number above 0"),
        ({"delta": np.nan}, "`delta` is nan"),
        ({"level": 1.0}, "between 0 and 1"),
        ({"level": 0.5, "delta": 1.0}, "expected one of them"),
        ({"parameters": "mu"}, "expected a sequence"),
        ({"parameters": ["nu"]}, "no parameter named 'nu'"),
    ],
)
def test_refused_arguments(load: Callable[..., Any], options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        intervals(load("full"), **options)
