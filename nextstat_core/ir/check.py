"""Checks of channels: what makes a model unusable whatever its parameters are."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf, isfinite
from typing import Any

from nextstat_core.errors import Problem
from nextstat_core.ir.modifiers import (
    HistoSys,
    NormSys,
    PluginModifier,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.nodes import Channel, Sample
from nextstat_core.ir.place import at_bin, at_channel, at_modifier, at_sample

__all__ = ["check_channels", "check_nominal", "check_observed", "structural_zeros"]


def check_channels(channels: Sequence[Channel]) -> list[Problem]:
    """List everything that is wrong inside channels; an empty list says that they are usable.

    A channel's number of bins is that of its first sample. An empty `observed` is reported as
    missing.
    """
    problems = [
        Problem(at_channel(name), f"{count} channels have this name; expected one")
        for name, count in _repeated(channel.name for channel in channels)
    ]
    for channel in channels:
        problems += _check_channel(channel)
    return problems


def check_observed(channel: Channel) -> list[Problem]:
    """List problems of the observed counts, empty predictions with counts included."""
    place = at_channel(channel.name)
    n_bins = _n_bins(channel)
    if not channel.observed:
        return [Problem(place, "has no observations", "give one count per bin")]
    if len(channel.observed) != n_bins:
        return [_length(f"{place}, observations", n_bins, len(channel.observed))]
    problems = list(_not_finite(place, "observed count", channel.observed))
    problems += [
        Problem(at_bin(place, index), f"observed count is {count:g}; expected 0 or more")
        for index, count in enumerate(channel.observed)
        if count < 0
    ]
    return problems or [
        Problem(
            at_bin(place, index),
            f"every sample is zero in nominal and templates, but {channel.observed[index]:g} "
            "events are observed; expected some prediction",
            "give a sample a yield in this bin, or merge the bin with its neighbour",
        )
        for index in structural_zeros(channel)
    ]


def check_nominal(channel: Channel, sample: Sample) -> list[Problem]:
    """List problems of one sample's nominal yields."""
    place = at_sample(channel.name, sample.name)
    if len(sample.nominal) != _n_bins(channel):
        return [_length(place, _n_bins(channel), len(sample.nominal))]
    return list(_not_finite(place, "yield", sample.nominal))


def structural_zeros(channel: Channel) -> list[int]:
    """List bins with observed events in which no value of the parameters predicts any.

    Yields that a plugin's modifier may add are not known here, so a channel with one has none.
    """
    suspects = [
        index
        for index, count in enumerate(channel.observed)
        if count > 0 and not any(_entry(sample.nominal, index) for sample in channel.samples)
    ]
    if not suspects:
        return []
    modifiers = [modifier for sample in channel.samples for modifier in sample.modifiers]
    if any(isinstance(modifier, PluginModifier) for modifier in modifiers):
        return []
    templates = [
        template
        for modifier in modifiers
        if isinstance(modifier, HistoSys)
        for template in (modifier.lo, modifier.hi)
    ]
    return [
        index for index in suspects if not any(_entry(template, index) for template in templates)
    ]


def _check_channel(channel: Channel) -> list[Problem]:
    if not channel.samples:
        return [Problem(at_channel(channel.name), "has no samples; expected at least one")]
    problems = [
        Problem(at_sample(channel.name, name), f"{count} samples have this name; expected one")
        for name, count in _repeated(sample.name for sample in channel.samples)
    ]
    for sample in channel.samples:
        problems += check_nominal(channel, sample)
        problems += _check_modifiers(channel, sample)
    return problems + check_observed(channel)


def _check_modifiers(channel: Channel, sample: Sample) -> list[Problem]:
    problems = [
        Problem(
            at_modifier(channel.name, sample.name, *key),
            f"occurs {count} times on this sample; expected once",
            "pyhf keeps only the last one; remove or rename the others",
        )
        for key, count in _repeated((modifier.name, modifier.kind) for modifier in sample.modifiers)
    ]
    n_bins = _n_bins(channel)
    for modifier in sample.modifiers:
        check = _CHECKS.get(modifier.kind)
        if check is not None:
            for what, message, hint in check(modifier, n_bins):
                place = at_modifier(channel.name, sample.name, modifier.name, modifier.kind)
                problems.append(Problem(f"{place}{what}", message, hint))
    return problems


_Finding = tuple[str, str, str]


def _check_normsys(modifier: NormSys, n_bins: int) -> Iterator[_Finding]:
    del n_bins
    if 0.0 < modifier.lo < inf and 0.0 < modifier.hi < inf:
        return
    for key in ("lo", "hi"):
        value = getattr(modifier, key)
        if not 0.0 < value < inf:
            message = f"`{key}` is {value:g}; expected a finite factor above 0"
            yield "", message, "use a histosys where the yield may change its sign"


def _check_histosys(modifier: HistoSys, n_bins: int) -> Iterator[_Finding]:
    lo, hi = modifier.lo, modifier.hi
    if len(lo) == n_bins == len(hi) and isfinite(sum(lo) + sum(hi)):
        return
    yield from _check_numbers("lo_data", lo, n_bins)
    yield from _check_numbers("hi_data", hi, n_bins)


def _check_uncertainties(modifier: ShapeSys | StatError, n_bins: int) -> Iterator[_Finding]:
    return _check_numbers("data", modifier.uncertainties, n_bins)


def _check_numbers(key: str, values: tuple[float, ...], n_bins: int) -> Iterator[_Finding]:
    if len(values) != n_bins:
        yield "", f"`{key}` has {len(values)} entries; expected {n_bins}, one per bin", ""
    if not isfinite(sum(values)):
        for index, value in enumerate(values):
            if not isfinite(value):
                yield f", bin {index}", f"`{key}` is {value}; expected a finite number", ""


_CHECKS: Mapping[str, Callable[[Any, int], Iterator[_Finding]]] = {
    NormSys.kind: _check_normsys,
    HistoSys.kind: _check_histosys,
    ShapeSys.kind: _check_uncertainties,
    StatError.kind: _check_uncertainties,
}


def _not_finite(place: str, what: str, values: tuple[float, ...]) -> Iterator[Problem]:
    # The sum may overflow where no entry is infinite; it only decides whether to look closely.
    if isfinite(sum(values)):
        return
    for index, value in enumerate(values):
        if not isfinite(value):
            yield Problem(at_bin(place, index), f"{what} is {value}; expected a finite number")


def _repeated(keys: Iterable[Any]) -> list[tuple[Any, int]]:
    keys = list(keys)
    if len(set(keys)) == len(keys):
        return []
    return [(key, count) for key, count in Counter(keys).items() if count > 1]


def _length(place: str, expected: int, found: int) -> Problem:
    return Problem(
        place, f"wrong number of bins: {expected} expected, {found} found", "give one entry per bin"
    )


def _n_bins(channel: Channel) -> int:
    return len(channel.samples[0].nominal) if channel.samples else 0


def _entry(values: tuple[float, ...], index: int) -> float:
    return values[index] if index < len(values) else 0.0
