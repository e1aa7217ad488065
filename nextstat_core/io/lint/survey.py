"""A model as rules look at it: every use of a modifier, and what it does to yields there."""

from __future__ import annotations

from dataclasses import dataclass
from operator import sub, truediv
from typing import TYPE_CHECKING, NamedTuple

from nextstat_core.ir import HistoSys, NormSys, PluginModifier
from nextstat_core.ir.place import at_modifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nextstat_core.ir import Channel, Model, Modifier, Sample

__all__ = ["Effect", "Survey", "Use", "percent"]


class Effect(NamedTuple):
    """Relative changes of a sample's total yield at -1 and +1."""

    down: float
    up: float

    @property
    def size(self) -> float:
        return max(abs(self.down), abs(self.up))

    def __str__(self) -> str:
        return f"{percent(self.down)} / {percent(self.up)}"


@dataclass(frozen=True, slots=True)
class Use:
    """One modifier on one sample in one channel.

    Attributes
    ----------
    prediction : sequence of float, shape (n_bins,)
        Nominal yields of all samples of the channel.
    idle : bool
        Whether it changes nothing here; not known of modifiers of plugins.
    lo_is_nominal, hi_is_nominal, same_sides : bool
        About the yields of a normsys or histosys at -1 and +1.
    effect : Effect or None
        None for other kinds, and where the total is not above zero.
    change : float
        Largest change of a bin by a normsys or histosys, relative to the prediction there.
    """

    channel: Channel
    sample: Sample
    modifier: Modifier
    prediction: Sequence[float]
    idle: bool = False
    lo_is_nominal: bool = False
    hi_is_nominal: bool = False
    same_sides: bool = False
    effect: Effect | None = None
    change: float = 0.0

    @property
    def place(self) -> str:
        modifier = self.modifier
        return at_modifier(self.channel.name, self.sample.name, modifier.name, modifier.kind)

    @property
    def is_systematic(self) -> bool:
        """Whether it has yields at -1 and +1."""
        return isinstance(self.modifier, NormSys | HistoSys)


class Survey:
    """A model, walked once.

    Attributes
    ----------
    model : Model
    predictions : dict of str to list of float
        Nominal yields of all samples, by channel.
    uses : tuple of Use
        Every modifier, in the order of the model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.predictions = {
            channel.name: [*map(sum, zip(*(s.nominal for s in channel.samples), strict=True))]
            for channel in model.channels
        }
        self.uses = tuple(self._examine())

    def _examine(self) -> Iterator[Use]:
        for channel in self.model.channels:
            prediction = self.predictions[channel.name]
            for sample in channel.samples:
                total, empty = sum(sample.nominal), not any(sample.nominal)
                share = _largest_ratio(sample.nominal, prediction)
                for modifier in sample.modifiers:
                    here = channel, sample, modifier, prediction
                    if isinstance(modifier, NormSys):
                        yield _normsys(here, modifier, total, share, empty=empty)
                    elif isinstance(modifier, HistoSys):
                        yield _histosys(here, modifier, total)
                    else:
                        idle = empty and not isinstance(modifier, PluginModifier)
                        yield Use(*here, idle=idle)


def percent(change: float) -> str:
    """A relative change as people say it."""
    return f"{100.0 * change:+.3g} %"


def _normsys(
    here: tuple[Channel, Sample, Modifier, Sequence[float]],
    modifier: NormSys,
    total: float,
    share: float,
    *,
    empty: bool,
) -> Use:
    effect = Effect(modifier.lo - 1.0, modifier.hi - 1.0)
    return Use(
        *here,
        idle=empty or modifier.lo == modifier.hi == 1.0,
        lo_is_nominal=empty or modifier.lo == 1.0,
        hi_is_nominal=empty or modifier.hi == 1.0,
        same_sides=empty or modifier.lo == modifier.hi,
        effect=effect if total > 0.0 else None,
        change=effect.size * share,
    )


def _histosys(
    here: tuple[Channel, Sample, Modifier, Sequence[float]], modifier: HistoSys, total: float
) -> Use:
    _, sample, _, prediction = here
    lo, hi, nominal = modifier.lo, modifier.hi, sample.nominal
    lo_is_nominal, hi_is_nominal = lo == nominal, hi == nominal
    changes = (_largest_ratio([*map(sub, side, nominal)], prediction) for side in (lo, hi))
    return Use(
        *here,
        idle=lo_is_nominal and hi_is_nominal,
        lo_is_nominal=lo_is_nominal,
        hi_is_nominal=hi_is_nominal,
        same_sides=lo == hi,
        effect=Effect(sum(lo) / total - 1.0, sum(hi) / total - 1.0) if total > 0.0 else None,
        change=max(changes),
    )


def _largest_ratio(values: Sequence[float], prediction: Sequence[float]) -> float:
    """Largest size of a value, relative to the prediction where that is above zero."""
    if min(prediction) > 0.0:
        return max(map(truediv, map(abs, values), prediction))
    sizes = zip(map(abs, values), prediction, strict=True)
    return max(size / total if total > 0.0 else size for size, total in sizes)
