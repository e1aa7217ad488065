"""``nextstat mcp``: the tools for agents, as a server."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("mcp")
@click.option(
    "--allow-dir",
    "folders",
    multiple=True,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Directory whose files agents may name; may be repeated. Default: none.",
)
@click.option("--http", is_flag=True, help="Streamable HTTP instead of standard input and output.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port for --http; 0 for any that is free.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0.0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Time of one call.",
)
@click.option(
    "--memory-limit",
    type=click.FloatRange(0.0, min_open=True),
    default=4.0,
    show_default=True,
    metavar="GIB",
    help="Memory of one call.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Calls that run at the same time.",
)
@click.option(
    "--digits",
    type=click.IntRange(1, 17),
    default=6,
    show_default=True,
    help="Significant digits of numbers.",
)
def command(
    *,
    folders: tuple[str, ...],
    http: bool,
    port: int,
    time_limit: float,
    memory_limit: float,
    workers: int,
    digits: int,
) -> None:
    """Serve the tools for agents by the Model Context Protocol.

    On standard input and output, or, with --http, on port PORT of this machine alone.
    """
    from nextstat_tools.limits import Limits
    from nextstat_tools.server import serve_http, serve_stdio
    from nextstat_tools.toolbox import Toolbox

    limits = Limits(time_limit, int(memory_limit * 2**30), workers)
    with Toolbox(allowed_dirs=folders, limits=limits, digits=digits) as toolbox:
        if http:
            serve_http(toolbox, port)
        else:
            serve_stdio(toolbox)
