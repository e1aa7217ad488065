"""Workspaces that exist are smoothed, symmetrised and pruned; commands do the same."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from nextstat_commands.main import cli
from nextstat_core.errors import InputError, ModelError
from nextstat_histograms import (
    build_workspace,
    prune_workspace,
    smooth_353qh_twice,
    smooth_workspace,
    symmetrise_workspace,
)

if TYPE_CHECKING:
    from pathlib import Path

NOMINAL = [10.0, 20.0, 40.0, 10.0]
UP = [13.0, 19.0, 44.0, 12.0]
DOWN = [8.0, 18.0, 38.0, 9.0]


@pytest.fixture
def document() -> dict[str, Any]:
    modifiers = [
        {"name": "jes", "type": "histosys", "data": {"hi_data": UP, "lo_data": DOWN}},
        {"name": "xs", "type": "normsys", "data": {"hi": 1.004, "lo": 0.998}},
        {"name": "big", "type": "normsys", "data": {"hi": 1.3, "lo": 0.9}},
    ]
    signal = [{"name": "mu", "type": "normfactor", "data": None}]
    return {
        "channels": [
            {
                "name": "SR",
                "samples": [
                    {"name": "bkg", "data": NOMINAL, "modifiers": modifiers},
                    {"name": "signal", "data": [1.0, 2.0, 3.0, 4.0], "modifiers": signal},
                ],
            }
        ],
        "observations": [{"name": "SR", "data": [11, 22, 41, 9]}],
        "measurements": [
            {
                "name": "m",
                "config": {"poi": "mu", "parameters": [{"name": "xs", "fixed": True}]},
            }
        ],
        "version": "1.0.0",
    }


def _modifiers(document: dict[str, Any]) -> dict[str, Any]:
    return {
        each["name"]: each["data"] for each in document["channels"][0]["samples"][0]["modifiers"]
    }


def test_smoothing_by_its_formula(document) -> None:
    before = copy.deepcopy(document)
    found, step = smooth_workspace(document)
    assert document == before  # another one is returned
    ratio = smooth_353qh_twice(np.array(UP) / NOMINAL) * NOMINAL
    np.testing.assert_allclose(_modifiers(found)["jes"]["hi_data"], ratio * 88.0 / ratio.sum())
    assert _modifiers(found)["xs"] == _modifiers(document)["xs"]
    place = "channel 'SR', sample 'bkg', modifier 'jes' (histosys), hi"
    assert step.changes[0].place == place
    assert step.changes[0].details["before"] == UP


def test_variations_can_be_limited(document) -> None:
    found, step = smooth_workspace(document, max_variation=0.01)
    for key in ("hi_data", "lo_data"):
        ratio = np.array(_modifiers(found)["jes"][key]) / NOMINAL
        assert np.abs(ratio - 1.0).max() <= 0.01 + 1e-15
    assert step.options["max_variation"] == 0.01


def test_symmetrisation_by_hand(document) -> None:
    found, step = symmetrise_workspace(document, "twosided")
    assert _modifiers(found)["jes"]["hi_data"] == [12.5, 20.5, 43.0, 11.5]
    assert _modifiers(found)["jes"]["lo_data"] == [7.5, 19.5, 37.0, 8.5]
    assert _modifiers(found)["big"] == pytest.approx({"hi": 1.2, "lo": 0.8})
    assert step.changes[0].details["same_sided_bins"] == [1]


def test_pruning_by_hand(document) -> None:
    # jes: 88/80 = 1.1 and 73/80; its shape moves the first bin by 13/11 - 1 = 0.18.
    found, step = prune_workspace(document, normalisation=0.005, shape=0.15)
    assert _modifiers(found).keys() == {"jes", "big"}
    assert found["measurements"][0]["config"]["parameters"] == []
    assert [change.action for change in step.changes] == ["kept", "removed", "kept", "removed"]

    found, _ = prune_workspace(document, normalisation=0.0, shape=0.2)
    np.testing.assert_allclose(_modifiers(found)["jes"]["hi_data"], 1.1 * np.array(NOMINAL))
    np.testing.assert_allclose(_modifiers(found)["jes"]["lo_data"], 0.9125 * np.array(NOMINAL))

    found, _ = prune_workspace(document, normalisation=0.15, shape=0.0)
    np.testing.assert_allclose(_modifiers(found)["jes"]["hi_data"], np.array(UP) / 1.1)
    assert _modifiers(found).keys() == {"jes", "big"}

    found, _ = prune_workspace(document, normalisation=0.15, shape=0.2)
    assert _modifiers(found).keys() == {"big"}


def test_zero_thresholds_remove_nothing(document) -> None:
    found, step = prune_workspace(document, normalisation=0.0, shape=0.0)
    assert found == document
    assert {change.action for change in step.changes} == {"kept"}


def test_parameters_of_interest_are_kept(document) -> None:
    document["measurements"][0]["config"] |= {"poi": "xs", "parameters": []}
    found, step = prune_workspace(document, normalisation=0.1)
    assert "xs" in _modifiers(found)
    assert step.changes[1].details["reason"] == "parameter of interest"


def test_single_bins_have_no_shape(document) -> None:
    channel = document["channels"][0]
    for sample in channel["samples"]:
        sample["data"] = sample["data"][:1]
    channel["samples"][0]["modifiers"][0]["data"] = {"hi_data": [10.01], "lo_data": [9.99]}
    document["observations"][0]["data"] = [11]
    kept, _ = prune_workspace(document, normalisation=0.0005, shape=0.5)
    assert _modifiers(kept)["jes"] == {"hi_data": [10.01], "lo_data": [9.99]}
    removed, _ = prune_workspace(document, normalisation=0.002, shape=0.0)
    assert "jes" not in _modifiers(removed)


def test_what_cannot_be_split_is_kept_with_a_reason(document) -> None:
    channel = document["channels"][0]
    channel["samples"][0]["modifiers"][0]["data"]["lo_data"] = [-1.0, 0.0, 0.0, 0.0]
    found, step = prune_workspace(document)
    assert _modifiers(found)["jes"]["lo_data"] == [-1.0, 0.0, 0.0, 0.0]
    assert "sum to -1" in step.changes[0].details["reason"]
    found, step = smooth_workspace(document)
    assert _modifiers(found)["jes"] == _modifiers(document)["jes"]
    assert "sum to -1 before" in step.changes[0].details["reason"]


def test_what_is_kept_is_a_warning_of_the_command(document, tmp_path) -> None:
    document["channels"][0]["samples"][0]["data"][1] = 0.0
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(document))
    done = _run("preprocess", "smooth", path)
    assert json.loads(done.stdout) == document
    assert "warning: channel 'SR', sample 'bkg', modifier 'jes' (histosys) is kept" in done.stderr
    assert "empty in bins 1" in done.stderr


@pytest.mark.parametrize("treat", [smooth_workspace, prune_workspace])
def test_what_is_no_workspace_is_refused(document, treat) -> None:
    del document["observations"]
    with pytest.raises(ModelError, match="observations"):
        treat(document)


# -- commands --------------------------------------------------------------------------------------


def _run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli, list(map(str, arguments)), prog_name="nextstat")


@pytest.fixture
def workspace(document, tmp_path) -> Path:
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["smooth"], smooth_workspace),
        (
            ["smooth", "--algorithm", "kernel", "--bandwidth", "2", "--max-variation", "0.1"],
            lambda w: smooth_workspace(w, "kernel", bandwidth=2.0, max_variation=0.1),
        ),
        (["symmetrise", "--method", "maximum"], lambda w: symmetrise_workspace(w, "maximum")),
        (["prune"], prune_workspace),
        (
            ["prune", "--threshold", "0.2", "--normalisation", "0.01"],
            lambda w: prune_workspace(w, normalisation=0.01, shape=0.2),
        ),
    ],
)
def test_commands_write_workspace_and_report(
    workspace, document, tmp_path, arguments: list[str], expected
) -> None:
    output, report = tmp_path / "output.json", tmp_path / "report.json"
    done = _run("preprocess", *arguments, workspace, "-o", output, "--report", report)
    assert done.exit_code == 0, done.output
    treated, step = expected(document)
    assert json.loads(output.read_text()) == treated
    assert json.loads(report.read_text()) == [step.to_dict()]
    assert str(step) in done.stderr


def test_workspaces_are_printed_unless_a_file_is_named(workspace, document) -> None:
    done = _run("preprocess", "prune", workspace)
    assert json.loads(done.stdout) == prune_workspace(document)[0]
    assert done.stderr == ""


def test_build_hists_builds_what_python_builds(config, tmp_path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump(config))
    output, report, folder = tmp_path / "ws.json", tmp_path / "report.json", tmp_path / "saved"
    done = _run("build-hists", path, "-o", output, "--report", report, "--histograms", folder)
    assert done.exit_code == 0, done.output
    assert json.loads(output.read_text()) == build_workspace(config)
    steps = [step["step"] for step in json.loads(report.read_text())]
    assert steps == ["collect", "smooth", "symmetrise"]
    assert (folder / "CR2_background_generator_Up_modified.npz").is_file()
    assert "collect(): 23 filled" in done.stderr


def test_errors_are_one_line(tmp_path) -> None:
    done = _run("build-hists", tmp_path / "none.yml")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: no file")
    done = _run("build-hists", tmp_path)
    assert done.exit_code == 1


def test_outputs_that_cannot_be_written_are_named(workspace, tmp_path) -> None:
    done = _run("preprocess", "prune", workspace, "-o", tmp_path / "no" / "folder.json")
    assert done.exit_code == 1
    assert "cannot write" in done.stderr


def test_folders_that_cannot_be_written_are_named(config, tmp_path) -> None:
    from nextstat_histograms import collect_templates

    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        collect_templates(config).save(tmp_path / "file")
