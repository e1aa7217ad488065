"""nextstat for agents: tools that take and return JSON.

Names are loaded when they are first used, so that finding the plugin costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_tools.cancellation import Cancellation
    from nextstat_tools.functions import (
        execute_tool,
        execute_tool_raw,
        get_mcp_tools,
        get_tool_names,
        get_tool_schema,
        get_toolkit,
        handle_mcp_call,
    )
    from nextstat_tools.langchain import get_langchain_tools
    from nextstat_tools.limits import Limits
    from nextstat_tools.server import make_server
    from nextstat_tools.toolbox import Toolbox

__all__ = [
    "Cancellation",
    "Limits",
    "Toolbox",
    "execute_tool",
    "execute_tool_raw",
    "get_langchain_tools",
    "get_mcp_tools",
    "get_tool_names",
    "get_tool_schema",
    "get_toolkit",
    "handle_mcp_call",
    "make_server",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_tools.cancellation": "Cancellation",
    "nextstat_tools.functions": (
        "execute_tool execute_tool_raw get_mcp_tools get_tool_names get_tool_schema get_toolkit "
        "handle_mcp_call"
    ),
    "nextstat_tools.langchain": "get_langchain_tools",
    "nextstat_tools.limits": "Limits",
    "nextstat_tools.server": "make_server",
    "nextstat_tools.toolbox": "Toolbox",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
