"""``nextstat example-yields``: expected events of a workspace."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("example-yields")
@click.argument("workspace", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def command(*, workspace: Path) -> None:
    """Print the events that WORKSPACE predicts at the start values, by channel and sample."""
    # The engine is imported when the command runs, not when it is listed.
    from nextstat_core.models import HistFactoryModel

    model = HistFactoryModel.from_workspace(workspace)
    for entry in model.expected_main_by_channel_sample(model.suggested_init()):
        for sample in entry["samples"]:
            events = sum(sample["y"])
            click.echo(f"{entry['channel_name']:<20} {sample['sample_name']:<20} {events:12.2f}")
