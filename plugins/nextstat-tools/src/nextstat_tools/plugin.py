"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nextstat_core.hooks import ToolSpec, hookimpl
from nextstat_tools.definitions import DESCRIPTIONS, PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

__all__ = ["nextstat_register_commands", "nextstat_register_tools"]


def _run(name: str, arguments: Mapping[str, Any]) -> Any:
    from nextstat_tools.analyses import ANALYSES

    defaults = {
        key: schema["default"]
        for key, schema in PARAMETERS[name]["properties"].items()
        if "default" in schema
    }
    return ANALYSES[name]({**defaults, **arguments})


@hookimpl
def nextstat_register_tools() -> list[ToolSpec]:
    """The tools whose names begin with ``nextstat_``."""
    return [
        ToolSpec(name, DESCRIPTIONS[name], parameters, partial(_run, name))
        for name, parameters in PARAMETERS.items()
    ]


@hookimpl
def nextstat_register_commands() -> list[click.Command]:
    """The command ``mcp``."""
    from nextstat_tools.command import command

    return [command]
