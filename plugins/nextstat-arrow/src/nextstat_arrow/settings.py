"""What a measurement says about parameters, in the words of pyhf's workspaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.io.decode import plain
from nextstat_core.io.document import (
    CONSTRAINT_TYPES,
    ConfigEntry,
    ConstraintEntry,
    MeasurementEntry,
    ParameterEntry,
    Workspace,
)
from nextstat_core.io.measurement import Measurement, choose_measurement
from nextstat_core.io.structure import Structure

if TYPE_CHECKING:
    from nextstat_core.ir import ConstraintChoice, Model, ParameterSettings

__all__ = ["measurement_entry", "read_measurement", "read_settings"]

_TYPES: Mapping[str, Any] = {kind: name for name, kind in CONSTRAINT_TYPES.items()}


def read_settings(parameters: Any) -> tuple[ParameterSettings, ...]:
    """Read settings from a list like ``config.parameters`` of a workspace.

    Parameters
    ----------
    parameters : sequence of mapping
        With ``name`` and ``inits``, ``bounds``, ``fixed``, ``auxdata``, ``sigmas``, ``factors`` or
        ``constraint``.

    Raises
    ------
    InputError
        If it is something else.
    ModelError
        If a parameter has settings twice.
    """
    if not isinstance(parameters, Sequence) or isinstance(parameters, str | bytes):
        raise InputError(
            f"`parameters` is a {type(parameters).__name__}; expected a list of settings like "
            '{"name": "lumi", "inits": [1.0], ...}'
        )
    document = {"name": "", "config": {"poi": "", "parameters": list(parameters)}}
    try:
        entry = msgspec.convert(plain(document), MeasurementEntry)
    except (FormatError, msgspec.ValidationError) as error:
        message = str(error).replace("$.config.", "")
        raise InputError(f"`parameters` cannot be used: {message}") from error
    return read_measurement(entry).settings


def read_measurement(entry: MeasurementEntry) -> Measurement:
    """Name, parameter of interest and settings of a measurement.

    Raises
    ------
    ModelError
        If a parameter has settings twice.
    """
    workspace: Workspace[Any] = Workspace((), (), (entry,), "1.0.0")
    chosen = choose_measurement(Structure(workspace), None)
    if chosen.problems:
        raise ModelError(chosen.problems)
    return chosen


def measurement_entry(model: Model) -> MeasurementEntry:
    """The measurement of a model, as a workspace has it."""
    poi = model.parameters[0].group if model.poi is not None else ""
    config = ConfigEntry(poi, tuple(_parameter(entry) for entry in model.settings))
    return MeasurementEntry(model.measurement, config)


def _parameter(entry: ParameterSettings) -> ParameterEntry:
    keys = ("inits", "bounds", "auxdata", "factors", "sigmas", "fixed")
    said: Mapping[str, Any] = {
        key: value for key in keys if (value := getattr(entry, key)) is not None
    }
    constraint = UNSET if entry.constraint is None else _constraint(entry.constraint)
    return ParameterEntry(entry.name, **said, constraint=constraint)


def _constraint(choice: ConstraintChoice) -> ConstraintEntry:
    relative = UNSET if choice.relative is None else choice.relative
    return ConstraintEntry(_TYPES[choice.kind], relative)
