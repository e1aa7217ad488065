"""Curves of a parameter that modifiers see through a response: the chain rule."""

from __future__ import annotations

from dataclasses import dataclass
from math import log1p
from typing import TYPE_CHECKING

from nextstat_core.ir import AffineResponse, Curve

if TYPE_CHECKING:
    from nextstat_core.ir import Family, Response
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["Through", "through"]


@dataclass(frozen=True, slots=True)
class Through:
    """A family of curves of ``response(x)``; None is the identity."""

    response: Response
    inner: Family | None

    @property
    def kink(self) -> bool:
        """Whether there is a kink at x = 0: an affine response moves it elsewhere."""
        moved = isinstance(self.response, AffineResponse)
        return not moved and bool(getattr(self.inner, "kink", False))

    def prepare(self, coefficients: Array, xp: ArrayNamespace) -> Array:
        """Coefficients as the inner family wants them."""
        prepare = getattr(self.inner, "prepare", None)
        return coefficients if prepare is None else prepare(coefficients, xp)

    def __call__(
        self, x: Array, coefficients: Array, xp: ArrayNamespace, order: int
    ) -> tuple[Array, Array | None, Array | None]:
        seen, slope, bend = _respond(self.response, x, xp)
        if self.inner is None:
            return seen, slope, bend
        value, first, second = self.inner(seen, coefficients, xp, order)
        if first is None or order < 1:
            return value, None, None
        if second is None or order < 2:
            return value, first * slope, None
        return value, first * slope, second * slope * slope + first * bend


def through(curve: Curve, response: Response) -> Curve:
    """`curve` of what `response` makes of the parameter."""
    return Curve(Through(response, curve.family), curve.coefficients)


def _respond(response: Response, x: Array, xp: ArrayNamespace) -> tuple[Array, Array, Array]:
    """Value, first and second derivative of a response."""
    if isinstance(response, AffineResponse):
        flat = xp.zeros_like(x)
        return response.slope * x + response.offset, flat + response.slope, flat
    rate = log1p(response.relative)
    grown = xp.exp(rate * x) / response.relative
    return grown - 1.0 / response.relative, rate * grown, rate * rate * grown
