"""``nextstat plugins``: what is installed, and what is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nextstat_core.hooks import get_manager

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nextstat_core.hooks import Contributions, PluginInfo, PluginManager

__all__ = ["command"]

_REGISTRIES = (
    *("analyses", "backends", "commands", "models", "modifiers", "readers", "tools", "writers"),
)


@click.command("plugins")
@click.option("--verbose", "-v", is_flag=True, help="Show hooks, load times and tracebacks.")
def command(*, verbose: bool) -> None:
    """List installed plugins; broken ones come with the reason."""
    manager = get_manager()
    # Asking for contributions is what finds plugins that fail when they are called.
    registries = [getattr(manager, registry) for registry in _REGISTRIES]
    if not manager.plugins:
        click.echo("no plugins are installed")
    for info in manager.plugins:
        click.echo("\n".join(_lines(info, verbose=verbose)))
    for line in (*_shadowed(manager), *_clashes(registries)):
        click.echo(f"clash: {line}")


def _lines(info: PluginInfo, *, verbose: bool) -> list[str]:
    shipped = f"{info.distribution} {info.version}".strip() or "registered by hand"
    lines = [f"{info.name:<20} {info.state:<8} {shipped}"]
    if info.reason:
        lines.append(f"    {info.reason}")
    if verbose:
        lines += [f"    loaded in {1e3 * info.seconds:.1f} ms"] if info.seconds else []
        lines += [f"    {hook}" for hook in info.hooks]
        lines += [f"    {line}" for line in info.traceback.splitlines()]
    return lines


def _clashes(registries: Iterable[Contributions]) -> Iterator[str]:
    for registry in registries:
        yield from registry.clashes.values()


def _shadowed(manager: PluginManager) -> Iterator[str]:
    """Commands of plugins that have the name of one of ours, which comes first."""
    from nextstat_commands.main import cli

    for entry in manager.commands.entries:
        for name in entry.names:
            if name in cli.own_commands:
                yield f"the command {name!r} of {entry.origin} is hidden by nextstat's own"
