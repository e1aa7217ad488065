"""``nextstat plugins``: what is installed, and what is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nextstat_core.hooks import get_manager

if TYPE_CHECKING:
    from nextstat_core.hooks import PluginInfo

__all__ = ["command"]

_REGISTRIES = (
    *("analyses", "backends", "commands", "models", "modifiers", "readers", "tools", "writers"),
)


@click.command("plugins")
@click.option("--verbose", "-v", is_flag=True, help="Show hooks, and tracebacks of broken plugins.")
def command(*, verbose: bool) -> None:
    """List installed plugins; broken ones come with the reason."""
    manager = get_manager()
    for registry in _REGISTRIES:
        # Asking for contributions is what finds plugins that fail when they are called.
        getattr(manager, registry)
    if not manager.plugins:
        click.echo("no plugins are installed")
    for info in manager.plugins:
        click.echo("\n".join(_lines(info, verbose=verbose)))


def _lines(info: PluginInfo, *, verbose: bool) -> list[str]:
    shipped = f"{info.distribution} {info.version}".strip() or "registered by hand"
    lines = [f"{info.name:<20} {info.state:<8} {shipped}"]
    if info.reason:
        lines.append(f"    {info.reason}")
    if verbose:
        lines += [f"    {hook}" for hook in info.hooks]
        lines += [f"    {line}" for line in info.traceback.splitlines()]
    return lines
