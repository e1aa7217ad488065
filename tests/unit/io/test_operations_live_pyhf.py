"""Digests, combinations, prunings, renamings and sortings against pyhf, on files and generated."""

import copy
import json
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import NextstatError
from nextstat_core.io import (
    JOINS,
    decode,
    workspace_combine,
    workspace_digest,
    workspace_inspect,
    workspace_prune,
    workspace_rename,
    workspace_sorted,
)
from nextstat_core.testing import generate_workspace

pyhf = pytest.importorskip("pyhf", reason="the reference for operations on workspaces")

# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")


def _files(published: Path) -> list[dict[str, Any]]:
    """Every published workspace of at most 2 MB that pyhf accepts."""
    found = []
    for path in sorted(published.rglob("*.json")):
        # Operations on names that occur twice are refused; pyhf leaves it to the model.
        if path.stat().st_size > 2_000_000 or "duplicate" in path.name:
            continue
        text = path.read_text(encoding="utf-8")
        try:
            document = json.loads(text)
            pyhf.Workspace(document)
        except Exception:  # noqa: BLE001  whatever it is, pyhf does not read it as a workspace
            continue
        found.append(document)
    return found


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", logger="pyhf")  # it warns of joins on purpose


@pytest.fixture(scope="module")
def documents(published: Path) -> list[dict[str, Any]]:
    found = _files(published)
    assert len(found) > 50
    return found


def test_digests_are_those_of_pyhf(published: Path) -> None:
    count = 0
    for path in sorted(published.rglob("*.json")):
        if path.stat().st_size > 2_000_000:
            continue
        text = path.read_text(encoding="utf-8")
        try:
            document = decode(text).usable()
        except NextstatError:
            continue
        if isinstance(document, list):  # a JSON patch
            continue
        for algorithm in ("sha256", "md5"):
            expected = pyhf.utils.digest(json.loads(text), algorithm=algorithm)
            assert workspace_digest(document, algorithm) == expected, path
        count += 1
    assert count > 50


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _JSON, max_size=5), st.booleans())
def test_digests_of_any_document_are_those_of_pyhf(document: Any, escaped: bool) -> None:
    text = json.dumps(document, ensure_ascii=escaped)
    read = decode(text).usable()
    assert workspace_digest(read) == pyhf.utils.digest(json.loads(text))


