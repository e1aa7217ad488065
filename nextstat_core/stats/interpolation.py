r"""Interpolation codes of HistFactory with first and second derivatives.

Multiplicative codes (normsys) give the factor :math:`f(\alpha)` or its logarithm. Additive codes
(histosys) are all of the form

.. math:: \delta(\alpha) = \ell(\alpha) \, S + q(\alpha) \, A, \quad
          S = \tfrac12 (h - l), \quad A = \tfrac12 (h + l) - n

with templates h, l (up, down) and nominal n; :math:`\ell` and the bend q do not depend on the
bin.

Code 4 and 4p are those of pyhf and of ROOT's FlexibleInterpVar and PiecewiseInterpolation 4;
code 2 is continuous, as in ROOT; `code2_pyhf` is what pyhf 0.7.6 computes, which is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core.ir import Curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.ir import Family
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["BEND", "Bend", "Code1", "Code2PyhfLinear", "Code4", "bend_of", "linear_of"]

# Inverse of the matrix that matches value, slope and curvature of 1 + sum_i c_i a^i with the
# exponentials at a = +-1; every entry is a multiple of 1/16, so these are exact.
_CODE4 = (
    (15 / 16, -15 / 16, -7 / 16, -7 / 16, 1 / 16, -1 / 16),
    (3 / 2, 3 / 2, -9 / 16, 9 / 16, 1 / 16, 1 / 16),
    (-5 / 8, 5 / 8, 5 / 8, 5 / 8, -1 / 8, 1 / 8),
    (-3 / 2, -3 / 2, 7 / 8, -7 / 8, -1 / 8, -1 / 8),
    (3 / 16, -3 / 16, -3 / 16, -3 / 16, 1 / 16, -1 / 16),
    (1 / 2, 1 / 2, -5 / 16, 5 / 16, 1 / 16, 1 / 16),
)


@dataclass(frozen=True, slots=True)
class Code1:
    """Exponential interpolation: hi**alpha above zero, lo**-alpha below. Coefficients (lo, hi)."""

    logarithm: bool = False
    kink: bool = True

    def prepare(self, coefficients: Array, xp: ArrayNamespace) -> Array:
        """Logarithms (of hi, of 1/lo) from (lo, hi)."""
        return xp.stack([xp.log(coefficients[1, ...]), -xp.log(coefficients[0, ...])])

    def positive(self, coefficients: Array, xp: ArrayNamespace) -> Array:
        """Members that are positive everywhere: all."""
        return coefficients[0, ...] > 0

    def as_logarithm(self) -> Code1:
        return Code1(logarithm=True)

    def __call__(
        self, x: Array, coefficients: Array, xp: ArrayNamespace, order: int
    ) -> tuple[Array, Array | None, Array | None]:
        slope = xp.where(x > 0, coefficients[0, ...], coefficients[1, ...])
        if self.logarithm:
            value = slope * x
            return value, slope, (xp.zeros_like(value) if order > 1 else None)
        value = xp.exp(slope * x)
        first = slope * value
        return value, first, slope * first


@dataclass(frozen=True, slots=True)
class Code4:
    """Polynomial of degree six for ``|alpha|`` < 1, exponential beyond; coefficients (lo, hi)."""

    logarithm: bool = False
    kink: bool = False

    def prepare(self, coefficients: Array, xp: ArrayNamespace) -> Array:
        """Polynomial coefficients c1..c6, then log hi and -log lo, from (lo, hi)."""
        lo, hi = coefficients[0, ...], coefficients[1, ...]
        log_lo, log_hi = xp.log(lo), xp.log(hi)
        up, down = hi * log_hi, lo * log_lo
        # The matrix expects value - 1, slope and curvature at +1 and at -1.
        match = (hi - 1.0, lo - 1.0, up, -down, up * log_hi, down * log_lo)
        rows = [
            sum((weight * term for weight, term in zip(row, match, strict=True)), 0.0 * hi)
            for row in _CODE4
        ]
        return xp.stack([*rows, log_hi, -log_lo])

    def positive(self, coefficients: Array, xp: ArrayNamespace) -> Array:
        """Members whose polynomial stays clear of zero for every ``|alpha|`` < 1.

        The lowest value on a grid of spacing h, less what a function with bounded second derivative
        can dip between two points (``max |f''| h**2 / 8``), has to stay positive.
        """
        prepared = self.prepare(coefficients, xp)
        zero = 0.0 * prepared[0, ...]
        lowest = 1.0 + zero
        for step in range(-20, 21):
            lowest = xp.minimum(lowest, _horner(zero + step / 20.0, prepared, 6)[0])
        bend = sum((i * (i - 1) * xp.abs(prepared[i - 1, ...]) for i in range(2, 7)), zero)
        return (coefficients[0, ...] > 0) & (lowest - bend * 0.05**2 / 8.0 > 0.01)

    def as_logarithm(self) -> Code4:
        return Code4(logarithm=True)

    def __call__(
        self, x: Array, coefficients: Array, xp: ArrayNamespace, order: int
    ) -> tuple[Array, Array | None, Array | None]:
        inner = self.inside(x, xp)
        poly = _horner(inner, coefficients, 6, max(order, 1))
        return self.continued(poly, x - inner, coefficients, xp, order)

    def inside(self, x: Array, xp: ArrayNamespace) -> Array:
        """Alpha where the polynomial is taken: clipped to [-1, 1]."""
        return xp.minimum(xp.maximum(x, -1.0), 1.0)

    def polynomial(self, coefficients: Array, xp: ArrayNamespace) -> Array:
        """Factors of the powers 0 to 6 of alpha in each member's polynomial, (7, members)."""
        inner = coefficients[:6, ...]
        return xp.concat([xp.ones_like(inner[:1, ...]), inner], axis=0)

    def continued(
        self,
        poly: Sequence[Array],
        beyond: Array,
        coefficients: Array,
        xp: ArrayNamespace,
        order: int,
    ) -> tuple[Array, Array | None, Array | None]:
        """Value and derivatives everywhere from those of the polynomial at `inside`.

        Parameters
        ----------
        poly : sequence of arrays, shape (members, rows)
            Polynomials and their derivatives up to `order`, at least the first; overwritten.
        beyond : array, shape (members, rows)
            Alpha less what was left `inside`; overwritten.
        """
        if self.logarithm:
            return _continued_logarithm(poly, beyond, xp, order)
        slope = xp.where(beyond > 0, coefficients[6, ...], coefficients[7, ...])
        growth = xp.exp(slope * beyond)
        value = poly[0] * growth
        second = None
        if order > 1:
            # Beyond |alpha| = 1 the curvature is that of the exponential.
            second = xp.where(beyond == 0.0, poly[2], slope * slope * value)
        return value, poly[1] * growth, second


