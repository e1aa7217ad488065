"""``nextstat fit``: a maximum-likelihood fit of one workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.output import Display
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FitResult

__all__ = ["command"]


@click.command("fit")
@with_analysis()
@click.option("--asimov", is_flag=True, help="Fit the data expected at the start values.")
@click.option("--fit-regions", metavar="NAMES", help="Fit these channels: SR,CR_top.")
@click.option("--validation-regions", metavar="NAMES", help="Leave these channels out of the fit.")
def command(
    analysis: Analysis,
    *,
    asimov: bool,
    fit_regions: str | None,
    validation_regions: str | None,
) -> None:
    """Fit WORKSPACE: a pyhf JSON file, plain or gzipped, or '-' for standard input.

    Prints JSON, or a table on a terminal.
    """
    from nextstat_core import infer

    regions, model = _Regions.of(fit_regions, validation_regions), analysis.model
    fitted = regions.fitted(model)
    if fitted is not None:
        model = model.restricted(fitted)
    data = _expected(model, analysis.request) if asimov else None
    result = infer.fit(model, data=data, **analysis.request)
    named = {"fit_regions": fitted, "validation_regions": regions.validation}
    analysis.finish(result, {**result.to_dict(), **named}, _display(result), model=model)


@dataclass(frozen=True, slots=True)
class _Regions:
    """Channels that the user named for the fit, and for a validation of it."""

    fit: list[str] | None
    validation: list[str] | None

    @classmethod
    def of(cls, fit: str | None, validation: str | None) -> Self:
        """Split the options at their commas."""
        regions = cls(
            None if fit is None else fit.split(","),
            None if validation is None else validation.split(","),
        )
        both = [name for name in regions.fit or () if name in (regions.validation or ())]
        if both:
            raise click.UsageError(f"{both[0]!r} is named as fit region and as validation region")
        return regions

    def fitted(self, model: HistFactoryModel) -> list[str] | None:
        """Channels to fit; None for all."""
        channels = [entry["channel_name"] for entry in model.observed_main_by_channel()]
        for name in self.validation or ():
            if name not in channels:
                raise InputError.unknown("channel", name, channels)
        if self.fit is None and self.validation is not None:
            return [name for name in channels if name not in self.validation]
        return self.fit


def _expected(model: HistFactoryModel, request: dict[str, Any]) -> list[float]:
    """Data expected at the start values, those of fixed parameters included."""
    fixed = {name: value for name, value in request["fixed"].items() if value is not None}
    values = {**request["init"], **fixed}
    start = zip(model.parameter_names(), model.suggested_init(), strict=True)
    point = [values.get(name, value) for name, value in start]
    return model.expected_data(point, include_auxdata=False)


def _display(result: FitResult) -> Display:
    from nextstat_core.results.table import COLUMNS, headline, ranked, remarks, row_of
    from nextstat_core.tables import Table

    rows = [row_of(result, index) for index in ranked(result)]
    return Display(headline(result), Table(COLUMNS, "lrrrl", rows), remarks(result))