def test_sorted_is_that_of_pyhf(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        before = copy.deepcopy(document)
        assert workspace_sorted(document) == dict(pyhf.Workspace.sorted(document))
        assert document == before


def test_inspection_is_that_of_pyhf(documents: list[dict[str, Any]]) -> None:
    compared = 0
    for document in documents:
        workspace = pyhf.Workspace(document)
        try:
            found = workspace_inspect(document)
            model = workspace.model(poi_name=None)
        except Exception:  # noqa: BLE001  one of both refuses the model: see the reader's tests
            continue
        assert [c["name"] for c in found["channels"]] == workspace.channels
        assert {c["name"]: c["n_bins"] for c in found["channels"]} == workspace.channel_nbins
        assert found["samples"] == workspace.samples
        assert [(m["name"], m["type"]) for m in found["modifiers"]] == workspace.modifiers
        assert [p["name"] for p in found["parameters"]] == sorted(model.config.par_map)
        for parameter in found["parameters"]:
            theirs = model.config.param_set(parameter["name"])
            assert parameter["constraint"] == type(theirs).__name__
            assert parameter["n_parameters"] == theirs.n_parameters
        compared += 1
    assert compared > 50


def _requests(document: dict[str, Any]) -> list[dict[str, list[str]]]:
    """What may be pruned, one thing at a time."""
    workspace = pyhf.Workspace(document)
    names = list(dict.fromkeys(name for name, _ in workspace.modifiers))
    kinds = list(dict.fromkeys(kind for _, kind in workspace.modifiers))
    return [
        {"modifiers": names[:1]},
        {"modifiers": names[-2:]},
        *({"modifier_types": [kind]} for kind in kinds),
        {"samples": workspace.samples[:1]},
        {"channels": workspace.channels[:1]},
        {"measurements": workspace.measurement_names[:1]},
        {"modifiers": names[:1], "samples": workspace.samples[-1:]},
    ]


def test_pruned_workspaces_are_those_of_pyhf(documents: list[dict[str, Any]]) -> None:
    compared, of_types = 0, 0
    for document in documents:
        if len(json.dumps(document)) > 100_000:
            continue
        for request in _requests(document):
            if not any(request.values()):
                continue
            try:
                theirs: Any = dict(pyhf.Workspace(document).prune(**request))
            except pyhf.exceptions.InvalidSpecification:
                theirs = None  # nothing would be left of a channel or of the workspace
            except pyhf.exceptions.InvalidWorkspaceOperation:
                # pyhf forgets types whose names another type shares.
                assert set(request) == {"modifier_types"}
                of_types += 1
                continue
            if theirs is None:
                with pytest.raises(NextstatError, match="left"):
                    workspace_prune(document, **request)
            else:
                assert workspace_prune(document, **request) == theirs
                compared += 1
    assert compared > 200


def test_renamed_workspaces_are_those_of_pyhf(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        workspace = pyhf.Workspace(document)
        modifiers = {name: f"{name}_new" for name, kind in workspace.modifiers if kind != "lumi"}
        request = {
            "modifiers": modifiers,
            "samples": {name: f"{name}_new" for name in workspace.samples},
            "channels": {workspace.channels[0]: "a channel"},
            "measurements": {workspace.measurement_names[-1]: "a measurement"},
        }
        assert workspace_rename(document, **request) == dict(workspace.rename(**request))


def _combined(combine: Callable[[], Any], refusals: type[Exception]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dict(combine())
        except refusals:
            return None


def _compare(left: Any, right: Any, **how: Any) -> Any:
    theirs = _combined(
        lambda: pyhf.Workspace.combine(pyhf.Workspace(left), pyhf.Workspace(right), **how),
        pyhf.exceptions.InvalidWorkspaceOperation,
    )
    ours = _combined(lambda: workspace_combine(left, right, **how), NextstatError)
    assert ours == theirs
    return ours


@pytest.mark.parametrize("join", JOINS)
def test_combined_workspaces_are_those_of_pyhf(documents: list[dict[str, Any]], join: str) -> None:
    done = 0
    small = [each for each in documents if len(json.dumps(each)) < 50_000]
    for left, right in pairwise(small):
        done += _compare(left, right, join=join) is not None
        prefixed = workspace_rename(
            right,
            channels={name: f"{name}_2" for name in pyhf.Workspace(right).channels},
            measurements={name: f"{name}_2" for name in pyhf.Workspace(right).measurement_names},
        )
        assert _compare(left, prefixed, join=join) is not None
    if join != "none":
        assert done > 0


@st.composite
def _pairs(draw: Any) -> tuple[Any, Any]:
    """Two workspaces that have some things in common, equal or not."""

    def workspace() -> Any:
        made = generate_workspace(
            draw(st.integers(1, 3)),
            n_channels=draw(st.integers(1, 3)),
            n_bins=2,
            n_normsys=draw(st.integers(0, 2)),
            custom_settings=draw(st.booleans()),
        )
        names = {f"channel_{i}": draw(st.sampled_from("ABCDE")) for i in range(3)}
        if len(set(names.values())) == 3:
            known = [channel["name"] for channel in made["channels"]]
            made = workspace_rename(made, channels={name: names[name] for name in known})
        if draw(st.booleans()):
            made["measurements"][0]["name"] = draw(st.sampled_from(["first", "second"]))
        return made

    return workspace(), workspace()


@given(_pairs(), st.sampled_from(JOINS))
def test_combinations_of_generated_workspaces_are_those_of_pyhf(pair: Any, join: str) -> None:
    _compare(*pair, join=join)


@given(_pairs(), st.sampled_from(["left outer", "right outer"]))
def test_merged_channels_are_those_of_pyhf(pair: Any, join: str) -> None:
    _compare(*pair, join=join, merge_channels=True)
