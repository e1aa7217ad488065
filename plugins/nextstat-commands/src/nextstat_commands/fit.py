"""``nextstat fit``: a maximum-likelihood fit of one workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.analysis import Analysis, analysis_options
from nextstat_commands.output import Display

if TYPE_CHECKING:
    from nextstat_core.results import FitResult

__all__ = ["command"]


@click.command("fit")
@analysis_options
@click.option("--asimov", is_flag=True, help="Fit the data expected at the start values.")
def command(*, asimov: bool, **common: Any) -> None:
    """Fit WORKSPACE: a pyhf JSON file, plain or gzipped, or '-' for standard input.

    Prints JSON, or a table on a terminal.
    """
    analysis = Analysis.begin(**common)
    from nextstat_core import infer

    data = _expected(analysis) if asimov else None
    result = infer.fit(analysis.model, data=data, **analysis.request)
    regions = {"fit_regions": None, "validation_regions": None}
    analysis.finish(result, {**result.to_dict(), **regions}, _display(result))


def _expected(analysis: Analysis) -> list[float]:
    """Data expected at the start values, those of fixed parameters included."""
    model = analysis.model
    fixed = {name: value for name, value in analysis.request["fixed"].items() if value is not None}
    values = {**analysis.request["init"], **fixed}
    start = zip(model.parameter_names(), model.suggested_init(), strict=True)
    point = [values.get(name, value) for name, value in start]
    return model.expected_data(point, include_auxdata=False)


def _display(result: FitResult) -> Display:
    from nextstat_core.results.table import COLUMNS, headline, ranked, remarks, row_of
    from nextstat_core.tables import Table

    rows = [row_of(result, index) for index in ranked(result)]
    return Display(headline(result), Table(COLUMNS, "lrrrl", rows), remarks(result))
