"""The tools as LangChain's; imports langchain-core when it is asked for them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from nextstat_tools.cancellation import Cancellation
from nextstat_tools.functions import default_toolbox

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

    from nextstat_tools.toolbox import Toolbox

__all__ = ["get_langchain_tools"]


def get_langchain_tools(*, toolbox: Toolbox | None = None) -> list[StructuredTool]:
    """Return all tools as LangChain's.

    Each answers with the envelope of `execute_tool`, whatever happens. LangChain does not compare
    arguments with a JSON Schema; the tools do.

    Parameters
    ----------
    toolbox : Toolbox, optional
        Other conditions: directories, limits, digits. With limits, cancelling the task that awaits
        ``ainvoke`` ends the call.

    Raises
    ------
    ModuleNotFoundError
        If langchain-core is missing; says how to install it.
    """
    try:
        from langchain_core.tools import StructuredTool
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "langchain_core":
            raise
        message = (
            "get_langchain_tools needs langchain-core, which is not installed\n\n"
            "Hint: python -m pip install 'nextstat-tools[langchain]'"
        )
        raise ModuleNotFoundError(message, name="langchain_core") from error
    box = toolbox or default_toolbox()

    class Tool(StructuredTool):
        # LangChain looks for parameters `config` and `run_manager` here. There are none, so that
        # arguments of these names are arguments, and refused like other unknown ones.
        def _run(self, /, **arguments: Any) -> dict[str, Any]:  # type: ignore[override]  # on purpose
            return box.call(self.name, arguments)

        async def _arun(self, /, **arguments: Any) -> dict[str, Any]:  # type: ignore[override]  # too
            return await _call(box, self.name, arguments)

    return [
        Tool(
            name=name,
            description=box.description(name),
            args_schema=box.schema(name),
            # Only with a coroutine does `ainvoke` ask `_arun`, rather than `_run` in a thread.
            coroutine=partial(_call, box, name),
        )
        for name in box.names
    ]


async def _call(box: Toolbox, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    cancellation = Cancellation()
    try:
        return await asyncio.to_thread(box.call, name, arguments, cancellation=cancellation)
    except asyncio.CancelledError:
        cancellation.cancel()
        raise
