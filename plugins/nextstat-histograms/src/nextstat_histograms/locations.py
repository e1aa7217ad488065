"""Which templates a description needs, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nextstat_core.errors import InputError
from nextstat_histograms.description import Variation
from nextstat_histograms.filling import Fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nextstat_histograms.description import Description, Region, Sample, Systematic

__all__ = ["EventLocation", "FileLocation", "TemplateKey", "Wanted", "locate", "wanted_templates"]


_T = TypeVar("_T")


class TemplateKey(NamedTuple):
    """Name of a template; `systematic` and `direction` are empty for the nominal one."""

    region: str
    sample: str
    systematic: str = ""
    direction: str = ""

    @property
    def nominal(self) -> TemplateKey:
        """The template that this one is a variation of."""
        return TemplateKey(self.region, self.sample)

    def __str__(self) -> str:
        words = f"channel {self.region!r}, sample {self.sample!r}"
        if self.systematic:
            words += f", systematic {self.systematic!r}"
        if self.direction:
            words += f", {self.direction}"
        return words


@dataclass(frozen=True, slots=True)
class Wanted:
    """A template that is needed, and the entries that describe it."""

    key: TemplateKey
    region: Region
    sample: Sample
    variation: Variation


@dataclass(frozen=True, slots=True)
class EventLocation:
    """Events in files, and how they are filled."""

    paths: tuple[str, ...]
    tree: str | None
    fill: Fill


@dataclass(frozen=True, slots=True)
class FileLocation:
    """A histogram in a ROOT file."""

    path: Path
    name: str


def wanted_templates(description: Description) -> Iterator[Wanted]:
    """Every template that is read, in the order of the description.

    Variations that arise from symmetrisation, and those of normalisations, are not among them.
    """
    nominal = Variation()
    for region in description.regions:
        for sample in (*description.samples_of(region), description.data):
            yield Wanted(TemplateKey(region.name, sample.name), region, sample, nominal)
            if sample.data:
                continue
            for systematic in description.systematics_of(region, sample):
                for direction, variation in _variations(systematic):
                    key = TemplateKey(region.name, sample.name, systematic.name, direction)
                    yield Wanted(key, region, sample, variation)


def _variations(systematic: Systematic) -> list[tuple[str, Variation]]:
    if systematic.type == "Normalization":
        return []
    both = [("Up", systematic.up), ("Down", systematic.down)]
    return [(direction, variation) for direction, variation in both if not variation.symmetrize]


def locate(
    wanted: Wanted, description: Description, base_dir: Path
) -> EventLocation | FileLocation:
    """Where a template comes from; settings of the variation win over those of sample and region.

    Raises
    ------
    InputError
        If a path cannot be built.
    """
    paths = _paths(wanted, description)
    region, sample, variation = wanted.region, wanted.sample, wanted.variation
    if region.variable is None or region.binning is None:
        return _histogram_in_file(wanted.key, paths, base_dir)
    return EventLocation(
        paths=tuple(str(base_dir / path) for path in paths),
        tree=_first(variation.tree, sample.tree),
        fill=Fill(
            variable=_first(variation.variable, region.variable) or "",
            edges=region.binning,
            selection=_first(variation.filter, sample.filter, region.filter),
            weight=sample.weight if variation.weight is None else variation.weight,
            flow=region.flow,
        ),
    )


def _first(*settings: _T | None) -> _T | None:
    return next((setting for setting in settings if setting is not None), None)


def _paths(wanted: Wanted, description: Description) -> list[str]:
    """The path of the general settings, with its placeholders replaced."""
    general, variation = description.general, wanted.variation
    path = _replaced(
        wanted.key,
        general.input_path,
        "{RegionPath}",
        _first(variation.region_path, wanted.region.region_path),
    )
    path = _replaced(
        wanted.key, path, "{VariationPath}", variation.variation_path, general.variation_path
    )
    samples = _first(variation.sample_path, wanted.sample.sample_path)
    found = samples if isinstance(samples, tuple) else (samples,)
    return [_replaced(wanted.key, path, "{SamplePath}", each) for each in found]


def _replaced(
    key: TemplateKey, path: str, placeholder: str, setting: str | None, default: str | None = None
) -> str:
    if setting is not None and placeholder not in path:
        raise InputError(
            f"{key}: {placeholder[1:-1]} is {setting!r}, but InputPath {path!r} has no "
            f"{placeholder}"
        )
    value = default if setting is None else setting
    if value is None and placeholder in path:
        raise InputError(f"{key}: InputPath {path!r} needs {placeholder[1:-1]}, which is not given")
    return path if value is None else path.replace(placeholder, value)


def _histogram_in_file(key: TemplateKey, paths: list[str], base_dir: Path) -> FileLocation:
    if len(paths) != 1:
        raise InputError(f"{key}: {len(paths)} paths; a histogram is in one file")
    path, colon, name = paths[0].rpartition(":")
    if not (colon and path and name):
        raise InputError(
            f"{key}: {paths[0]!r} names no histogram in a file",
            hint="pass it in `histograms`, give the region Variable and Binning, or write "
            "InputPath as 'file.root:{RegionPath}/{SamplePath}'",
        )
    return FileLocation(base_dir / path, name)
