"""Operations of the facade: any source in, text out."""

import json
from pathlib import Path
from typing import Any

import pytest

import nextstat
from nextstat_core import io
from nextstat_core.testing import generate_workspace

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "example_workspace.json"


@pytest.fixture
def document() -> dict[str, Any]:
    return generate_workspace(1, n_normsys=2, n_histosys=1, staterror=True)


def _sources(document: Any, folder: Path) -> list[Any]:
    path = folder / "workspace.json"
    path.write_text(json.dumps(document))
    return [document, json.dumps(document), json.dumps(document).encode(), path, str(path)]


def test_every_kind_of_source_gives_the_same_text(document: Any, tmp_path: Path) -> None:
    expected = io.encode(io.workspace_sorted(document))
    for source in _sources(document, tmp_path):
        assert nextstat.workspace_sorted(source) == expected
        assert nextstat.workspace_digest(source) == io.workspace_digest(document)
        assert nextstat.workspace_inspect(source) == io.workspace_inspect(document)
        assert nextstat.workspace_lint(source) == io.workspace_lint(document)


def test_operations_are_those_of_the_core(document: Any) -> None:
    pruned = nextstat.workspace_prune(document, modifier_types=["staterror"])
    assert json.loads(pruned) == io.workspace_prune(document, modifier_types=["staterror"])
    names = {"channel_0": "A", "channel_1": "B"}
    renamed = nextstat.workspace_rename(pruned, channels=names)
    assert json.loads(renamed) == io.workspace_rename(json.loads(pruned), channels=names)
    combined = nextstat.workspace_combine(document, renamed, join="outer")
    expected = io.workspace_combine(document, json.loads(renamed), join="outer")
    assert json.loads(combined) == expected
    assert nextstat.from_pyhf(combined).poi_index() == 0


def test_whole_numbers_stay_whole_and_floats_keep_every_bit(document: Any) -> None:
    document["observations"][0]["data"] = [1, 0.1 + 0.2, 1e22, 5e-324]
    found = json.loads(nextstat.workspace_sorted(document))["observations"][0]["data"]
    assert found == [1, 0.1 + 0.2, 1e22, 5e-324]
    assert isinstance(found[0], int)
    assert nextstat.workspace_digest(nextstat.workspace_sorted(document)) == io.workspace_digest(
        io.workspace_sorted(document)
    )


def test_numbers_without_json_are_refused(document: Any) -> None:
    document["observations"][0]["data"][0] = float("nan")
    with pytest.raises(nextstat.FormatError, match="what JSON cannot hold"):
        nextstat.workspace_sorted(document)


def test_patchsets_come_from_any_source(document: Any, tmp_path: Path) -> None:
    patchset = {
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "digests": {"md5": nextstat.workspace_digest(document, "md5")},
            "labels": ["m"],
            "description": "",
        },
        "patches": [
            {
                "metadata": {"name": f"m{mass}", "values": [mass]},
                "patch": [{"op": "replace", "path": "/observations/0/data/0", "value": mass}],
            }
            for mass in (1, 2)
        ],
        "version": "1.0.0",
    }
    expected = io.apply_patchset(document, patchset, "m2")
    for source in (*_sources(patchset, tmp_path), io.read_patchset(patchset)):
        assert json.loads(nextstat.apply_patchset(document, source, "m2")) == expected
        assert json.loads(nextstat.apply_patchset(document, source, values=[2])) == expected
    first = json.loads(nextstat.apply_patchset(document, patchset))
    assert first["observations"][0]["data"][0] == 1


def test_the_simple_workspace_is_text() -> None:
    text = nextstat.simplemodel_uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0])
    assert isinstance(text, str)
    # mu = 0 and gammas of one describe data that are the background.
    fit = nextstat.fit(nextstat.from_pyhf(text))
    assert fit["mu"].value == pytest.approx(0.0, abs=1e-6)


def test_findings_can_be_ignored_and_thresholds_changed() -> None:
    codes = {finding.code for finding in nextstat.workspace_lint(EXAMPLE)}
    assert codes
    assert nextstat.workspace_lint(EXAMPLE, ignore=codes) == []
    strict = nextstat.LintThresholds(large_norm=0.001)
    found = nextstat.workspace_lint(EXAMPLE, thresholds=strict)
    assert "large-norm" in {finding.code for finding in found}
    assert isinstance(found[0], nextstat.Finding)
