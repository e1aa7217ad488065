"""``nextstat goodness-of-fit``: whether the model describes the data at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.output import Display, figure, with_error

if TYPE_CHECKING:
    from nextstat_core.results import GoodnessOfFit

__all__ = ["command"]


@click.command("goodness-of-fit")
@with_analysis()
@click.option(
    "--n-toys",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Toys for a p-value that needs no formula.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True)
def command(analysis: Analysis, *, n_toys: int, seed: int) -> None:
    """Compare the fit with the saturated model.

    Constraints of WORKSPACE count as data.
    """
    from nextstat_core.infer import goodness_of_fit

    result = goodness_of_fit(
        analysis.model, n_toys=n_toys, seed=seed, threads=analysis.place.threads, **analysis.request
    )
    data = {
        "command": "goodness_of_fit",
        **result.to_dict(),
        "chi2": result.statistic,
        "chi2_per_ndof": result.statistic / result.ndof if result.ndof > 0 else None,
        "n_floating": result.n_free,
        "nll_fit": result.fit.nll,
        "converged": result.fit.converged,
        "wall_time_s": analysis.watch.elapsed,
    }
    analysis.finish(result, data, _display(result))


def _display(result: GoodnessOfFit) -> Display:
    rows = [
        ("chi2", figure(result.statistic)),
        ("bins", str(result.n_bins)),
        ("free parameters without a constraint", str(result.n_free)),
        ("degrees of freedom", str(result.ndof)),
        ("p-value", figure(result.p_value)),
    ]
    if result.toys is not None:
        p_value = with_error(result.p_value_toys, result.p_value_toys_error)
        rows.append((f"p-value of {len(result.toys)} toys", p_value))
    display = Display.of_rows("Goodness of fit", rows, result.warnings)
    return replace(display, remarks=[*filter(None, [result.reason]), *display.remarks])
