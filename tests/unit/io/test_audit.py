import json
from typing import Any

import pytest

from nextstat_core.errors import FormatError
from nextstat_core.io import read_pyhf, workspace_audit

Document = dict[str, Any]


def test_a_usable_workspace_is_counted(workspace: Document) -> None:
    workspace["measurements"][0]["config"]["parameters"].append({"name": "mu", "fixed": True})
    audit = workspace_audit(json.dumps(workspace))
    assert {entry["code"] for entry in audit.pop("lint")} >= {"poi-fixed", "no-uncertainty"}
    assert audit == {
        "channel_count": 2,
        "total_samples": 3,
        "total_bins": 3,
        "total_modifiers": 7,
        "parameter_count_estimate": len(read_pyhf(workspace).parameters),
        "modifier_types_used": {
            "normfactor": 1,
            "lumi": 1,
            "normsys": 1,
            "histosys": 1,
            "staterror": 1,
            "shapesys": 1,
            "shapefactor": 1,
        },
        "measurements": [{"name": "main", "poi": "mu", "n_fixed_params": 1}],
        "unsupported_features": [],
        "problems": [],
        "warnings": [],
    }


def test_unknown_modifiers_are_unsupported_features(workspace: Document) -> None:
    workspace["channels"][0]["samples"][0]["modifiers"][0] = {"name": "zz", "type": "weird"}
    audit = workspace_audit(workspace)
    assert audit["unsupported_features"] == ['unsupported modifier type: "weird" (name: "zz")']
    assert audit["problems"][0]["place"] == "channel 'SR', sample 'signal', modifier 'zz' (weird)"
    assert audit["parameter_count_estimate"] == 8


def test_the_number_of_parameters_is_exact_without_the_declared_poi(workspace: Document) -> None:
    workspace["measurements"][0]["config"]["poi"] = "absent"
    audit = workspace_audit(workspace)
    assert audit["parameter_count_estimate"] == 8
    assert "'absent'" in audit["problems"][0]["place"]


def test_problems_of_the_content_are_listed_not_raised(workspace: Document) -> None:
    workspace["observations"][0]["data"] = [-1.0, 71.0]
    workspace["observations"].append({"name": "VR", "data": [1.0]})
    audit = workspace_audit(workspace)
    assert audit["problems"][0]["message"] == "observed count is -1; expected 0 or more"
    assert audit["warnings"][0]["place"] == "channel 'VR'"


def test_nan_and_repeated_keys_are_problems_too() -> None:
    audit = workspace_audit('{"channels": NaN, "version": "1.0.0", "version": "1.0.0"}')
    assert [problem["message"] for problem in audit["problems"]] == [
        "the key 'version' occurs more than once in this object; expected once",
        "found NaN; expected a finite number",
    ]


@pytest.mark.parametrize("text", ["[]", "3", "null", '{"channels": {"a": 1}}', "{}"])
def test_any_json_can_be_audited(text: str) -> None:
    audit = workspace_audit(text)
    assert audit["channel_count"] == 0
    assert audit["problems"]


def test_the_audit_is_plain_json(workspace: Document) -> None:
    audit = workspace_audit(workspace)
    assert json.loads(json.dumps(audit, allow_nan=False)) == audit


def test_text_that_is_no_json_is_a_format_error() -> None:
    with pytest.raises(FormatError, match="not JSON"):
        workspace_audit("channels: []")
