"""The model as plain frozen data: channels, samples, parameters. No arrays, no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nextstat_core.errors import Problem
from nextstat_core.ir.modifiers import Modifier

__all__ = [
    "Channel",
    "Constraint",
    "GaussianConstraint",
    "Model",
    "Parameter",
    "ParameterSettings",
    "PoissonConstraint",
    "Sample",
]


@dataclass(frozen=True, slots=True)
class GaussianConstraint:
    """Auxiliary measurement `center` ~ Normal(parameter, `width`)."""

    center: float
    width: float


@dataclass(frozen=True, slots=True)
class PoissonConstraint:
    """Auxiliary count `count` ~ Poisson(`factor` * parameter)."""

    count: float
    factor: float


Constraint: TypeAlias = GaussianConstraint | PoissonConstraint


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry of the parameter vector.

    Attributes
    ----------
    name : str
        Name in the vector; bin-wise parameters end in ``[i]``, with pyhf's index i.
    group : str
        Name of the modifier (pyhf: parameter set) that owns it.
    init, lower, upper : float
        Start value and bounds, ``lower <= init <= upper``.
    fixed : bool
        Held at `init` unless the caller says otherwise.
    constraint : Constraint or None
        Auxiliary measurement; kept for fixed parameters too, because it enters the constant.
    """

    name: str
    group: str
    init: float
    lower: float
    upper: float
    fixed: bool = False
    constraint: Constraint | None = None


@dataclass(frozen=True, slots=True)
class ParameterSettings:
    """What a measurement says about one modifier's parameters; None means nothing was said.

    The fields are those of pyhf's measurement configuration; tuples hold one entry per parameter.
    """

    name: str
    inits: tuple[float, ...] | None = None
    bounds: tuple[tuple[float, float], ...] | None = None
    fixed: bool | None = None
    auxdata: tuple[float, ...] | None = None
    sigmas: tuple[float, ...] | None = None
    factors: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One process in one channel: expected yields per bin at the nominal point, and modifiers."""

    name: str
    nominal: tuple[float, ...]
    modifiers: tuple[Modifier, ...]


@dataclass(frozen=True, slots=True)
class Channel:
    """One binned region: samples and the observed counts."""

    name: str
    samples: tuple[Sample, ...]
    observed: tuple[float, ...]

    @property
    def n_bins(self) -> int:
        return len(self.observed)


@dataclass(frozen=True, slots=True)
class Model:
    """A complete statistical model with its observed data.

    Attributes
    ----------
    channels : tuple of Channel
        As written in the document. Main data are ordered by channel *name* (pyhf's order).
    parameters : tuple of Parameter
        In vector order: the parameter of interest first, then first appearance.
    poi : str or None
        Name of the parameter of interest; it is the first entry of `parameters`.
    measurement : str
        Name of the measurement that was read.
    settings : tuple of ParameterSettings
        The measurement's settings, kept so that `parameters` can be derived again.
    warnings : tuple of Problem
        Things that are odd, but no reason to refuse.
    """

    channels: tuple[Channel, ...]
    parameters: tuple[Parameter, ...]
    poi: str | None = None
    measurement: str = ""
    settings: tuple[ParameterSettings, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def sorted_channels(self) -> tuple[Channel, ...]:
        """Channels in the order of the main data."""
        return tuple(sorted(self.channels, key=lambda channel: channel.name))
