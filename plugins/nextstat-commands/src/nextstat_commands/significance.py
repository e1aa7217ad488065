"""``nextstat significance``: how far the data are from the background alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.options import asimov_option
from nextstat_commands.output import Display, bands, figure

if TYPE_CHECKING:
    from nextstat_core.results import DiscoveryResult

__all__ = ["command"]


@click.command("significance")
@with_analysis()
@asimov_option
@click.option("--uncapped", is_flag=True, help="Negative significances for deficits.")
def command(analysis: Analysis, *, asimov: Any, uncapped: bool) -> None:
    """Significance of a signal.

    Observed in WORKSPACE, and expected for a signal of one.
    """
    from nextstat_core.infer import discovery

    result = discovery(analysis.model, asimov=asimov, uncapped=uncapped, **analysis.request)
    data = {"command": "significance", **result.to_dict(), "wall_time_s": analysis.watch.elapsed}
    analysis.finish(result, data, _display(result))


def _display(result: DiscoveryResult) -> Display:
    rows = [
        ("best fit", figure(result.mu_hat)),
        ("q0", figure(result.q0)),
        ("p-value", figure(result.p0)),
        ("significance", figure(result.z0)),
        *bands("expected significance", result.expected_z),
    ]
    return Display.of_rows("Test of the background alone", rows, result.warnings)
