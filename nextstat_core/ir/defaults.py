"""The parameters that each kind of modifier brings, before a measurement says otherwise."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, nan, sqrt
from typing import Any, NamedTuple, TypeAlias

from nextstat_core.errors import Problem
from nextstat_core.ir.modifiers import (
    HistoSys,
    Lumi,
    NormFactor,
    NormSys,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.nodes import (
    Channel,
    Constraint,
    GaussianConstraint,
    Parameter,
    PoissonConstraint,
    Sample,
)
from nextstat_core.ir.place import at_bin, at_modifier, at_parameter

__all__ = ["DEFAULTS", "Defaults", "Occurrence"]

# pyhf's bounds; they are part of the model that published results refer to.
_GAMMA_BOUNDS = (1e-10, 10.0)
_UNIT_GAUSSIAN = GaussianConstraint(center=0.0, width=1.0)


class Occurrence(NamedTuple):
    """One modifier on one sample in one channel."""

    channel: Channel
    sample: Sample
    modifier: Any

    @property
    def place(self) -> str:
        modifier = self.modifier
        return at_modifier(self.channel.name, self.sample.name, modifier.name, modifier.kind)


class Defaults(NamedTuple):
    """Parameters of one group, in the order of their index, and what is wrong or odd with them."""

    parameters: tuple[Parameter, ...]
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()


_Builder: TypeAlias = Callable[[str, Sequence[Occurrence]], Defaults]


def _normfactor(name: str, occurrences: Sequence[Occurrence]) -> Defaults:
    del occurrences
    return Defaults((Parameter(name, name, init=1.0, lower=0.0, upper=10.0),))


def _unit_gaussian(name: str, occurrences: Sequence[Occurrence]) -> Defaults:
    del occurrences
    parameter = Parameter(name, name, 0.0, -5.0, 5.0, constraint=_UNIT_GAUSSIAN)
    return Defaults((parameter,))


def _lumi(name: str, occurrences: Sequence[Occurrence]) -> Defaults:
    # Nothing about a luminosity has a default; `settings.py` refuses a lumi that leaves one out.
    del occurrences
    constraint = GaussianConstraint(center=nan, width=nan)
    return Defaults((Parameter(name, name, nan, nan, nan, constraint=constraint),))


def _shapefactor(name: str, occurrences: Sequence[Occurrence]) -> Defaults:
    """Component i acts on bin i of every channel, so the longest channel counts."""
    by_channel = {use.channel.name: len(use.modifier.parameters) for use in occurrences}
    count = max(by_channel.values())
    longest = max((use.modifier.parameters for use in occurrences), key=len)
    parameters = tuple(
        Parameter(component, name, init=1.0, lower=0.0, upper=10.0) for component in longest
    )
    first = min(by_channel)
    if by_channel[first] == count:
        return Defaults(parameters)
    message = (
        f"this shapefactor has {count} components, one per bin of its longest channel; "
        f"pyhf takes {by_channel[first]} from channel {first!r} and ties the other bins to an "
        "unrelated parameter"
    )
    return Defaults(parameters, warnings=[Problem(at_parameter(name), message)])


def _shapesys(name: str, occurrences: Sequence[Occurrence]) -> Defaults:
    first = occurrences[0]
    problems = [
        Problem(
            use.place,
            f"a shapesys acts on one sample in one channel; {first.place} has this name too",
            "use a shapefactor or a histosys for an effect that is shared, or another name",
        )
        for use in occurrences[1:]
        if (use.channel.name, use.sample.name) != (first.channel.name, first.sample.name)
    ]
    parameters = []
    modifier = first.modifier
    cells = zip(modifier.parameters, first.sample.nominal, modifier.uncertainties, strict=False)
    for index, (component, nominal, uncertainty) in enumerate(cells):
        idle = not (nominal > 0.0 and uncertainty > 0.0)
        tau = 1.0 if idle else _auxiliary_count(nominal, uncertainty)
        if not tau > 0.0 or not isfinite(tau):
            message = (
                f"uncertainty {uncertainty:g} of yield {nominal:g} gives the auxiliary count "
                f"{tau:g}; expected a finite one above 0"
            )
            problems.append(Problem(at_bin(first.place, index), message))
            tau, idle = 1.0, True
        parameters.append(_gamma(component, name, PoissonConstraint(tau, tau), fixed=idle))
    return Defaults(tuple(parameters), problems)


def _auxiliary_count(nominal: float, uncertainty: float) -> float:
    # As pyhf writes it, so that auxiliary data agree to the last bit.
    try:
        return nominal**2 / uncertainty**2
    except (OverflowError, ZeroDivisionError):
        ratio = nominal / uncertainty
        return ratio * ratio


def _staterror(name: str, occurrences: Sequence[Occurrence]) -> Defaults:
    by_channel: dict[str, list[Occurrence]] = {}
    for use in occurrences:
        by_channel.setdefault(use.channel.name, []).append(use)
    parameters: list[Parameter] = []
    problems = _differing_masks(name, by_channel)
    for channel in sorted(by_channel):
        uses = sorted(by_channel[channel], key=lambda use: use.sample.name)
        for index, component in enumerate(uses[0].modifier.parameters):
            width = _relative_uncertainty(uses, index)
            if not isfinite(width):
                message = "the uncertainty relative to the summed yield is not a finite number"
                problems.append(Problem(at_bin(uses[0].place, index), message))
                width = 0.0
            idle = width == 0.0
            constraint = GaussianConstraint(center=1.0, width=1.0 if idle else width)
            parameters.append(_gamma(component, name, constraint, fixed=idle))
    return Defaults(tuple(parameters), problems)


def _relative_uncertainty(uses: Sequence[Occurrence], index: int) -> float:
    """Uncertainties in quadrature over the summed yield of the samples that carry the modifier."""
    cells = [
        (use.sample.nominal[index], use.modifier.uncertainties[index])
        for use in uses
        if index < min(len(use.sample.nominal), len(use.modifier.uncertainties))
    ]
    total = sum(nominal for nominal, _ in cells)
    if not total > 0.0:
        return 0.0
    ratios = [uncertainty / total for _, uncertainty in cells]
    return sqrt(sum(ratio * ratio for ratio in ratios))


def _differing_masks(name: str, by_channel: Mapping[str, Sequence[Occurrence]]) -> list[Problem]:
    if len(by_channel) == 1:
        return []
    channels_of: dict[str, set[str]] = {}
    for channel, uses in by_channel.items():
        for use in uses:
            channels_of.setdefault(use.sample.name, set()).add(channel)
    return [
        Problem(
            f"sample {sample!r}, modifier {name!r} (staterror)",
            f"acts in {_listed(channels)}; expected {_listed(by_channel)}, the channels of all "
            "samples with this modifier",
            "give each channel's staterror its own name",
        )
        for sample, channels in channels_of.items()
        if len(channels) != len(by_channel)
    ]


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _gamma(name: str, group: str, constraint: Constraint, *, fixed: bool) -> Parameter:
    lower, upper = _GAMMA_BOUNDS
    return Parameter(name, group, 1.0, lower, upper, fixed=fixed, constraint=constraint)


DEFAULTS: Mapping[str, _Builder] = {
    NormFactor.kind: _normfactor,
    NormSys.kind: _unit_gaussian,
    HistoSys.kind: _unit_gaussian,
    Lumi.kind: _lumi,
    ShapeFactor.kind: _shapefactor,
    ShapeSys.kind: _shapesys,
    StatError.kind: _staterror,
}
