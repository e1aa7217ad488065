"""``nextstat fit`` writes what the fit found, where it was told to."""

import gzip
import json
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from jsonschema import validate

from nextstat_core.metrics import metrics_schema
from nextstat_core.models import HistFactoryModel
from nextstat_core.results import FitResult

Run = Callable[..., Result]

REFERENCE_KEYS = {
    *("parameter_names", "poi_index", "bestfit", "uncertainties", "nll", "twice_nll"),
    *("converged", "n_iter", "n_fev", "n_gev", "n_evaluations", "covariance"),
    *("termination_reason", "final_grad_norm", "initial_nll", "n_active_bounds", "edm"),
    *("fit_regions", "validation_regions"),
}


def fitted(run: Run, *arguments: str | Path) -> dict[str, Any]:
    result = run("fit", *arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_json_goes_to_standard_output_where_nobody_watches(run: Run, workspace: Path) -> None:
    data = fitted(run, workspace)
    assert data.keys() >= REFERENCE_KEYS
    assert data["parameter_names"] == ["mu", "uncorr_bkguncrt[0]", "uncorr_bkguncrt[1]"]
    assert data["nll"] == pytest.approx(12.4919676002, abs=1e-9)
    assert len(data["covariance"]) == 9
    assert data["provenance"]["workspace"] == str(workspace)


def test_the_json_is_a_fit_result(run: Run, workspace: Path) -> None:
    assert FitResult.from_dict(fitted(run, workspace))["mu"].at_bound == "lower"


def test_a_person_on_a_terminal_gets_a_table(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextstat_commands.analysis.is_terminal", lambda: True)
    shown = run("fit", workspace)
    assert shown.exit_code == 0
    assert "Fit converged" in shown.stdout
    assert "uncorr_bkguncrt[0]" in shown.stdout
    assert json.loads(run("fit", workspace, "--json").stdout)["converged"]


def test_the_result_goes_to_a_file(run: Run, workspace: Path, tmp_path: Path) -> None:
    result = run("fit", workspace, "-o", tmp_path / "out.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads((tmp_path / "out.json").read_text())["converged"]


def test_a_file_that_cannot_be_written_is_named(run: Run, workspace: Path, tmp_path: Path) -> None:
    result = run("fit", workspace, "-o", tmp_path / "no" / "out.json")
    assert result.exit_code == 1
    assert "error: cannot write" in result.stderr


def test_gzipped_files_and_standard_input_are_workspaces(
    run: Run, workspace: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "w.json.gz"
    packed.write_bytes(gzip.compress(workspace.read_bytes()))
    expected = fitted(run, workspace)["nll"]
    assert fitted(run, packed)["nll"] == expected
    piped = run("fit", "-", input=workspace.read_bytes())
    assert json.loads(piped.stdout)["nll"] == expected


def test_parameters_are_fixed_at_a_value_or_at_their_start(run: Run, workspace: Path) -> None:
    data = fitted(run, workspace, "--fix", "mu=0.5", "--fix", "uncorr_bkguncrt[1]")
    assert data["bestfit"][0] == 0.5
    assert data["bestfit"][2] == 1.0
    assert data["fixed"] == [True, False, True]
    assert data["uncertainties"][0] == 0.0


def test_starts_and_bounds_are_taken_over(run: Run, workspace: Path) -> None:
    gammas = ("--fix", "uncorr_bkguncrt[0]", "--fix", "uncorr_bkguncrt[1]=1")
    data = fitted(run, workspace, "--bounds", "mu=-5,5", "--init", "mu=2", *gammas)
    model = HistFactoryModel.from_pyhf(workspace)
    assert data["initial_nll"] == pytest.approx(model.nll([2.0, 1.0, 1.0]))
    assert data["bestfit"][0] < 0.0
    assert data["n_active_bounds"] == 0


def test_an_asimov_fit_finds_what_it_started_from(run: Run, workspace: Path) -> None:
    data = fitted(run, workspace, "--asimov", "--init", "mu=2.5")
    assert data["bestfit"] == pytest.approx([2.5, 1.0, 1.0], abs=1e-8)
    fixed = fitted(run, workspace, "--asimov", "--fix", "mu=3")
    assert fixed["bestfit"] == pytest.approx([3.0, 1.0, 1.0], abs=1e-8)


def test_the_poi_can_be_chosen_or_dropped(run: Run, workspace: Path) -> None:
    assert fitted(run, workspace, "--poi", "none")["poi_index"] is None
    refused = run("fit", workspace, "--poi", "mv")
    assert refused.exit_code == 1
    assert "--poi none" in refused.stderr


def test_the_measurement_can_be_chosen(run: Run, document: dict[str, Any], tmp_path: Path) -> None:
    fixed = {"poi": "mu", "parameters": [{"name": "mu", "fixed": True, "inits": [0.5]}]}
    document["measurements"].append({"name": "second", "config": fixed})
    path = tmp_path / "two.json"
    path.write_text(json.dumps(document))
    assert fitted(run, path, "--measurement", "second")["bestfit"][0] == 0.5
    assert run("fit", path, "--measurement", "third").exit_code == 1


def test_interpolation_codes_can_be_chosen(run: Run, rich_workspace: Path) -> None:
    default = fitted(run, rich_workspace)["nll"]
    assert fitted(run, rich_workspace, "--interpolation", "root")["nll"] == default
    codes = "normsys=code1,histosys=code0"
    assert fitted(run, rich_workspace, "--interpolation", codes)["nll"] != default
    assert run("fit", rich_workspace, "--interpolation", "a,b=c").exit_code == 1


def test_parity_mode_sums_with_compensation(run: Run, rich_workspace: Path) -> None:
    data = fitted(run, rich_workspace, "--parity")
    assert data["provenance"]["eval_mode"] == "parity"
    assert data["nll"] == pytest.approx(fitted(run, rich_workspace)["nll"], abs=1e-10)


def test_metrics_have_the_keys_of_the_schema(run: Run, workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    assert run("fit", workspace, "--json-metrics", path, "--threads", "2").exit_code == 0
    metrics = json.loads(path.read_text())
    assert list(metrics) == sorted(metrics)
    assert metrics["schema_version"] == "nextstat_metrics_v0"
    assert (metrics["tool"], metrics["command"]) == ("nextstat", "fit")
    assert (metrics["backend"], metrics["device"]) == ("numpy", "cpu")
    assert (metrics["threads"], metrics["parity"]) == (2, False)
    assert metrics["status"]["ok"] is metrics["status"]["converged"] is True
    assert isfinite(metrics["timing"]["wall_time_s"])
    validate(metrics, metrics_schema())
    assert metrics["provenance"]["workspace"] == str(workspace)
    assert metrics["timing"]["wall_time_s"] >= sum(metrics["timing"]["breakdown"].values()) > 0.0
    assert isinstance(metrics["created_unix_ms"], int)
    values = metrics["metrics"]
    assert values["poi_hat"] == 0.0
    assert values["poi_index"] == 0
    assert values["twice_nll"] == 2.0 * values["nll"]
    assert values["converged"] is True


def test_metrics_alone_can_be_printed(run: Run, workspace: Path) -> None:
    printed = json.loads(run("fit", workspace, "--json-metrics", "-").stdout)
    assert printed["schema_version"] == "nextstat_metrics_v0"


# -- regions --------------------------------------------------------------------------------------


def test_regions_that_are_not_fitted_leave_the_likelihood(
    run: Run, full_workspace: Path, tmp_path: Path
) -> None:
    document = json.loads(full_workspace.read_text())
    for key in ("channels", "observations"):
        document[key] = [entry for entry in document[key] if entry["name"] == "SR"]
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps(document))
    expected = fitted(run, alone)
    for option in (("--fit-regions", "SR"), ("--validation-regions", "CR")):
        found = fitted(run, full_workspace, *option)
        assert found["parameter_names"] == expected["parameter_names"]
        assert found["nll"] == pytest.approx(expected["nll"], abs=1e-9)
        assert found["fit_regions"] == ["SR"]
    assert found["validation_regions"] == ["CR"]


@pytest.mark.parametrize("option", ["--fit-regions", "--validation-regions"])
def test_unknown_regions_are_named(run: Run, full_workspace: Path, option: str) -> None:
    refused = run("fit", full_workspace, option, "CR_top")
    assert refused.exit_code == 1
    assert "'CR_top'" in refused.stderr
    assert "'SR'" in refused.stderr


def test_a_region_has_one_purpose(run: Run, full_workspace: Path) -> None:
    options = ("--fit-regions", "SR,CR", "--validation-regions", "CR")
    refused = run("fit", full_workspace, *options)
    assert refused.exit_code == 2
    assert "'CR' is named as fit region and as validation region" in refused.stderr


# -- backends -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--backend", "acme:no_float64"], {}),
        (["--backend", "acme", "--device", "no_float64"], {}),
        ([], {"NEXTSTAT_BACKEND": "acme:no_float64"}),
        (["--backend", "acme:no_float64"], {"NEXTSTAT_BACKEND": "numpy"}),
    ],
)
def test_results_and_metrics_say_what_was_used(
    run: Run, workspace: Path, acme: str, arguments: list[str], environment: dict[str, str]
) -> None:
    result = run("fit", workspace, *arguments, env=environment)
    assert result.exit_code == 0, result.stderr
    used = json.loads(result.stdout)["provenance"]
    assert (used["backend"], used["dtype"]) == ("array_api_strict", "float32")
    assert "no_float64" in used["device"]
    printed = run("fit", workspace, *arguments, "--json-metrics", "-", env=environment)
    metrics = json.loads(printed.stdout)
    assert (metrics["backend"], metrics["device"]) == (used["backend"], used["device"])


# -- failures -------------------------------------------------------------------------------------


def test_a_fit_that_does_not_converge_is_written_with_exit_code_3(
    run: Run, rich_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nextstat_core import infer

    complete = infer.fit

    def impatient(model: HistFactoryModel, **request: Any) -> FitResult:
        return complete(model, options=infer.FitOptions(max_iterations=1), **request)

    monkeypatch.setattr(infer, "fit", impatient)
    result = run("fit", rich_workspace)
    assert result.exit_code == 3
    assert json.loads(result.stdout)["termination_reason"] == "max_iterations"
    assert "error: a fit did not converge: max_iterations" in result.stderr
    metrics = json.loads(run("fit", rich_workspace, "--json-metrics", "-").stdout)
    assert metrics["status"]["ok"] is False
    assert metrics["status"]["reason"] == "max_iterations"
    assert "not_converged" in metrics["degraded_flags"]


def test_a_missing_file_is_one_line_and_a_hint(run: Run, workspace: Path) -> None:
    result = run("fit", workspace.with_name("workspac.json"))
    assert result.exit_code == 1
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: no file")
    assert hint == "hint: did you mean 'workspace.json'?"


def test_all_problems_of_a_model_are_printed(
    run: Run, document: dict[str, Any], tmp_path: Path
) -> None:
    document["channels"][0]["samples"][1]["modifiers"][0]["data"] = [1.0]
    document["channels"][0]["samples"][0]["modifiers"][0]["type"] = "weird"
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(document))
    result = run("fit", path)
    assert result.exit_code == 1
    assert "uncorr_bkguncrt" in result.stderr
    assert "weird" in result.stderr
    assert "Traceback" not in result.stderr


def test_warnings_about_a_workspace_go_to_standard_error(
    run: Run, document: dict[str, Any], tmp_path: Path
) -> None:
    document["observations"].append({"name": "unused", "data": [1.0]})
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(document))
    result = run("fit", path)
    assert "warning: channel 'unused'" in result.stderr
    assert json.loads(result.stdout)["warnings"]


@pytest.mark.parametrize(
    ("option", "value", "code", "message"),
    [
        ("--init", "mu", 2, "expected NAME=VALUE"),
        ("--init", "mu=x", 2, "'x' is no number"),
        ("--bounds", "mu=1", 2, "expected NAME=LOWER,UPPER"),
        ("--fix", "nu=1", 1, "no parameter named 'nu'"),
        ("--init", "nu=1", 1, "no parameter named 'nu'"),
        ("--bounds", "mu=5,1", 1, "crossed"),
        ("--threads", "0", 2, "--threads"),
        ("--backend", "nump", 1, "did you mean 'numpy'?"),
        ("--backend", "torch-float32:tpu", 1, "torch"),
        ("--backend", "numpy:", 1, "names no device"),
        ("--device", "cuda", 1, "no device 'cuda'"),
        ("--nonsense", "1", 2, "No such option"),
    ],
)
def test_wrong_options_are_explained(
    run: Run, workspace: Path, option: str, value: str, code: int, message: str
) -> None:
    result = run("fit", workspace, option, value)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""
