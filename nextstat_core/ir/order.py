"""Conversion between our order of parameters and pyhf's.

Ours is the parameter of interest, then first appearance. pyhf goes by kind of modifier, and within
a kind by first appearance over sorted channels, samples and modifiers.
"""

from nextstat_core.ir.modifiers import (
    HistoSys,
    Lumi,
    NormFactor,
    NormSys,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.nodes import Model

__all__ = ["pyhf_auxdata_order", "pyhf_parameter_order"]

_KINDS = tuple(
    modifier.kind
    for modifier in (HistoSys, Lumi, NormFactor, NormSys, ShapeFactor, ShapeSys, StatError)
)


def pyhf_parameter_order(model: Model) -> tuple[int, ...]:
    """Positions in `model.parameters`, listed in pyhf's order.

    ``[model.parameters[i].name for i in pyhf_parameter_order(model)]`` equals pyhf's
    ``model.config.par_names``. Kinds that plugins define follow pyhf's, sorted by their name.
    """
    positions: dict[str, list[int]] = {}
    for position, parameter in enumerate(model.parameters):
        positions.setdefault(parameter.group, []).append(position)
    return tuple(position for group in _groups(model) for position in positions[group])


def pyhf_auxdata_order(model: Model) -> tuple[int, ...]:
    """Positions of the constrained parameters, in the order of pyhf's auxiliary data."""
    return tuple(
        position
        for position in pyhf_parameter_order(model)
        if model.parameters[position].constraint is not None
    )


def _groups(model: Model) -> list[str]:
    by_kind: dict[str, dict[str, None]] = {kind: {} for kind in _KINDS}
    for channel in model.sorted_channels():
        for sample in sorted(channel.samples, key=lambda sample: sample.name):
            for name, kind in sorted((entry.name, entry.kind) for entry in sample.modifiers):
                by_kind.setdefault(kind, {})[name] = None
    # pyhf meets staterrors while it walks over all modifiers of the model, not of one sample.
    by_kind[StatError.kind] = dict.fromkeys(sorted(by_kind[StatError.kind]))
    kinds = [*_KINDS, *sorted(by_kind.keys() - set(_KINDS))]
    return list(dict.fromkeys(name for kind in kinds for name in by_kind[kind]))
