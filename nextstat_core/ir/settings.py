"""What a measurement says about parameters: inits, bounds, fixed, auxiliary data."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from math import isfinite

from nextstat_core.errors import Problem
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

__all__ = ["apply_settings"]

_LISTS = ("inits", "bounds", "auxdata", "sigmas", "factors")
_NEEDED_BY_LUMI = ("inits", "bounds", "auxdata", "sigmas")


def apply_settings(
    defaults: Defaults, settings: ParameterSettings | None, kinds: Set[str]
) -> Defaults:
    """Parameters of one group after the measurement had its say.

    Parameters
    ----------
    defaults : Defaults
        What the group's modifiers bring.
    settings : ParameterSettings or None
        None where the measurement says nothing.
    kinds : set of str
        Kinds of the group's modifiers: they decide which settings are understood.
    """
    name = defaults.parameters[0].group
    if Lumi.kind in kinds:
        missing = _missing_for_lumi(name, settings)
        if missing:
            return defaults._replace(problems=[*defaults.problems, *missing])
    if settings is None:
        return defaults
    refused = [
        *_not_understood(settings, _understood(defaults.parameters[0].constraint, kinds)),
        *_wrong_lengths(settings, len(defaults.parameters)),
    ]
    if refused:
        return defaults._replace(problems=[*defaults.problems, *refused])
    parameters = tuple(
        _configured(parameter, settings, index, kinds)
        for index, parameter in enumerate(defaults.parameters)
    )
    problems = [problem for parameter in parameters for problem in _check(parameter)]
    return Defaults(
        parameters,
        [*defaults.problems, *problems],
        [*defaults.warnings, *_kept_fixed(settings, defaults.parameters)],
    )


def _missing_for_lumi(name: str, settings: ParameterSettings | None) -> list[Problem]:
    missing = [key for key in _NEEDED_BY_LUMI if getattr(settings, key, None) is None]
    if not missing:
        return []
    message = f"a lumi has no defaults, and the measurement gives no {', '.join(missing)}"
    hint = "give inits, bounds, auxdata and sigmas in the measurement's config.parameters"
    return [Problem(at_parameter(name), message, hint)]


def _understood(constraint: Constraint | None, kinds: Set[str]) -> tuple[str, ...]:
    if isinstance(constraint, PoissonConstraint):
        return "inits", "bounds", "auxdata", "factors"
    if constraint is None:
        return "inits", "bounds"
    if kinds & {NormSys.kind, HistoSys.kind}:
        return "inits", "bounds", "auxdata"
    return "inits", "bounds", "auxdata", "sigmas"


def _not_understood(settings: ParameterSettings, allowed: Iterable[str]) -> Iterator[Problem]:
    allowed = tuple(allowed)
    for key in _LISTS:
        if getattr(settings, key) is not None and key not in allowed:
            message = f"has no `{key}`; expected only {', '.join(allowed)} or fixed"
            yield Problem(at_parameter(settings.name), message)


def _wrong_lengths(settings: ParameterSettings, count: int) -> Iterator[Problem]:
    for key in _LISTS:
        values = getattr(settings, key)
        if values is not None and len(values) != count:
            message = f"`{key}` has {len(values)} entries; expected {count}, one per parameter"
            yield Problem(at_parameter(settings.name), message)


def _configured(
    parameter: Parameter, settings: ParameterSettings, index: int, kinds: Set[str]
) -> Parameter:
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


def _kept_fixed(settings: ParameterSettings, defaults: Iterable[Parameter]) -> list[Problem]:
    names = [parameter.name for parameter in defaults if parameter.fixed]
    if settings.fixed is not False or not names:
        return []
    message = (
        f"the measurement says `fixed: false`; {', '.join(names)} has no effect on any yield "
        "and stays fixed (pyhf frees it)"
    )
    return [Problem(at_parameter(settings.name), message)]
