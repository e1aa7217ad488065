"""JSON patches and patchsets are applied to workspaces."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from nextstat_core.io import workspace_digest

Run = Callable[..., Result]

OPERATIONS = [{"op": "replace", "path": "/observations/0/data/0", "value": 70.0}]


def _patchset(document: dict[str, Any], names: tuple[str, ...], **digests: str) -> dict[str, Any]:
    metadata = {
        "digests": digests or {"sha256": workspace_digest(document)},
        "labels": ["m"],
        "description": "signals",
        "references": {"hepdata": "ins1234567"},
    }
    return {
        "metadata": metadata,
        "patches": [
            {"metadata": {"name": name, "values": [i]}, "patch": OPERATIONS}
            for i, name in enumerate(names)
        ],
        "version": "1.0.0",
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    def call(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return call


@pytest.fixture
def expected(run: Run, document: dict[str, Any], write: Callable[[str, Any], Path]) -> float:
    patched = copy.deepcopy(document)
    patched["observations"][0]["data"][0] = 70.0
    return json.loads(run("fit", write("patched.json", patched)).stdout)["nll"]


def test_a_json_patch_is_applied(
    run: Run, workspace: Path, write: Callable[[str, Any], Path], expected: float
) -> None:
    data = json.loads(run("fit", workspace, "--patch", write("p.json", OPERATIONS)).stdout)
    assert data["nll"] == expected
    assert data["provenance"]["patches"][0].endswith("p.json")


def test_patches_are_applied_in_their_order(
    run: Run, workspace: Path, write: Callable[[str, Any], Path], expected: float
) -> None:
    first = write("1.json", [{**OPERATIONS[0], "value": 99.0}])
    second = write("2.json", OPERATIONS)
    data = json.loads(run("fit", workspace, "--patch", first, "--patch", second).stdout)
    assert data["nll"] == expected


def test_a_patch_of_a_patchset_is_found_by_name(
    run: Run,
    workspace: Path,
    document: dict[str, Any],
    write: Callable[[str, Any], Path],
    expected: float,
) -> None:
    path = write("set.json", _patchset(document, ("m_100", "m_200")))
    assert json.loads(run("fit", workspace, "--patch", f"{path}:m_200").stdout)["nll"] == expected
    unnamed = run("fit", workspace, "--patch", path)
    assert unnamed.exit_code == 1
    assert "holds 2 patches: 'm_100', 'm_200'" in unnamed.stderr
    unknown = run("fit", workspace, "--patch", f"{path}:m_300")
    assert "no patch of" in unknown.stderr
    assert "did you mean" in unknown.stderr


def test_the_only_patch_of_a_patchset_needs_no_name(
    run: Run,
    workspace: Path,
    document: dict[str, Any],
    write: Callable[[str, Any], Path],
    expected: float,
) -> None:
    path = write("set.json", _patchset(document, ("m_100",)))
    assert json.loads(run("fit", workspace, "--patch", path).stdout)["nll"] == expected


def test_digests_of_patchsets_are_those_of_pyhf(
    run: Run,
    workspace: Path,
    document: dict[str, Any],
    write: Callable[[str, Any], Path],
    expected: float,
) -> None:
    utils = pytest.importorskip("pyhf.utils", reason="the reference for digests")
    good = write("good.json", _patchset(document, ("m",), sha256=utils.digest(document)))
    assert json.loads(run("fit", workspace, "--patch", good).stdout)["nll"] == expected
    bad = write("bad.json", _patchset(document, ("m",), sha256="0" * 64))
    refused = run("fit", workspace, "--patch", bad)
    assert refused.exit_code == 1
    assert "for another workspace: its sha256 digest is 000" in refused.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON that can be used"),
        ({}, "neither a JSON patch nor a patchset"),
        ([{"op": "remove", "path": "/nothing"}], "cannot be applied"),
        ([{"op": "fly", "path": "/channels"}], "cannot be applied"),
        ([1], "cannot be applied"),
        (3, "neither a JSON patch nor a patchset"),
    ],
)
def test_unusable_patches_are_refused(
    run: Run,
    workspace: Path,
    write: Callable[[str, Any], Path],
    content: Any,
    message: str,
) -> None:
    result = run("fit", workspace, "--patch", write("p.json", content))
    assert result.exit_code == 1, result.exception
    assert message in result.stderr


def test_unknown_digest_algorithms_are_refused(
    run: Run, workspace: Path, document: dict[str, Any], write: Callable[[str, Any], Path]
) -> None:
    path = write("set.json", _patchset(document, ("m",), sha3000="00"))
    result = run("fit", workspace, "--patch", path)
    assert result.exit_code == 1, result.exception
    assert "sha3000" in result.stderr


def test_a_single_patch_has_no_names(
    run: Run, workspace: Path, write: Callable[[str, Any], Path]
) -> None:
    result = run("fit", workspace, "--patch", f"{write('p.json', OPERATIONS)}:m_100")
    assert result.exit_code == 1
    assert "single patch" in result.stderr


def test_a_missing_patch_file_is_named(run: Run, workspace: Path) -> None:
    result = run("fit", workspace, "--patch", workspace.with_name("nothing.json"))
    assert result.exit_code == 1
    assert "no file" in result.stderr
