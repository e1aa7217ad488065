"""What a description says: regions, samples, normalisation factors, systematics.

Keys are those of cabinetry's configuration files, which are read as they are. Keys of ours are
``Flow`` of a region, ``Symmetrisation`` of a systematic, ``Bandwidth`` of its smoothing, the
algorithm ``kernel``, and ``NegativeBins`` and ``Pruning`` of the general settings.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from nextstat_histograms.conversion import Flow
from nextstat_histograms.smoothing import SmoothingAlgorithm

__all__ = [
    "Description",
    "FixedParameter",
    "General",
    "NegativeBins",
    "NormFactor",
    "Pruning",
    "Region",
    "Sample",
    "Smoothing",
    "Systematic",
    "Variation",
]

_Name: TypeAlias = Annotated[str, Meta(min_length=1)]
#: One name, or several; all, if left out.
_Names: TypeAlias = str | Annotated[tuple[str, ...], Meta(min_length=1)] | None


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, rename="pascal", gc=False):
    """An object of a description; unknown keys are refused."""


class FixedParameter(_Entry, frozen=True):
    """A parameter that is not fitted."""

    name: _Name
    value: float


class NegativeBins(_Entry, frozen=True):
    """What is done about negative bins, see `raise_bins`."""

    floor: float = 0.0
    keep_sum: bool = False


class Pruning(_Entry, frozen=True):
    """Thresholds below which effects are left out, see `Thresholds`."""

    normalization: float = 0.0
    shape: float = 0.0


class General(_Entry, frozen=True):
    """The measurement, and where files are.

    `histogram_folder` is read for the sake of cabinetry's files, and not used: templates are kept
    in memory.
    """

    measurement: _Name
    poi: str = msgspec.field(default="", name="POI")
    input_path: str = ""
    histogram_folder: str = ""
    fixed: tuple[FixedParameter, ...] = ()
    variation_path: str = ""
    negative_bins: NegativeBins | None = None
    pruning: Pruning | None = None


class Region(_Entry, frozen=True):
    """A channel: what is binned, and which events are in it."""

    name: _Name
    variable: str | None = None
    binning: tuple[float, ...] | None = None
    filter: str | None = None
    region_path: str | None = None
    flow: Flow = "exclude"


class Sample(_Entry, frozen=True):
    """A process, or the data."""

    name: _Name
    tree: str | None = None
    filter: str | None = None
    weight: str | float | None = None
    sample_path: _Names = None
    data: bool = False
    disable_staterror: bool = False
    regions: _Names = None


class NormFactor(_Entry, frozen=True):
    """A free factor."""

    name: _Name
    regions: _Names = None
    samples: _Names = None
    nominal: float | None = None
    bounds: tuple[float, float] | None = None


class Variation(_Entry, frozen=True):
    """How one variation of a systematic differs from the nominal template."""

    tree: str | None = None
    weight: str | float | None = None
    variable: str | None = None
    filter: str | None = None
    region_path: str | None = None
    sample_path: _Names = None
    variation_path: str | None = None
    normalization: float | None = None
    symmetrize: bool = False


class Smoothing(_Entry, frozen=True):
    """Which smoothing, and where."""

    algorithm: SmoothingAlgorithm
    regions: _Names = None
    samples: _Names = None
    bandwidth: float = 1.0


class Systematic(_Entry, frozen=True):
    """An uncertainty with a constrained parameter."""

    name: _Name
    type: Literal["Normalization", "NormPlusShape"]
    up: Variation
    down: Variation
    regions: _Names = None
    samples: _Names = None
    smoothing: Smoothing | None = None
    modifier_name: _Name | None = None
    symmetrisation: Literal["onesided", "twosided", "absmean", "maximum", "split"] | None = None

    @property
    def modifier(self) -> str:
        """Name of its modifiers in the workspace."""
        return self.modifier_name or self.name


class Description(_Entry, frozen=True):
    """All of it."""

    general: General
    regions: Annotated[tuple[Region, ...], Meta(min_length=1)]
    samples: Annotated[tuple[Sample, ...], Meta(min_length=1)]
    norm_factors: tuple[NormFactor, ...] = ()
    systematics: tuple[Systematic, ...] = ()

    @property
    def data(self) -> Sample:
        """The sample of the data."""
        return next(sample for sample in self.samples if sample.data)

    def samples_of(self, region: Region) -> list[Sample]:
        """Simulated samples of a region, in their order."""
        return [each for each in self.samples if not each.data and _covers(each, region)]

    def systematics_of(self, region: Region, sample: Sample) -> list[Systematic]:
        """Systematics that act on a sample in a region, in their order."""
        return [
            each for each in self.systematics if _covers(each, region) and _includes(each, sample)
        ]

    def norm_factors_of(self, region: Region, sample: Sample) -> list[NormFactor]:
        """Factors that act on a sample in a region, in their order."""
        return [
            each for each in self.norm_factors if _covers(each, region) and _includes(each, sample)
        ]

    def smoothing_of(
        self, region: Region, sample: Sample, systematic: Systematic
    ) -> Smoothing | None:
        """How variations are smoothed; None if they are not."""
        smoothing = systematic.smoothing
        if smoothing and _covers(smoothing, region) and _includes(smoothing, sample):
            return smoothing
        return None


def _covers(entry: Sample | NormFactor | Systematic | Smoothing, region: Region) -> bool:
    return _among(region.name, entry.regions)


def _includes(entry: NormFactor | Systematic | Smoothing, sample: Sample) -> bool:
    return _among(sample.name, entry.samples)


def _among(name: str, names: _Names) -> bool:
    if names is None:
        return True
    return name == names if isinstance(names, str) else name in names
