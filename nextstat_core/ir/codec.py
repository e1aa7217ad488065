"""Models as plain dicts that JSON can hold, and back: how a model travels to another process."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from nextstat_core.errors import FormatError, Problem
from nextstat_core.ir.modifiers import (
    HistoSys,
    Lumi,
    Modifier,
    NormFactor,
    NormSys,
    PluginModifier,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.nodes import (
    AffineResponse,
    Channel,
    GaussianConstraint,
    LogNormalResponse,
    Model,
    Parameter,
    ParameterSettings,
    PoissonConstraint,
    Sample,
)

__all__ = ["frozen_json", "model_from_dict", "model_to_dict"]

_FORMAT = "nextstat.model.v1"
_MODIFIERS: Mapping[str, type[Any]] = {
    kind.kind: kind
    for kind in (NormFactor, Lumi, NormSys, HistoSys, ShapeFactor, ShapeSys, StatError)
}
_CONSTRAINTS: Mapping[str, type[Any]] = {
    "gaussian": GaussianConstraint,
    "poisson": PoissonConstraint,
}
_CONSTRAINT_NAMES = {kind: name for name, kind in _CONSTRAINTS.items()}
_RESPONSES: Mapping[str, type[Any]] = {"affine": AffineResponse, "lognormal": LogNormalResponse}
_RESPONSE_NAMES = {kind: name for name, kind in _RESPONSES.items()}


def model_to_dict(model: Model) -> dict[str, Any]:
    """Encode a model as a dict of lists, dicts, strings, numbers and None."""
    return {
        "format": _FORMAT,
        "channels": [
            {
                "name": channel.name,
                "observed": list(channel.observed),
                "samples": [_sample_to_dict(sample) for sample in channel.samples],
            }
            for channel in model.channels
        ],
        "parameters": [_parameter_to_dict(parameter) for parameter in model.parameters],
        "poi": model.poi,
        "measurement": model.measurement,
        "settings": _to_lists(msgspec.to_builtins(model.settings)),
        "warnings": _to_lists(msgspec.to_builtins(model.warnings)),
    }


def model_from_dict(data: Mapping[str, Any]) -> Model:
    """Rebuild the model that `model_to_dict` was given.

    The structure is checked, the physics is not: `data` is taken to describe a usable model.

    Raises
    ------
    FormatError
        If `data` has another structure.
    """
    if not isinstance(data, Mapping) or data.get("format") != _FORMAT:
        raise FormatError(f"this is no encoded model; expected a dict with 'format': {_FORMAT!r}")
    try:
        return Model(
            channels=tuple(_channel(channel) for channel in data["channels"]),
            parameters=tuple(_parameter(parameter) for parameter in data["parameters"]),
            poi=data["poi"],
            measurement=data["measurement"],
            settings=msgspec.convert(data["settings"], tuple[ParameterSettings, ...]),
            warnings=msgspec.convert(data["warnings"], tuple[Problem, ...]),
        )
    except (msgspec.ValidationError, AttributeError, KeyError, TypeError) as error:
        message = f"this encoded model is damaged: {type(error).__name__}: {error}"
        raise FormatError(message) from error


def frozen_json(value: Any) -> Any:
    """Return `value` with tuples for lists at every depth."""
    if isinstance(value, Mapping):
        return {key: frozen_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return tuple(frozen_json(entry) for entry in value)
    return value


def _to_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _to_lists(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_to_lists(entry) for entry in value]
    return value


def _sample_to_dict(sample: Sample) -> dict[str, Any]:
    return {
        "name": sample.name,
        "nominal": list(sample.nominal),
        "modifiers": [_modifier_to_dict(modifier) for modifier in sample.modifiers],
    }


def _modifier_to_dict(modifier: Modifier) -> dict[str, Any]:
    encoded: dict[str, Any] = msgspec.to_builtins(modifier)
    if isinstance(modifier, PluginModifier):
        return _to_lists(encoded)
    # One level is enough here, and there are thousands of these.
    plain = {key: list(v) if isinstance(v, tuple) else v for key, v in encoded.items()}
    return {**plain, "kind": modifier.kind}


def _parameter_to_dict(parameter: Parameter) -> dict[str, Any]:
    encoded: dict[str, Any] = msgspec.to_builtins(parameter)
    if parameter.constraint is not None:
        encoded["constraint"]["kind"] = _CONSTRAINT_NAMES[type(parameter.constraint)]
    if parameter.response is None:
        del encoded["response"]
    else:
        encoded["response"]["kind"] = _RESPONSE_NAMES[type(parameter.response)]
    return encoded


def _channel(data: Mapping[str, Any]) -> Channel:
    return Channel(
        name=data["name"],
        samples=tuple(_sample(sample) for sample in data["samples"]),
        observed=_floats(data["observed"]),
    )


def _sample(data: Mapping[str, Any]) -> Sample:
    modifiers = tuple(_modifier(modifier) for modifier in data["modifiers"])
    return Sample(name=data["name"], nominal=_floats(data["nominal"]), modifiers=modifiers)


def _modifier(data: Mapping[str, Any]) -> Modifier:
    if data["kind"] in _MODIFIERS:
        return msgspec.convert(data, _MODIFIERS[data["kind"]])
    parameters = msgspec.convert(data["parameters"], tuple[str, ...])
    return PluginModifier(data["name"], data["kind"], parameters, frozen_json(data["data"]))


def _parameter(data: Mapping[str, Any]) -> Parameter:
    plain = {key: value for key, value in data.items() if key not in ("constraint", "response")}
    build: Callable[..., Parameter] = Parameter
    return build(
        **plain,
        constraint=_tagged(data["constraint"], _CONSTRAINTS),
        response=_tagged(data.get("response"), _RESPONSES),
    )


def _tagged(encoded: Any, types: Mapping[str, type[Any]]) -> Any:
    return None if encoded is None else msgspec.convert(encoded, types[encoded["kind"]])


def _floats(values: Any) -> tuple[float, ...]:
    return msgspec.convert(values, tuple[float, ...])
