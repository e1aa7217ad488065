"""Scans of the profile likelihood against closed forms, pyhf, and fits one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyhf
import pytest

from nextstat_core.errors import FitError, InputError, MissingPOIError
from nextstat_core.infer import (
    FitOptions,
    fit_minimum,
    profile_points,
    profile_scan,
    profile_scan_2d,
)
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.testing import StrictBackend, coupled_histosys, many_channels

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")


def _poisson(mu: Any) -> Any:
    """2 ``-log L`` of the workspace `counting`, up to a constant."""
    first, second = 5.0 + 10.0 * mu, 40.0 + mu
    return 2.0 * (first - 9.0 * np.log(first) + second - 43.0 * np.log(second))


def test_counting_experiment(load: Callable[..., Any]) -> None:
    values = np.linspace(0.0, 3.0, 7)
    scan = profile_scan(load("counting"), values)
    closed = _poisson(values) - _poisson(scan.mu_hat)
    assert scan.twice_delta_nll == pytest.approx(closed, abs=1e-8)
    assert scan.q_mu == pytest.approx(np.where(values < scan.mu_hat, 0.0, closed), abs=1e-8)
    assert scan.nll == pytest.approx(scan.nll_hat + 0.5 * closed, abs=1e-8)
    assert scan.converged.all()


def test_gaussian_is_exact() -> None:
    model = GaussianMeanModel([1.0, 2.0, 4.0, 7.0], 2.0)
    scan = profile_scan(model, [0.0, 3.5, 9.0], parameter="mu")
    assert scan.twice_delta_nll == pytest.approx([12.25, 0.0, 30.25], abs=1e-10)


@pytest.mark.parametrize("name", ["simple", "full"])
def test_conditional_fits_of_pyhf(
    load: Callable[..., Any], workspace: Callable[[str], Any], name: str
) -> None:
    reference = pyhf.Workspace(workspace(name))
    model = reference.model()
    data = reference.data(model)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))
    values = [0.0, 0.5, 1.0, 2.5, 4.0]
    scan = profile_scan(load(name), values)
    best = float(pyhf.infer.mle.fit(data, model, return_fitted_val=True)[1])
    for value, nll, rise in zip(values, scan.nll, scan.twice_delta_nll, strict=True):
        twice = pyhf.infer.mle.fixed_poi_fit(value, data, model, return_fitted_val=True)[1]
        assert 2.0 * nll == pytest.approx(float(twice), abs=1e-6)
        assert rise == pytest.approx(float(twice) - best, abs=2e-6)


@pytest.mark.parametrize("parameter", ["bkg_norm", "bkg_ss[1]", "staterror_CR[0]"])
def test_any_parameter(load: Callable[..., Any], parameter: str) -> None:
    model = load("full")
    best = fit_minimum(model)[parameter]
    values = best + np.array([-0.1, 0.05, 0.2])
    scan = profile_scan(model, values, parameter=parameter)
    alone = [fit_minimum(model, fixed={parameter: value}) for value in values]
    assert scan.nll == pytest.approx([each.nll for each in alone], abs=2e-9)
    for point, each in zip(scan.parameters, alone, strict=True):
        assert point == pytest.approx(each.parameters, abs=3e-4)
    assert scan.parameter_index == model.parameter_names().index(parameter)


def test_points_in_any_order_and_twice(load: Callable[..., Any]) -> None:
    model = load("full")
    ordered = profile_scan(model, [0.0, 1.0, 2.0])
    mixed = profile_scan(model, [2.0, 0.0, 1.0, 2.0])
    assert mixed.nll[[1, 2, 0]] == pytest.approx(ordered.nll, abs=1e-9)
    assert mixed.nll[0] == mixed.nll[3]
    assert mixed.values.tolist() == [2.0, 0.0, 1.0, 2.0]


def test_no_points(load: Callable[..., Any]) -> None:
    scan = profile_scan(load("full"), [])
    assert len(scan) == 0
    assert scan.to_dict(curve=True)["points"] == []
    assert scan.mu_hat == pytest.approx(fit_minimum(load("full"))["mu"])


def test_values_beyond_the_bounds_lift_these(load: Callable[..., Any]) -> None:
    model = load("simple")  # best fit at the bound: mu = 0
    inside = profile_scan(model, [0.5])
    assert inside.mu_hat == 0.0
    assert inside.warnings == ()
    beyond = profile_scan(model, [-2.0, 0.5, 12.0])
    assert beyond.mu_hat < 0.0
    assert "bounds of 'mu', (0, 10), were lifted to (-2, 12)" in beyond.warnings[0]
    free = fit_minimum(model, bounds={"mu": (-2.0, 12.0)})
    assert beyond.nll_hat == pytest.approx(free.nll, abs=1e-9)
    assert (beyond.twice_delta_nll >= 0.0).all()


def test_other_data_and_fixed_parameters(load: Callable[..., Any]) -> None:
    model = load("full")
    data = model.observed_main + 2.0
    scan = profile_scan(model, [1.0], data=data, fixed={"bkg_norm": 0.3})
    alone = fit_minimum(model, data=data, fixed={"bkg_norm": 0.3, "mu": 1.0})
    assert scan.nll[0] == pytest.approx(alone.nll, abs=2e-9)
    assert scan.best["bkg_norm"] == 0.3


def test_a_lower_point_makes_a_better_best_fit() -> None:
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    local = FitOptions(second_modes=False)
    start = fit_minimum(model, options=local)
    assert start["shared"] == pytest.approx(1.14, abs=0.01)
    scan = profile_scan(model, [-2.5, -1.9, 0.0, 1.2], parameter="shared", options=local)
    lowest = fit_minimum(model)
    assert scan.nll_hat == pytest.approx(lowest.nll, abs=1e-9)
    assert scan.mu_hat == pytest.approx(lowest["shared"], abs=1e-5)
    assert "a lower minimum was found on the way" in scan.warnings[0]
    assert (scan.twice_delta_nll >= 0.0).all()


def test_grid_is_a_list_of_points(load: Callable[..., Any]) -> None:
    model = load("full")
    grid = profile_scan_2d(model, ("mu", [0.5, 2.0]), ("k_bkg", [0.9, 1.0, 1.2]))
    assert grid.nll.shape == grid.twice_delta_nll.shape == grid.converged.shape == (2, 3)
    alone = fit_minimum(model, fixed={"mu": 2.0, "k_bkg": 1.2})
    assert grid.nll[1, 2] == pytest.approx(alone.nll, abs=2e-9)
    assert grid.grid.points[5].tolist() == [2.0, 1.2]
    assert grid.to_dict()["y"] == [0.9, 1.0, 1.2]
    assert "2 x 3 grid" in repr(grid)


def test_three_parameters_at_once(load: Callable[..., Any]) -> None:
    model, names = load("full"), ["mu", "k_bkg", "bkg_norm"]
    found = profile_points(model, names, [[1.0, 1.0, 0.0], [2.0, 1.1, -0.5]])
    for row in (0, 1):
        held = dict(zip(names, found.points[row].tolist(), strict=True))
        assert found.nll[row] == pytest.approx(fit_minimum(model, fixed=held).nll, abs=2e-9)
        assert found.fits[row]["k_bkg"].fixed


def test_more_points_than_one_chunk_and_progress() -> None:
    model = HistFactoryModel.from_pyhf(many_channels())
    told: list[tuple[int, int]] = []
    values = np.linspace(0.2, 2.0, 600)
    scan = profile_scan(model, values, progress=lambda done, of: told.append((done, of)))
    assert told == [(512, 600), (600, 600)]
    assert scan.nll[599] == pytest.approx(profile_scan(model, [2.0]).nll[0], abs=1e-9)
    assert scan.converged.all()


def test_strict_backend(load: Callable[..., Any]) -> None:
    here = profile_scan(load("full"), [0.0, 2.0])
    there = profile_scan(load("full").to(StrictBackend()), [0.0, 2.0])
    assert there.nll == pytest.approx(here.nll, abs=1e-9)


def test_torch(load: Callable[..., Any]) -> None:
    pytest.importorskip("torch")
    here = profile_scan(load("full"), [0.0, 2.0])
    there = profile_scan(load("full").to("torch"), [0.0, 2.0])
    assert there.nll == pytest.approx(here.nll, abs=1e-9)


def test_dict_has_the_keys_of_the_reference(load: Callable[..., Any]) -> None:
    plain = profile_scan(load("full"), [0.5, 2.0]).to_dict(params=True, curve=True)
    assert {"poi_index", "mu_hat", "nll_hat", "points", "mu_values"} <= plain.keys()
    assert {"q_mu_values", "twice_delta_nll"} <= plain.keys()
    point = plain["points"][1]
    assert {"mu", "q_mu", "nll_mu", "converged", "n_iter", "params"} <= point.keys()
    assert {"message", "n_fev", "n_gev", "initial_cost"} <= point.keys()
    assert plain["points"][0]["q_mu"] == 0.0
    assert plain["twice_delta_nll"][0] > 0.1
    assert point["params"][0] == 2.0


def test_tables(load: Callable[..., Any], read_html: Any) -> None:
    scan = profile_scan(load("full"), [0.5, 20.0])
    assert repr(scan).startswith("Profile likelihood at 2 points, 2 converged; best fit: mu = 1.49")
    shown = read_html(scan._repr_html_())
    assert shown.rows[0] == ["mu", "2 dNLL", "note"]
    assert any("lifted" in text for text in shown.paragraphs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, np.nan],), r"values\[1\].*nan"),
        (([[1.0]],), "one axis"),
        ((["one"],), "cannot be read as numbers"),
    ],
)
def test_refused_values(load: Callable[..., Any], arguments: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        profile_scan(load("full"), *arguments)


def test_refused_parameters(load: Callable[..., Any]) -> None:
    model = load("full")
    with pytest.raises(InputError, match="did you mean 'bkg_norm'"):
        profile_scan(model, [0.0], parameter="bkg_nrm")
    with pytest.raises(InputError, match="'bkg_norm' is fixed at 0; expected a free one"):
        profile_scan(model, [0.0], parameter="bkg_norm", fixed=["bkg_norm"])
    with pytest.raises(InputError, match="twice"):
        profile_points(model, ["mu", "mu"], [[1.0, 1.0]])
    with pytest.raises(InputError, match=r"shape \(1, 3\); expected \(n, 2\)"):
        profile_points(model, ["mu", "k_bkg"], [[1.0, 1.0, 1.0]])
    with pytest.raises(InputError, match="expected a sequence of names"):
        profile_points(model, "mu", [[1.0]])
    with pytest.raises(InputError, match="`second` must be"):
        profile_scan_2d(model, ("mu", [1.0]), "k_bkg")  # type: ignore[arg-type]
    with pytest.raises(MissingPOIError):
        profile_scan(load("gammas"), [1.0])


def test_failures_are_kept_or_raised(load: Callable[..., Any]) -> None:
    model = load("counting")  # 2 events where nothing is expected at mu = -0.5
    scan = profile_scan(model, [-0.6, 1.0])
    assert scan.converged.tolist() == [False, True]
    assert scan.fits.failed[0].reason == "non_positive_rate"
    with pytest.raises(FitError, match=r"'mu': -0.6.*non_positive_rate"):
        profile_scan(model, [-0.6, 1.0], options=FitOptions(on_failure="raise"))
