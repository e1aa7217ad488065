"""Commands that turn workspaces into workspaces, and say what they hold."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from nextstat_core.io import (
    workspace_combine,
    workspace_digest,
    workspace_inspect,
    workspace_prune,
    workspace_rename,
    workspace_sorted,
)
from nextstat_core.models import HistFactoryModel

Run = Callable[..., Result]


def _document(path: Path) -> Any:
    return json.loads(path.read_text())


def _printed(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def other(full_workspace: Path, tmp_path: Path) -> Path:
    """Another measurement in other channels, with the same modifiers."""
    document = workspace_rename(_document(full_workspace), channels={"SR": "SR2", "CR": "CR2"})
    path = tmp_path / "other.json"
    path.write_text(json.dumps(document))
    return path


# -- prune, rename, sort, patch -------------------------------------------------------------------


def test_parts_are_pruned_by_name(run: Run, full_workspace: Path) -> None:
    flags = ("-c", "CR", "-m", "lumi", "-m", "sig_norm", "--modifier-type", "shapesys")
    found = _printed(run("workspace", "prune", full_workspace, *flags))
    assert found == workspace_prune(
        _document(full_workspace),
        channels=["CR"],
        modifiers=["lumi", "sig_norm"],
        modifier_types=["shapesys"],
    )


def test_an_unknown_name_is_one_line_and_a_hint(run: Run, full_workspace: Path) -> None:
    result = run("workspace", "prune", full_workspace, "--sample", "signl")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: `samples`: the workspace does not have 'signl'\nhint: did you mean 'signal'?\n"
    )


def test_a_background_only_workspace_gives_no_warning(run: Run, full_workspace: Path) -> None:
    result = run("workspace", "prune", full_workspace, "-s", "signal")
    assert "warning" not in result.stderr


def test_a_result_that_cannot_be_loaded_is_written_with_a_warning(
    run: Run, full_workspace: Path
) -> None:
    flags = ("-m", "bkg_norm", "bkg_ss")  # a normsys and a shapesys of one name
    result = run("workspace", "rename", full_workspace, *flags)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["version"] == "1.0.0"
    assert "warning: the workspace cannot be loaded: parameter 'bkg_ss'" in result.stderr


def test_parts_are_renamed(run: Run, full_workspace: Path, tmp_path: Path) -> None:
    output = tmp_path / "renamed.json"
    flags = ("-m", "bkg_norm", "xs", "-c", "SR", "VR", "-s", "bkg", "b", "--measurement", "m", "n")
    result = run("workspace", "rename", full_workspace, *flags, "-o", output)
    assert (result.exit_code, result.stdout) == (0, "")
    assert _document(output) == workspace_rename(
        _document(full_workspace),
        modifiers={"bkg_norm": "xs"},
        channels={"SR": "VR"},
        samples={"bkg": "b"},
        measurements={"m": "n"},
    )


def test_workspaces_are_sorted(run: Run, full_workspace: Path) -> None:
    found = _printed(run("workspace", "sort", full_workspace))
    assert found == workspace_sorted(_document(full_workspace))
    assert [channel["name"] for channel in found["channels"]] == ["CR", "SR"]


def test_patches_are_applied(run: Run, full_workspace: Path, tmp_path: Path) -> None:
    patch = tmp_path / "patch.json"
    operations = [{"op": "replace", "path": "/observations/0/data/0", "value": 7}]
    patch.write_text(json.dumps(operations))
    found = _printed(run("workspace", "patch", full_workspace, "--patch", patch))
    assert found["observations"][0]["data"] == [7, 75.0, 41.0]
    assert isinstance(found["observations"][0]["data"][0], int)


def test_workspaces_come_from_standard_input(run: Run, full_workspace: Path) -> None:
    found = _printed(run("workspace", "sort", "-", input=full_workspace.read_text()))
    assert found == workspace_sorted(_document(full_workspace))


# -- combine --------------------------------------------------------------------------------------


def test_workspaces_are_combined(run: Run, full_workspace: Path, other: Path) -> None:
    expected = workspace_combine(_document(full_workspace), _document(other), join="outer")
    result = run("workspace", "combine", full_workspace, other, "--join", "outer")
    assert _printed(result) == expected
    shared = result.stderr.splitlines()[0]
    assert shared.startswith("shared by several workspaces: bkg_norm, bkg_shape")
    assert "a shapesys acts on one sample" in result.stderr  # so it cannot be loaded
    assert _printed(run("combine", full_workspace, other)) == expected


def test_without_a_join_nothing_may_be_shared(run: Run, full_workspace: Path, other: Path) -> None:
    result = run("workspace", "combine", full_workspace, other)
    assert result.exit_code == 1
    assert "measurement 'm': both workspaces have it" in result.stderr
    assert "hint: rename what is different" in result.stderr


def test_channels_get_prefixes(run: Run, workspace: Path) -> None:
    prune = run("workspace", "prune", workspace, "-t", "shapesys")
    path = workspace.with_name("pruned.json")
    path.write_text(prune.stdout)
    result = run("combine", path, path, path, "--prefix-channels")
    found = _printed(result)
    names = [f"ws{index}_singlechannel" for index in range(3)]
    assert [channel["name"] for channel in found["channels"]] == names
    assert [entry["name"] for entry in found["observations"]] == names
    assert "warning" not in result.stderr
    parts, whole = HistFactoryModel.from_workspace(path), HistFactoryModel.from_workspace(found)
    assert whole.nll([1.0]) == pytest.approx(3.0 * parts.nll([1.0]), rel=1e-14)


def test_one_workspace_is_not_combined(run: Run, workspace: Path) -> None:
    result = run("combine", workspace)
    assert result.exit_code == 1
    assert "expected at least two" in result.stderr


# -- digest and inspect ---------------------------------------------------------------------------


def test_digests_are_printed_as_pyhf_does(run: Run, full_workspace: Path) -> None:
    document = _document(full_workspace)
    result = run("workspace", "digest", full_workspace)
    assert result.stdout == f"sha256:{workspace_digest(document)}\n"
    flags = ("-a", "md5", "--algorithm", "sha256", "--json")
    found = _printed(run("workspace", "digest", full_workspace, *flags))
    assert found == {name: workspace_digest(document, name) for name in ("md5", "sha256")}


def test_inspection_as_json_and_as_tables(run: Run, full_workspace: Path) -> None:
    expected = workspace_inspect(_document(full_workspace))
    assert _printed(run("workspace", "inspect", full_workspace, "--json")) == expected
    text = run("workspace", "inspect", full_workspace).stdout
    assert "  bkg_ss              3      0  constrained_by_poisson  shapesys" in text
    assert "  SR          3  signal, bkg" in text
    assert "  (*) m        mu                     lumi" in text
    unknown = run("workspace", "inspect", full_workspace, "--measurement", "n")
    assert unknown.exit_code == 1
    assert "measurement 'n'" in unknown.stderr


def test_what_is_no_workspace_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "no.json"
    path.write_text("{}")
    for name in ("sort", "prune", "rename", "inspect"):
        result = run("workspace", name, path)
        assert result.exit_code == 1, name
        assert "the key 'channels' is missing" in result.stderr
    path.write_text("[")
    assert "not JSON" in run("workspace", "digest", path).stderr


# -- patchsets ------------------------------------------------------------------------------------


@pytest.fixture
def patchset(full_workspace: Path, tmp_path: Path) -> Path:
    content = {
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "digests": {"sha256": workspace_digest(_document(full_workspace))},
            "labels": ["mass", "model"],
            "description": "signals of a kind",
        },
        "patches": [
            {
                "metadata": {"name": f"m_{mass}", "values": [mass, "A"]},
                "patch": [{"op": "replace", "path": "/observations/0/data/0", "value": mass}],
            }
            for mass in (100, 200)
        ],
        "version": "1.0.0",
    }
    path = tmp_path / "patchset.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("flags", "expected"), [((), 100), (("--name", "m_200"), 200), (("--values", "200,A"), 200)]
)
def test_patches_of_patchsets_are_applied(
    run: Run, full_workspace: Path, patchset: Path, flags: tuple[str, ...], expected: int
) -> None:
    found = _printed(run("patchset", "apply", full_workspace, patchset, *flags))
    assert found["observations"][0]["data"][0] == expected


def test_import_patchset_is_the_same(run: Run, full_workspace: Path, patchset: Path) -> None:
    flags = ("--workspace", full_workspace, "--patchset", patchset, "--patch-name", "m_200")
    found = _printed(run("import", "patchset", *flags))
    assert found == _printed(run("patchset", "apply", full_workspace, patchset, "--name", "m_200"))


def test_patchsets_are_verified(run: Run, full_workspace: Path, patchset: Path) -> None:
    good = run("patchset", "verify", full_workspace, patchset)
    assert good.exit_code == 0
    assert good.stdout.startswith("All good: sha256 of ")
    document = _document(full_workspace)
    document["observations"][0]["data"][0] = 1.0
    full_workspace.write_text(json.dumps(document))
    bad = run("patchset", "verify", full_workspace, patchset)
    assert bad.exit_code == 1
    assert "is for another workspace" in bad.stderr
    assert run("patchset", "apply", full_workspace, patchset).exit_code == 1
    assert _printed(run("patchset", "apply", full_workspace, patchset, "--no-verify"))


def test_patches_are_extracted(run: Run, patchset: Path) -> None:
    found = _printed(run("patchset", "extract", patchset, "--name", "m_200"))
    assert found == [{"op": "replace", "path": "/observations/0/data/0", "value": 200}]
    found = _printed(run("patchset", "extract", patchset, "--with-metadata"))
    assert found["metadata"]["name"] == "m_100"
    assert found["metadata"]["labels"] == ["mass", "model"]


def test_patchsets_are_inspected(run: Run, patchset: Path) -> None:
    text = run("patchset", "inspect", patchset).stdout
    assert "signals of a kind\nhepdata: ins1234567\nsha256: " in text
    assert "  m_200   200      A" in text
    found = _printed(run("patchset", "inspect", patchset, "--json"))
    assert found["patches"][1] == {"name": "m_200", "values": [200, "A"]}


# -- lint -----------------------------------------------------------------------------------------


@pytest.fixture
def odd(full_workspace: Path) -> Path:
    """A normsys that changes the yield to one side only, too much, on three samples."""
    document = _document(full_workspace)
    for channel in document["channels"]:
        for sample in channel["samples"]:
            data = {"lo": 1.0, "hi": 1.9}
            sample["modifiers"].append({"name": "tune", "type": "normsys", "data": data})
            data = {"lo": 1.0, "hi": 1.8}
            sample["modifiers"].append({"name": "pdf", "type": "normsys", "data": data})
    full_workspace.write_text(json.dumps(document))
    return full_workspace


def test_findings_are_grouped_with_a_hint(run: Run, odd: Path) -> None:
    result = run("lint", odd, "--limit", "1")
    assert result.exit_code == 0
    paragraph = result.stdout.partition("\n\n")[0].splitlines()
    assert paragraph[0] == "warning: large-norm (2)"
    assert (
        "modifier 'tune' (normsys) (and 2 more): changes the total by +0 % / +90 %"
        in (paragraph[1])
    )
    assert paragraph[2] == "  - ... 1 more; --limit 0 shows all"
    assert paragraph[3].startswith("  hint: check the units")
    assert len(run("lint", odd, "--limit", "0").stdout) > len(result.stdout)
    assert result.stdout.splitlines()[-1].endswith("findings: 0 error, 2 warning, 3 info")


def test_findings_as_json(run: Run, odd: Path) -> None:
    found = _printed(run("lint", odd, "--format", "json"))
    first = found["findings"][0]
    assert (first["code"], first["severity"], first["count"]) == ("large-norm", "warning", 3)
    assert found["counts"] == {"error": 0, "warning": 2, "info": 3}


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ((), 0),
        (("--fail-on", "warning"), 1),
        (("--fail-on", "info"), 1),
        (("--fail-on", "never"), 0),
        (("--fail-on", "warning", "--ignore", "large-norm"), 0),
        (("--fail-on", "warning", "--threshold", "large_norm=2"), 0),
    ],
)
def test_exit_code_of_lint(run: Run, odd: Path, flags: tuple[str, ...], code: int) -> None:
    assert run("lint", odd, *flags).exit_code == code


def test_a_workspace_that_cannot_be_used_fails_lint(run: Run, odd: Path) -> None:
    document = _document(odd)
    document["observations"][0]["data"] = [1.0]
    odd.write_text(json.dumps(document))
    result = run("lint", odd)
    assert result.exit_code == 1
    assert result.stdout.startswith("error: unusable (1)\n  - channel 'SR', observations")
    assert run("lint", odd, "--fail-on", "never").exit_code == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--threshold", "large_nrm=2"), "did you mean 'large_norm'"),
        (("--threshold", "large_norm=much"), "expected NAME=NUMBER"),
        (("--ignore", "nothing"), "no rule named 'nothing'"),
    ],
)
def test_unusable_requests_of_lint(
    run: Run, odd: Path, flags: tuple[str, ...], message: str
) -> None:
    result = run("lint", odd, *flags)
    assert result.exit_code == 1
    assert message in result.stderr


def test_the_audit_counts_the_findings(run: Run, odd: Path) -> None:
    assert "lint:         5 findings: see `nextstat lint`" in run("audit", odd).stdout


# -- formats --------------------------------------------------------------------------------------


def test_a_workspace_is_imported_from_its_own_format(run: Run, full_workspace: Path) -> None:
    found = _printed(run("import", "pyhf", full_workspace))
    assert found == _document(full_workspace)
    assert _printed(run("import", "pyhf", "--input", full_workspace)) == found


def test_constraints_that_pyhf_does_not_know_are_announced_or_refused(
    run: Run, full_workspace: Path
) -> None:
    document = _document(full_workspace)
    settings = {"name": "staterror_SR", "constraint": {"type": "Poisson"}}
    document["measurements"][0]["config"]["parameters"].append(settings)
    full_workspace.write_text(json.dumps(document))
    result = run("import", "pyhf", full_workspace)
    assert _printed(result) == document
    assert "pyhf does not read the constraints of 1 parameters: staterror_SR" in result.stderr
    strict = run("import", "pyhf", full_workspace, "--strict")
    assert strict.exit_code == 1
    assert "has a constraint of its own (Poisson)" in strict.stderr


def test_a_workspace_is_exported_to_its_own_format(
    run: Run, full_workspace: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.json"
    result = run("export", "pyhf", full_workspace, "-o", output)
    assert (result.exit_code, result.stdout) == (0, "")
    assert _document(output) == _document(full_workspace)
    assert json.loads(run("export", "pyhf", full_workspace).stdout) == _document(output)
    refused = run("export", "pyhf", full_workspace, "--interpolation", "normsys=code1")
    assert refused.exit_code == 1
    assert "has the interpolation 'code1'" in refused.stderr


def test_an_import_needs_one_path(run: Run) -> None:
    assert run("import", "pyhf").exit_code == 2
    assert run("import", "pyhf", "a.json", "--input", "b.json").exit_code == 2
    assert run("import", "nothing", "a").exit_code == 2
    missing = run("import", "pyhf", "absent.json")
    assert missing.exit_code == 1
    assert "no file 'absent.json'" in missing.stderr
