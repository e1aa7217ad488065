"""Systematics: without effect, one-sided, on one side, lopsided, too large, too small."""

from collections.abc import Iterator

from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.thresholds import LintThresholds
from nextstat_core.io.lint.uses import Use, effect_of, percent, totals, uses, variations
from nextstat_core.ir import HistoSys, Model, NormSys, PluginModifier

__all__ = ["RULES"]


def _is_idle(use: Use) -> bool:
    """Whether a modifier changes nothing where it is used; not known of those of plugins."""
    varied = variations(use)
    if varied is not None:
        return all(side == use.sample.nominal for side in varied)
    return not isinstance(use.modifier, PluginModifier) and not any(use.sample.nominal)


def _without_effect(model: Model, _: LintThresholds) -> Iterator[Sighting]:
    """Parameters of which no modifier changes anything."""
    by_name: dict[str, list[Use]] = {}
    for use in uses(model):
        by_name.setdefault(use.modifier.name, []).append(use)
    poi = model.parameters[0].group if model.poi is not None else None
    for name, used in by_name.items():
        if name != poi and all(map(_is_idle, used)):
            for use in used:
                yield Sighting(name, use.place, "the parameter changes no yield anywhere")


def _idle_somewhere(model: Model, _: LintThresholds) -> Iterator[Sighting]:
    """Systematics that act on some samples, and on others do nothing."""
    acting = {use.modifier.name for use in uses(model) if not _is_idle(use)}
    for use in uses(model):
        name = use.modifier.name
        if name in acting and isinstance(use.modifier, NormSys | HistoSys) and _is_idle(use):
            yield Sighting(name, use.place, "changes nothing here")


def _largest_change(use: Use, prediction: list[float]) -> float:
    """Largest change of a bin at one sigma, relative to the prediction of all samples there."""
    largest = 0.0
    for side in variations(use) or ():
        for value, nominal, total in zip(side, use.sample.nominal, prediction, strict=True):
            change = abs(value - nominal)
            largest = max(largest, change / total if total > 0.0 else change)
    return largest


def _identical(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    predictions = {channel.name: totals(channel) for channel in model.channels}
    for use in uses(model):
        varied = variations(use)
        if varied is None or varied[0] != varied[1]:
            continue
        if _largest_change(use, predictions[use.channel.name]) > limits.negligible:
            effect = effect_of(use)
            change = "" if effect is None else f" ({percent(effect.up)} of the total)"
            message = f"hi and lo are the same{change}: the sign of the parameter has no meaning"
            yield Sighting(use.modifier.name, use.place, message, effect.size if effect else 0.0)


def _one_sided(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    predictions = {channel.name: totals(channel) for channel in model.channels}
    for use in uses(model):
        varied = variations(use)
        if varied is None or varied[0] == varied[1]:
            continue
        if _largest_change(use, predictions[use.channel.name]) <= limits.negligible:
            continue
        for side, key in zip(varied, ("lo", "hi"), strict=True):
            if side == use.sample.nominal:
                effect = effect_of(use)
                other = "" if effect is None else f"; the other side changes the total by {effect}"
                message = f"{key} is the nominal yield{other}"
                weight = effect.size if effect else 0.0
                yield Sighting(use.modifier.name, use.place, message, weight)


def _same_side(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    for use in uses(model):
        effect = effect_of(use)
        if effect is None or effect.down == effect.up:
            continue
        smaller = min(abs(effect.down), abs(effect.up))
        if effect.down * effect.up > 0.0 and smaller > limits.same_side:
            message = f"lo and hi change the total to the same side: {effect}"
            yield Sighting(use.modifier.name, use.place, message, smaller)


def _same_side_bins(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    predictions = {channel.name: totals(channel) for channel in model.channels}
    for use in uses(model):
        if not isinstance(use.modifier, HistoSys) or use.modifier.lo == use.modifier.hi:
            continue
        found: list[tuple[float, int]] = []
        columns = zip(
            *(use.modifier.lo, use.modifier.hi, use.sample.nominal, predictions[use.channel.name]),
            strict=True,
        )
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
            yield Sighting(use.modifier.name, use.place, message, size)


def _asymmetric(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    for use in uses(model):
        effect = effect_of(use)
        if effect is None or not effect.down * effect.up < 0.0:
            continue
        small, large = sorted((abs(effect.down), abs(effect.up)))
        if large > limits.asymmetry * small and large > 10.0 * limits.same_side:
            message = f"the two variations have very different sizes: {effect} of the total"
            yield Sighting(use.modifier.name, use.place, message, large)


def _large_norm(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    for use in uses(model):
        effect = effect_of(use)
        if effect is not None and effect.size > limits.large_norm:
            message = f"changes the total by {effect}"
            yield Sighting(use.modifier.name, use.place, message, effect.size)


def _large_bin(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    predictions = {channel.name: totals(channel) for channel in model.channels}
    for use in uses(model):
        if not isinstance(use.modifier, HistoSys):
            continue
        worst, where = 0.0, 0
        columns = zip(
            *(use.modifier.lo, use.modifier.hi, use.sample.nominal, predictions[use.channel.name]),
            strict=True,
        )
        for index, (lo, hi, nominal, total) in enumerate(columns):
            change = max(abs(lo - nominal), abs(hi - nominal))
            if total > 0.0 and change > worst * total:
                worst, where = change / total, index
        if worst > limits.large_bin:
            message = f"changes bin {where} by {100.0 * worst:.3g} % of the prediction there"
            yield Sighting(use.modifier.name, use.place, message, worst)


def _negligible(model: Model, limits: LintThresholds) -> Iterator[Sighting]:
    """Systematics whose largest change anywhere is too small to matter."""
    predictions = {channel.name: totals(channel) for channel in model.channels}
    sizes: dict[str, list[tuple[float, str]]] = {}
    for use in uses(model):
        of_kind = variations(use) is not None
        size = _largest_change(use, predictions[use.channel.name]) if of_kind else 1.0
        sizes.setdefault(use.modifier.name, []).append((size, use.place))
    for name, found in sizes.items():
        size, place = max(found)
        if 0.0 < size < limits.negligible:
            message = f"changes no bin of any channel by more than {100.0 * size:.2g} %"
            yield Sighting(name, place, message, size)


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
