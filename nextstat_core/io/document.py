"""The structure of a pyhf workspace (schema 1.0.0) as types that msgspec can read at once."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar, Union

import msgspec
from msgspec import UNSET, UnsetType

from nextstat_core.ir import ConstraintKind

__all__ = [
    "BUILT_IN_KINDS",
    "CONSTRAINT_TYPES",
    "ChannelEntry",
    "ConfigEntry",
    "ConstraintEntry",
    "HistoSysEntry",
    "LumiEntry",
    "MeasurementEntry",
    "NormFactorEntry",
    "NormSysEntry",
    "ObservationEntry",
    "ParameterEntry",
    "SampleEntry",
    "ShapeFactorEntry",
    "ShapeSysEntry",
    "StatErrorEntry",
    "Workspace",
    "workspace_type",
]

_Numbers: TypeAlias = Annotated[tuple[float, ...], msgspec.Meta(min_length=1)]
_Bounds: TypeAlias = Annotated[tuple[tuple[float, float], ...], msgspec.Meta(min_length=1)]
_ModifierT = TypeVar("_ModifierT")


class _Entry(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object of the document; unknown keys are refused, as pyhf's schema does."""


class _HistoSysData(_Entry):
    lo_data: _Numbers
    hi_data: _Numbers


class _NormSysData(_Entry):
    lo: float
    hi: float


class HistoSysEntry(_Entry, tag_field="type", tag="histosys"):
    """Additions per bin."""

    name: str
    data: _HistoSysData


class LumiEntry(_Entry, tag_field="type", tag="lumi"):
    """The luminosity; its name is part of the schema."""

    name: Literal["lumi"]
    data: None


class NormFactorEntry(_Entry, tag_field="type", tag="normfactor"):
    """A free factor."""

    name: str
    data: None


class NormSysEntry(_Entry, tag_field="type", tag="normsys"):
    """A constrained factor."""

    name: str
    data: _NormSysData


class ShapeFactorEntry(_Entry, tag_field="type", tag="shapefactor"):
    """A free factor per bin."""

    name: str
    data: None


class ShapeSysEntry(_Entry, tag_field="type", tag="shapesys"):
    """A Poisson-constrained factor per bin; absolute uncertainties."""

    name: str
    data: _Numbers


class StatErrorEntry(_Entry, tag_field="type", tag="staterror"):
    """A Gaussian-constrained factor per bin; absolute uncertainties."""

    name: str
    data: _Numbers


class SampleEntry(_Entry, Generic[_ModifierT]):
    """Nominal yields and modifiers."""

    name: str
    data: _Numbers
    modifiers: tuple[_ModifierT, ...]


class ChannelEntry(_Entry, Generic[_ModifierT]):
    """Samples of one region."""

    name: str
    samples: Annotated[tuple[SampleEntry[_ModifierT], ...], msgspec.Meta(min_length=1)]


class ObservationEntry(_Entry):
    """Observed counts of one channel."""

    name: str
    data: _Numbers


#: Types of constraints in an extension of pyhf's format, and what they are in the model.
CONSTRAINT_TYPES: Mapping[str, ConstraintKind] = MappingProxyType(
    {
        "Gaussian": "gaussian",
        "Poisson": "poisson",
        "Gamma": "gamma",
        "LogNormal": "lognormal",
        "Uniform": "uniform",
        "NoConstraint": "none",
    }
)


class ConstraintEntry(_Entry):
    """Another constraint than the modifier's own: no part of pyhf's schema."""

    type: Literal["Gaussian", "Poisson", "Gamma", "LogNormal", "Uniform", "NoConstraint"]
    rel_uncertainty: float | UnsetType = UNSET


class ParameterEntry(_Entry):
    """What a measurement says about one modifier's parameters."""

    name: str
    inits: _Numbers | UnsetType = UNSET
    bounds: _Bounds | UnsetType = UNSET
    auxdata: _Numbers | UnsetType = UNSET
    factors: _Numbers | UnsetType = UNSET
    sigmas: _Numbers | UnsetType = UNSET
    fixed: bool | UnsetType = UNSET
    constraint: ConstraintEntry | UnsetType = UNSET


class ConfigEntry(_Entry):
    """Parameter of interest (possibly empty) and settings."""

    poi: str
    parameters: tuple[ParameterEntry, ...]


class MeasurementEntry(_Entry):
    """One way to read the workspace."""

    name: str
    config: ConfigEntry


class Workspace(_Entry, Generic[_ModifierT]):
    """The whole document. Sections may be empty here, so that a part of a document fits too."""

    channels: tuple[ChannelEntry[_ModifierT], ...]
    observations: tuple[ObservationEntry, ...]
    measurements: tuple[MeasurementEntry, ...]
    version: Literal["1.0.0"]


_BUILT_IN = (
    HistoSysEntry,
    LumiEntry,
    NormFactorEntry,
    NormSysEntry,
    ShapeFactorEntry,
    ShapeSysEntry,
    StatErrorEntry,
)
BUILT_IN_KINDS: tuple[str, ...] = tuple(str(entry.__struct_config__.tag) for entry in _BUILT_IN)


@lru_cache(maxsize=16)
def workspace_type(plugin_kinds: frozenset[str]) -> Any:
    """Type of a workspace whose modifiers may also be of `plugin_kinds`, with any ``data``."""
    entries = [
        msgspec.defstruct(
            f"{kind}Entry",
            [("name", str), ("data", Any)],
            tag_field="type",
            tag=kind,
            forbid_unknown_fields=True,
        )
        for kind in sorted(plugin_kinds)
    ]
    kinds: Any = (*_BUILT_IN, *entries)
    return Workspace[Union[kinds]]  # noqa: UP007  `|` cannot take a tuple
