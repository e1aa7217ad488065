"""Walks over a model: every modifier where it is used, and what it does to yields there."""

from collections.abc import Iterator
from typing import NamedTuple

from nextstat_core.ir import Channel, HistoSys, Model, Modifier, NormSys, Sample
from nextstat_core.ir.place import at_modifier

__all__ = ["Effect", "Use", "effect_of", "percent", "totals", "uses", "variations"]


class Use(NamedTuple):
    """One modifier on one sample in one channel."""

    channel: Channel
    sample: Sample
    modifier: Modifier

    @property
    def place(self) -> str:
        modifier = self.modifier
        return at_modifier(self.channel.name, self.sample.name, modifier.name, modifier.kind)


class Effect(NamedTuple):
    """Relative changes of a sample's total yield at -1 and +1; None where there is no yield."""

    down: float
    up: float

    @property
    def size(self) -> float:
        return max(abs(self.down), abs(self.up))

    def __str__(self) -> str:
        return f"{percent(self.down)} / {percent(self.up)}"


def uses(model: Model) -> Iterator[Use]:
    """Every modifier, in the order of the model."""
    for channel in model.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                yield Use(channel, sample, modifier)


def variations(use: Use) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Yields at -1 and +1, for kinds of modifiers that have them."""
    match use.modifier:
        case HistoSys(lo=lo, hi=hi):
            return lo, hi
        case NormSys(lo=low, hi=high):
            nominal = use.sample.nominal
            return tuple(low * n for n in nominal), tuple(high * n for n in nominal)
    return None


def effect_of(use: Use) -> Effect | None:
    """Changes of the total; None for other kinds, and where the total is not above zero."""
    total = sum(use.sample.nominal)
    varied = variations(use)
    if varied is None or not total > 0.0:
        return None
    if isinstance(use.modifier, NormSys):
        return Effect(use.modifier.lo - 1.0, use.modifier.hi - 1.0)
    lo, hi = varied
    return Effect(sum(lo) / total - 1.0, sum(hi) / total - 1.0)


def totals(channel: Channel) -> list[float]:
    """Nominal prediction of all samples in each bin."""
    return [sum(column) for column in zip(*(s.nominal for s in channel.samples), strict=True)]


def percent(change: float) -> str:
    """A relative change as people say it."""
    return f"{100.0 * change:+.3g} %"
