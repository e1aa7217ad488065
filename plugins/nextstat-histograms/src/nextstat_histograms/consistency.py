"""What in a description contradicts itself, or can lead to no model."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, Problem, closest
from nextstat_histograms.description import Systematic
from nextstat_histograms.expressions import check_expression

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_histograms.description import Description, Region, Sample, Variation

__all__ = ["contradictions"]

_ACTS_NOWHERE = "acts on no sample in any region"


def contradictions(description: Description) -> Iterator[Problem]:
    """Everything because of which a description cannot be followed, whatever the files hold."""
    yield from _repeated_names(description)
    yield from _unknown_references(description)
    yield from _unusable_regions(description)
    yield from _unusable_data(description)
    yield from _unusable_factors(description)
    yield from _unusable_systematics(description)
    yield from _unusable_parameters(description)
    yield from _unusable_expressions(description)


def _repeated_names(description: Description) -> Iterator[Problem]:
    for kind, entries in _sections(description):
        for name, count in Counter(entry.name for entry in entries).items():
            if count > 1:
                yield Problem("", f"{count} entries are {kind} {name!r}; names must be unique")
    # Names of staterrors have hyphens for spaces; two regions with one name would share them.
    hyphened = Counter(
        name.replace(" ", "-") for name in {each.name for each in description.regions}
    )
    for name, count in hyphened.items():
        if count > 1:
            yield Problem("", f"{count} regions are called {name!r}, with hyphens for spaces")


def _sections(description: Description) -> list[tuple[str, tuple[Any, ...]]]:
    return [
        ("region", description.regions),
        ("sample", description.samples),
        ("normalisation factor", description.norm_factors),
        ("systematic", description.systematics),
    ]


def _unknown_references(description: Description) -> Iterator[Problem]:
    known = {
        "region": [region.name for region in description.regions],
        "sample": [sample.name for sample in description.samples],
    }
    for place, what, name in _references(description):
        if name not in known[what]:
            message = f"names {name!r}; there is no such {what}"
            yield Problem(place, message, closest(name, known[what]))


def _references(description: Description) -> Iterator[tuple[str, str, str]]:
    """Place, kind and name of each region and sample that an entry names."""
    for kind, entries in _sections(description):
        for entry in entries:
            for part in (entry, getattr(entry, "smoothing", None)):
                for what in ("region", "sample"):
                    for name in _listed(getattr(part, f"{what}s", None)):
                        yield f"{kind} {entry.name!r}", what, name


def _listed(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names or ()


def _unusable_regions(description: Description) -> Iterator[Problem]:
    for region in description.regions:
        place = f"region {region.name!r}"
        if (region.variable is None) != (region.binning is None):
            yield Problem(place, "has one of Variable and Binning; expected both, or none")
        edges = region.binning
        if edges is not None and (
            len(edges) < 2
            or not all(map(isfinite, edges))
            or any(low >= high for low, high in pairwise(edges))
        ):
            yield Problem(place, "Binning must be two or more edges in ascending order")
        if not description.samples_of(region):
            yield Problem(place, "has no sample besides data")


def _unusable_data(description: Description) -> Iterator[Problem]:
    data = [sample for sample in description.samples if sample.data]
    if len(data) != 1:
        names = ", ".join(repr(sample.name) for sample in data) or "none"
        yield Problem("", f"exactly one sample must have `Data: true`; found {names}")
        return
    absent = [each.name for each in description.regions if not _is_in(each, data[0])]
    if absent:
        yield Problem(f"sample {data[0].name!r}", f"the data leave out {', '.join(absent)}")


def _is_in(region: Region, sample: Sample) -> bool:
    return sample.regions is None or region.name in _listed(sample.regions)


def _unusable_factors(description: Description) -> Iterator[Problem]:
    for factor in description.norm_factors:
        place = f"normalisation factor {factor.name!r}"
        low, high = factor.bounds or (0.0, 10.0)
        if not (isfinite(low) and isfinite(high) and low < high):
            yield Problem(place, f"has the bounds {low:g} and {high:g}; expected a range")
        elif factor.nominal is not None and not low <= factor.nominal <= high:
            yield Problem(place, f"starts at {factor.nominal:g}, outside of {low:g} to {high:g}")
        if not any(factor in description.norm_factors_of(*pair) for pair in _pairs(description)):
            yield Problem(place, _ACTS_NOWHERE)


def _pairs(description: Description) -> Iterator[tuple[Region, Sample]]:
    for region in description.regions:
        for sample in description.samples_of(region):
            yield region, sample


def _unusable_systematics(description: Description) -> Iterator[Problem]:
    for each in description.systematics:
        place = f"systematic {each.name!r}"
        effects = [("Up", each.up), ("Down", each.down)]
        if not any(each in description.systematics_of(*pair) for pair in _pairs(description)):
            yield Problem(place, _ACTS_NOWHERE)
        if each.type == "Normalization":
            yield from _unusable_normalisation(place, each, effects)
            continue
        for key, variation in effects:
            if variation.normalization is not None:
                yield Problem(f"{place}, {key}", "Normalization belongs to `Type: Normalization`")
        mirrored = [key for key, variation in effects if variation.symmetrize]
        if len(mirrored) == 2:
            yield Problem(place, "both variations say Symmetrize; there is none to be mirrored")
        if mirrored and each.symmetrisation not in (None, "onesided", "split"):
            yield Problem(place, f"{each.symmetrisation} needs both variations; one is Symmetrize")
    for region, sample in _pairs(description):
        names = [each.modifier for each in description.systematics_of(region, sample)]
        for name, count in Counter(names).items():
            if count > 1:
                place = f"region {region.name!r}, sample {sample.name!r}"
                yield Problem(place, f"{count} systematics have modifiers named {name!r}")


def _unusable_normalisation(
    place: str, each: Systematic, effects: list[tuple[str, Variation]]
) -> Iterator[Problem]:
    for key, variation in effects:
        size = variation.normalization
        if size is None:
            yield Problem(f"{place}, {key}", "the key 'Normalization' is missing")
        elif not (isfinite(size) and size > -1.0):
            yield Problem(f"{place}, {key}", f"Normalization is {size:g}; expected more than -1")
    if each.smoothing or each.symmetrisation or each.up.symmetrize or each.down.symmetrize:
        yield Problem(place, "a normalisation is neither smoothed nor symmetrised")


def _unusable_parameters(description: Description) -> Iterator[Problem]:
    general = description.general
    factors = [factor.name for factor in description.norm_factors]
    modifiers = [systematic.modifier for systematic in description.systematics]
    known = [*factors, *modifiers]
    for name in sorted(set(factors) & set(modifiers)):
        yield Problem("", f"{name!r} is both a normalisation factor and a systematic")
    if general.poi and general.poi not in known:
        yield Problem("General, POI", f"no parameter {general.poi!r}", closest(general.poi, known))
    for name, count in Counter(each.name for each in general.fixed).items():
        if name not in known:
            yield Problem("General, Fixed", f"no parameter {name!r}", closest(name, known))
        if count > 1:
            yield Problem("General, Fixed", f"{name!r} occurs {count} times")
    for fixed in general.fixed:
        if not isfinite(fixed.value):
            yield Problem("General, Fixed", f"{fixed.name!r} has no finite value")


def _unusable_expressions(description: Description) -> Iterator[Problem]:
    for kind, entries in _sections(description):
        for entry in entries:
            parts = [("", entry)]
            if isinstance(entry, Systematic):
                parts = [(", Up", entry.up), (", Down", entry.down)]
            for where, part in parts:
                for key in ("variable", "filter", "weight"):
                    text = getattr(part, key, None)
                    if isinstance(text, str) and not _is_number(text):
                        try:
                            check_expression(text)
                        except InputError as error:
                            place = f"{kind} {entry.name!r}{where}, {key.capitalize()}"
                            yield Problem(place, str(error).partition("\n")[0], error.hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
