"""What agents are told: names, schemas, and the forms of OpenAI and MCP."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import jsonschema
import pytest

import nextstat.tools as facade
from nextstat_core.hooks import ToolSpec, get_manager, hookimpl
from nextstat_tools import (
    execute_tool,
    get_mcp_tools,
    get_tool_names,
    get_tool_schema,
    get_toolkit,
)

NINE = [
    "nextstat_fit",
    "nextstat_hypotest",
    "nextstat_hypotest_toys",
    "nextstat_upper_limit",
    "nextstat_ranking",
    "nextstat_discovery_asymptotic",
    "nextstat_scan",
    "nextstat_workspace_audit",
    "nextstat_read_root_histogram",
]
#: Arguments that the reference documents, with their defaults; ... for those without one.
DOCUMENTED = {
    "nextstat_hypotest": {"mu": ...},
    "nextstat_hypotest_toys": {
        "mu": ...,
        "n_toys": 1000,
        "seed": 42,
        "expected_set": False,
        "return_meta": False,
    },
    "nextstat_upper_limit": {
        "expected": False,
        "alpha": 0.05,
        "lo": 0.0,
        "hi": None,
        "rtol": 1e-4,
        "max_iter": 80,
    },
    "nextstat_scan": {"start": 0.0, "stop": 5.0, "points": 21},
}


def parameters(name):
    return get_tool_schema(name)["function"]["parameters"]


def test_the_nine_tools_come_first_in_the_documented_order():
    assert get_tool_names()[:9] == NINE
    assert facade.get_tool_names() == get_tool_names()


def test_toolkit_has_the_form_of_openai():
    for name, tool in zip(get_tool_names(), get_toolkit(), strict=True):
        assert tool["type"] == "function"
        assert set(tool["function"]) == {"name", "description", "parameters"}
        assert tool["function"]["name"] == name
        assert tool == get_tool_schema(name)


def test_mcp_has_the_same_schemas():
    for name, tool in zip(get_tool_names(), get_mcp_tools(), strict=True):
        assert set(tool) == {"name", "description", "inputSchema"}
        assert tool["name"] == name
        assert tool["inputSchema"] == parameters(name)


def test_unknown_tool_has_no_schema():
    assert get_tool_schema("nope") is None


@pytest.mark.parametrize("name", NINE)
def test_schemas_are_json_schemas_without_alternatives_at_the_top(name):
    schema = parameters(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    # Interfaces of language models refuse these.
    assert schema.keys().isdisjoint({"oneOf", "anyOf", "allOf"})


@pytest.mark.parametrize("name", NINE[:8])
def test_tools_of_workspaces_take_text_path_or_id(name):
    schema = parameters(name)
    assert list(schema["properties"])[:3] == ["workspace_json", "workspace_path", "workspace_id"]
    assert set(schema["properties"]["execution"]["properties"]) == {
        "deterministic",
        "eval_mode",
        "threads",
    }


@pytest.mark.parametrize(("name", "documented"), DOCUMENTED.items())
def test_documented_arguments_have_their_defaults(name, documented):
    schema = parameters(name)
    found = {key: schema["properties"][key].get("default", ...) for key in documented}
    assert found == documented
    assert schema["required"] == [key for key, value in documented.items() if value is ...]


def test_listing_imports_no_library():
    program = (
        "import sys; from nextstat.tools import get_toolkit; get_toolkit(); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "mcp", "langchain_core", "jsonschema", "pydantic", "uvicorn", "click"}
    assert heavy & {name.partition(".")[0] for name in done.stdout.split()} == set()


@pytest.fixture
def third_party():
    """Register tools as another plugin does, for one test."""
    made = []

    def register(*specs):
        @hookimpl
        def nextstat_register_tools():
            return specs

        plugin = SimpleNamespace(nextstat_register_tools=nextstat_register_tools)
        get_manager().register(plugin, name="acme")
        made.append(plugin)

    yield register
    for _ in made:
        get_manager().unregister("acme")


def test_tools_of_other_plugins_follow_and_get_paths_and_ids_too(third_party, workspace):
    schema = {
        "type": "object",
        "properties": {"workspace_json": {"type": "string"}, "factor": {"type": "number"}},
        "required": ["workspace_json"],
    }
    spec = ToolSpec("acme_length", "Length.", schema, lambda given: len(given["workspace_json"]))
    third_party(spec)
    assert get_tool_names() == [*NINE, "acme_length"]
    assert "workspace_path" in parameters("acme_length")["properties"]
    done = execute_tool("acme_length", {"workspace_json": workspace})
    assert done["result"] == len(workspace)
    again = execute_tool("acme_length", {"workspace_id": done["meta"]["workspace_id"]})
    assert again["result"] == len(workspace)
    refused = execute_tool("acme_length", {"workspace_json": workspace, "facto": 1})
    assert "there is no argument 'facto', did you mean 'factor'?" in refused["error"]["message"]


def test_files_of_other_plugins_are_checked_too(third_party, folder, monkeypatch):
    schema = {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "path"}, "anything": True},
    }
    third_party(ToolSpec("acme_file", "A file.", schema, dict))
    monkeypatch.chdir(folder)
    done = execute_tool("acme_file", {"file": "small.json", "anything": [1]})
    assert done["result"] == {"file": str((folder / "small.json").resolve()), "anything": [1]}
    assert "outside" in execute_tool("acme_file", {"file": "/etc/hosts"})["error"]["message"]


@pytest.mark.parametrize("failure", [SystemExit(3), ZeroDivisionError("x"), MemoryError()])
def test_whatever_a_tool_raises_is_reported(third_party, failure):
    def fail(arguments):
        raise failure

    third_party(ToolSpec("acme_fails", "Fails.", {"type": "object"}, fail))
    done = execute_tool("acme_fails", {})
    assert not done["ok"]
    assert done["error"]["type"] == type(failure).__name__


@pytest.mark.parametrize("schema", [{"type": "object", "properties": 3}, {"type": "objekt"}])
def test_unusable_schema_of_a_plugin_is_its_error(third_party, schema):
    third_party(ToolSpec("acme_odd", "Odd.", schema, lambda given: None))
    done = execute_tool("acme_odd", {"a": 1})
    assert done["error"]["type"] == "PluginError"
    assert "'acme_odd'" in done["error"]["message"]


def test_result_that_is_no_json_is_an_error(third_party):
    third_party(ToolSpec("acme_set", "A set.", {"type": "object"}, lambda given: {"a": {1, 2}}))
    assert "a set at 'a'" in execute_tool("acme_set", {})["error"]["message"]
