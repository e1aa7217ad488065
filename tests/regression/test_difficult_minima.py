"""Minima that other tools miss or report wrongly, on workspaces whose answer is known."""

from __future__ import annotations

import json
import math

import pytest

from nextstat_core.testing import (
    coupled_histosys,
    degenerate_pair,
    many_channels,
    negative_rates,
    one_sided_bin,
    unidentified_pair,
)

nextstat = pytest.importorskip("nextstat", reason="fits go through the public interface")


def load(workspace: dict[str, object]) -> nextstat.HistFactoryModel:
    return nextstat.from_pyhf(json.dumps(workspace))


def test_fit_leaves_the_saddle_of_a_one_sided_systematic() -> None:
    result = nextstat.fit(load(one_sided_bin()))
    assert result.converged
    assert 2.0 * result.nll == pytest.approx(12.17, abs=0.005)


def test_fit_leaves_the_saddle_of_a_one_sided_normsys() -> None:
    model = load(one_sided_bin("normsys"))
    result = nextstat.fit(model)
    assert result.converged
    scan = min(model.nll([alpha / 1000.0]) for alpha in range(-5000, 5001))
    assert result.nll <= scan


def test_fit_of_two_minima_ends_in_one_of_them() -> None:
    model = load(coupled_histosys())
    result = nextstat.fit(model)
    assert result.converged
    (alpha,) = result.parameters
    assert alpha == pytest.approx(1.139, abs=2e-3) or alpha == pytest.approx(-1.8745, abs=2e-3)


def test_fit_of_two_minima_started_on_the_lower_side_finds_the_lower_one() -> None:
    model = load(coupled_histosys())
    result = nextstat.fit(model, init_pars=[-1.5])
    assert result.converged
    assert result.parameters[0] == pytest.approx(-1.8745, abs=2e-3)


def test_degenerate_twins_share_the_pull_and_its_uncertainty() -> None:
    model = load(degenerate_pair())
    result = nextstat.fit(model)
    at = {name: i for i, name in enumerate(model.parameter_names())}
    assert result.converged
    pulls = [result.parameters[at[name]] for name in ("twin_a", "twin_b")]
    widths = [result.uncertainties[at[name]] for name in ("twin_a", "twin_b")]
    assert pulls[0] == pytest.approx(pulls[1], abs=1e-6)
    assert widths[0] == pytest.approx(widths[1], rel=1e-6)
    assert 0.7 < widths[0] <= 1.0


def test_unidentified_parameters_have_infinite_uncertainties_and_the_others_do_not() -> None:
    model = load(unidentified_pair())
    result = nextstat.fit(model)
    at = {name: i for i, name in enumerate(model.parameter_names())}
    assert result.parameters[at["k_a"]] * result.parameters[at["k_b"]] > 0.0
    assert [result.uncertainties[at[name]] for name in ("k_a", "k_b")] == [math.inf, math.inf]
    assert math.isfinite(result.uncertainties[at["mu"]])


def test_minimum_with_few_events_keeps_a_positive_rate() -> None:
    model = load(negative_rates())
    result = nextstat.fit(model)
    assert result.converged
    assert model.expected_data(result.parameters, include_auxdata=False)[0] > 0.0


def test_bin_without_events_may_have_a_negative_rate_as_in_pyhf() -> None:
    model = load(negative_rates(observed=0.0))
    result = nextstat.fit(model)
    assert result.converged
    assert model.expected_data(result.parameters, include_auxdata=False)[0] < 0.0


def test_data_at_the_background_give_no_signal_and_gammas_of_one() -> None:
    model = load(many_channels())
    result = nextstat.fit(model)
    assert result.converged
    assert result.parameters[model.poi_index()] == pytest.approx(0.0, abs=1e-9)
    assert result.parameters[1:] == pytest.approx([1.0] * 200, abs=1e-9)


@pytest.mark.parametrize("offset", [-1e-6, -1e-7, 1e-7, 1e-6])
def test_product_of_two_factors_is_undetermined_from_any_start(offset: float) -> None:
    """A Hessian from a hair's breadth beside the minimum gave finite uncertainties."""
    factors = [{"name": name, "type": "normfactor", "data": None} for name in ("mu", "k")]
    signal = {"name": "signal", "data": [2.0, 3.0], "modifiers": factors}
    background = {"name": "background", "data": [5.0, 6.0], "modifiers": []}
    workspace = {
        "channels": [{"name": "SR", "samples": [signal, background]}],
        "observations": [{"name": "SR", "data": [8.0, 9.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
    model = load(workspace)
    minimum = nextstat.fit(model).parameters
    result = nextstat.fit(model, init_pars=[minimum[0] + offset, minimum[1]])
    assert result.converged
    assert result.covariance_status == "singular"
    assert result.uncertainties == [math.inf, math.inf]
