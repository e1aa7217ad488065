"""What XML can say about the parameters of a model, and what it cannot.

The statements are made first; then the parameters to which they amount are derived and compared
with the model's. So nothing is lost in silence: what differs is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isclose
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import Problem
from nextstat_core.ir import (
    ConstraintChoice,
    GaussianConstraint,
    HistoSys,
    Lumi,
    NormFactor,
    NormSys,
    ParameterSettings,
    PoissonConstraint,
    ShapeFactor,
    ShapeSys,
    StatError,
    derive_parameters,
)
from nextstat_core.ir.place import at_parameter
from nextstat_root.drafts import Drafts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nextstat_core.ir import Model, Parameter

__all__ = ["Group", "Statements", "groups_of", "state"]

_TERMS = {"gamma": "Gamma", "lognormal": "LogNormal", "uniform": "Uniform", "none": "NoConstraint"}
#: Bounds of shape factors: readers set their own, pyhf the first, ROOT the second.
_SHAPE_FACTOR_BOUNDS = ((0.0, 10.0), (0.0, 1000.0))


@dataclass(slots=True)
class Group:
    """All modifiers of one name, with the parameters that they share.

    Attributes
    ----------
    name : str
        Name in the model.
    kinds : set of str
        Kinds of the modifiers.
    channels : list of str
        Channels in which they act, each once.
    parameters : list of Parameter
        In the order of their index.
    """

    name: str
    kinds: set[str] = field(default_factory=set)
    channels: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)

    @property
    def written(self) -> str:
        """Name that readers of the XML give it: these two are not written."""
        if self.kinds == {Lumi.kind}:
            return "lumi"
        if self.kinds == {StatError.kind}:
            return f"staterror_{self.channels[0]}"
        return self.name

    def in_root(self, index: int) -> str:
        """Name of the parameter `index` in ROOT."""
        if self.kinds == {Lumi.kind}:
            return "Lumi"
        if self.kinds == {NormFactor.kind}:
            return self.name
        if self.kinds <= {NormSys.kind, HistoSys.kind}:
            return f"alpha_{self.name}"
        if self.kinds == {StatError.kind}:
            return f"gamma_stat_{self.channels[0]}_bin_{index}"
        return f"gamma_{self.name}_bin_{index}"


@dataclass(slots=True)
class Statements:
    """The XML's statements about parameters.

    Attributes
    ----------
    luminosity, relative : float
        Nominal luminosity and its relative uncertainty.
    values : dict of str to float
        Start values by ROOT's name, where they are not the default.
    constant : list of str
        ROOT's names of parameters that do not float.
    terms : list of (str, str, float or None)
        Type, name of the systematic, relative uncertainty.
    statistics : dict of str to str
        Type of the statistical errors' constraint by channel.
    shapes : dict of str to str
        Type of constraint by shape systematic.
    settings : Drafts
        The same, as settings of the model.
    """

    luminosity: float = 1.0
    relative: float = 0.0
    values: dict[str, float] = field(default_factory=dict)
    constant: list[str] = field(default_factory=list)
    terms: list[tuple[str, str, float | None]] = field(default_factory=list)
    statistics: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, str] = field(default_factory=dict)
    settings: Drafts = field(default_factory=Drafts)


def groups_of(model: Model) -> dict[str, Group]:
    """Modifiers of the model by name, in the order of their first appearance."""
    groups: dict[str, Group] = {}
    for channel in model.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                group = groups.setdefault(modifier.name, Group(modifier.name))
                group.kinds.add(modifier.kind)
                if channel.name not in group.channels:
                    group.channels.append(channel.name)
    for parameter in model.parameters:
        groups[parameter.group].parameters.append(parameter)
    return groups


def state(model: Model, groups: Mapping[str, Group]) -> tuple[Statements, list[Problem]]:
    """What XML says about the parameters of `model`, and what of them it cannot say."""
    statements = Statements()
    said = {entry.name: entry for entry in model.settings}
    for group in groups.values():
        _state_constraints(statements, group, said.get(group.name))
        _state_norms(statements, group)
    plain = _derived(model, statements)
    for group in groups.values():
        _state_values(statements, group, [plain.get(each.name) for each in group.parameters])
    derived = _derived(model, statements)
    problems = [
        Problem(at_parameter(name), f"{what}; XML cannot express this")
        for name, what in _differences(model.parameters, derived, groups)
    ]
    return statements, list(dict.fromkeys(problems))


def _state_constraints(
    statements: Statements, group: Group, said: ParameterSettings | None
) -> None:
    choice = said.constraint if said is not None else None
    if choice is None:
        return
    if group.kinds == {NormSys.kind} and choice.kind in _TERMS:
        statements.terms.append((_TERMS[choice.kind], group.in_root(0), choice.relative))
    elif group.kinds == {StatError.kind} and choice == ConstraintChoice("poisson"):
        statements.statistics[group.channels[0]] = "Poisson"
    elif group.kinds == {ShapeSys.kind} and choice == ConstraintChoice("gaussian"):
        statements.shapes[group.name] = "Gaussian"
    else:
        return  # if it changes anything, the comparison finds it
    statements.settings.update(group.name, constraint=choice)


def _state_norms(statements: Statements, group: Group) -> None:
    """What is written with the factor, or with the luminosity."""
    first = group.parameters[0]
    if group.kinds == {NormFactor.kind}:
        statements.settings.update(
            group.name, inits=(first.init,), bounds=((first.lower, first.upper),)
        )
    elif group.kinds == {Lumi.kind}:
        constraint = first.constraint
        if isinstance(constraint, GaussianConstraint):
            statements.luminosity = constraint.center
            statements.relative = constraint.width / constraint.center
        else:
            statements.luminosity = first.init
        statements.settings.update(
            group.name,
            inits=(first.init,),
            bounds=((first.lower, first.upper),),
            auxdata=(statements.luminosity,),
            sigmas=(statements.luminosity * statements.relative,),
        )
        if first.init != statements.luminosity:
            statements.values[group.in_root(0)] = first.init
    elif group.kinds == {ShapeFactor.kind}:
        bounds = {(entry.lower, entry.upper) for entry in group.parameters}
        if bounds <= set(_SHAPE_FACTOR_BOUNDS) and len(bounds) == 1:
            statements.settings.update(group.name, bounds=tuple(bounds) * len(group.parameters))


def _state_values(statements: Statements, group: Group, plain: Sequence[Parameter | None]) -> None:
    """Start values and constancy that differ from what readers take by themselves."""
    for index, (parameter, default) in enumerate(zip(group.parameters, plain, strict=True)):
        if default is None:
            continue
        settings: dict[str, Any] = {}
        if parameter.init != default.init:
            statements.values[group.in_root(index)] = parameter.init
            settings["inits"] = (parameter.init,)
        if parameter.fixed and not default.fixed:
            statements.constant.append(group.in_root(index))
            settings["fixed"] = True
        if settings:
            statements.settings.update(parameter.name, **settings)


def _derived(model: Model, statements: Statements) -> dict[str, Parameter]:
    """Parameters of the model if nothing but the statements were known."""
    derived = derive_parameters(model.channels, statements.settings.settings())
    return {parameter.name: parameter for parameter in derived.parameters}


def _differences(
    parameters: Iterable[Parameter],
    derived: Mapping[str, Parameter],
    groups: Mapping[str, Group],
) -> Iterable[tuple[str, str]]:
    for parameter in parameters:
        other = derived.get(parameter.name)
        if other is None:
            continue  # a kind of modifier that is refused anyway
        name = parameter.group
        if (parameter.lower, parameter.upper) != (other.lower, other.upper):
            yield name, f"its bounds are ({parameter.lower:g}, {parameter.upper:g})"
        if parameter.fixed != other.fixed:
            yield name, "it is held where readers let it float, or the other way round"
        if parameter.init != other.init:
            yield name, f"its start value is {parameter.init:g}"
        if parameter.response != other.response or not _same(parameter, other):
            yield name, f"its auxiliary measurement is {_described(parameter)}"
        if groups[name].kinds == {NormFactor.kind} and not parameter.lower < parameter.upper:
            yield name, f"its bounds are both {parameter.lower:g}"


def _same(one: Parameter, other: Parameter) -> bool:
    match one.constraint, other.constraint:
        case GaussianConstraint(a, b), GaussianConstraint(c, d):
            return isclose(a, c, rel_tol=1e-14) and isclose(b, d, rel_tol=1e-14)
        case PoissonConstraint(a, b), PoissonConstraint(c, d):
            return isclose(a, c, rel_tol=1e-14) and isclose(b, d, rel_tol=1e-14)
    return one.constraint is None and other.constraint is None


def _described(parameter: Parameter) -> str:
    match parameter.constraint:
        case GaussianConstraint(center, width):
            return f"Gaussian, {center:g} with width {width:g}"
        case PoissonConstraint(count, factor):
            return f"Poisson, a count of {count:g} with factor {factor:g}"
    return "missing"
