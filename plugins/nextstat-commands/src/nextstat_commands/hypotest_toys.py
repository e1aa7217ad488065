"""``nextstat hypotest-toys``: CLs of one value from pseudo-experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.executors import executor_option, running
from nextstat_commands.options import (
    checkpoint_option,
    expected_set_option,
    mu_option,
    test_stat_option,
    toy_options,
)
from nextstat_commands.output import N_SIGMA, Display, bands, figure, with_error
from nextstat_commands.progress import progress_bar

if TYPE_CHECKING:
    from nextstat_core.results import ToyHypotestResult

__all__ = ["command"]


@click.command("hypotest-toys")
@with_analysis()
@mu_option
@expected_set_option
@test_stat_option
@toy_options
@click.option(
    "--first-toy",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Number of the first toy, for studies in several parts.",
)
@click.option("--save", metavar="FILE", help="Keep all toys, for ToyHypotestResult.load and merge.")
@executor_option
@checkpoint_option
def command(
    analysis: Analysis,
    *,
    mu: float,
    expected_set: bool,
    save: str | None,
    executor: str | None,
    **asked: Any,
) -> None:
    """Test a signal strength, with toys.

    Toys of WORKSPACE are drawn with and without the signal, and each is fitted twice. The same
    seed gives the same toys, however the work is divided.
    """
    from nextstat_core.infer import hypotest_toys

    with running(executor) as pool, progress_bar("toys") as progress:
        result = hypotest_toys(
            analysis.model,
            mu,
            threads=analysis.place.threads,
            executor=pool,
            progress=progress,
            **asked,
            **analysis.request,
        )
    if save is not None:
        result.save(save)
    analysis.finish(result, _as_dict(result, expected_set=expected_set), _display(result))


def _as_dict(result: ToyHypotestResult, *, expected_set: bool) -> dict[str, Any]:
    expected = result.expected_cls if expected_set else None
    ensembles = {"b": result.b, "sb": result.sb}
    return {
        **result.to_dict(),
        "n_toys": {name: len(toys) for name, toys in ensembles.items()},
        "n_error": {name: toys.n_error for name, toys in ensembles.items()},
        "n_nonconverged": {name: toys.n_nonconverged for name, toys in ensembles.items()},
        "seed": result.study["seed"],
        "test_stat": result.test_stat,
        "expected_set": None if expected is None else {"cls": expected, "nsigma_order": N_SIGMA},
    }


def _display(result: ToyHypotestResult) -> Display:
    rows = [
        ("best fit", figure(result.mu_hat)),
        (f"test statistic {result.test_stat}", figure(result.q)),
        ("CLs+b", with_error(result.clsb, result.clsb_error)),
        ("CLb", with_error(result.clb, result.clb_error)),
        ("CLs", with_error(result.cls, result.cls_error)),
        *bands("expected CLs", result.expected_cls),
        ("toys with signal", str(len(result.sb))),
        ("toys without signal", str(len(result.b))),
        ("toys left out", str(sum(len(toys) - toys.n_valid for toys in (result.sb, result.b)))),
    ]
    return Display.of_rows(f"Test of mu = {result.mu:g} with toys", rows, result.warnings)
