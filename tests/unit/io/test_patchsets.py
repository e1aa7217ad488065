"""Patchsets: found by name and values, verified, applied; the rest refused with its place."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from nextstat_core.errors import FormatError, InputError, NextstatError
from nextstat_core.io import (
    Patchset,
    apply_operations,
    apply_patchset,
    decode,
    read_patchset,
    workspace_digest,
)

# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

#: Masses by name.
POINTS = {"m_900_400": [900, 400], "m_1000_400": [1000, 400], "m_900_500": [900, 500]}


@pytest.fixture
def patchset(workspace: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "digests": {"sha256": workspace_digest(workspace)},
            "labels": ["m_stop", "m_lsp"],
            "description": "signals",
        },
        "patches": [
            {
                "metadata": {"name": name, "values": values},
                "patch": [
                    {"op": "replace", "path": "/observations/0/data/0", "value": float(index)}
                ],
            }
            for index, (name, values) in enumerate(POINTS.items())
        ],
        "version": "1.0.0",
    }


def _first_count(document: Any) -> float:
    return document["observations"][0]["data"][0]


def test_patches_are_found_by_name_and_by_values(workspace: Any, patchset: Any) -> None:
    assert _first_count(apply_patchset(workspace, patchset)) == 0.0
    assert _first_count(apply_patchset(workspace, patchset, "m_1000_400")) == 1.0
    assert _first_count(apply_patchset(workspace, patchset, values=(900.0, 500))) == 2.0
    both = apply_patchset(workspace, patchset, "m_900_500", values=[900, 500])
    assert _first_count(both) == 2.0
    assert _first_count(workspace) == 52.0


def test_patches_that_are_not_there_are_answered_with_the_closest(
    workspace: Any, patchset: Any
) -> None:
    with pytest.raises(
        InputError, match=r"(?s)no patch of the patchset named 'm_910_400'.*mean 'm_900_400'"
    ):
        apply_patchset(workspace, patchset, "m_910_400")
    with pytest.raises(InputError) as caught:
        apply_patchset(workspace, patchset, values=[910, 410])
    assert "no patch at m_stop = 910, m_lsp = 410" in str(caught.value)
    assert "the nearest are (900, 400): 'm_900_400'" in str(caught.value)
    with pytest.raises(InputError, match="1 values for the 2 labels 'm_stop', 'm_lsp'"):
        apply_patchset(workspace, patchset, values=[900])
    with pytest.raises(InputError, match=r"at \(900, 500\) is 'm_900_500', not 'm_900_400'"):
        apply_patchset(workspace, patchset, "m_900_400", values=[900, 500])


def test_another_workspace_is_refused_unless_asked_for(workspace: Any, patchset: Any) -> None:
    workspace["observations"][0]["data"][1] = 72
    with pytest.raises(InputError, match="for another workspace: its sha256 digest is"):
        apply_patchset(workspace, patchset)
    assert _first_count(apply_patchset(workspace, patchset, verify=False)) == 0.0


def test_every_digest_is_verified(workspace: Any, patchset: Any) -> None:
    patchset["metadata"]["digests"]["md5"] = "0" * 32
    with pytest.raises(InputError, match="its md5 digest is 0000"):
        apply_patchset(workspace, patchset)
    patchset["metadata"]["digests"]["md5"] = workspace_digest(workspace, "md5")
    apply_patchset(workspace, patchset)


def test_digits_of_sha256_may_be_capitals(workspace: Any, patchset: Any) -> None:
    digests = patchset["metadata"]["digests"]
    digests["sha256"] = digests["sha256"].upper()
    apply_patchset(workspace, patchset)


def test_names_that_confuse_pyhf(workspace: Any, patchset: Any) -> None:
    # pyhf takes these for duplicates: they are keys of its own tables.
    for patch, name in zip(patchset["patches"], ("name", "values"), strict=False):
        patch["metadata"]["name"] = name
    assert _first_count(apply_patchset(workspace, patchset, "values")) == 1.0


def test_applying_a_patch_twice_gives_the_same(workspace: Any) -> None:
    sample = {"name": "new", "data": [1.0, 2.0], "modifiers": []}
    modifier = {"name": "mu", "type": "normfactor", "data": None}
    operations = [
        {"op": "add", "path": "/channels/0/samples/-", "value": sample},
        {"op": "add", "path": "/channels/0/samples/2/modifiers/-", "value": modifier},
    ]
    before = copy.deepcopy(operations)
    first = apply_operations(workspace, operations, "p")
    second = apply_operations(workspace, operations, "p")
    assert first == second
    assert first["channels"][0]["samples"][2]["modifiers"] == [modifier]
    assert operations == before


def test_a_patchset_object_is_taken_as_it_is(workspace: Any, patchset: Any) -> None:
    read = read_patchset(patchset)
    assert isinstance(read, Patchset)
    assert read_patchset(read) is read
    assert apply_patchset(workspace, read) == apply_patchset(workspace, patchset)


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ({"op": "remove"}, "found an object; expected a list of operations"),
        ([{"op": "fly", "path": "/a"}], "operation 0: `op` is the string 'fly'"),
        ([{"path": "/a"}], "operation 0: `op` is null"),
        ([{"op": "add", "path": "/a"}], "operation 0: the key 'value' is missing"),
        ([{"op": "copy", "path": "/a", "from": 3}], "`from` is the number 3"),
        ([{"op": "remove", "path": ["a"]}], "`path` is a list of 1; expected a JSON pointer"),
        ([{"op": "test", "path": "/version", "value": "2"}], "cannot be applied"),
        ([{"op": "replace", "path": "/version/0/x", "value": 1}], "cannot be applied"),
        ([{"op": "move", "path": "/channels/0/x", "from": "/channels/0"}], "cannot be applied"),
        ([{"op": "add", "path": "no slash", "value": 1}], "cannot be applied"),
        ([{"op": "add", "path": "/channels/7", "value": 1}], "cannot be applied"),
        ([{"op": "add", "path": "/channels/x", "value": 1}], "cannot be applied"),
    ],
)
def test_unusable_operations_are_refused(workspace: Any, operations: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        apply_operations(workspace, operations, "'p'")


def test_a_patch_that_leaves_no_workspace_is_refused(workspace: Any, patchset: Any) -> None:
    operations = [{"op": "replace", "path": "", "value": 3}]
    patchset["patches"][0]["patch"] = operations
    with pytest.raises(InputError, match="leaves the number 3; expected a workspace"):
        apply_patchset(workspace, patchset)


# -- what the test files of pyhf hold -------------------------------------------------------------


def _cases(published: Path) -> list[Path]:
    folder = published / "pyhf-testsuite"
    return sorted([*folder.glob("test_patchset/*patchset*"), *folder.glob("test_schema/patchset*")])


def test_the_patchsets_of_pyhfs_tests_are_read_or_refused_as_pyhf_does(published: Path) -> None:
    pyhf = pytest.importorskip("pyhf")
    outcomes = {}
    for path in _cases(published):
        text = path.read_text(encoding="utf-8")
        if text.startswith(".."):  # a link, stored as text
            text = (path.parent / text).read_text(encoding="utf-8")
        try:
            theirs = pyhf.PatchSet(json.loads(text))
        except (pyhf.exceptions.InvalidPatchSet, pyhf.exceptions.InvalidSpecification):
            with pytest.raises(FormatError, match="the patchset cannot be used:\n  - "):
                read_patchset(decode(text).usable())
            outcomes[path.name] = "refused"
            continue
        except pyhf.exceptions.SchemaNotFound:  # the version is missing
            with pytest.raises(FormatError, match="the key 'version' is missing"):
                read_patchset(decode(text).usable())
            outcomes[path.name] = "refused"
            continue
        ours = read_patchset(decode(text).usable())
        assert [patch.name for patch in ours.patches] == [patch.name for patch in theirs]
        assert [patch.values for patch in ours.patches] == [patch.values for patch in theirs]
        assert [patch.operations for patch in ours.patches] == [patch.patch for patch in theirs]
        assert list(ours.labels) == theirs.labels
        assert ours.digests == theirs.digests
        outcomes[path.name] = "read"
    assert sum(outcome == "refused" for outcome in outcomes.values()) >= 13
    assert sum(outcome == "read" for outcome in outcomes.values()) >= 4
    assert all((name.find("_bad_") < 0) == (found == "read") for name, found in outcomes.items())


def test_published_patchsets_give_the_workspaces_of_pyhf(published: Path) -> None:
    pyhf = pytest.importorskip("pyhf")
    compared = 0
    for path in sorted(published.rglob("*patchset*.json")):
        if "bad" in path.name or path.stat().st_size > 2_000_000:
            continue
        try:
            patchset = read_patchset(path)
        except NextstatError:
            continue
        for background in sorted(path.parent.glob("*.json")):
            if background.stat().st_size > 2_000_000:
                continue
            try:
                document = decode(background.read_bytes()).usable()
                patchset.verify(document)
            except NextstatError:
                continue
            theirs = pyhf.PatchSet(json.loads(path.read_text(encoding="utf-8")))
            for patch in patchset.patches[:2]:
                ours = apply_patchset(document, patchset, values=patch.values)
                assert ours == theirs[patch.name].apply(document)
                compared += 1
    assert compared > 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.update(version="2.0.0"), "version: found the string '2.0.0'"),
        (lambda p: p.update(more=1), "the key 'more' is not allowed here"),
        (lambda p: p.update(metadata=3), "metadata: found the number 3; expected an object"),
        (lambda p: p["metadata"].update(labels=[]), "labels: found a list of 0"),
        (lambda p: p["metadata"].update(labels=["a", "a"]), "2 labels are 'a'"),
        (lambda p: p["metadata"].update(digests={}), "digests: found an object"),
        (
            lambda p: p["metadata"].update(digests={"md5": "x"}),
            r"digests, md5: found .* \[a-f0-9\]",
        ),
        (lambda p: p["metadata"].update(description=None), "description: found null"),
        (lambda p: p["patches"].append(3), "patch 3: found the number 3"),
        (lambda p: p["patches"][1].update(patch={}), "patch 1, patch: found an object"),
        (lambda p: p["patches"][1]["metadata"].update(name="a b"), "patch 1, name: found"),
        (lambda p: p["patches"][1]["metadata"].update(values=[True, 1]), "values: found true"),
        (lambda p: p["patches"][1]["metadata"].update(values=[900, 400.0]), "2 patches have the"),
        (lambda p: p["patches"][1]["metadata"].update(name="m_900_400"), "2 patches have the name"),
        (lambda p: p["patches"][1].pop("metadata"), "patch 1: the key 'metadata' is missing"),
    ],
)
def test_unusable_patchsets_are_refused_with_the_place(
    patchset: Any, change: Any, message: str
) -> None:
    change(patchset)
    with pytest.raises(FormatError, match=message):
        read_patchset(patchset)


def test_all_problems_of_a_patchset_are_listed_at_once(patchset: Any) -> None:
    del patchset["version"]
    patchset["metadata"]["references"] = {"arxiv": "1"}
    patchset["patches"][0]["metadata"]["values"] = [1]
    with pytest.raises(FormatError) as caught:
        read_patchset(patchset)
    text = str(caught.value)
    assert text.count("\n  - ") == 3
    assert "patch 0 ('m_900_400'), values: found 1; expected 2, one per label" in text
