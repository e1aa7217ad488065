"""The command ``nextstat`` and how it fails: one line, a hint, an exit code."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from nextstat_core.errors import NextstatError

if TYPE_CHECKING:
    from nextstat_core.hooks import Contributions

__all__ = ["NextstatGroup", "cli", "main"]

#: Own commands, and the modules that hold them, as `command` or under the name after the colon;
#: imported when one of them is asked for.
_COMMANDS = {
    "audit": "nextstat_commands.audit",
    "check-plugin": "nextstat_commands.check_plugin",
    "combine": "nextstat_commands.combine",
    "compare-pyhf": "nextstat_commands.compare",
    "contour": "nextstat_commands.contour",
    "download": "nextstat_commands.download",
    "export": "nextstat_commands.formats:export_command",
    "fit": "nextstat_commands.fit",
    "goodness-of-fit": "nextstat_commands.goodness",
    "hypotest": "nextstat_commands.hypotest",
    "hypotest-toys": "nextstat_commands.hypotest_toys",
    "import": "nextstat_commands.formats:import_command",
    "lint": "nextstat_commands.lint",
    "mass-scan": "nextstat_commands.mass_scan",
    "patchset": "nextstat_commands.patchset",
    "plugins": "nextstat_commands.plugins",
    "ranking": "nextstat_commands.ranking",
    "scan": "nextstat_commands.scan",
    "significance": "nextstat_commands.significance",
    "upper-limit": "nextstat_commands.upper_limit",
    "workspace": "nextstat_commands.workspace",
}
_HINT = "\n\nHint: "


class NextstatGroup(click.Group):
    """Own commands first, then those of plugins; errors of nextstat become one line."""

    @property
    def own_commands(self) -> frozenset[str]:
        """Names of the commands that this distribution brings."""
        return frozenset({*self.commands, *_COMMANDS})

    def list_commands(self, ctx: click.Context) -> list[str]:
        of_plugins = _of_plugins()
        return sorted(self.own_commands | (of_plugins.keys() - of_plugins.clashes.keys()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if cmd_name in _COMMANDS:
            module, _, name = _COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), name or "command")
            return command
        return _of_plugins().get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NextstatError as error:
            _report(error)
            ctx.exit(1)


def _of_plugins() -> Contributions:
    from nextstat_core.hooks import get_manager

    return get_manager().commands


def _report(error: NextstatError) -> None:
    message, _, hint = str(error).partition(_HINT)
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)


@click.group(cls=NextstatGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nextstat-commands", prog_name="nextstat")
def cli() -> None:
    """Statistical inference with HistFactory models.

    Exit codes: 0 done, 1 the input cannot be used, 2 the command was called wrongly, 3 a fit did
    not converge (its result is written all the same).
    """


@cli.command("version")
def _version() -> None:
    """Print the version."""
    click.echo(f"nextstat {version('nextstat-commands')}")


def main() -> None:
    """Run the command line of this process."""
    cli(prog_name="nextstat")
