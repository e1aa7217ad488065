"""What a document says about parameters, as the settings of a measurement.

Only what differs from the defaults of the modifiers is said, so that what follows from yields and
uncertainties still does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.io.hs3.constraints import literal
from nextstat_core.ir import (
    ConstraintChoice,
    GaussianConstraint,
    HistoSys,
    NormSys,
    Parameter,
    ParameterSettings,
    PoissonConstraint,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nextstat_core.io.hs3.constraints import Claim, Claims
    from nextstat_core.io.hs3.domains import ParameterTable
    from nextstat_core.ir import Channel

__all__ = ["settings_of"]

_NUMBERS = ("auxdata", "sigmas", "factors")


def settings_of(
    channels: Sequence[Channel],
    defaults: Iterable[Parameter],
    claims: Claims,
    choices: Mapping[str, ConstraintChoice],
    table: ParameterTable,
) -> tuple[ParameterSettings, ...]:
    """Settings that make the parameters what the document says.

    Parameters
    ----------
    channels : sequence of Channel
    defaults : iterable of Parameter
        What the channels bring by themselves.
    claims : Claims
        Constraints, and parameters that modifiers hold constant.
    choices : mapping of str to ConstraintChoice
        Gamma and LogNormal terms.
    table : ParameterTable
        Values, constants and ranges.
    """
    interpolated = {
        name
        for channel in channels
        for sample in channel.samples
        for modifier in sample.modifiers
        if isinstance(modifier, NormSys | HistoSys)
        for name in modifier.parameters
    }
    explicit = {
        name
        for channel in channels
        for sample in channel.samples
        for modifier in sample.modifiers
        if modifier.kind == "shapefactor"
        for name in modifier.parameters
    }
    groups: dict[str, list[Parameter]] = {}
    for entry in defaults:
        groups.setdefault(entry.group, []).append(entry)
    settings: list[ParameterSettings] = []
    for group, members in groups.items():
        said = []
        for entry in members:
            claim = claims.by_parameter.get(entry.name)
            words = _constraint(entry, claim, choices.get(entry.name), interpolated, explicit)
            said.append(words | _values(entry, table, fixed=entry.name in claims.fixed))
        settings += _grouped(group, members, said)
    return tuple(settings)


def _values(parameter: Parameter, table: ParameterTable, *, fixed: bool) -> dict[str, Any]:
    name, said = parameter.name, dict[str, Any]()
    init = table.values.get(name)
    if init is None:
        # ROOT writes a constant factor as a normfactor that is called by its value.
        number = literal(name)
        init, fixed = (parameter.init, fixed) if number is None else (number, True)
    lower = table.lower.get(name, min(parameter.lower, table.upper.get(name, parameter.lower)))
    upper = table.upper.get(name, max(parameter.upper, lower))
    constant = table.constant.get(name, fixed)
    if constant and not lower <= init <= upper:
        # ROOT calls parameters without a range constant, and values count more than ranges then.
        lower, upper = min(lower, init), max(upper, init)
    if init != parameter.init:
        said["inits"] = init
    if (lower, upper) != (parameter.lower, parameter.upper):
        said["bounds"] = (lower, upper)
    if constant and not parameter.fixed:
        said["fixed"] = True
    return said


def _constraint(
    parameter: Parameter,
    claim: Claim | None,
    choice: ConstraintChoice | None,
    interpolated: set[str],
    explicit: set[str],
) -> dict[str, Any]:
    """Constraint of a parameter where it is another than its default."""
    said: dict[str, Any] = {} if choice is None else {"constraint": choice}
    if claim is None:
        return said
    default = parameter.constraint
    if claim.kind == "none":
        return said if default is None else {"constraint": ConstraintChoice("none")}
    numbers = (claim.measured, claim.scale)
    before: tuple[float, float] | None = None
    if claim.kind == "gaussian" and isinstance(default, GaussianConstraint):
        before = default.center, default.width
    elif claim.kind == "poisson" and isinstance(default, PoissonConstraint):
        before = default.count, default.factor
    # The width of an alpha's own constraint can only be said together with a choice.
    unit = parameter.name in interpolated and claim.kind == "gaussian" and claim.scale == 1.0
    if choice is None and (before is None or (parameter.name in interpolated and not unit)):
        said["constraint"] = ConstraintChoice(claim.kind)
    if numbers != before and not (claim.follows and parameter.name not in explicit):
        said["auxdata"] = claim.measured
        if not unit:
            said["sigmas" if claim.kind == "gaussian" else "factors"] = claim.scale
    return said


def _grouped(
    group: str, members: Sequence[Parameter], said: Sequence[Mapping[str, Any]]
) -> list[ParameterSettings]:
    """Say once for the group what is said about each of its parameters."""
    whole: dict[str, Any] = {}
    if any("inits" in words for words in said):
        whole["inits"] = tuple(
            words.get("inits", entry.init) for entry, words in zip(members, said, strict=True)
        )
    if any("bounds" in words for words in said):
        whole["bounds"] = tuple(
            words.get("bounds", (entry.lower, entry.upper))
            for entry, words in zip(members, said, strict=True)
        )
    for key in _NUMBERS:
        if all(key in words for words in said):
            whole[key] = tuple(words[key] for words in said)
    for key in ("fixed", "constraint"):
        first = said[0].get(key)
        if first is not None and all(words.get(key) == first for words in said):
            whole[key] = first
    settings = [ParameterSettings(group, **whole)] if whole else []
    for entry, words in zip(members, said, strict=True):
        own: dict[str, Any] = {
            key: (value,) if key in _NUMBERS else value
            for key, value in words.items()
            if key not in whole
        }
        if own:
            settings.append(ParameterSettings(entry.name, **own))
    return settings
