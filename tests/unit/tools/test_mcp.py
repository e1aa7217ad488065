"""The MCP server, asked by the client of the package mcp over its real transports."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from nextstat_tools import Toolbox, execute_tool, get_mcp_tools

pytest.importorskip("mcp")

from mcp import Client, MCPError, StdioServerParameters

TRANSPORTS = ["stdio", "http"]
#: Clients that shake hands first, and those of the protocol since 2026-07.
MODES = ["legacy", "auto"]
COMMAND = [sys.executable, "-m", "nextstat_commands", "mcp"]
ENDLESS = {"mu": 1.0, "n_toys": 1_000_000}


@contextmanager
def served(transport, *options):
    """What a client connects to: the command of a server, or the address of one that runs."""
    command = [*COMMAND, *map(str, options)]
    if transport == "stdio":
        # By itself the client hands on few variables; those of BLAS choose its kernels, thus bits.
        yield StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
        return
    with subprocess.Popen([*command, "--http", "--port", "0"], stderr=subprocess.PIPE) as process:
        try:
            yield process.stderr.readline().decode().split()[-1]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def ask(transport, mode, talk, *options):
    """Run `talk` with a client that is connected."""

    async def run(target):
        async with asyncio.timeout(100), Client(target, mode=mode) as client:
            return await talk(client)

    with served(transport, *options) as target:
        return asyncio.run(run(target))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_client_lists_calls_and_cancels_tools(transport, mode, folder):
    seen = []

    async def watch(done, total, message):
        seen.append((done, total))

    async def talk(client):
        listed = (await client.list_tools()).tools
        by_path = {"workspace_path": "small.json", "mu": 1.0}
        first = await client.call_tool("nextstat_hypotest", by_path)
        known = {"workspace_id": first.structured_content["meta"]["workspace_id"]}
        toys = {**known, "mu": 1.0, "n_toys": 100}
        await client.call_tool("nextstat_hypotest_toys", toys, progress_callback=watch)
        task = asyncio.create_task(client.call_tool("nextstat_hypotest_toys", {**known, **ENDLESS}))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The only worker is free again.
        last = await client.call_tool("nextstat_fit", known)
        refused = await client.call_tool("nextstat_fit", {"workspace_path": "/etc/passwd"})
        wrong = await client.call_tool("nextstat_hypotest", {**known, "muu": 1})
        with pytest.raises(MCPError, match="Unknown tool: 'nope'"):
            await client.call_tool("nope", {})
        return listed, first, last, refused, wrong

    options = ("--allow-dir", folder, "--workers", 1, "--digits", 17)
    listed, first, last, refused, wrong = ask(transport, mode, talk, *options)
    described = [(tool.name, tool.description, tool.input_schema) for tool in listed]
    assert described == [tuple(tool.values()) for tool in get_mcp_tools()]
    assert all(tool.annotations.read_only_hint for tool in listed)
    local = Toolbox(allowed_dirs=[folder])
    by_path = {"workspace_path": "small.json", "mu": 1.0}
    assert first.structured_content == local.call("nextstat_hypotest", by_path)
    assert json.loads(first.content[0].text) == first.structured_content
    assert not first.is_error
    assert last.structured_content == local.call("nextstat_fit", {"workspace_path": "small.json"})
    assert seen[-1] == (200, 200)
    assert refused.is_error
    assert "outside of the allowed directories" in refused.structured_content["error"]["message"]
    assert wrong.is_error
    assert "'mu' is missing" in wrong.structured_content["error"]["message"]


def test_no_file_is_read_unless_a_directory_is_allowed(folder, workspace):
    async def talk(client):
        path = str(folder / "small.json")
        refused = await client.call_tool("nextstat_fit", {"workspace_path": path})
        done = await client.call_tool("nextstat_hypotest", {"workspace_json": workspace, "mu": 1})
        return refused.structured_content, done.structured_content

    refused, done = ask("stdio", "auto", talk)
    assert "no directory is allowed" in refused["error"]["message"]
    exact = execute_tool("nextstat_hypotest", {"workspace_json": workspace, "mu": 1})["result"]
    assert done["result"] == {key: float(f"{value:.6g}") for key, value in exact.items()}


def test_call_over_the_limit_of_time_is_an_answer(workspace):
    async def talk(client):
        endless = {"workspace_json": workspace, **ENDLESS}
        return await client.call_tool("nextstat_hypotest_toys", endless)

    done = ask("stdio", "auto", talk, "--time-limit", 0.5)
    assert done.is_error
    assert done.structured_content["error"]["type"] == "TimeoutError"


@pytest.mark.parametrize(
    ("header", "status"),
    [({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403)],
)
def test_pages_of_other_sites_cannot_reach_the_server(header, status):
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    with served("http") as address:
        place = urlsplit(address)
        assert place.hostname == "127.0.0.1"
        connection = HTTPConnection(place.hostname, place.port, timeout=60)
        kinds = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        connection.request("POST", place.path, body, {**kinds, **header})
        assert connection.getresponse().status == status
        connection.close()


def test_taken_port_is_an_error():
    with served("http") as address:
        port = address.rpartition(":")[2].partition("/")[0]
        command = [*COMMAND, "--http", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: port {port} cannot be used")


def test_without_the_package_the_remedy_is_named(site):
    (site.folder / "mcp.py").write_text("raise ModuleNotFoundError('gone', name='mcp')")
    done = site.run("mcp")
    assert done.returncode == 1
    assert "hint: python -m pip install 'nextstat-tools[mcp]'" in done.stderr
