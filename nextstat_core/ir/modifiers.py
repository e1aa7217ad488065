"""One dataclass per kind of modifier; `parameters` are names in the parameter vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

__all__ = [
    "HistoSys",
    "Interpolation",
    "Lumi",
    "Modifier",
    "NormFactor",
    "NormSys",
    "PluginModifier",
    "ShapeFactor",
    "ShapeSys",
    "StatError",
]

#: Interpolation codes. `code2` is continuous, as in ROOT; `code2_pyhf` omits the offset beyond
#: |alpha| = 1, as pyhf does.
Interpolation: TypeAlias = Literal["code0", "code1", "code2", "code2_pyhf", "code4", "code4p"]


@dataclass(frozen=True, slots=True)
class NormFactor:
    """Free factor on all bins of the sample."""

    kind: ClassVar[str] = "normfactor"
    name: str
    parameters: tuple[str]


@dataclass(frozen=True, slots=True)
class Lumi:
    """Gaussian-constrained factor on all bins of the sample."""

    kind: ClassVar[str] = "lumi"
    name: str
    parameters: tuple[str]


@dataclass(frozen=True, slots=True)
class NormSys:
    """Constrained factor: `lo` at alpha = -1, 1 at 0, `hi` at +1; codes 1 and 4."""

    kind: ClassVar[str] = "normsys"
    name: str
    parameters: tuple[str]
    lo: float
    hi: float
    interpolation: Interpolation = "code4"


@dataclass(frozen=True, slots=True)
class HistoSys:
    """Constrained addition: yields `lo` at alpha = -1, `hi` at +1; codes 0, 2 and 4p."""

    kind: ClassVar[str] = "histosys"
    name: str
    parameters: tuple[str]
    lo: tuple[float, ...]
    hi: tuple[float, ...]
    interpolation: Interpolation = "code4p"


@dataclass(frozen=True, slots=True)
class ShapeFactor:
    """Free factor per bin."""

    kind: ClassVar[str] = "shapefactor"
    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShapeSys:
    """Poisson-constrained factor per bin; absolute `uncertainties` of the nominal yields."""

    kind: ClassVar[str] = "shapesys"
    name: str
    parameters: tuple[str, ...]
    uncertainties: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StatError:
    """Gaussian-constrained factor per bin, shared by samples; absolute `uncertainties`."""

    kind: ClassVar[str] = "staterror"
    name: str
    parameters: tuple[str, ...]
    uncertainties: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PluginModifier:
    """A modifier that a plugin defines; `kind` is the plugin's type name, `data` its JSON value."""

    name: str
    kind: str
    parameters: tuple[str, ...]
    data: Mapping[str, Any] | tuple[Any, ...] | float | str | None = field(default=None, hash=False)


Modifier: TypeAlias = (
    NormFactor | Lumi | NormSys | HistoSys | ShapeFactor | ShapeSys | StatError | PluginModifier
)
