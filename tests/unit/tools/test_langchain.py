"""The tools as LangChain's, with langchain-core itself."""

from __future__ import annotations

import asyncio
import sys

import pytest

from nextstat_tools import execute_tool, get_langchain_tools, get_tool_names, get_tool_schema

pytest.importorskip("langchain_core")


@pytest.fixture(scope="module")
def tools():
    return {tool.name: tool for tool in get_langchain_tools()}


def test_all_tools_are_there_with_their_schemas(tools):
    assert list(tools) == get_tool_names()
    for name, tool in tools.items():
        function = get_tool_schema(name)["function"]
        assert tool.description == function["description"]
        assert tool.args_schema == function["parameters"]


def test_invoke_gives_the_envelope(tools, workspace):
    arguments = {"workspace_json": workspace, "mu": 1.0}
    expected = execute_tool("nextstat_hypotest", arguments)
    assert tools["nextstat_hypotest"].invoke(arguments) == expected
    assert asyncio.run(tools["nextstat_hypotest"].ainvoke(arguments)) == expected


def test_call_of_a_model_gives_a_message_with_json(tools, workspace):
    call = {
        "name": "nextstat_hypotest",
        "args": {"workspace_json": workspace, "mu": 1.0},
        "id": "call_1",
        "type": "tool_call",
    }
    message = tools["nextstat_hypotest"].invoke(call)
    assert message.tool_call_id == "call_1"
    assert '"schema_version": "nextstat.tool_result.v1"' in message.content


def test_missing_and_unknown_arguments_are_named_in_the_answer(tools, workspace):
    done = tools["nextstat_hypotest"].invoke({"workspace_json": workspace, "name": 1, "box": 2})
    for part in ("'mu' is missing", "no argument 'name'", "no argument 'box'"):
        assert part in done["error"]["message"]


@pytest.mark.parametrize("name", ["config", "run_manager", "callbacks", "self", "arguments"])
def test_names_that_langchain_uses_are_unknown_arguments(tools, name):
    tool = tools["nextstat_fit"]
    for done in (tool.invoke({name: {}}), asyncio.run(tool.ainvoke({name: {}}))):
        assert f"no argument '{name}'" in done["error"]["message"]


def test_cancelled_task_ends_the_call(workers, workspace):
    tools = {tool.name: tool for tool in get_langchain_tools(toolbox=workers)}
    endless = {"workspace_json": workspace, "mu": 1.0, "n_toys": 1_000_000}

    async def run():
        task = asyncio.create_task(tools["nextstat_hypotest_toys"].ainvoke(endless))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(60):  # half of the limit of the first call
            return await tools["nextstat_fit"].ainvoke({"workspace_json": workspace})

    # There is one worker: the second call would wait if the first went on.
    assert asyncio.run(run())["ok"]


def test_without_langchain_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain_core", None)
    monkeypatch.setitem(sys.modules, "langchain_core.tools", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'nextstat-tools\[langchain\]'"):
        get_langchain_tools()
