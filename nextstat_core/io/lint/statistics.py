"""Statistical uncertainties: larger than the yield, negative, or without effect."""

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.survey import Survey
from nextstat_core.io.lint.thresholds import LintThresholds
from nextstat_core.ir import ShapeSys, StatError
from nextstat_core.ir.place import at_bin, at_channel

__all__ = ["RULES"]


class _Gamma(NamedTuple):
    """Yield and absolute uncertainty that one parameter of a bin stands for."""

    name: str
    kind: str
    place: str
    nominal: float
    uncertainty: float


def _gammas(survey: Survey) -> Iterator[_Gamma]:
    """One for each bin of a shapesys; for a staterror, all samples of the bin together."""
    shared: dict[tuple[str, str, int], list[tuple[float, float]]] = {}
    for use in survey.uses:
        modifier = use.modifier
        if not isinstance(modifier, ShapeSys | StatError):
            continue
        columns = zip(use.sample.nominal, modifier.uncertainties, strict=True)
        for index, (nominal, uncertainty) in enumerate(columns):
            if isinstance(modifier, ShapeSys):
                place = at_bin(use.place, index)
                yield _Gamma(modifier.name, modifier.kind, place, nominal, uncertainty)
            else:
                cell = modifier.name, use.channel.name, index
                shared.setdefault(cell, []).append((nominal, uncertainty))
    for (name, channel, index), cells in shared.items():
        place = at_bin(f"{at_channel(channel)}, modifier {name!r} (staterror)", index)
        total = sqrt(sum(uncertainty**2 for _, uncertainty in cells))
        yield _Gamma(name, StatError.kind, place, sum(nominal for nominal, _ in cells), total)


def _large(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for gamma in _gammas(survey):
        if 0.0 < limits.large_statistical * gamma.nominal < gamma.uncertainty:
            ratio = gamma.uncertainty / gamma.nominal
            message = f"the uncertainty is {100.0 * ratio:.3g} % of the yield {gamma.nominal:g}"
            yield Sighting(gamma.name, gamma.place, message, ratio)


def _lost(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for gamma in _gammas(survey):
        if gamma.nominal <= 0.0 < gamma.uncertainty:
            message = (
                f"the uncertainty {gamma.uncertainty:g} of the yield {gamma.nominal:g} has no "
                "effect; the parameter is fixed"
            )
            yield Sighting(gamma.name, gamma.place, message, gamma.uncertainty)


def _missing(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for gamma in _gammas(survey):
        if gamma.uncertainty == 0.0 < gamma.nominal:
            message = f"the yield {gamma.nominal:g} has no uncertainty; the parameter is fixed"
            yield Sighting(gamma.name, gamma.place, message, gamma.nominal)


def _negative(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        if isinstance(use.modifier, ShapeSys | StatError):
            for index, value in enumerate(use.modifier.uncertainties):
                if value < 0.0:
                    message = f"the uncertainty is {value:g}; its square is what counts"
                    place = at_bin(use.place, index)
                    yield Sighting(use.modifier.name, place, message, -value)


RULES = (
    Rule("large-statistical", "warning", _large, "merge bins until more events carry the "
         "prediction; the factor is not Gaussian here"),
    Rule("lost-uncertainty", "warning", _lost, "give the bin a yield, or let a histosys hold the "
         "uncertainty"),
    Rule("negative-uncertainty", "warning", _negative, "give its size"),
    Rule("no-uncertainty", "info", _missing, "check that the uncertainties were filled"),
)  # fmt: skip
