"""What a workspace holds, by name: the tables of ``pyhf inspect`` as plain data."""

from collections.abc import Iterable, Mapping
from typing import Any

from nextstat_core.errors import ModelError
from nextstat_core.io.operands import operand
from nextstat_core.io.pyhf_json import try_pyhf
from nextstat_core.io.reading import Reading
from nextstat_core.ir import GaussianConstraint, Model, ModifierType, Parameter, PoissonConstraint

__all__ = ["workspace_inspect"]


def workspace_inspect(
    document: Mapping[str, Any],
    *,
    measurement: str | None = None,
    modifier_types: Mapping[str, ModifierType] | None = None,
) -> dict[str, Any]:
    """List channels, samples, modifiers, parameters and measurements of a decoded workspace.

    A workspace whose parameter of interest does not exist, as background-only ones, is read without
    one.

    Parameters
    ----------
    document : mapping
        Decoded workspace.
    measurement : str, optional
        Measurement whose parameters are listed; the first one if left out.
    modifier_types : mapping of str to ModifierType, optional
        Kinds of modifiers that plugins define.

    Returns
    -------
    dict
        ``channels`` (``name``, ``n_bins``, ``samples``), ``samples``, ``modifiers`` (``name``,
        ``type``), ``parameters`` (``name`` of the modifiers, ``modifiers``: their types,
        ``constraint`` as pyhf calls it, several where a measurement chooses others for single bins,
        ``n_parameters``, ``n_fixed``), ``measurements`` (``name``, ``poi``, ``parameters``: those
        with settings, ``chosen``), and ``counts`` of all of them.
        Everything is sorted by name, measurements as they are in the document.

    Raises
    ------
    ModelError
        If the workspace describes no usable model.
    """
    workspace = operand(document)
    model = _model(workspace, measurement, modifier_types)
    kinds = _kinds_by_name(model)
    groups = _groups(model.parameters)
    found: dict[str, Any] = {
        "channels": [
            {
                "name": channel.name,
                "n_bins": channel.n_bins,
                "samples": [sample.name for sample in channel.samples],
            }
            for channel in model.sorted_channels()
        ],
        "samples": sorted({s.name for channel in model.channels for s in channel.samples}),
        "modifiers": [
            {"name": name, "type": kind} for name in sorted(kinds) for kind in sorted(kinds[name])
        ],
        "parameters": [_described(name, groups[name], kinds[name]) for name in sorted(groups)],
        "measurements": [
            {
                "name": entry["name"],
                "poi": entry["config"]["poi"],
                "parameters": [setting["name"] for setting in entry["config"]["parameters"]],
                "chosen": entry["name"] == model.measurement,
            }
            for entry in workspace["measurements"]
        ],
    }
    return {**found, "counts": {key: len(entries) for key, entries in found.items()}}


def _model(
    document: Mapping[str, Any],
    measurement: str | None,
    modifier_types: Mapping[str, ModifierType] | None,
) -> Model:
    def read(**options: Any) -> Reading:
        return try_pyhf(document, measurement=measurement, modifier_types=modifier_types, **options)

    declared = read()
    model = declared.model or read(poi=None).model
    if model is None:
        raise ModelError(declared.problems)
    return model


def _kinds_by_name(model: Model) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for channel in model.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                kinds.setdefault(modifier.name, set()).add(modifier.kind)
    return kinds


def _groups(parameters: Iterable[Parameter]) -> dict[str, list[Parameter]]:
    groups: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(parameter.group, []).append(parameter)
    return groups


def _described(name: str, parameters: list[Parameter], kinds: Iterable[str]) -> dict[str, Any]:
    return {
        "name": name,
        "constraint": ", ".join(dict.fromkeys(map(_constraint, parameters))),
        "modifiers": sorted(kinds),
        "n_parameters": len(parameters),
        "n_fixed": sum(parameter.fixed for parameter in parameters),
    }


def _constraint(parameter: Parameter) -> str:
    match parameter.constraint:
        case GaussianConstraint():
            return "constrained_by_normal"
        case PoissonConstraint():
            return "constrained_by_poisson"
    return "unconstrained"
