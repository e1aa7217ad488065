"""Bins: negative, empty, without background, or driven below zero by a systematic."""

from collections.abc import Iterator

from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.survey import Survey
from nextstat_core.io.lint.thresholds import LintThresholds
from nextstat_core.ir import Channel, HistoSys, Sample
from nextstat_core.ir.place import at_bin, at_channel, at_sample

__all__ = ["RULES"]


def _unpredicted(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for channel in survey.model.channels:
        for index, total in enumerate(survey.predictions[channel.name]):
            if total <= 0.0 < channel.observed[index]:
                message = f"{channel.observed[index]:g} observed, {total:g} predicted"
                yield _at(channel, index, message, channel.observed[index])


def _negative_sum(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for channel in survey.model.channels:
        for index, total in enumerate(survey.predictions[channel.name]):
            if total < 0.0 and channel.observed[index] == 0.0:
                yield _at(channel, index, f"the prediction of all samples is {total:g}", -total)


def _empty(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for channel in survey.model.channels:
        for index, total in enumerate(survey.predictions[channel.name]):
            if total == 0.0 and channel.observed[index] == 0.0:
                yield _at(channel, index, "nothing is predicted and nothing is observed")


def _no_background(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    """Bins in which nothing but the signal is expected."""
    if survey.model.poi is None:
        return
    for channel in survey.model.channels:
        samples: dict[bool, list[Sample]] = {True: [], False: []}
        for sample in channel.samples:
            parameters = (name for modifier in sample.modifiers for name in modifier.parameters)
            samples[survey.model.poi in parameters].append(sample)
        if not samples[False]:
            continue
        for index in range(channel.n_bins):
            signal, others = (sum(s.nominal[index] for s in samples[of]) for of in (True, False))
            if others <= 0.0 < signal:
                message = f"the signal yields {signal:g}, all other samples {others:g}"
                yield _at(channel, index, message, signal)


def _negative_yield(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for channel in survey.model.channels:
        for sample in channel.samples:
            place = at_sample(channel.name, sample.name)
            for index, value in enumerate(sample.nominal):
                if value < 0.0:
                    message = f"the nominal yield is {value:g}"
                    yield Sighting(sample.name, at_bin(place, index), message, -value)


def _empty_sample(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for channel in survey.model.channels:
        for sample in channel.samples:
            # A sample may live from a histosys alone.
            templates = (m for m in sample.modifiers if isinstance(m, HistoSys))
            if not any(sample.nominal) and not any(any(m.lo) or any(m.hi) for m in templates):
                place = at_sample(channel.name, sample.name)
                yield Sighting(sample.name, place, "the yield is zero in all bins")


def _negative_template(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    for use in survey.uses:
        modifier = use.modifier
        if not isinstance(modifier, HistoSys):
            continue
        for key, template in (("lo_data", modifier.lo), ("hi_data", modifier.hi)):
            if min(template) >= 0.0:
                continue
            for index, value in enumerate(template):
                nominal = use.sample.nominal[index]
                if value < 0.0 <= nominal:
                    message = f"`{key}` is {value:g} where the nominal yield is {nominal:g}"
                    place = at_bin(use.place, index)
                    yield Sighting(modifier.name, place, message, -value)


def _negative_variation(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    """Predictions of all samples that one systematic alone drives to zero at one sigma."""
    for channel in survey.model.channels:
        nominal = survey.predictions[channel.name]
        shifted: dict[tuple[str, str], list[float]] = {}
        for sample in channel.samples:
            for modifier in sample.modifiers:
                if isinstance(modifier, HistoSys):
                    for key, template in (("-1", modifier.lo), ("+1", modifier.hi)):
                        sums = shifted.setdefault((modifier.name, key), list(nominal))
                        for index, value in enumerate(template):
                            sums[index] += value - sample.nominal[index]
        for (name, key), sums in shifted.items():
            for index, total in enumerate(sums):
                # Sums of differences that cancel leave a rounding behind.
                if total < -1e-9 * nominal[index] < 0.0:
                    place = at_bin(f"{at_channel(channel.name)}, parameter {name!r}", index)
                    message = f"at {key} the prediction of all samples is {total:g}"
                    yield Sighting(name, place, message, -total)


def _at(channel: Channel, index: int, message: str, weight: float = 0.0) -> Sighting:
    return Sighting(channel.name, at_bin(at_channel(channel.name), index), message, weight)


RULES = (
    Rule("data-without-prediction", "error", _unpredicted, "merge the bin with its neighbour, or "
         "give a sample a small yield there"),
    Rule("negative-prediction", "warning", _negative_sum, "merge the bin with its neighbour"),
    Rule("negative-variation", "warning", _negative_variation, "smooth the templates, or merge "
         "the bin with its neighbour"),
    Rule("negative-template", "warning", _negative_template, "set it to a small positive number, "
         "or merge the bin with its neighbour"),
    Rule("negative-yield", "warning", _negative_yield, "is it interference, or negative weights? "
         "for the latter merge bins or samples"),
    Rule("no-background", "warning", _no_background, "give a background a yield with its "
         "statistical uncertainty, or merge the bin: limits from it rest on nothing"),
    Rule("empty-bin", "info", _empty, "remove the bin: it adds nothing to the likelihood"),
    Rule("empty-sample", "info", _empty_sample, "prune the sample here"),
)  # fmt: skip
