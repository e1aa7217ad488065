"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.hooks import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["nextstat_register_commands"]


@hookimpl
def nextstat_register_commands() -> list[click.Command]:
    """The commands ``build-hists`` and ``preprocess``."""
    from nextstat_histograms.commands import build_hists, preprocess

    return [build_hists.command, preprocess.command]
