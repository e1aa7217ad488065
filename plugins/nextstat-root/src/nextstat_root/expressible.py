"""What a model may not hold, so that HistFactory XML can express it."""

from __future__ import annotations

import re
from math import isfinite, sqrt
from typing import TYPE_CHECKING

from nextstat_core.errors import Problem
from nextstat_core.ir import (
    HistoSys,
    Lumi,
    NormFactor,
    NormSys,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.place import at_channel, at_modifier, at_parameter, at_sample
from nextstat_root.names import parameter_called

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nextstat_core.ir import Model, Modifier, Sample
    from nextstat_root.statements import Group, Statements

__all__ = ["inexpressible"]

_KINDS = {
    each.kind for each in (HistoSys, Lumi, NormFactor, NormSys, ShapeFactor, ShapeSys, StatError)
}
#: Codes that readers of XML use, because the format has none.
_CODES = {"normsys": "code4", "histosys": "code4p"}
# XML 1.0 has no other control characters than three that parsers turn into blanks in attributes.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def inexpressible(
    model: Model, groups: Mapping[str, Group], statements: Statements
) -> list[Problem]:
    """Everything because of which `model` cannot be written; an empty list says that it can."""
    return [
        *_names(model),
        *_groups(groups),
        *_modifiers(model),
        *_luminosity(model, statements),
        *_listed_names(model, groups, statements),
    ]


def _names(model: Model) -> Iterator[Problem]:
    places = [(at_channel(channel.name), channel.name) for channel in model.channels]
    for channel in model.channels:
        places += [(at_sample(channel.name, each.name), each.name) for each in channel.samples]
        places += [
            (at_modifier(channel.name, sample.name, each.name, each.kind), each.name)
            for sample in channel.samples
            for each in sample.modifiers
        ]
    places.append((f"measurement {model.measurement!r}", model.measurement or "measurement"))
    for place, name in dict.fromkeys(places):
        if not name or _UNWRITABLE.search(name):
            yield Problem(place, "the name is empty or has characters that XML cannot hold")


def _groups(groups: Mapping[str, Group]) -> Iterator[Problem]:
    written: dict[str, str] = {}
    carriers: dict[str, str] = {}
    for group in groups.values():
        place = at_parameter(group.name)
        if len(group.kinds) > 1 and not group.kinds <= {NormSys.kind, HistoSys.kind}:
            yield Problem(place, f"{' and '.join(sorted(group.kinds))} share this name")
            continue
        if group.kinds == {StatError.kind}:
            if len(group.channels) > 1:
                listed = ", ".join(map(repr, group.channels))
                yield Problem(
                    place,
                    f"statistical errors are shared by {listed}; XML has one set for each channel",
                )
            other = carriers.setdefault(group.channels[0], group.name)
            if other != group.name:
                yield Problem(
                    place,
                    f"channel {group.channels[0]!r} has the statistical errors {other!r} as well; "
                    "XML has one set for each channel",
                )
        other = written.setdefault(group.written, group.name)
        if other != group.name:
            yield Problem(
                place, f"readers would call it {group.written!r}, as they would call {other!r}"
            )


def _modifiers(model: Model) -> Iterator[Problem]:
    for channel in model.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                place = at_modifier(channel.name, sample.name, modifier.name, modifier.kind)
                for message in _of_modifier(sample, modifier):
                    yield Problem(place, message)


def _of_modifier(sample: Sample, modifier: Modifier) -> Iterator[str]:
    if modifier.kind not in _KINDS:
        yield "XML has no such kind of systematic"
    elif isinstance(modifier, NormSys | HistoSys):
        if modifier.interpolation != _CODES[modifier.kind]:
            yield (
                f"interpolation is {modifier.interpolation}; XML has no codes, and readers take "
                f"{_CODES[modifier.kind]}"
            )
    elif isinstance(modifier, StatError):
        if any(sqrt(value * value) != value for value in modifier.uncertainties):
            yield "an uncertainty is too large or small, or negative: its square is written"
    elif isinstance(modifier, ShapeSys):
        cells = zip(modifier.uncertainties, sample.nominal, strict=True)
        if any(nominal and not isfinite(value / nominal) for value, nominal in cells):
            yield "an uncertainty relative to the yield is not finite"


def _luminosity(model: Model, statements: Statements) -> Iterator[Problem]:
    if not statements.luminosity > 0.0:
        yield Problem(at_parameter("lumi"), f"it is {statements.luminosity:g}; expected above 0")
    if statements.luminosity == 1.0:
        return
    for channel in model.channels:
        for sample in channel.samples:
            if not any(isinstance(each, Lumi) for each in sample.modifiers):
                yield Problem(
                    at_sample(channel.name, sample.name),
                    f"does not scale with the luminosity, which is {statements.luminosity:g}: ROOT "
                    "would multiply it by that, pyhf would not",
                )


def _listed_names(
    model: Model, groups: Mapping[str, Group], statements: Statements
) -> Iterator[Problem]:
    """Names in texts are separated by blanks, and readers guess kinds from prefixes."""
    poi = None if model.poi is None else model.parameters[0].group
    if poi is not None and groups[poi].kinds != {NormFactor.kind}:
        yield Problem(
            f"parameter of interest {poi!r}",
            f"is a {' and '.join(sorted(groups[poi].kinds))}; XML wants a norm factor",
        )
    known = {
        group.written: ()
        if len(group.parameters) == 1 and "[" not in group.parameters[0].name
        else (len(group.parameters),)
        for group in groups.values()
    }
    listed = {*statements.values, *statements.constant, *(name for _, name, _ in statements.terms)}
    listed |= set() if poi is None else {poi}
    for group in groups.values():
        for index, parameter in enumerate(group.parameters):
            name = group.in_root(index)
            if name not in listed:
                continue
            expected = parameter.name.replace(group.name, group.written, 1)
            if name.split() != [name] or parameter_called(name, known) != expected:
                yield Problem(
                    at_parameter(parameter.name),
                    f"XML has to list it as {name!r}, which readers cannot tell from other names",
                    "rename it, without blanks and without the prefixes alpha_, beta_, gamma_",
                )
