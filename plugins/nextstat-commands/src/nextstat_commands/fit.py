"""``nextstat fit``: a maximum-likelihood fit of one workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.assignments import bounds_by_name, fixed_by_name, values_by_name
from nextstat_commands.loading import (
    Source,
    backend_options,
    limit_threads,
    load_backend,
    source_options,
)
from nextstat_commands.metrics import Stopwatch, envelope, finite
from nextstat_commands.output import fit_on_terminal, is_terminal, write_json

if TYPE_CHECKING:
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FitResult

__all__ = ["command"]

_NOT_CONVERGED = 3


@dataclass(frozen=True, slots=True)
class _Request:
    """What the user said about parameters and data."""

    fix: tuple[str, ...]
    init: tuple[str, ...]
    bounds: tuple[str, ...]
    asimov: bool

    def run(self, model: HistFactoryModel) -> FitResult:
        from nextstat_core import infer

        fixed = fixed_by_name("--fix", self.fix, model.parameter_names())
        init = values_by_name("--init", self.init)
        data = None
        if self.asimov:
            values = {**init, **{name: value for name, value in fixed.items() if value is not None}}
            start = zip(model.parameter_names(), model.suggested_init(), strict=True)
            point = [values.get(name, value) for name, value in start]
            data = model.expected_data(point, include_auxdata=False)
        bounds = bounds_by_name("--bounds", self.bounds)
        return infer.fit(model, data=data, fixed=fixed, init=init, bounds=bounds)


@click.command("fit")
@source_options
@click.option("--fix", multiple=True, metavar="NAME[=VALUE]", help="Hold a parameter fixed.")
@click.option("--init", multiple=True, metavar="NAME=VALUE", help="Start value of a parameter.")
@click.option("--bounds", multiple=True, metavar="NAME=LO,HI", help="Bounds of a parameter.")
@click.option("--asimov", is_flag=True, help="Fit the data expected at the start values.")
@backend_options
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--parity", is_flag=True, help="Compensated sums, for comparisons.")
@click.option("-o", "--output", metavar="FILE", help="Write the result as JSON to a file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON even on a terminal.")
@click.option(
    "--json-metrics",
    metavar="FILE",
    help="Write a summary for trackers; '-' prints it instead of the result.",
)
def command(
    *,
    workspace: str,
    patches: tuple[str, ...],
    measurement: str | None,
    poi: str | None,
    interpolation: str | None,
    backend: str,
    device: str | None,
    threads: int,
    parity: bool,
    output: str | None,
    as_json: bool,
    json_metrics: str | None,
    **request: Any,
) -> None:
    """Fit WORKSPACE: a pyhf JSON file, plain or gzipped, or '-' for standard input.

    Prints JSON, or a table on a terminal.
    """
    watch = Stopwatch()
    limit_threads(threads)
    source = Source(workspace, patches, measurement, poi, interpolation)
    model = source.model(load_backend(backend, device), precise=parity)
    watch.lap("load")
    result = _Request(**request).run(model)
    watch.lap("fit")
    if json_metrics is not None:
        summary = _metrics(result, threads, watch, parity=parity)
        write_json(summary, json_metrics, sort_keys=True)
    if output is not None:
        write_json(_as_dict(result, source), output)
    if as_json or (output is None and json_metrics != "-" and not is_terminal()):
        write_json(_as_dict(result, source), "-")
    elif json_metrics != "-" and is_terminal():
        fit_on_terminal(result)
    if not result.converged:
        click.echo(f"error: the fit did not converge: {result.termination_reason}", err=True)
        click.get_current_context().exit(_NOT_CONVERGED)


def _as_dict(result: FitResult, source: Source) -> dict[str, Any]:
    data = result.to_dict()
    data["provenance"] |= {"workspace": source.workspace, "patches": list(source.patches)}
    return {**data, "fit_regions": None, "validation_regions": None}


def _metrics(result: FitResult, threads: int, watch: Stopwatch, *, parity: bool) -> dict[str, Any]:
    poi = result.poi_index
    metrics = {
        "poi_hat": None if poi is None else finite(float(result.values[poi])),
        "poi_sigma": None if poi is None else finite(float(result.errors[poi])),
        "poi_index": poi,
        "nll": finite(result.nll),
        "twice_nll": finite(result.twice_nll),
        "edm": finite(result.edm),
        "converged": result.converged,
        "termination_reason": result.termination_reason,
    }
    degraded = [] if result.converged else ["not_converged"]
    if result.covariance_status != "full":
        degraded.append(f"covariance_{result.covariance_status}")
    return envelope(
        "fit",
        metrics,
        ok=result.converged,
        reason="" if result.converged else result.termination_reason,
        backend=result.provenance["backend"],
        device=result.provenance["device"],
        threads=threads,
        parity=parity,
        warnings=result.warnings,
        degraded_flags=degraded,
        timing=watch.timing(),
    )
