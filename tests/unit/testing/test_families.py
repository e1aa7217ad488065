"""Named workspaces have the difficulty, and the answer, that their docstrings promise."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from scipy.optimize import minimize_scalar

from nextstat_core.testing import (
    Workspace,
    coupled_histosys,
    degenerate_pair,
    growth,
    many_channels,
    negative_rates,
    one_sided_bin,
    uncertain_signal,
    uncorrelated,
    unidentified_pair,
)

pyhf = pytest.importorskip("pyhf", reason="workspaces are checked against pyhf")
# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")


def load(workspace: Workspace) -> tuple[Any, list[float]]:
    loaded = pyhf.Workspace(workspace)
    model = loaded.model()
    return model, loaded.data(model)


def twice_nll_of_one_parameter(workspace: Workspace) -> Callable[[float], float]:
    model, data = load(workspace)
    return lambda value: -2.0 * float(model.logpdf([value], data)[0])


def test_one_sided_bin_is_stationary_at_the_start_and_has_a_lower_minimum_on_each_side() -> None:
    objective = twice_nll_of_one_parameter(one_sided_bin())
    assert objective(0.0) == pytest.approx(39.15, abs=0.005)
    slope = (objective(1e-4) - objective(-1e-4)) / 2e-4
    assert slope == pytest.approx(0.0, abs=1e-6)
    curvature = (objective(1e-3) - 2.0 * objective(0.0) + objective(-1e-3)) / 1e-6
    assert curvature / 2.0 == pytest.approx(-66.5, abs=0.1)
    for bracket in ((0.5, 1.5, 3.0), (-3.0, -1.5, -0.5)):
        assert minimize_scalar(objective, bracket).fun == pytest.approx(12.17, abs=0.005)


def test_one_sided_normsys_has_the_same_traps() -> None:
    objective = twice_nll_of_one_parameter(one_sided_bin("normsys"))
    start = objective(0.0)
    assert start == pytest.approx(39.15, abs=0.005)
    for bracket in ((0.5, 1.5, 3.0), (-3.0, -1.5, -0.5)):
        assert minimize_scalar(objective, bracket).fun < start - 25.0


def test_coupled_histosys_leads_downhill_to_the_higher_of_two_minima() -> None:
    objective = twice_nll_of_one_parameter(coupled_histosys())
    assert objective(1e-3) < objective(0.0) < objective(-1e-3)
    upper = minimize_scalar(objective, (0.5, 1.1, 2.0))
    lower = minimize_scalar(objective, (-3.0, -1.9, -1.0))
    assert upper.x == pytest.approx(1.139, abs=2e-3)
    assert lower.x == pytest.approx(-1.8745, abs=2e-3)
    assert upper.fun - lower.fun == pytest.approx(1.614, abs=2e-3)


def test_degenerate_pair_exchanges_its_twins() -> None:
    model, data = load(degenerate_pair())
    order = ["mu", "twin_a", "twin_b"]
    assert list(model.config.par_names) == order
    assert model.logpdf([1.0, 0.3, -0.6], data) == model.logpdf([1.0, -0.6, 0.3], data)


def test_unidentified_pair_has_a_flat_direction() -> None:
    model, data = load(unidentified_pair())
    point = {"mu": 1.0, "k_a": 1.25, "k_b": 0.8}
    values = [point[name] for name in model.config.par_names]
    moved = [{**point, "k_a": 2.5, "k_b": 0.4}[name] for name in model.config.par_names]
    assert float(model.logpdf(values, data)[0]) == pytest.approx(
        float(model.logpdf(moved, data)[0]), rel=1e-14
    )


@pytest.mark.parametrize("observed", [0.0, 1.0])
def test_negative_rates_reach_below_zero_inside_the_bounds(observed: float) -> None:
    model, data = load(negative_rates(observed))
    assert data[0] == observed
    values = {"mu": 0.0, "shape": -1.0}
    rates = model.expected_actualdata([values[name] for name in model.config.par_names])
    assert rates[0] == pytest.approx(-20.0)


def test_uncorrelated_equals_the_simple_model_of_pyhf() -> None:
    signal, bkg, unc = [12.0, 11.0], [50.0, 52.0], [3.0, 7.0]
    model, data = load(uncorrelated(signal, bkg, unc, [51.0, 48.0]))
    simple = pyhf.simplemodels.uncorrelated_background(signal, bkg, unc)
    assert data[:2] == [51.0, 48.0]
    assert model.spec["channels"] == simple.spec["channels"]
    assert model.config.par_names == simple.config.par_names


def profiled(mu: float, workspace: Workspace) -> float:
    """NLL without constants, every gamma at its closed-form optimum."""
    total = 0.0
    for channel, entry in zip(workspace["channels"], workspace["observations"], strict=True):
        signal, background = (sample["data"] for sample in channel["samples"])
        for s, b, n in zip(signal, background, entry["data"], strict=True):
            aux = tau = (b / 5.0) ** 2
            square, linear = b * (b + tau), mu * s * (b + tau) - b * (n + aux)
            root = math.sqrt(linear**2 + 4.0 * square * aux * mu * s)
            gamma = (root - linear) / (2.0 * square)
            rate = mu * s + gamma * b
            total += rate - n * math.log(rate) + tau * gamma - aux * math.log(gamma)
    return total


def test_many_channels_have_the_known_test_statistic() -> None:
    workspace = many_channels()
    model, _ = load(workspace)
    assert model.config.npars == 201
    q = 2.0 * (profiled(1.0, workspace) - profiled(0.0, workspace))
    assert q == pytest.approx(10.889822264078, rel=1e-11)


@pytest.mark.parametrize(("n_bins", "n_systematics"), [(10, 9), (250, 20)])
@pytest.mark.parametrize("staterror", [False, True])
def test_growth_has_the_bins_and_parameters_asked_for(
    n_bins: int, n_systematics: int, staterror: bool
) -> None:
    model, data = load(growth(n_bins, n_systematics, staterror=staterror))
    assert model.config.npars == 1 + n_systematics + n_bins * staterror
    assert len(model.expected_actualdata(model.config.suggested_init())) == n_bins
    assert math.isfinite(float(model.logpdf(model.config.suggested_init(), data)[0]))


def test_growth_of_a_seed_is_always_the_same() -> None:
    assert growth(30, 6, seed=4) == growth(30, 6, seed=4) != growth(30, 6, seed=5)


def test_uncertain_signal_has_its_test_statistic_and_best_fit() -> None:
    loaded = pyhf.Workspace(uncertain_signal())
    codes = {"normsys": {"interpcode": "code1"}, "histosys": {"interpcode": "code4p"}}
    model = loaded.model(modifier_settings=codes)
    data = loaded.data(model)
    tight = {"return_fitted_val": True, "tolerance": 1e-12}
    best, free = pyhf.infer.mle.fit(data, model, **tight)
    _, held = pyhf.infer.mle.fixed_poi_fit(0.0, data, model, **tight)
    assert held - free == pytest.approx(2.0953724686, abs=1e-8)
    assert best[model.config.poi_index] == pytest.approx(1.5358811259, abs=1e-4)
