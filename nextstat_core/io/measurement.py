"""Which measurement is read, and what it says about parameters."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET, UnsetType

from nextstat_core.errors import Problem, closest
from nextstat_core.io.document import (
    CONSTRAINT_TYPES,
    ConstraintEntry,
    MeasurementEntry,
    ParameterEntry,
)
from nextstat_core.io.structure import Structure
from nextstat_core.ir import ConstraintChoice, ParameterSettings

__all__ = ["Measurement", "choose_measurement"]


@dataclass(slots=True)
class Measurement:
    """The chosen measurement; `name` is None where there is none."""

    name: str | None = None
    poi: str | None = None
    settings: tuple[ParameterSettings, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def choose_measurement(structure: Structure, name: str | None) -> Measurement:
    """Take the measurement called `name`, or the first one; an empty ``poi`` means none."""
    entries: Sequence[MeasurementEntry] = structure.workspace.measurements
    names = [entry.name for entry in entries]
    chosen = Measurement(problems=_repeated(names))
    if name is not None and name not in names:
        if "measurements" not in structure.incomplete:
            listed = ", ".join(map(repr, names))
            message = f"the workspace has none of this name; expected {listed}"
            hint = closest(str(name), names)
            chosen.problems.append(Problem(f"measurement {name!r}", message, hint))
        return chosen
    if not entries:
        return chosen
    entry = entries[0 if name is None else names.index(name)]
    if name is None and len(names) > 1:
        message = f"there are {', '.join(map(repr, names))} and none was chosen; the first is used"
        chosen.warnings.append(Problem("measurements", message))
    chosen.name = entry.name
    chosen.poi = entry.config.poi or None
    _read_settings(chosen, entry.config.parameters)
    return chosen


def _read_settings(chosen: Measurement, entries: Sequence[ParameterEntry]) -> None:
    settings: dict[str, ParameterSettings] = {}
    for entry in entries:
        if entry.name in settings:
            place = f"measurement {chosen.name!r}, parameter {entry.name!r}"
            chosen.problems.append(Problem(place, "is configured twice; expected once"))
            continue
        settings[entry.name] = ParameterSettings(
            name=entry.name,
            inits=_given(entry.inits),
            bounds=_given(entry.bounds),
            fixed=_given(entry.fixed),
            auxdata=_given(entry.auxdata),
            sigmas=_given(entry.sigmas),
            factors=_given(entry.factors),
            constraint=_constraint(entry.constraint),
        )
    chosen.settings = tuple(settings.values())


def _constraint(entry: ConstraintEntry | UnsetType) -> ConstraintChoice | None:
    if isinstance(entry, UnsetType):
        return None
    return ConstraintChoice(CONSTRAINT_TYPES[entry.type], _given(entry.rel_uncertainty))


def _given(value: Any) -> Any:
    return None if value is UNSET else value


def _repeated(names: Sequence[str]) -> list[Problem]:
    return [
        Problem(f"measurement {name!r}", f"{count} have this name; expected one")
        for name, count in Counter(names).items()
        if count > 1
    ]
