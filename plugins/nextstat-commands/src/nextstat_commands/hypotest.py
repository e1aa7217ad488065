"""``nextstat hypotest``: CLs of one value of the parameter of interest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.options import (
    asimov_option,
    expected_set_option,
    mu_option,
    test_stat_option,
)
from nextstat_commands.output import Display, bands, figure

if TYPE_CHECKING:
    from nextstat_core.results import HypotestResult

__all__ = ["command"]


@click.command("hypotest")
@with_analysis()
@mu_option
@expected_set_option
@test_stat_option
@asimov_option
def command(
    analysis: Analysis, *, mu: float, expected_set: bool, test_stat: Any, asimov: Any
) -> None:
    """Test a signal strength, with formulas.

    Asymptotic distributions of the test statistic of WORKSPACE; see hypotest-toys for toys.
    """
    from nextstat_core.infer import hypotest

    result = hypotest(analysis.model, mu, test_stat=test_stat, asimov=asimov, **analysis.request)
    data = result.to_dict()
    if not expected_set:
        data["expected_set"] = None
    analysis.finish(result, data, _display(result))


def _display(result: HypotestResult) -> Display:
    rows = [
        ("best fit", figure(result.mu_hat)),
        (f"test statistic {result.test_stat}", figure(result.q)),
        ("p-value", figure(result.p_value)),
        ("CLs+b", figure(result.clsb)),
        ("CLb", figure(result.clb)),
        ("CLs", figure(result.cls)),
        *bands("expected CLs", result.expected_cls),
    ]
    return Display.of_rows(f"Test of mu = {result.mu:g}", rows, result.warnings)
