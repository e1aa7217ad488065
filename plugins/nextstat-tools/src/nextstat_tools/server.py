"""An MCP server with the tools; imports the package ``mcp`` when one is made."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, NextstatError
from nextstat_tools.cancellation import Cancellation

if TYPE_CHECKING:
    from mcp.server import Server, ServerRequestContext
    from mcp.types import (
        CallToolRequestParams,
        CallToolResult,
        ListToolsResult,
    )

    from nextstat_tools.toolbox import Toolbox

__all__ = ["HOST", "make_server", "serve_http", "serve_stdio"]

#: The only address that the server listens on: it has no notion of who calls.
HOST = "127.0.0.1"
_LARGEST_REQUEST = 64 * 2**20
#: Seconds that running calls have when the server ends.
_GRACE = 2
_INSTRUCTIONS = (
    "Statistical inference with HistFactory workspaces. Name a workspace by workspace_path rather "
    "than by its text, and from the second call on by the meta.workspace_id of the first."
)


def make_server(toolbox: Toolbox) -> Server[Any]:
    """Make an MCP server of all tools, to be run on any transport.

    Calls run in threads; a call whose request is cancelled is ended, if the toolbox has limits.

    Raises
    ------
    NextstatError
        If the package ``mcp`` is missing; says how to install it.
    """
    try:
        from mcp.server import Server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise NextstatError(
            "the server needs the package mcp, which is not installed\n\n"
            "Hint: python -m pip install 'nextstat-tools[mcp]'"
        ) from error
    return Server(
        "nextstat",
        version=version("nextstat-tools"),
        title="nextstat",
        instructions=_INSTRUCTIONS,
        on_list_tools=partial(_list, toolbox),
        on_call_tool=partial(_call, toolbox),
    )


async def _list(toolbox: Toolbox, *_request: object) -> ListToolsResult:
    from mcp.types import ListToolsResult, Tool, ToolAnnotations

    reads = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    tools = [
        Tool(
            name=name,
            description=toolbox.description(name),
            input_schema=toolbox.schema(name),
            annotations=reads if toolbox.is_own(name) else None,
        )
        for name in toolbox.names
    ]
    return ListToolsResult(tools=tools)


async def _call(
    toolbox: Toolbox, context: ServerRequestContext[Any], asked: CallToolRequestParams
) -> CallToolResult:
    import anyio
    import anyio.from_thread
    import anyio.to_thread
    from mcp import MCPError
    from mcp.types import INVALID_PARAMS, CallToolResult, TextContent

    if asked.name not in toolbox.names:
        message = f"Unknown tool: {asked.name!r}. Available: {toolbox.names}"
        raise MCPError(INVALID_PARAMS, message)
    cancellation = Cancellation()

    def report(done: int, total: int) -> None:
        if not cancellation.cancelled:
            anyio.from_thread.run(context.session.report_progress, float(done), float(total))

    call = partial(
        toolbox.call,
        asked.name,
        asked.arguments or {},
        progress=report,
        cancellation=cancellation,
    )
    try:
        envelope = await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        cancellation.cancel()
        raise
    return CallToolResult(
        content=[TextContent(type="text", text=json.dumps(envelope, allow_nan=False))],
        structured_content=envelope,
        is_error=not envelope["ok"],
    )


def serve_stdio(toolbox: Toolbox) -> None:
    """Serve one client on standard input and output, until it is gone."""
    server = make_server(toolbox)
    import anyio
    from mcp.server.stdio import stdio_server

    async def run() -> None:
        async with stdio_server() as (source, sink):
            await server.run(source, sink, server.create_initialization_options())

    anyio.run(run)


def serve_http(toolbox: Toolbox, port: int) -> None:
    """Serve clients of this machine over streamable HTTP, at ``/mcp``.

    Requests whose ``Host`` or ``Origin`` is another machine are refused.

    Parameters
    ----------
    toolbox : Toolbox
    port : int
        0 for any that is free; the address is printed on standard error.

    Raises
    ------
    InputError
        If the port is taken.
    """
    server = make_server(toolbox)
    import uvicorn

    app = server.streamable_http_app(host=HOST, max_request_body_size=_LARGEST_REQUEST)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()  # so that the address works as soon as it is printed
        except OSError as error:
            raise InputError(f"port {port} cannot be used: {error.strerror}") from error
        address = f"http://{HOST}:{listening.getsockname()[1]}/mcp"
        sys.stderr.write(f"nextstat mcp: listening on {address}\n")
        sys.stderr.flush()
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_GRACE)
        # Ctrl-C is how a server ends; uvicorn raises it again when it has closed connections.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
