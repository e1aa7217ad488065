"""The model as plain frozen data: channels, samples, parameters. No arrays, no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from nextstat_core.errors import Problem
from nextstat_core.ir.modifiers import Modifier

__all__ = [
    "AffineResponse",
    "Channel",
    "Constraint",
    "ConstraintChoice",
    "ConstraintKind",
    "GaussianConstraint",
    "LogNormalResponse",
    "Model",
    "Parameter",
    "ParameterSettings",
    "PoissonConstraint",
    "Response",
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
class AffineResponse:
    r"""Modifiers see :math:`\text{slope}\,\theta + \text{offset}` instead of the parameter.

    With a Poisson constraint and slope = -offset = 1/r it is ROOT's Gamma term of relative
    uncertainty r: the parameter is :math:`\beta = 1 + r\alpha`.
    """

    slope: float
    offset: float


@dataclass(frozen=True, slots=True)
class LogNormalResponse:
    r"""Modifiers see :math:`((1 + r)^\theta - 1) / r` instead of the parameter; r is `relative`.

    With a unit Gaussian constraint it is ROOT's LogNormal term.
    """

    relative: float


Response: TypeAlias = AffineResponse | LogNormalResponse
#: Which auxiliary measurement a parameter has; ``none`` and ``uniform`` mean that it has none.
ConstraintKind: TypeAlias = Literal["gaussian", "poisson", "gamma", "lognormal", "uniform", "none"]


@dataclass(frozen=True, slots=True)
class ConstraintChoice:
    """Another constraint than the one that a modifier brings.

    Attributes
    ----------
    kind : {"gaussian", "poisson", "gamma", "lognormal", "uniform", "none"}
    relative : float or None
        Relative uncertainty; needed by a gamma or lognormal of a normsys or histosys. Left out for
        parameters of single bins, it follows from uncertainties and nominal yields.
    """

    kind: ConstraintKind
    relative: float | None = None


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
    response : Response or None
        What modifiers see instead of the parameter itself.
    """

    name: str
    group: str
    init: float
    lower: float
    upper: float
    fixed: bool = False
    constraint: Constraint | None = None
    response: Response | None = None


@dataclass(frozen=True, slots=True)
class ParameterSettings:
    """What a measurement says about one modifier's parameters; None means nothing was said.

    The fields are those of pyhf's measurement configuration, and `constraint`; tuples hold one
    entry per parameter. `name` is that of a modifier, or of one of its components (``stat_SR[1]``),
    whose settings go before those of the modifier.
    """

    name: str
    inits: tuple[float, ...] | None = None
    bounds: tuple[tuple[float, float], ...] | None = None
    fixed: bool | None = None
    auxdata: tuple[float, ...] | None = None
    sigmas: tuple[float, ...] | None = None
    factors: tuple[float, ...] | None = None
    constraint: ConstraintChoice | None = None


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
