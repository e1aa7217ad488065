"""Results: those of the facade's functions, in the documented form, bounded and reproducible."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import nextstat
import nextstat_core.io
from nextstat.interpret import rank_impact
from nextstat_tools import Toolbox, execute_tool, execute_tool_raw, get_tool_names, handle_mcp_call
from nextstat_tools.bounding import Bounds, bounded

ROOT = Path(__file__).parents[3]

ENVELOPE = {
    "type": "object",
    "required": ["schema_version", "ok", "result", "error", "meta"],
    "additionalProperties": False,
    "properties": {
        "schema_version": {"const": "nextstat.tool_result.v1"},
        "ok": {"type": "boolean"},
        "result": {},
        "error": {
            "type": ["object", "null"],
            "required": ["type", "message"],
            "additionalProperties": False,
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        },
        "meta": {
            "type": "object",
            "required": ["tool_name", "nextstat_version"],
            "properties": {
                "tool_name": {"type": "string"},
                "nextstat_version": {"type": ["string", "null"]},
                "deterministic": {"type": "boolean"},
                "eval_mode": {"enum": ["parity", "fast"]},
                "threads_requested": {"type": "integer"},
                "threads_applied": {"type": "boolean"},
                "workspace_id": {"type": "string"},
                "warnings": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
    "if": {"properties": {"ok": {"const": True}}},
    "then": {"properties": {"error": {"type": "null"}}},
    "else": {"properties": {"result": {"type": "null"}, "error": {"type": "object"}}},
}
#: Keys of results, as the reference documents them.
KEYS = {
    "nextstat_fit": {
        *("nll", "converged", "n_iter", "poi_index", "poi_value", "poi_error", "parameters"),
    },
    "nextstat_hypotest": {"mu", "cls", "clsb", "clb"},
    "nextstat_hypotest_toys": {"mu", "n_toys", "seed", "expected_set", "raw"},
    "nextstat_upper_limit": {"alpha", "obs_limit"},
    "nextstat_ranking": {"ranking"},
    "nextstat_discovery_asymptotic": {"mu_hat", "nll_hat", "nll_mu0", "q0", "z0", "p0"},
    "nextstat_scan": {"poi_index", "mu_hat", "nll_hat", "points"},
    "nextstat_workspace_audit": {
        *("channel_count", "total_samples", "total_bins", "total_modifiers"),
        *("parameter_count_estimate", "modifier_types_used", "measurements"),
        "unsupported_features",
    },
}


def arguments_of(name, workspace):
    extra = {
        "nextstat_hypotest": {"mu": 1.0},
        "nextstat_hypotest_toys": {"mu": 1.0, "n_toys": 50},
    }
    return {"workspace_json": workspace, **extra.get(name, {})}


def ask(name, workspace, **extra):
    done = execute_tool(name, {**arguments_of(name, workspace), **extra})
    assert done["ok"], done["error"]
    return done["result"]


@pytest.mark.parametrize("name", KEYS)
def test_envelope_and_keys_of_results(name, workspace):
    done = execute_tool(name, arguments_of(name, workspace))
    jsonschema.validate(done, ENVELOPE)
    assert done["ok"]
    assert done["result"].keys() >= KEYS[name]
    assert done["meta"]["tool_name"] == name
    assert done["meta"]["nextstat_version"] == nextstat.__version__
    assert json.loads(json.dumps(done, allow_nan=False)) == done


@pytest.mark.parametrize("name", KEYS)
def test_same_call_gives_the_same_bits(name, workspace):
    first, second = (execute_tool(name, arguments_of(name, workspace)) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def test_raw_result_and_mcp_call_are_those_of_the_envelope(workspace):
    arguments = {"workspace_json": workspace, "mu": 0.7}
    done = execute_tool("nextstat_hypotest", arguments)
    assert execute_tool_raw("nextstat_hypotest", arguments) == done["result"]
    assert handle_mcp_call("nextstat_hypotest", arguments) == done


def test_deterministic_is_parity_in_one_thread_for_this_call_only(workspace):
    meta = execute_tool(
        "nextstat_fit",
        {"workspace_json": workspace, "execution": {"eval_mode": "fast", "threads": 4}},
    )["meta"]
    assert meta["deterministic"] is True
    assert (meta["eval_mode"], meta["threads_requested"]) == ("parity", 1)
    assert meta["threads_applied"] is True
    assert nextstat.get_eval_mode() == "fast"


@pytest.mark.parametrize(
    ("execution", "told"),
    [
        ({}, {}),
        ({"eval_mode": "fast"}, {"eval_mode": "fast"}),
        ({"threads": 2}, {"threads_requested": 2, "threads_applied": True}),
        (
            {"eval_mode": "parity", "threads": 2},
            {"eval_mode": "parity", "threads_requested": 2, "threads_applied": False},
        ),
    ],
)
def test_without_determinism_the_envelope_has_what_was_asked_for(workspace, execution, told):
    asked = {"deterministic": False, **execution}
    done = execute_tool("nextstat_fit", {"workspace_json": workspace, "execution": asked})
    keys = ("eval_mode", "threads_requested", "threads_applied")
    assert {key: done["meta"][key] for key in keys if key in done["meta"]} == told
    assert done["meta"]["deterministic"] is False


@pytest.fixture
def parity():
    nextstat.set_eval_mode("parity")
    yield
    nextstat.set_eval_mode("fast")


@pytest.fixture
def model(parity, workspace):
    return nextstat.from_pyhf(workspace)


def test_fit_is_that_of_the_facade(model, workspace):
    result, found = nextstat.fit(model), ask("nextstat_fit", workspace)
    assert found["nll"] == result.nll
    assert found["converged"]
    names = model.parameter_names()
    assert found["poi_index"] == model.poi_index() == names.index("mu")
    assert (found["poi_value"], found["poi_error"]) == (result["mu"].value, result["mu"].error)
    assert list(found["parameters"]) == list(names)
    values = [entry["value"] for entry in found["parameters"].values()]
    errors = [entry["error"] for entry in found["parameters"].values()]
    assert (values, errors) == (result.parameters, result.uncertainties)


def test_hypotest_is_that_of_the_facade(model, workspace):
    cls, (clsb, clb) = nextstat.hypotest(1.0, model, return_tail_probs=True)
    assert ask("nextstat_hypotest", workspace) == {"mu": 1.0, "cls": cls, "clsb": clsb, "clb": clb}


def test_hypotest_with_toys_is_that_of_the_facade(model, workspace):
    toys = {"n_toys": 60, "seed": 7}
    cls, expected = nextstat.hypotest_toys(1.0, model, expected_set=True, **toys)
    found = ask("nextstat_hypotest_toys", workspace, expected_set=True, **toys)
    assert found["raw"] == [cls, expected]
    assert (found["cls"], found["expected_cls"]) == (cls, expected)
    known = nextstat.hypotest_toys(1.0, model, return_meta=True, **toys)
    assert ask("nextstat_hypotest_toys", workspace, return_meta=True, **toys)["raw"] == known
    assert ask("nextstat_hypotest_toys", workspace, **toys)["raw"] == cls


def test_upper_limit_is_that_of_the_facade(model, workspace):
    observed, expected = nextstat.upper_limit(model, expected=True, alpha=0.1)
    found = ask("nextstat_upper_limit", workspace, expected=True, alpha=0.1)
    assert found == {"alpha": 0.1, "obs_limit": observed, "exp_limits": expected}
    done = execute_tool("nextstat_upper_limit", {"workspace_json": workspace, "lo": 100})
    assert "below `lo`" in done["error"]["message"]


def test_ranking_is_that_of_the_facade(model, workspace):
    assert ask("nextstat_ranking", workspace)["ranking"] == rank_impact(model)
    found = ask("nextstat_ranking", workspace, top_n=2)
    assert found["ranking"] == rank_impact(model, top_n=2)
    assert found["truncated"] == {"ranking": len(rank_impact(model))}


def test_discovery_is_that_of_the_facade(model, workspace):
    expected = nextstat.discovery(model)
    found = ask("nextstat_discovery_asymptotic", workspace)
    assert found == {key: getattr(expected, key) for key in found}
    assert found["z0"] == pytest.approx(math.sqrt(found["q0"]), rel=1e-12)


def test_scan_is_that_of_the_facade(model, workspace):
    expected = nextstat.profile_scan(model, np.linspace(0.0, 2.0, 5))
    found = ask("nextstat_scan", workspace, stop=2.0, points=5)
    assert {**found, "warnings": expected["warnings"]} == expected


def test_hs3_is_recognised(model, workspace):
    document = nextstat_core.io.write_hs3(model.ir)
    found = ask("nextstat_fit", document)
    assert found["nll"] == pytest.approx(nextstat.fit(model).nll, rel=1e-12)
    assert found["poi_value"] == pytest.approx(nextstat.fit(model)["mu"].value, rel=1e-6)


def test_audit_is_that_of_the_facade(workspace):
    assert ask("nextstat_workspace_audit", workspace) == nextstat.workspace_audit(workspace)


def test_audit_lists_a_few_problems_and_says_how_many_there_are(workspace):
    document = json.loads(workspace)
    document["channels"][0]["samples"] = [{"name": f"s{i}"} for i in range(30)]
    text = json.dumps(document)
    everything = nextstat.workspace_audit(text)["problems"]
    found = ask("nextstat_workspace_audit", text)
    assert found["problems"] == everything[:10]
    assert found["truncated"]["problems"] == len(everything) > 10
    assert ask("nextstat_workspace_audit", text, top_n=0) == nextstat.workspace_audit(text)


def test_fit_lists_the_most_important_parameters_and_says_how_many_there_are(workspace):
    everything = ask("nextstat_fit", workspace, top_n=0)["parameters"]
    found = ask("nextstat_fit", workspace, top_n=2)
    assert len(everything) == 5
    assert "mu" in found["parameters"]
    assert found["parameters"].items() <= everything.items()
    assert found["truncated"] == {"parameters": 5}


def test_digits_round_numbers_of_results(workspace):
    arguments = arguments_of("nextstat_hypotest", workspace)
    exact = execute_tool("nextstat_hypotest", arguments)["result"]
    rounded = Toolbox(digits=3).call("nextstat_hypotest", arguments)["result"]
    assert rounded == {key: float(f"{value:.3g}") for key, value in exact.items()}


def test_what_is_no_number_in_json_is_null_and_named():
    plain = bounded({"limit": math.inf, "rows": [1.5, math.nan]}, Bounds())
    assert plain == {
        "limit": None,
        "rows": [1.5, None],
        "non_finite": {"limit": "inf", "rows.1": "nan"},
    }


def test_long_lists_and_texts_are_cut_and_counted():
    given = {
        "rows": list(range(50)),
        "by_name": {str(i): i for i in range(9)},
        "text": "a" * 30_000,
    }
    plain = bounded(given, Bounds(max_items=5))
    assert plain["rows"] == [0, 1, 2, 3, 4]
    assert plain["by_name"] == {"0": 0, "1": 1, "2": 2, "3": 3, "4": 4}
    assert len(plain["text"]) == 20_000
    assert plain["truncated"] == {"rows": 50, "by_name": 9, "text": 30_000}
    assert bounded(given, Bounds(max_items=None)) == given


def test_warnings_are_in_the_envelope(workspace):
    document = json.loads(workspace)
    document["measurements"].append({**document["measurements"][0], "name": "other"})
    done = execute_tool("nextstat_fit", {"workspace_json": json.dumps(document)})
    (warning,) = done["meta"]["warnings"]
    assert "there are 'm', 'other' and none was chosen; the first is used" in warning


def test_every_tool_is_tested_here():
    assert {*KEYS, "nextstat_read_root_histogram"} <= set(get_tool_names())


@pytest.mark.parametrize("name", KEYS)
def test_answers_about_an_analysis_fit_into_a_conversation(name):
    text = (ROOT / "docs" / "examples" / "example_workspace.json").read_text()
    assert len(text) > 400_000
    done = Toolbox(digits=6).call(name, arguments_of(name, text))
    assert done["ok"]
    assert len(json.dumps(done)) < 12_000
