"""A modifier: yields that are quadratic in a coupling, with coefficients of their own per bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.ir import CellFactor, Curve, Parameter, modifier_data

if TYPE_CHECKING:
    from nextstat_core.ir import Channel, PluginModifier, Sample, Term

__all__ = ["Coefficients", "Coupling", "Quadratic"]


@dataclass(frozen=True)
class Quadratic:
    """``1 + l x + q x^2`` with its derivatives; coefficients (l, q)."""

    def __call__(self, x: Any, coefficients: Any, xp: Any, order: int) -> tuple[Any, Any, Any]:
        linear, quadratic = coefficients[0, ...], coefficients[1, ...]
        value = 1.0 + x * (linear + quadratic * x)
        return value, linear + 2.0 * quadratic * x, 2.0 * quadratic + 0.0 * x


@dataclass(frozen=True)
class Coefficients:
    """What stands under ``data`` in the workspace: one entry per bin."""

    linear: tuple[float, ...]
    quadratic: tuple[float, ...]


class Coupling:
    """``{"linear": [...], "quadratic": [...]}``."""

    kind = "example_coupling"

    def example(self, n_bins: int) -> Any:
        numbers = [0.25 + 0.05 * b for b in range(n_bins)]  # other ones in every bin
        return {"linear": numbers, "quadratic": numbers[::-1]}

    def parameters(self, name: str, data: Any, n_bins: int) -> tuple[Parameter, ...]:
        given = modifier_data(data, Coefficients)
        for key, values in (("linear", given.linear), ("quadratic", given.quadratic)):
            if len(values) != n_bins:
                raise InputError.length(key, expected=n_bins, found=len(values))
        return (Parameter(name, group=name, init=0.0, lower=-10.0, upper=10.0),)

    def lower(self, modifier: PluginModifier, sample: Sample, channel: Channel) -> tuple[Term, ...]:
        given = modifier_data(modifier.data, Coefficients)
        pairs = zip(given.linear, given.quadratic, strict=True)
        curves = tuple(Curve(Quadratic(), pair) for pair in pairs)
        parameters = modifier.parameters * channel.n_bins  # one parameter, once per bin
        return (CellFactor(parameters, curves),)
