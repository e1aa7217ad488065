"""Modifiers of the model to terms: row factors, cell additions and cell factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.hooks import hint_for_missing
from nextstat_core.ir import CellAddition, CellFactor, Curve, PluginModifier, RowFactor
from nextstat_core.likelihood.plugin_terms import plugin_terms
from nextstat_core.stats import Code1, Code4, bend_of, linear_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nextstat_core.ir import (
        Channel,
        Family,
        HistoSys,
        ModifierType,
        NormFactor,
        NormSys,
        Sample,
        StatError,
        Term,
    )

__all__ = ["lower_sample"]

_IDENTITY = Curve()
_NORMSYS: dict[str, Family] = {"code1": Code1(), "code4": Code4()}


def lower_sample(
    sample: Sample, channel: Channel, modifier_types: Mapping[str, ModifierType]
) -> list[Term]:
    """Terms of all modifiers of one sample in one channel."""
    terms: list[Term] = []
    for modifier in sample.modifiers:
        if isinstance(modifier, PluginModifier):
            kind = modifier_types.get(modifier.kind)
            if kind is None:
                known = sorted(modifier_types)
                raise InputError(
                    f"no modifier type named {modifier.kind!r} is registered; there are: "
                    f"{', '.join(map(repr, known)) or 'none'}",
                    hint=hint_for_missing(modifier.kind, known, modifier_types),
                )
            terms.extend(plugin_terms(modifier, sample, channel, kind))
        elif modifier.kind == "histosys":
            terms.extend(_histosys(modifier, sample))  # type: ignore[arg-type]
        else:
            terms.extend(_LOWER[modifier.kind](modifier))
    return terms


def _factor(modifier: NormFactor) -> tuple[Term, ...]:
    return (RowFactor(modifier.parameters[0], _IDENTITY),)


def _normsys(modifier: NormSys) -> tuple[Term, ...]:
    family = _NORMSYS[modifier.interpolation]
    return (RowFactor(modifier.parameters[0], Curve(family, (modifier.lo, modifier.hi))),)


def _histosys(modifier: HistoSys, sample: Sample) -> tuple[Term, ...]:
    parameter, code = modifier.parameters[0], modifier.interpolation
    bins = zip(modifier.hi, modifier.lo, sample.nominal, strict=True)
    halves = [(0.5 * (hi - lo), 0.5 * ((hi - n) + (lo - n))) for hi, lo, n in bins]
    odd, even = zip(*halves, strict=True)
    return (
        CellAddition(parameter, linear_of(code), odd),
        CellAddition(parameter, bend_of(code), even, follows_nominal=-1),
    )


def _bin_wise(modifier: StatError) -> tuple[Term, ...]:
    return (CellFactor(modifier.parameters, (_IDENTITY,) * len(modifier.parameters)),)


_LOWER: dict[str, Callable[[Any], tuple[Term, ...]]] = {
    "normfactor": _factor,
    "lumi": _factor,
    "normsys": _normsys,
    "shapefactor": _bin_wise,
    "shapesys": _bin_wise,
    "staterror": _bin_wise,
}
