"""``nextstat combine`` and ``nextstat workspace combine``: several workspaces into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.documents import (
    output_option,
    read_document,
    warn_if_unusable,
    write_document,
)

if TYPE_CHECKING:
    from nextstat_core.io import Join

__all__ = ["combine_command", "command"]


def combine_command(default_join: str) -> click.Command:
    """The command, with the join that it uses unless told otherwise."""

    @click.command("combine")
    @click.argument("workspaces", nargs=-1, required=True)
    @click.option(
        "-j",
        "--join",
        type=click.Choice(["none", "outer", "left outer", "right outer"]),
        default=default_join,
        show_default=True,
        help="What becomes of channels, observations and measurements of the same name.",
    )
    @click.option(
        "--merge-channels/--no-merge-channels",
        default=False,
        help="Join the samples of channels of the same name.",
    )
    @click.option(
        "--prefix-channels",
        is_flag=True,
        help="Call the channel SR of the first workspace ws0_SR, and so on.",
    )
    @output_option
    def command(
        *,
        workspaces: tuple[str, ...],
        join: Join,
        merge_channels: bool,
        prefix_channels: bool,
        output: str,
    ) -> None:
        """Combine two or more WORKSPACES.

        Modifiers of one name are one parameter, whichever workspace they come from; those that are
        shared are listed on standard error.
        """
        from nextstat_core.io import shared_modifiers, workspace_combine_all

        documents = [read_document(path) for path in workspaces]
        if prefix_channels:
            documents = [_prefixed(document, i) for i, document in enumerate(documents)]
        combined = workspace_combine_all(documents, join=join, merge_channels=merge_channels)
        shared = shared_modifiers(documents)
        if shared:
            click.echo(f"shared by several workspaces: {', '.join(shared)}", err=True)
        write_document(combined, output)
        warn_if_unusable(combined)

    return command


def _prefixed(document: Any, index: int) -> Any:
    """The workspace with the channels called ``ws<index>_<name>``."""
    from nextstat_core.io import workspace_rename
    from nextstat_core.io.operands import operand

    sections = operand(document)
    names = {entry["name"] for entry in (*sections["channels"], *sections["observations"])}
    return workspace_rename(document, channels={name: f"ws{index}_{name}" for name in names})


command = combine_command("outer")
