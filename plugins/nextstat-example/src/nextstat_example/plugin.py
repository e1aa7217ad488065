"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from nextstat_core.hooks import FitEvent, hookimpl

if TYPE_CHECKING:
    import click

    from nextstat_core.ir import ModifierType

__all__ = [
    "nextstat_observe_fit",
    "nextstat_register_commands",
    "nextstat_register_modifiers",
]

_LOGGER = logging.getLogger("nextstat_example")


@hookimpl
def nextstat_register_modifiers() -> list[ModifierType]:
    """The modifier ``example_coupling``."""
    from nextstat_example.coupling import Coupling

    return [Coupling()]


@hookimpl
def nextstat_register_commands() -> list[click.Command]:
    """The command ``example-yields``."""
    from nextstat_example.command import command

    return [command]


@hookimpl
def nextstat_observe_fit(event: FitEvent) -> None:
    """Log one line per minimisation."""
    if event.kind == "end":
        _LOGGER.info("fitted %d x %d parameters", event.n_rows, event.n_params)
