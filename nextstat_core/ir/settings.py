"""What a measurement says about parameters: inits, bounds, fixed, auxiliary data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from math import isfinite
from typing import Any

from nextstat_core.errors import Problem
from nextstat_core.ir.constraints import with_constraint
from nextstat_core.ir.defaults import Defaults
from nextstat_core.ir.modifiers import HistoSys, Lumi, NormSys
from nextstat_core.ir.nodes import (
    Constraint,
    GaussianConstraint,
    Parameter,
    ParameterSettings,
    PoissonConstraint,
)
from nextstat_core.ir.place import at_parameter

__all__ = ["apply_settings", "settings_of_component"]

_LISTS = ("inits", "bounds", "auxdata", "sigmas", "factors")
_NEEDED_BY_LUMI = ("inits", "bounds", "auxdata", "sigmas")


def apply_settings(
    defaults: Defaults, settings: Mapping[str, ParameterSettings], kinds: Set[str]
) -> Defaults:
    """Parameters of one group after the measurement had its say.

    Parameters
    ----------
    defaults : Defaults
        What the group's modifiers bring.
    settings : mapping of str to ParameterSettings
        By name of the group, or of one of its parameters.
    kinds : set of str
        Kinds of the group's modifiers: they decide which settings are understood.
    """
    name = defaults.parameters[0].group
    whole = settings.get(name)
    if Lumi.kind in kinds:
        missing = _missing_for_lumi(name, whole)
        if missing:
            return defaults._replace(problems=[*defaults.problems, *missing])
    parts = _of_components(defaults.parameters, settings)
    if whole is None and not parts:
        return defaults
    lengths = [*_wrong_lengths(whole, len(defaults.parameters))]
    lengths += [problem for part in parts.values() for problem in _wrong_lengths(part, 1)]
    if lengths:
        return defaults._replace(problems=[*defaults.problems, *lengths])
    parameters, refused = _configured_group(defaults.parameters, whole, parts, kinds)
    problems = refused or [problem for entry in parameters for problem in _check(entry)]
    warnings = [*_kept_fixed(whole, defaults.parameters)]
    for entry in defaults.parameters:
        warnings += _kept_fixed(parts.get(entry.name), [entry])
    return Defaults(
        defaults.parameters if refused else parameters,
        [*defaults.problems, *problems],
        [*defaults.warnings, *warnings],
    )


def _of_components(
    parameters: Iterable[Parameter], settings: Mapping[str, ParameterSettings]
) -> dict[str, ParameterSettings]:
    """Settings of single parameters of a group, by name."""
    return {
        entry.name: settings[entry.name]
        for entry in parameters
        if entry.name in settings and entry.name != entry.group
    }


def _configured_group(
    parameters: Sequence[Parameter],
    whole: ParameterSettings | None,
    parts: Mapping[str, ParameterSettings],
    kinds: Set[str],
) -> tuple[tuple[Parameter, ...], list[Problem]]:
    """Parameters after their settings, and why some cannot have them, said once."""
    configured: list[Parameter] = []
    refused: dict[Problem, None] = {}
    for index, parameter in enumerate(parameters):
        part = parts.get(parameter.name)
        own, at = (whole, index) if part is None else (_merged(whole, part, index), 0)
        found = parameter if own is None else _configured(parameter, own, at, kinds)
        if isinstance(found, Parameter):
            configured.append(found)
        else:
            refused.update(dict.fromkeys(found))
    return tuple(configured), list(refused)


def settings_of_component(
    settings: Mapping[str, ParameterSettings], group: str, component: str, index: int
) -> ParameterSettings:
    """What the measurement says about one parameter of a group; tuples have one entry.

    Parameters
    ----------
    settings : mapping of str to ParameterSettings
        By name.
    index : int
        Position of the parameter in its group.
    """
    part = settings.get(component) if component != group else None
    return _merged(settings.get(group), part or ParameterSettings(component), index)


def _merged(
    whole: ParameterSettings | None, part: ParameterSettings, index: int
) -> ParameterSettings:
    """`part`, completed by the entry `index` of what is said about its group."""
    if whole is None:
        return part
    given: dict[str, Any] = {
        key: (values[index],) for key in _LISTS if (values := getattr(whole, key)) is not None
    }
    given |= {key: value for key in ("fixed", "constraint") if (value := getattr(whole, key))}
    given |= {
        key: value
        for key in (*_LISTS, "fixed", "constraint")
        if (value := getattr(part, key)) is not None
    }
    return ParameterSettings(part.name, **given)


def _missing_for_lumi(name: str, settings: ParameterSettings | None) -> list[Problem]:
    missing = [key for key in _NEEDED_BY_LUMI if getattr(settings, key, None) is None]
    if not missing:
        return []
    message = f"a lumi has no defaults, and the measurement gives no {', '.join(missing)}"
    hint = "give inits, bounds, auxdata and sigmas in the measurement's config.parameters"
    return [Problem(at_parameter(name), message, hint)]


def _understood(parameter: Parameter, kinds: Set[str], *, chosen: bool) -> tuple[str, ...]:
    if isinstance(parameter.constraint, PoissonConstraint):
        return "inits", "bounds", "auxdata", "factors"
    if parameter.constraint is None:
        return "inits", "bounds"
    if kinds & {NormSys.kind, HistoSys.kind} and not chosen:
        return "inits", "bounds", "auxdata"
    return "inits", "bounds", "auxdata", "sigmas"


def _not_understood(settings: ParameterSettings, allowed: Iterable[str]) -> Iterator[Problem]:
    allowed = tuple(allowed)
    for key in _LISTS:
        if getattr(settings, key) is not None and key not in allowed:
            message = f"has no `{key}`; expected only {', '.join(allowed)} or fixed"
            yield Problem(at_parameter(settings.name), message)


def _wrong_lengths(settings: ParameterSettings | None, count: int) -> Iterator[Problem]:
    for key in _LISTS:
        values = getattr(settings, key, None)
        if settings is not None and values is not None and len(values) != count:
            message = f"`{key}` has {len(values)} entries; expected {count}, one per parameter"
            yield Problem(at_parameter(settings.name), message)


def _configured(
    parameter: Parameter, settings: ParameterSettings, index: int, kinds: Set[str]
) -> Parameter | list[Problem]:
    """The parameter as the measurement wants it, or why it cannot be had."""
    if settings.constraint is not None:
        changed = with_constraint(parameter, settings.constraint, kinds)
        if isinstance(changed, Problem):
            return [changed]
        parameter = changed
    allowed = _understood(parameter, kinds, chosen=settings.constraint is not None)
    refused = [*_not_understood(settings, allowed)]
    if refused:
        return refused
    lower, upper = settings.bounds[index] if settings.bounds else (parameter.lower, parameter.upper)
    constraint = _constraint(parameter.constraint, settings, index)
    fixed = parameter.fixed or settings.fixed is True or lower == upper
    if Lumi.kind in kinds and isinstance(constraint, GaussianConstraint) and constraint.width == 0:
        constraint, fixed = None, True
    return replace(
        parameter,
        init=settings.inits[index] if settings.inits else parameter.init,
        lower=lower,
        upper=upper,
        fixed=fixed,
        constraint=constraint,
    )


def _constraint(
    constraint: Constraint | None, settings: ParameterSettings, index: int
) -> Constraint | None:
    if isinstance(constraint, GaussianConstraint):
        return GaussianConstraint(
            center=settings.auxdata[index] if settings.auxdata else constraint.center,
            width=settings.sigmas[index] if settings.sigmas else constraint.width,
        )
    if isinstance(constraint, PoissonConstraint):
        return PoissonConstraint(
            count=settings.auxdata[index] if settings.auxdata else constraint.count,
            factor=settings.factors[index] if settings.factors else constraint.factor,
        )
    return None


def _check(parameter: Parameter) -> Iterator[Problem]:
    place = at_parameter(parameter.name)
    init, lower, upper = parameter.init, parameter.lower, parameter.upper
    if not (isfinite(lower) and isfinite(upper) and lower <= upper):
        yield Problem(place, f"bounds are ({lower:g}, {upper:g}); expected finite lower <= upper")
    elif not lower <= init <= upper:
        message = f"init {init:g} is outside its bounds ({lower:g}, {upper:g})"
        yield Problem(place, message, "change `inits` or `bounds`")
    match parameter.constraint:
        case GaussianConstraint(center, width):
            if not isfinite(center):
                yield Problem(place, f"`auxdata` is {center}; expected a finite number")
            if not (isfinite(width) and width > 0.0):
                yield Problem(place, f"`sigmas` is {width:g}; expected a finite number above 0")
        case PoissonConstraint(count, factor):
            if not (isfinite(count) and count >= 0.0):
                yield Problem(place, f"`auxdata` is {count:g}; expected a count of 0 or more")
            if not (isfinite(factor) and factor > 0.0):
                yield Problem(place, f"`factors` is {factor:g}; expected a finite number above 0")


def _kept_fixed(settings: ParameterSettings | None, defaults: Iterable[Parameter]) -> list[Problem]:
    names = [parameter.name for parameter in defaults if parameter.fixed]
    if settings is None or settings.fixed is not False or not names:
        return []
    message = (
        f"the measurement says `fixed: false`; {', '.join(names)} has no effect on any yield "
        "and stays fixed (pyhf frees it)"
    )
    return [Problem(at_parameter(settings.name), message)]
