"""``nextstat upper-limit``: which values of the parameter of interest are excluded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.executors import executor_option, running
from nextstat_commands.options import (
    alpha_option,
    asimov_option,
    checkpoint_option,
    test_stat_option,
    toy_options,
)
from nextstat_commands.output import Display, bands, figure
from nextstat_commands.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.results import ClsScan, LimitResult, ToyLimitResult

__all__ = ["command"]

_NO_EFFECT = "Accepted, without effect: the search finds its own bracket."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The options of this command."""

    alpha: float
    expected: bool
    method: str
    test_stat: Any
    asimov: Any
    rtol: float
    lo: float
    hi: float | None
    max_iter: int
    scan_start: float | None
    scan_stop: float | None
    scan_points: int | None
    n_toys: int
    seed: int
    aux: Any
    executor: str | None
    checkpoint: str | None

    def grid(self) -> dict[str, Any] | None:
        """Start, stop and number of points of a grid; None where none is asked for."""
        ends = {"start": self.scan_start, "stop": self.scan_stop, "points": self.scan_points}
        given = [name for name, value in ends.items() if value is not None]
        if not given:
            return None
        if len(given) < len(ends):
            missing = ", ".join(f"--scan-{name}" for name in ends if name not in given)
            raise click.UsageError(f"a grid needs {missing}, too")
        return ends


@click.command("upper-limit")
@with_analysis()
@alpha_option
@click.option(
    "--expected", is_flag=True, help="Expected limits too; grids and toys give them anyway."
)
@click.option(
    "--method",
    type=click.Choice(["asymptotic", "toys"]),
    default="asymptotic",
    show_default=True,
    help="Distributions of the test statistic from formulas or from toys.",
)
@test_stat_option
@asimov_option
@click.option("--scan-start", type=float, help="Limits between the points of a grid: the first.")
@click.option("--scan-stop", type=float, help="The last point.")
@click.option("--scan-points", type=click.IntRange(2), help="How many points.")
@click.option("--rtol", type=float, default=1e-4, show_default=True, help="Relative precision.")
@click.option("--lo", type=float, default=0.0, help=_NO_EFFECT)
@click.option("--hi", type=float, help=_NO_EFFECT)
@click.option("--max-iter", type=click.IntRange(1), default=80, help=_NO_EFFECT)
@toy_options
@executor_option
@checkpoint_option
def command(analysis: Analysis, **options: Any) -> None:
    """Upper limit on the signal strength.

    Of WORKSPACE, observed and, with --expected, expected from the background.
        Found by a search, or by interpolation on a grid: --scan-start, --scan-stop, --scan-points.
    """
    asked = _Asked(**options)
    grid = asked.grid()
    result: LimitResult | ClsScan | ToyLimitResult
    if asked.method == "toys":
        result, data = _from_toys(analysis, asked, grid)
    elif asked.executor is not None or asked.checkpoint is not None:
        raise click.UsageError("--executor and --checkpoint go with --method toys")
    else:
        result, data = _asymptotic(analysis, asked, grid)
    data = {**data, "alpha": asked.alpha, "mu_up": data["obs_limit"]}
    rows = [("observed", figure(data["obs_limit"])), *bands("expected", data["exp_limits"])]
    title = f"Upper limit at {100.0 * (1.0 - asked.alpha):g} % CL"
    analysis.finish(result, data, Display.of_rows(title, rows, result.warnings))


def _asymptotic(
    analysis: Analysis, asked: _Asked, grid: dict[str, Any] | None
) -> tuple[LimitResult | ClsScan, dict[str, Any]]:
    """Limits from formulas, by a search or on a grid."""
    from nextstat_core.infer import cls_scan, upper_limits

    test = {"alpha": asked.alpha, "test_stat": asked.test_stat, "asimov": asked.asimov}
    if grid is None:
        found = upper_limits(
            analysis.model, expected=asked.expected, rtol=asked.rtol, **test, **analysis.request
        )
        bracket = {"lo": asked.lo, "hi": asked.hi}
        search = {"bracket": bracket, "rtol": asked.rtol, "max_iter": asked.max_iter}
        return found, {**found.to_dict(), **search}
    scan = cls_scan(analysis.model, _values(grid), **test, **analysis.request)
    return scan, {**scan.to_dict(), "mode": "scan", "scan": grid}


def _from_toys(
    analysis: Analysis, asked: _Asked, grid: dict[str, Any] | None
) -> tuple[ToyLimitResult, dict[str, Any]]:
    """Limits from toys at values that a search or a grid chooses."""
    from nextstat_core.infer import toy_upper_limit

    with running(asked.executor) as pool, progress_bar("toys") as progress:
        result = toy_upper_limit(
            analysis.model,
            alpha=asked.alpha,
            mu_values=None if grid is None else _values(grid),
            n_toys=asked.n_toys,
            seed=asked.seed,
            aux=asked.aux,
            test_stat=asked.test_stat,
            threads=analysis.place.threads,
            executor=pool,
            checkpoint=asked.checkpoint,
            progress=progress,
            **analysis.request,
        )
    return result, {**result.to_dict(), "mode": "toys", "scan": grid}


def _values(grid: dict[str, Any]) -> NDArray[np.float64]:
    import numpy as np

    return np.linspace(grid["start"], grid["stop"], grid["points"])
