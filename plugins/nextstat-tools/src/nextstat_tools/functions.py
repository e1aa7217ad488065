"""The functions of the facade: a toolbox as dictionaries for OpenAI and MCP."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from nextstat_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "default_toolbox",
    "execute_tool",
    "execute_tool_raw",
    "get_mcp_tools",
    "get_tool_names",
    "get_tool_schema",
    "get_toolkit",
    "handle_mcp_call",
]


@cache
def default_toolbox() -> Toolbox:
    """The toolbox of calls that name none: no limits, files below the working directory."""
    return Toolbox()


def get_tool_names(*, toolbox: Toolbox | None = None) -> list[str]:
    """List the names of all tools: nextstat's nine first, then those of other plugins."""
    return (toolbox or default_toolbox()).names


def get_tool_schema(name: str, *, toolbox: Toolbox | None = None) -> dict[str, Any] | None:
    """Return the definition of one tool in the form of `get_toolkit`; None if there is none."""
    box = toolbox or default_toolbox()
    if name not in box.names:
        return None
    function = {
        "name": name,
        "description": box.description(name),
        "parameters": box.schema(name),
    }
    return {"type": "function", "function": function}


def get_toolkit(*, toolbox: Toolbox | None = None) -> list[dict[str, Any]]:
    """Describe all tools in the form that OpenAI and others take.

    Returns
    -------
    list of dict
        ``type`` (``"function"``) and ``function`` with ``name``, ``description`` and
        ``parameters``, a JSON Schema.
    """
    box = toolbox or default_toolbox()
    return [tool for name in box.names if (tool := get_tool_schema(name, toolbox=box))]


def get_mcp_tools(*, toolbox: Toolbox | None = None) -> list[dict[str, Any]]:
    """Describe all tools as the Model Context Protocol does.

    Returns
    -------
    list of dict
        ``name``, ``description`` and ``inputSchema``.
    """
    box = toolbox or default_toolbox()
    return [
        {"name": name, "description": box.description(name), "inputSchema": box.schema(name)}
        for name in box.names
    ]


def execute_tool(
    name: str, arguments: Mapping[str, Any], *, toolbox: Toolbox | None = None
) -> dict[str, Any]:
    """Call a tool and report whatever happens; never raises.

    Parameters
    ----------
    name : str
    arguments : mapping
        Plain JSON values. The workspace is its text (``workspace_json``), a path
        (``workspace_path``), or the ``workspace_id`` that the ``meta`` of an earlier call has.
    toolbox : Toolbox, optional
        Other conditions: directories, limits, digits.

    Returns
    -------
    dict
        ``schema_version``; ``ok``; ``result``, or null; ``error``, null or with ``type`` and
        ``message``; ``meta`` with ``tool_name``, ``nextstat_version``, how it was evaluated,
        ``workspace_id`` and ``warnings``.
    """
    return (toolbox or default_toolbox()).call(name, arguments)


def execute_tool_raw(
    name: str, arguments: Mapping[str, Any], *, toolbox: Toolbox | None = None
) -> Any:
    """Call a tool and return its result, without the envelope.

    Raises
    ------
    ValueError
        If there is no such tool or the arguments cannot be used.
    Exception
        Whatever the tool raises.
    """
    return (toolbox or default_toolbox()).call_raw(name, arguments)


def handle_mcp_call(
    name: str, arguments: Mapping[str, Any], *, toolbox: Toolbox | None = None
) -> dict[str, Any]:
    """Call a tool for an MCP server of the caller's own; the envelope of `execute_tool`."""
    return execute_tool(name, arguments, toolbox=toolbox)
