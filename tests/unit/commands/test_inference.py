"""Commands of inference: their numbers are those of pyhf, their keys those of the reference."""

import json
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from jsonschema import Draft202012Validator
from scipy.stats import norm

from nextstat_core.metrics import metrics_schema

Run = Callable[..., Result]
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

N_SIGMA = [2, 1, 0, -1, -2]


@pytest.fixture(scope="module")
def reference():
    """pyhf with a minimiser that goes to the end, of a workspace in a file."""
    pyhf = pytest.importorskip("pyhf", reason="the reference")
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))

    class Reference:
        def __init__(self, path: Path) -> None:
            workspace = pyhf.Workspace(json.loads(path.read_text()))
            self.model = workspace.model()
            self.data = workspace.data(self.model)

        def hypotest(self, mu: float, **options: Any) -> Any:
            return pyhf.infer.hypotest(mu, self.data, self.model, **options)

        def limits(self, **options: Any) -> Any:
            return pyhf.infer.intervals.upper_limits.upper_limit(
                self.data, self.model, **(options or {"rtol": 1e-8})
            )

    yield Reference
    pyhf.set_backend("numpy")


def printed(run: Run, *arguments: str | Path | float) -> dict[str, Any]:
    result = run(*map(str, arguments))
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


# -- hypotest -------------------------------------------------------------------------------------


def test_hypotest_has_the_numbers_of_pyhf(run: Run, full_workspace: Path, reference) -> None:
    found = printed(run, "hypotest", full_workspace, "--mu", 2, "--expected-set")
    cls, (clsb, clb), bands = reference(full_workspace).hypotest(
        2.0, return_tail_probs=True, return_expected_set=True
    )
    assert found["cls"] == pytest.approx(float(cls), abs=1e-6)
    assert (found["clsb"], found["clb"]) == pytest.approx((float(clsb), float(clb)), abs=1e-6)
    assert found["expected_set"]["cls"] == pytest.approx([float(x) for x in bands], abs=1e-6)
    assert found["expected_set"]["nsigma_order"] == N_SIGMA


def test_hypotest_has_the_keys_of_the_reference(run: Run, workspace: Path) -> None:
    found = printed(run, "hypotest", workspace, "--mu", 1)
    assert found.keys() >= {
        *("mu_test", "cls", "clsb", "clb", "teststat", "q_mu", "q_mu_a", "mu_hat", "expected_set")
    }
    assert found["expected_set"] is None


def test_two_sided_statistics_have_no_cls(run: Run, workspace: Path) -> None:
    found = printed(run, "hypotest", workspace, "--mu", 1, "--test-stat", "t")
    assert found["cls"] is None
    assert found["test_stat"] == "t"
    assert 0.0 < found["p_value"] < 1.0


def test_parameters_can_be_fixed_in_tests(run: Run, workspace: Path, reference) -> None:
    gammas = ("--fix", "uncorr_bkguncrt[0]=1", "--fix", "uncorr_bkguncrt[1]=1")
    found = printed(run, "hypotest", workspace, "--mu", 1, *gammas)
    expected = np.array([50.0, 52.0]), np.array([62.0, 63.0])
    observed = np.array([51.0, 48.0])

    def nll(rate):
        return float(np.sum(rate - observed * np.log(rate)))

    grid = expected[0] + np.linspace(0.0, 1.0, 20001)[:, None] * np.array([12.0, 11.0])
    best = min(map(nll, grid[:200]))
    assert found["q_mu"] == pytest.approx(2.0 * (nll(expected[1]) - best), abs=1e-4)


def test_a_test_needs_a_parameter_of_interest(run: Run, workspace: Path) -> None:
    done = run("hypotest", workspace, "--mu", "1", "--poi", "none")
    assert done.exit_code == 1
    assert "needs a parameter of interest" in done.stderr
    assert run("hypotest", workspace).exit_code == 2


# -- significance ---------------------------------------------------------------------------------


def test_significance_is_that_of_pyhf(run: Run, full_workspace: Path, reference) -> None:
    found = printed(run, "significance", full_workspace)
    p0, expected = reference(full_workspace).hypotest(0.0, test_stat="q0", return_expected=True)
    assert found["p0"] == pytest.approx(float(p0), abs=1e-6)
    assert found["z_obs"] == pytest.approx(norm.isf(float(p0)), abs=1e-5)
    assert found["z_obs"] == pytest.approx(sqrt(found["q0"]), abs=1e-9)
    assert found["z_exp"] == pytest.approx(norm.isf(float(expected)), abs=1e-5)
    assert found["q0_asimov"] == pytest.approx(found["z_exp"] ** 2)
    assert found.keys() >= {"command", "mu_hat", "wall_time_s"}


# -- upper-limit ----------------------------------------------------------------------------------


def test_limits_are_those_of_pyhf(run: Run, workspace: Path, reference) -> None:
    found = printed(run, "upper-limit", workspace, "--expected")
    observed, expected = reference(workspace).limits()
    assert found["obs_limit"] == found["mu_up"]
    assert found["obs_limit"] == pytest.approx(float(observed), rel=1e-4)
    assert found["exp_limits"] == pytest.approx([float(x) for x in expected], rel=1e-4)
    assert (found["alpha"], found["mode"]) == (0.05, "newton")


def test_expected_limits_are_left_out_unless_asked_for(run: Run, workspace: Path) -> None:
    found = printed(run, "upper-limit", workspace, "--alpha", 0.1)
    assert found["exp_limits"] is None
    level = printed(run, "hypotest", workspace, "--mu", found["obs_limit"])["cls"]
    assert level == pytest.approx(0.1, rel=1e-3)


