"""The parameter vector of a model, from its modifiers and its measurement's settings."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, TypeVar

from nextstat_core.errors import InputError, ModelError, Problem, closest
from nextstat_core.ir.check import check_nominal, check_observed
from nextstat_core.ir.defaults import DEFAULTS, Defaults, Occurrence
from nextstat_core.ir.nodes import (
    Channel,
    Constraint,
    GaussianConstraint,
    Model,
    Parameter,
    ParameterSettings,
    PoissonConstraint,
    Sample,
)
from nextstat_core.ir.place import at_parameter
from nextstat_core.ir.settings import apply_settings
from nextstat_core.typing import ArrayLike

__all__ = ["Derived", "derive_parameters", "with_auxiliary", "with_nominal", "with_observed"]

_Entry = TypeVar("_Entry", Channel, Sample)
_Groups: TypeAlias = dict[str, dict[str, list[Occurrence]]]
_NOTHING: Mapping[str, tuple[Parameter, ...]] = MappingProxyType({})


class Derived(NamedTuple):
    """A parameter vector, what makes it unusable, and what is merely odd about it."""

    parameters: tuple[Parameter, ...]
    problems: list[Problem]
    warnings: list[Problem]


def derive_parameters(
    channels: Sequence[Channel],
    settings: Sequence[ParameterSettings] = (),
    poi: str | None = None,
    supplied: Mapping[str, tuple[Parameter, ...]] = _NOTHING,
) -> Derived:
    """Compute the parameter vector: the parameter of interest, then first appearance.

    Start values, bounds, constraints and acceptance rules are those of pyhf 0.7.6. Constraints stay
    on fixed parameters, because they enter the constant of the likelihood.

    Parameters
    ----------
    channels : sequence of Channel
        Channels as written, with the parameter names of each modifier.
    settings : sequence of ParameterSettings
        The measurement's settings, one per name of a modifier or of one of its components; those
        without either give a warning.
    poi : str or None
        Name of the modifier whose only parameter is of interest, e.g. ``"mu"``.
    supplied : mapping of str to tuple of Parameter
        Default parameters of the modifiers that plugins define, by the modifier's name.

    Returns
    -------
    Derived
        `parameters`, `problems` and `warnings`. The parameters are usable if there is no problem.
    """
    groups = _collect(channels)
    by_name = {entry.name: entry for entry in settings}
    derived = Derived((), [], [])
    vector: dict[str, tuple[Parameter, ...]] = {}
    for name, kinds in groups.items():
        group = _group(name, kinds, supplied)
        if group.parameters:
            group = apply_settings(group, by_name, kinds.keys())
        vector[name] = group.parameters
        derived.problems.extend(group.problems)
        derived.warnings.extend(group.warnings)
    derived.problems.extend(_check_vector(vector, poi))
    components = {entry.name for entries in vector.values() for entry in entries}
    derived.warnings[:0] = _without_modifier(by_name.keys() - components, groups)
    first = vector.get(poi, ()) if poi is not None else ()
    rest = (entry for name, entries in vector.items() if name != poi for entry in entries)
    return derived._replace(parameters=(*first, *rest))


def with_nominal(model: Model, channel: str, sample: str, nominal: ArrayLike) -> Model:
    """Write the model again with other nominal yields for one sample.

    Absolute templates and uncertainties stay as given; the widths of statistical errors and the
    auxiliary counts of shape uncertainties follow the nominal yields.

    Parameters
    ----------
    nominal : array-like, shape (n_bins,)
        Expected counts, finite.

    Raises
    ------
    InputError
        If channel or sample do not exist, or the yields have the wrong length or are not finite.
    ModelError
        If the new yields make the model unusable, for example a bin with events and no prediction.
    """
    old_channel = _named("channel", channel, model.channels)
    old_sample = _named(f"sample of channel {channel!r}", sample, old_channel.samples)
    new_sample = replace(old_sample, nominal=_numbers("nominal", nominal, old_channel.n_bins))
    samples = tuple(new_sample if entry is old_sample else entry for entry in old_channel.samples)
    new_channel = replace(old_channel, samples=samples)
    _refuse(check_nominal(new_channel, new_sample), InputError)
    _refuse(check_observed(new_channel), ModelError)
    channels = tuple(new_channel if entry is old_channel else entry for entry in model.channels)
    poi = model.parameters[0].group if model.poi is not None else None
    derived = derive_parameters(channels, model.settings, poi, _by_group(model.parameters))
    _refuse(derived.problems, ModelError)
    return replace(model, channels=channels, parameters=derived.parameters)


def with_observed(model: Model, observed: Mapping[str, ArrayLike]) -> Model:
    """Replace the observed counts of some or all channels.

    Parameters
    ----------
    observed : mapping of str to array-like, shape (n_bins,)
        Counts by channel name; channels that are left out keep theirs.

    Raises
    ------
    InputError
        If a channel does not exist, or counts have the wrong length, are negative or not finite, or
        are above zero where no sample predicts anything.
    """
    new: dict[str, Channel] = {}
    for name, counts in observed.items():
        old = _named("channel", name, model.channels)
        values = _numbers(f"observed counts of channel {name!r}", counts, old.n_bins)
        new[name] = replace(old, observed=values)
        _refuse(check_observed(new[name]), InputError)
    channels = tuple(new.get(channel.name, channel) for channel in model.channels)
    return replace(model, channels=channels)


def with_auxiliary(model: Model, values: Mapping[str, float]) -> Model:
    """Replace auxiliary data: centres of Gaussian constraints, counts of Poisson ones.

    The measurement's settings say the same afterwards, so that the parameters can be derived again.

    Parameters
    ----------
    values : mapping of str to float
        By name of the parameter; constraints that are left out keep theirs.

    Raises
    ------
    InputError
        If a parameter does not exist or has no constraint.
    """
    known = {entry.name: entry for entry in model.parameters}
    for name in values:
        if name not in known:
            raise InputError.unknown("parameter", name, list(known))
        if known[name].constraint is None:
            raise InputError(f"parameter {name!r} has no constraint, so no auxiliary data")
    parameters = tuple(
        replace(entry, constraint=_measured(entry.constraint, values.get(entry.name)))
        for entry in model.parameters
    )
    settings = {entry.name: entry for entry in model.settings}
    for group in dict.fromkeys(known[name].group for name in values):
        members = [entry for entry in parameters if entry.group == group]
        auxdata = tuple(_auxdata(entry.constraint) for entry in members)
        settings[group] = replace(settings.get(group, ParameterSettings(group)), auxdata=auxdata)
        for entry in members:
            # What is said about a component would go before the new data.
            if entry.name != group and entry.name in settings:
                settings[entry.name] = replace(settings[entry.name], auxdata=None)
    return replace(model, parameters=parameters, settings=tuple(settings.values()))


def _measured(constraint: Constraint | None, value: float | None) -> Constraint | None:
    if value is None or constraint is None:
        return constraint
    if isinstance(constraint, GaussianConstraint):
        return replace(constraint, center=float(value))
    return replace(constraint, count=float(value))


def _auxdata(constraint: Constraint | None) -> float:
    if isinstance(constraint, PoissonConstraint):
        return constraint.count
    return 0.0 if constraint is None else constraint.center


def _collect(channels: Iterable[Channel]) -> _Groups:
    groups: _Groups = {}
    for channel in channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                kinds = groups.setdefault(modifier.name, {})
                use = Occurrence(channel, sample, modifier)
                kinds.setdefault(modifier.kind, []).append(use)
    return groups


def _group(
    name: str,
    kinds: Mapping[str, Sequence[Occurrence]],
    supplied: Mapping[str, tuple[Parameter, ...]],
) -> Defaults:
    """Default parameters of all modifiers of one name, which must agree on them."""
    found = {
        kind: DEFAULTS[kind](name, uses) if kind in DEFAULTS else Defaults(supplied.get(name, ()))
        for kind, uses in kinds.items()
    }
    first = next(iter(found.values()))
    if len(found) == 1:
        return first
    problems = [problem for defaults in found.values() for problem in defaults.problems]
    if any(defaults.parameters != first.parameters for defaults in found.values()):
        listed = " and ".join(found)
        message = f"this name is used by {listed}, which do not have the same parameters"
        hint = "use unique names; only a normsys and a histosys may share one"
        problems.append(Problem(at_parameter(name), message, hint))
    return first._replace(problems=problems)


def _without_modifier(names: Iterable[str], groups: _Groups) -> list[Problem]:
    return [
        Problem(
            at_parameter(name),
            "the measurement has settings for it, but no modifier has this name; they are ignored",
            closest(name, groups),
        )
        for name in sorted(names)
        if name not in groups
    ]


def _check_vector(vector: Mapping[str, tuple[Parameter, ...]], poi: str | None) -> list[Problem]:
    problems = []
    if not vector:
        problems.append(Problem("", "no sample has a modifier; expected at least one parameter"))
    remedy = "load without one: poi=None (on the command line: --poi none)"
    if poi is not None and poi not in vector:
        message = "no modifier has this name; expected the name of one"
        place = f"parameter of interest {poi!r}"
        problems.append(
            Problem(place, message, "; or ".join(filter(None, [closest(poi, vector), remedy])))
        )
    elif poi is not None and len(vector[poi]) > 1:
        message = f"has {len(vector[poi])} components; expected one"
        problems.append(Problem(f"parameter of interest {poi!r}", message, remedy))
    names = Counter(entry.name for entries in vector.values() for entry in entries)
    problems += [
        Problem(at_parameter(name), "two modifiers bring it; expected unique names")
        for name, count in names.items()
        if count > 1
    ]
    return problems


def _by_group(parameters: Iterable[Parameter]) -> dict[str, tuple[Parameter, ...]]:
    groups: dict[str, tuple[Parameter, ...]] = {}
    for parameter in parameters:
        groups[parameter.group] = (*groups.get(parameter.group, ()), parameter)
    return groups


def _named(what: str, name: str, entries: Sequence[_Entry]) -> _Entry:
    for entry in entries:
        if entry.name == name:
            return entry
    raise InputError.unknown(what, name, [entry.name for entry in entries])


def _numbers(what: str, values: ArrayLike, count: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"`{what}` cannot be read as a list of {count} numbers: {error}"
        raise InputError(message) from error
    if len(numbers) != count:
        raise InputError.length(what, expected=count, found=len(numbers))
    return numbers


def _refuse(problems: Sequence[Problem], error: type[InputError | ModelError]) -> None:
    if not problems:
        return
    if error is ModelError:
        raise ModelError(problems)
    raise InputError("\n".join(map(str, problems)))
