"""Parameters and the measurement: of interest or not, degenerate, badly bounded, unused."""

from collections.abc import Iterator
from math import sqrt

from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.survey import Survey
from nextstat_core.io.lint.thresholds import LintThresholds
from nextstat_core.ir import (
    GaussianConstraint,
    NormFactor,
    PoissonConstraint,
)
from nextstat_core.ir.place import at_parameter

__all__ = ["RULES"]


def _no_poi(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    if survey.model.poi is None:
        place = f"measurement {survey.model.measurement!r}"
        yield Sighting("", place, "the model has no parameter of interest")


def _idle_poi(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    if survey.model.poi is None:
        return
    acting = [use for use in survey.uses if survey.model.poi in use.modifier.parameters]
    if not all(use.idle for use in acting):
        return
    message = f"changes no yield; {len(acting)} samples have it, all of them empty"
    yield Sighting(survey.model.poi, at_parameter(survey.model.poi), message)


def _constrained_poi(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    if survey.model.poi is not None and survey.model.parameters[0].constraint is not None:
        message = "the parameter of interest has a constraint"
        yield Sighting(survey.model.poi, at_parameter(survey.model.poi), message)


def _fixed_poi(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    if survey.model.poi is not None and survey.model.parameters[0].fixed:
        message = "the parameter of interest is fixed"
        yield Sighting(survey.model.poi, at_parameter(survey.model.poi), message)


def _degenerate(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    """Free factors that always act together."""
    free = {
        entry.name for entry in survey.model.parameters if not entry.fixed and not entry.constraint
    }
    cells: dict[str, set[tuple[str, str]]] = {}
    for use in survey.uses:
        if isinstance(use.modifier, NormFactor) and use.modifier.name in free:
            cell = use.channel.name, use.sample.name
            cells.setdefault(use.modifier.name, set()).add(cell)
    together: dict[frozenset[tuple[str, str]], list[str]] = {}
    for name, acted in cells.items():
        together.setdefault(frozenset(acted), []).append(name)
    for names in together.values():
        if len(names) > 1:
            listed = ", ".join(map(repr, names))
            message = f"act on the same samples, so only their product is known: {listed}"
            yield Sighting(names[0], at_parameter(names[0]), message)


def _narrow(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for entry in survey.model.parameters:
        match entry.constraint:
            case GaussianConstraint(center, width):
                pass
            case PoissonConstraint(count, factor) if count > 0.0:
                center, width = count / factor, sqrt(count) / factor
            case _:
                continue
        below, above = (center - entry.lower) / width, (entry.upper - center) / width
        # A factor cannot be below zero, however wide its constraint is.
        physical = entry.lower <= 1e-9 and center > 0.0
        nearest = above if physical else min(below, above)
        if not entry.fixed and nearest < limits.narrow_bounds:
            message = (
                f"bounds ({entry.lower:g}, {entry.upper:g}) end {nearest:.3g} standard "
                f"deviations from the centre {center:g}"
            )
            yield Sighting(entry.group, at_parameter(entry.name), message, -nearest)


def _unused(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    known = {entry.group for entry in survey.model.parameters}
    known |= {entry.name for entry in survey.model.parameters}
    for settings in survey.model.settings:
        if settings.name not in known:
            message = "the measurement has settings for it, but no modifier has this name"
            yield Sighting(settings.name, at_parameter(settings.name), message)


RULES = (
    Rule("poi-without-effect", "error", _idle_poi, "check the signal; limits from this model "
         "mean nothing"),
    Rule("poi-fixed", "warning", _fixed_poi, "free it in the measurement, or declare another one"),
    Rule("degenerate-factors", "warning", _degenerate, "keep one of them, or fix all but one"),
    Rule("narrow-bounds", "warning", _narrow, "widen the bounds: they cut the constraint off"),
    Rule("unused-settings", "warning", _unused, "remove the settings, or correct the name"),
    Rule("poi-constrained", "info", _constrained_poi, "is it meant to be of interest?"),
    Rule("no-poi", "info", _no_poi, "tests and limits need one: name it with poi="),
)  # fmt: skip
