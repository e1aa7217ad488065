"""Shapes: normalisation that hides in a histosys, and a histosys that is nothing else."""

from collections.abc import Iterator

from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.survey import Effect, Survey, Use
from nextstat_core.io.lint.thresholds import LintThresholds
from nextstat_core.ir import HistoSys, NormSys

__all__ = ["RULES"]


def _shapes(survey: Survey, limits: LintThresholds) -> Iterator[tuple[Use, Effect]]:
    """Every histosys of several bins that changes the total."""
    for use in survey.uses:
        if isinstance(use.modifier, HistoSys) and len(use.sample.nominal) > 1:
            effect = use.effect
            if effect is not None and effect.size > limits.norm_in_shape:
                yield use, effect


def _has_normsys(use: Use) -> bool:
    name = use.modifier.name
    return any(isinstance(m, NormSys) and m.name == name for m in use.sample.modifiers)


def _only_norm(use: Use, effect: Effect, limits: LintThresholds) -> bool:
    """Whether the templates are the nominal one times a number."""
    modifier = use.modifier
    if not isinstance(modifier, HistoSys):
        return False
    for template, change in ((modifier.lo, effect.down), (modifier.hi, effect.up)):
        for value, nominal in zip(template, use.sample.nominal, strict=True):
            if abs(value - (1.0 + change) * nominal) > limits.negligible * abs(nominal):
                return False
    return True


def _norm_twice(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use, effect in _shapes(survey, limits):
        if _has_normsys(use):
            message = (
                f"changes the total by {effect}, and a normsys of this name changes it once more"
            )
            yield Sighting(use.modifier.name, use.place, message, effect.size)


def _norm_in_shape(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use, effect in _shapes(survey, limits):
        if not _has_normsys(use) and not _only_norm(use, effect, limits):
            message = f"changes the total too, by {effect}, and that linearly"
            yield Sighting(use.modifier.name, use.place, message, effect.size)


def _norm_as_shape(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use, effect in _shapes(survey, limits):
        if not _has_normsys(use) and _only_norm(use, effect, limits):
            message = f"changes the total by {effect} and the shape not at all"
            yield Sighting(use.modifier.name, use.place, message, effect.size)


RULES = (
    Rule("norm-twice", "warning", _norm_twice, "scale the templates to the nominal total: the "
         "normsys already holds the change of it"),
    Rule("norm-as-shape", "info", _norm_as_shape, "make it a normsys: faster, and positive for "
         "every value of the parameter"),
    Rule("norm-in-shape", "info", _norm_in_shape, "split it into a normsys and a histosys with "
         "the nominal total, both with this name"),
)  # fmt: skip
