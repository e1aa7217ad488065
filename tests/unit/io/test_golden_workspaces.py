"""Parameters, auxiliary data and refusals against pyhf 0.7.6, on published workspaces."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from nextstat_core.errors import FormatError, ModelError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import (
    Model,
    PoissonConstraint,
    model_from_dict,
    model_to_dict,
    pyhf_auxdata_order,
    pyhf_parameter_order,
)

#: Cases that pyhf loads and we refuse on purpose, with what our message must name.
#: Refused by pyhf for the key `constraint`, which is an extension.
READ_ON_PURPOSE = {"small/xml-nextstat-small/workspace"}
REFUSED_ON_PURPOSE = {
    "patho/nextstat-small/bad_observations_length_mismatch": (
        "channel 'singlechannel', observations",
        "2 expected, 1 found",
    ),
    "patho/pathological-issues/made_nan_in_sample": (
        "channel 'SR', sample 'sig', bin 1",
        "NaN",
    ),
    "patho/pathological-issues/made_all_zero_background_bin": (
        "channel 'SR', bin 1",
        "every sample is zero",
    ),
    "patho/pathological-issues/made_duplicate_modifier_same_sample": (
        "channel 'SR', sample 'bkg', modifier 'a' (normsys)",
        "occurs 2 times",
    ),
}


def _text(folder: Path, case: dict[str, Any]) -> str:
    text = (folder / case["file"]).read_text()
    patches = [json.loads((folder / name).read_text()) for name in case["patches"]]
    if case["patchset"]:
        patch_set = json.loads((folder / case["patchset"]).read_text())
        patches += [
            entry["patch"]
            for entry in patch_set["patches"]
            if entry["metadata"]["name"] == case["patch"]
        ]
    if not patches:
        return text
    document = json.loads(text)
    for patch in patches:
        document = jsonpatch.apply_patch(document, patch)
    return json.dumps(document)


@pytest.fixture(scope="module")
def cases(published: Path) -> list[tuple[dict[str, Any], str]]:
    entries = json.loads((published / "golden.json").read_text())["workspaces"]
    return [(entry, _text(published, entry)) for entry in entries if entry["format"] == "pyhf-json"]


def _loading(cases: list[tuple[dict[str, Any], str]]) -> Iterator[tuple[dict[str, Any], Model]]:
    for case, text in cases:
        if case["loads"] and case["id"] not in REFUSED_ON_PURPOSE:
            yield case, read_pyhf(text, measurement=case["measurement"], poi=case["poi"])


def _auxiliary(model: Model) -> list[float]:
    constraints = [model.parameters[position].constraint for position in pyhf_auxdata_order(model)]
    return [
        constraint.count if isinstance(constraint, PoissonConstraint) else constraint.center
        for constraint in constraints
        if constraint is not None
    ]


def test_parameters_equal_pyhf_exactly(cases: list[tuple[dict[str, Any], str]]) -> None:
    compared = 0
    for case, model in _loading(cases):
        parameters = [model.parameters[position] for position in pyhf_parameter_order(model)]
        assert [entry.name for entry in parameters] == case["par_names"], case["id"]
        assert [entry.init for entry in parameters] == case["init"], case["id"]
        assert [[entry.lower, entry.upper] for entry in parameters] == case["bounds"], case["id"]
        assert [entry.fixed for entry in parameters] == case["fixed"], case["id"]
        compared += 1
    assert compared == sum(case["loads"] for case, _ in cases) - len(REFUSED_ON_PURPOSE) > 0


def test_data_equal_pyhf_exactly(cases: list[tuple[dict[str, Any], str]]) -> None:
    for case, model in _loading(cases):
        main = [count for channel in model.sorted_channels() for count in channel.observed]
        assert main + _auxiliary(model) == case["data"], case["id"]


def test_the_parameter_of_interest_comes_first(cases: list[tuple[dict[str, Any], str]]) -> None:
    for case, model in _loading(cases):
        if case["poi"] is None:
            assert model.poi is None
        else:
            first = model.parameters[0]
            assert (first.group, first.name) == (case["poi"], model.poi), case["id"]


def test_workspaces_that_pyhf_refuses_are_refused(
    cases: list[tuple[dict[str, Any], str]],
) -> None:
    refused = [
        (case["id"], text)
        for case, text in cases
        if not case["loads"] and case["id"] not in READ_ON_PURPOSE
    ]
    assert refused
    for case_id, text in refused:
        try:
            read_pyhf(text)
        except (ModelError, FormatError):
            continue
        pytest.fail(f"{case_id} was loaded")


def test_intended_refusals_name_place_and_finding(
    cases: list[tuple[dict[str, Any], str]],
) -> None:
    texts = {case["id"]: text for case, text in cases}
    for case_id, parts in REFUSED_ON_PURPOSE.items():
        with pytest.raises((ModelError, FormatError)) as caught:
            read_pyhf(texts[case_id])
        for part in parts:
            assert part in str(caught.value), case_id


def test_an_absent_declared_parameter_of_interest_is_refused_by_default(
    cases: list[tuple[dict[str, Any], str]],
) -> None:
    absent = [
        (case, text)
        for case, text in cases
        if case["loads"] and case["poi"] is None and case["poi_declared"]
    ]
    assert absent
    for case, text in absent:
        with pytest.raises(ModelError, match=r"poi=None .*--poi none"):
            read_pyhf(text, measurement=case["measurement"])


def test_models_survive_the_journey_through_json(
    cases: list[tuple[dict[str, Any], str]],
) -> None:
    for case, model in _loading(cases):
        assert model_from_dict(json.loads(json.dumps(model_to_dict(model)))) == model, case["id"]


def test_a_decoded_workspace_gives_the_same_model_as_its_text(
    cases: list[tuple[dict[str, Any], str]],
) -> None:
    for case, model in _loading(cases[:40]):
        text = next(text for entry, text in cases if entry is case)
        again = read_pyhf(json.loads(text), measurement=case["measurement"], poi=case["poi"])
        assert again == model, case["id"]