def _continued_logarithm(
    poly: Sequence[Array], beyond: Array, xp: ArrayNamespace, order: int
) -> tuple[Array, Array | None, Array | None]:
    """Logarithm of the polynomial at the clipped alpha, continued with its slope.

    At |alpha| = 1 value, slope and curvature of the polynomial's logarithm are those of the
    exponential (which has none), so the formulas of the inside hold outside too.
    """
    ratio = poly[1]
    ratio /= poly[0]
    beyond *= ratio
    value = xp.log(poly[0])
    value += beyond
    if order < 2:
        return value, ratio, None
    second = poly[2]
    second /= poly[0]
    second -= ratio * ratio
    return value, ratio, second


def _horner(x: Array, c: Array, degree: int, order: int = 0) -> tuple[Array, Array, Array]:
    """``1 + sum_i c[i-1] x^i`` and its derivatives up to `order`, by one Horner recursion."""
    value = x * c[degree - 1, ...]
    if order == 0:
        for i in range(degree - 1, 0, -1):
            value += c[i - 1, ...]
            value *= x
        value += 1.0
        return value, value, value
    first = 0.0 * x + c[degree - 1, ...]
    second = 0.0 * x if order > 1 else first
    for i in range(degree - 1, -1, -1):
        value += c[i - 1, ...] if i else 1.0
        if i == 0:
            break
        if order > 1:
            second *= x
            second += first
        first *= x
        first += value
        value *= x
    if order > 1:
        return value, first, 2.0 * second
    return value, first, second


@dataclass(frozen=True, slots=True)
class Bend:
    """The even part q(alpha) of an additive code."""

    code: str

    @property
    def kink(self) -> bool:
        return self.code == "code0"

    def __call__(
        self, x: Array, coefficients: Array, xp: ArrayNamespace, order: int
    ) -> tuple[Array, Array | None, Array | None]:
        if self.code == "code0":
            side = xp.where(x > 0, xp.ones_like(x), -xp.ones_like(x))
            return side * x, side, 0.0 * x
        # Inside a polynomial of the clipped alpha, outside its tangent at +-1.
        inner = xp.minimum(xp.maximum(x, -1.0), 1.0)
        square = inner * inner
        second = None
        if self.code == "code4p":
            value = square * (1.875 + square * (-1.25 + 0.375 * square))
            first = inner * (3.75 + square * (-5.0 + 2.25 * square))
            if order > 1:
                second = 3.75 + square * (-15.0 + 11.25 * square)
        else:
            value, first = square, 2.0 * inner
            if order > 1:
                second = xp.where(inner == x, 2.0 * xp.ones_like(x), xp.zeros_like(x))
        value = value + first * (x - inner)
        if self.code == "code2_pyhf":
            # pyhf 0.7.6 has no offset below -1, and twice of it above 1.
            one = xp.ones_like(x)
            value = value + xp.where(x < -1.0, one, xp.where(x > 1.0, -one, 0.0 * one))
        return value, first, second


@dataclass(frozen=True, slots=True)
class Code2PyhfLinear:
    """The odd part of code 2 in pyhf 0.7.6, which steps back by one at alpha = 1."""

    kink: bool = False

    def __call__(
        self, x: Array, coefficients: Array, xp: ArrayNamespace, order: int
    ) -> tuple[Array, Array | None, Array | None]:
        value = xp.where(x > 1.0, x - 1.0, x)
        return value, xp.ones_like(x), xp.zeros_like(x)


#: Even part per additive code.
BEND: dict[str, Family] = {code: Bend(code) for code in ("code0", "code2", "code2_pyhf", "code4p")}


def linear_of(code: str) -> Curve:
    """Odd part of an additive code: the identity, but for pyhf's code 2."""
    return Curve(Code2PyhfLinear()) if code == "code2_pyhf" else Curve()


def bend_of(code: str) -> Curve:
    """Even part of an additive code."""
    return Curve(BEND[code])