def test_limits_on_a_grid_are_those_of_pyhf(run: Run, workspace: Path, reference) -> None:
    grid = ("--scan-start", 0, "--scan-stop", 5, "--scan-points", 11)
    found = printed(run, "upper-limit", workspace, *grid)
    observed, expected = reference(workspace).limits(scan=np.linspace(0.0, 5.0, 11))
    assert found["mode"] == "scan"
    assert found["scan"] == {"start": 0.0, "stop": 5.0, "points": 11}
    assert found["obs_limit"] == pytest.approx(float(observed), rel=1e-4)
    assert found["exp_limits"] == pytest.approx([float(x) for x in expected], rel=1e-4)


def test_a_grid_that_never_crosses_has_no_limit_and_says_so(run: Run, workspace: Path) -> None:
    grid = ("--scan-start", 0, "--scan-stop", 0.5, "--scan-points", 3)
    found = printed(run, "upper-limit", workspace, *grid)
    assert found["obs_limit"] is None
    assert any("extend the scan" in warning for warning in found["warnings"])


def test_half_a_grid_is_a_usage_error(run: Run, workspace: Path) -> None:
    done = run("upper-limit", workspace, "--scan-start", "0")
    assert done.exit_code == 2
    assert "--scan-stop" in done.stderr


# -- scan -----------------------------------------------------------------------------------------


def test_a_scan_has_one_point_per_value(run: Run, workspace: Path) -> None:
    found = printed(run, "scan", workspace, "--start", 0, "--stop", 2, "--points", 5)
    assert [point["mu"] for point in found["points"]] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert found["poi_index"] == 0
    assert all(point["converged"] for point in found["points"])
    test = printed(run, "hypotest", workspace, "--mu", 1)
    assert found["points"][2]["q_mu"] == pytest.approx(test["q_mu"], abs=1e-8)
    assert found["mu_hat"] == pytest.approx(test["mu_hat"], abs=1e-8)


# -- goodness-of-fit ------------------------------------------------------------------------------


def test_goodness_of_fit_counts_constraints_as_data(run: Run, full_workspace: Path) -> None:
    found = printed(run, "goodness-of-fit", full_workspace)
    # Five bins; mu and k_bkg are free, everything else has a constraint.
    assert (found["n_bins"], found["ndof"]) == (5, 3)
    assert found["chi2_per_ndof"] == pytest.approx(found["chi2"] / 3.0)
    assert found.keys() >= {"command", "p_value", "n_floating", "nll_fit", "converged"}


# -- all ------------------------------------------------------------------------------------------

CALLS = {
    "contour": ("--parameters", "mu", "bkg_norm", "--points", "8"),
    "fit": (),
    "goodness-of-fit": (),
    "hypotest": ("--mu", "1"),
    "hypotest-toys": ("--mu", "1", "--n-toys", "20"),
    "ranking": (),
    "scan": ("--points", "3"),
    "significance": (),
    "upper-limit": ("--expected",),
}


def nulls(value: Any, path: str = "") -> Any:
    entries = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        entries = ((str(i), entry) for i, entry in enumerate(value))
    if value is None:
        yield path
    for key, entry in entries:
        yield from nulls(entry, f"{path}/{key}" if path else key)


@pytest.mark.parametrize("name", CALLS)
def test_metrics_of_every_command_follow_the_schema(
    run: Run, full_workspace: Path, name: str
) -> None:
    found = printed(run, name, full_workspace, *CALLS[name], "--json-metrics", "-")
    Draft202012Validator(metrics_schema()).validate(found)
    assert found["command"] == name.replace("-", "_")
    assert set(nulls(found)) == found["null_reasons"].keys()
    assert found["provenance"]["workspace"] == str(full_workspace)
    assert found["timing"]["wall_time_s"] > found["timing"]["fit_time_s"] > 0.0


#: What the metrics and the result of a command both hold.
SAME = {
    "fit": ("nll", "twice_nll", "converged"),
    "goodness-of-fit": ("chi2", "ndof", "chi2_per_ndof", "p_value"),
    "hypotest": ("mu_test", "cls", "clsb", "clb", "q_mu", "q_mu_a", "mu_hat"),
    "hypotest-toys": ("mu_test", "cls", "clsb", "clb", "q_obs", "mu_hat"),
    "ranking": ("mu_hat", "n_total", "convention"),
    "scan": ("poi_index", "mu_hat", "nll_hat"),
    "significance": ("mu_hat", "q0", "p0", "z_obs", "z_exp"),
    "upper-limit": ("alpha", "obs_limit", "exp_limits", "mode"),
}


@pytest.mark.parametrize("name", SAME)
def test_metrics_repeat_the_numbers_of_the_result(
    run: Run, full_workspace: Path, name: str
) -> None:
    result = printed(run, name, full_workspace, *CALLS[name])
    metrics = printed(run, name, full_workspace, *CALLS[name], "--json-metrics", "-")["metrics"]
    assert {key: metrics[key] for key in SAME[name]} == {key: result[key] for key in SAME[name]}


@pytest.mark.parametrize("name", CALLS)
def test_every_command_shows_a_table_on_a_terminal(
    run: Run, full_workspace: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextstat_commands.analysis.is_terminal", lambda: True)
    shown = run(name, full_workspace, *CALLS[name])
    assert shown.exit_code == 0, shown.stderr
    assert "┏" in shown.stdout
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(shown.stdout)


@pytest.mark.parametrize("name", CALLS)
def test_every_command_writes_the_same_to_a_file(
    run: Run, full_workspace: Path, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "result.json"
    silent = run(name, full_workspace, *CALLS[name], "-o", path)
    assert (silent.exit_code, silent.stdout) == (0, "")
    written = json.loads(path.read_text())
    found = printed(run, name, full_workspace, *CALLS[name])
    for each in (written, found):
        each.pop("wall_time_s", None)
    assert written == found
