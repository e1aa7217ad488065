"""Systematics: without effect, one-sided, on one side, lopsided, too large, too small."""

from collections.abc import Iterator

from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.survey import Survey, Use, percent
from nextstat_core.io.lint.thresholds import LintThresholds
from nextstat_core.ir import HistoSys

__all__ = ["RULES"]


def _without_effect(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    """Parameters of which no modifier changes anything."""
    by_name: dict[str, list[Use]] = {}
    for use in survey.uses:
        by_name.setdefault(use.modifier.name, []).append(use)
    model = survey.model
    poi = model.parameters[0].group if model.poi is not None else None
    for name, used in by_name.items():
        if name != poi and all(use.idle for use in used):
            for use in used:
                yield Sighting(name, use.place, "the parameter changes no yield anywhere")


def _idle_somewhere(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    """Systematics that act on some samples, and on others do nothing."""
    acting = {use.modifier.name for use in survey.uses if not use.idle}
    for use in survey.uses:
        if use.idle and use.is_systematic and use.modifier.name in acting:
            yield Sighting(use.modifier.name, use.place, "changes nothing here")


def _identical(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        if use.same_sides and use.change > limits.negligible:
            change = "" if use.effect is None else f" ({percent(use.effect.up)} of the total)"
            message = f"hi and lo are the same{change}: the sign of the parameter has no meaning"
            yield Sighting(use.modifier.name, use.place, message, use.change)


def _one_sided(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        if use.lo_is_nominal != use.hi_is_nominal and use.change > limits.negligible:
            side = "lo" if use.lo_is_nominal else "hi"
            change = "" if use.effect is None else f"; the total changes by {use.effect}"
            message = f"{side} is the nominal yield{change}"
            yield Sighting(use.modifier.name, use.place, message, use.change)


def _same_side(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        effect = use.effect
        if effect is None or effect.down == effect.up:
            continue
        smaller = min(abs(effect.down), abs(effect.up))
        if effect.down * effect.up > 0.0 and smaller > limits.same_side:
            message = f"lo and hi change the total to the same side: {effect}"
            yield Sighting(use.modifier.name, use.place, message, smaller)


def _same_side_bins(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        modifier = use.modifier
        if not isinstance(modifier, HistoSys) or use.same_sides:
            continue
        if use.change <= limits.same_side_bin:
            continue
        found: list[tuple[float, int]] = []
        columns = zip(modifier.lo, modifier.hi, use.sample.nominal, use.prediction, strict=True)
        for index, (lo, hi, nominal, total) in enumerate(columns):
            down, up = lo - nominal, hi - nominal
            smaller = min(abs(down), abs(up))
            if down * up > 0.0 and total > 0.0 and smaller > limits.same_side_bin * total:
                found.append((smaller / total, index))
        if found:
            size, index = max(found)
            message = (
                f"lo and hi lie on one side of the nominal yield in {len(found)} of "
                f"{len(use.sample.nominal)} bins, worst in bin {index}: by at least "
                f"{100.0 * size:.3g} % of the prediction there"
            )
            yield Sighting(modifier.name, use.place, message, size)


def _asymmetric(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        effect = use.effect
        if effect is None or not effect.down * effect.up < 0.0:
            continue
        small, large = sorted((abs(effect.down), abs(effect.up)))
        if large > limits.asymmetry * small and large > 10.0 * limits.same_side:
            message = f"the two variations have very different sizes: {effect} of the total"
            yield Sighting(use.modifier.name, use.place, message, large)


def _large_norm(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        effect = use.effect
        if effect is not None and effect.size > limits.large_norm:
            message = f"changes the total by {effect}"
            yield Sighting(use.modifier.name, use.place, message, effect.size)


def _large_bin(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        modifier = use.modifier
        if not isinstance(modifier, HistoSys) or use.change <= limits.large_bin:
            continue
        worst, where = 0.0, 0
        columns = zip(modifier.lo, modifier.hi, use.sample.nominal, use.prediction, strict=True)
        for index, (lo, hi, nominal, total) in enumerate(columns):
            change = max(abs(lo - nominal), abs(hi - nominal))
            if total > 0.0 and change > worst * total:
                worst, where = change / total, index
        if worst > limits.large_bin:
            message = f"changes bin {where} by {100.0 * worst:.3g} % of the prediction there"
            yield Sighting(modifier.name, use.place, message, worst)


def _negligible(survey: Survey, limits: LintThresholds) -> Iterator[Sighting]:
    """Systematics whose largest change anywhere is too small to matter."""
    largest: dict[str, Use] = {}
    others = {use.modifier.name for use in survey.uses if not use.is_systematic}
    for use in survey.uses:
        known = largest.setdefault(use.modifier.name, use)
        if use.change > known.change:
            largest[use.modifier.name] = use
    for name, use in largest.items():
        if name not in others and 0.0 < use.change < limits.negligible:
            message = f"changes no bin of any channel by more than {100.0 * use.change:.2g} %"
            yield Sighting(name, use.place, message, use.change)


RULES = (
    Rule(
        "parameter-without-effect",
        "warning",
        _without_effect,
        "remove the modifier; a free parameter without effect makes the covariance singular",
    ),
    Rule("identical-variations", "warning", _identical, "check that hi is not a copy of lo; "
         "symmetrise what is one-sided, or the likelihood has two minima"),
    Rule("same-side", "warning", _same_side, "check both variations; symmetrise them, or take "
         "only their size"),
    Rule("large-norm", "warning", _large_norm, "check the units (a factor, not per cent) and "
         "whether the sample should have a free normalisation instead"),
    Rule("large-bin", "warning", _large_bin, "check the template; smooth it if its events are few"),
    Rule("asymmetric", "info", _asymmetric, "check the smaller variation; symmetrise it if it is "
         "noise"),
    Rule("same-side-bins", "info", _same_side_bins, "smooth or symmetrise the templates if that "
         "is noise"),
    Rule("one-sided", "info", _one_sided, "symmetrise it unless the effect really has one side"),
    Rule("no-effect", "info", _idle_somewhere, "prune the modifier here"),
    Rule("negligible", "info", _negligible, "prune it: it costs time and changes no result"),
)  # fmt: skip
