"""``nextstat mass-scan``: limits of the signals of a patchset, or of a folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from jsonschema import validate

from nextstat_core.io import workspace_digest
from nextstat_core.metrics import metrics_schema
from nextstat_core.testing import uncorrelated

Run = Callable[..., Result]

YIELDS = {"m_100": [12.0, 11.0], "m_200": [6.0, 4.0]}


def document_of(signal: list[float]) -> dict[str, Any]:
    return uncorrelated(signal, [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "signals"
    path.mkdir()
    for name, signal in YIELDS.items():
        (path / f"{name}.json").write_text(json.dumps(document_of(signal)))
    (path / "notes.txt").write_text("no workspace")
    return path


@pytest.fixture
def patched(tmp_path: Path) -> tuple[Path, Path]:
    """A background, and a patchset of signals for it."""
    background = document_of([1.0, 1.0])
    sample = background["channels"][0]["samples"].pop(0)
    patches = [
        {
            "metadata": {"name": name, "values": [float(name[2:])]},
            "patch": [
                {
                    "op": "add",
                    "path": "/channels/0/samples/0",
                    "value": {**sample, "data": signal},
                }
            ],
        }
        for name, signal in YIELDS.items()
    ]
    metadata = {
        "labels": ["mass"],
        "digests": {"sha256": workspace_digest(background)},
        "description": "signals",
        "references": {"hepdata": "ins1234567"},
    }
    content = {"metadata": metadata, "patches": patches, "version": "1.0.0"}
    paths = tmp_path / "background.json", tmp_path / "patchset.json"
    for path, each in zip(paths, (background, content), strict=True):
        path.write_text(json.dumps(each))
    return paths


def limits(run: Run, *arguments: str | Path) -> dict[str, Any]:
    result = run("mass-scan", *arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def alone(run: Run, path: Path) -> dict[str, Any]:
    return json.loads(run("upper-limit", path, "--expected").stdout)


def test_each_workspace_of_a_folder_has_its_limits(run: Run, folder: Path) -> None:
    found = limits(run, "--workspaces-dir", folder)
    assert (found["command"], found["alpha"], found["n_mass_points"]) == ("mass_scan", 0.05, 2)
    for index, (point, name) in enumerate(zip(found["mass_points"], YIELDS, strict=True)):
        expected = alone(run, folder / f"{name}.json")
        assert (point["index"], point["label"], point["converged"]) == (index, name, True)
        for key in ("obs_limit", "exp_limits", "mu_hat"):
            assert point[key] == expected[key]


def test_signals_come_from_a_patchset(
    run: Run, folder: Path, patched: tuple[Path, Path], tmp_path: Path
) -> None:
    sizes = tmp_path / "sizes.json"
    sizes.write_text(json.dumps({"m_100": 0.5, "m_200": 2.0}))
    background, patchset = patched
    options = ("--patchset", patchset, "--names", "m_200", "--cross-sections", sizes)
    found = limits(run, background, *options)
    (point,) = found["mass_points"]
    expected = alone(run, folder / "m_200.json")
    assert point["values"] == [200.0]
    assert point["obs_limit"] == pytest.approx(expected["obs_limit"], rel=1e-12)
    assert point["obs_cross_section"] == pytest.approx(2.0 * expected["obs_limit"], rel=1e-12)


def test_limits_are_the_same_wherever_they_are_found(run: Run, folder: Path) -> None:
    alone, shared = limits(run, folder), limits(run, folder, "--executor", "process:1")
    assert shared["mass_points"] == alone["mass_points"]
    assert shared["provenance"] == alone["provenance"]


def test_labels_name_the_workspaces_of_a_folder(run: Run, folder: Path) -> None:
    found = limits(run, folder, "--labels", "100,200")
    assert [point["label"] for point in found["mass_points"]] == ["100", "200"]
    refused = run("mass-scan", folder, "--labels", "100")
    assert refused.exit_code == 1
    assert "--labels" in refused.stderr


def test_a_signal_that_cannot_be_used_does_not_stop_the_others(run: Run, folder: Path) -> None:
    broken = document_of([1.0, 2.0])
    broken["channels"][0]["samples"][0]["data"] = [1.0]
    (folder / "m_300.json").write_text(json.dumps(broken))
    result = run("mass-scan", folder)
    assert result.exit_code == 3
    assert "m_300" in result.stderr
    points = json.loads(result.stdout)["mass_points"]
    assert [point["converged"] for point in points] == [True, True, False]
    assert points[2]["obs_limit"] is None
    assert "the workspace cannot be used" in points[2]["error"]


def test_the_metrics_count_the_signals(run: Run, folder: Path) -> None:
    found = limits(run, folder, "--json-metrics", "-")
    validate(found, metrics_schema())
    assert found["command"] == "mass_scan"
    assert found["metrics"]["n_mass_points"] == found["metrics"]["n_converged"] == 2
    assert found["backend"] == "numpy"


def test_a_person_sees_one_row_for_each_signal(
    run: Run, patched: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("nextstat_commands.analysis.is_terminal", lambda: True)
    background, patchset = patched
    shown = run("mass-scan", background, "--patchset", patchset).stdout
    for text in ("mass", "m_100", "m_200", "-2 sigma"):
        assert text in shown


@pytest.mark.parametrize("arguments", [("{folder}", "--patchset", "p.json"), ("{file}",)])
def test_signals_come_from_one_place(run: Run, folder: Path, arguments: tuple[str, ...]) -> None:
    names = {"folder": str(folder), "file": str(folder / "m_100.json")}
    refused = run("mass-scan", *(argument.format(**names) for argument in arguments))
    assert refused.exit_code == 2
    assert "--patchset" in refused.stderr


def test_labels_are_not_for_patches(run: Run, patched: tuple[Path, Path]) -> None:
    background, patchset = patched
    refused = run("mass-scan", background, "--patchset", patchset, "--labels", "1,2")
    assert refused.exit_code == 2
    assert "--labels" in refused.stderr


def test_an_empty_folder_and_unusable_numbers_are_named(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no workspace" in run("mass-scan", empty).stderr
    sizes = tmp_path / "sizes.json"
    sizes.write_text("[1, 2]")
    refused = run("mass-scan", folder, "--cross-sections", sizes)
    assert refused.exit_code == 1
    assert "holds no numbers by name of signals" in refused.stderr
