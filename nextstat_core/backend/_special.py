"""Special functions that the array API standard lacks, for any namespace.

Defaults for backends whose library has none of its own. Coefficients of the series are rational
numbers or zeta values; those of `ndtr` are the minimax approximations of Cody [1]_.

References
----------
.. [1] W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["digamma", "gammaln", "ndtr"]

_EULER_GAMMA = 0.5772156649015329
_STIRLING_FROM = 8.0

#: B_2k for k = 1, 2, ...: Bernoulli numbers.
_BERNOULLI = (
    1 / 6,
    -1 / 30,
    1 / 42,
    -1 / 30,
    5 / 66,
    -691 / 2730,
    7 / 6,
    -3617 / 510,
)


def _zeta_minus_one(s: int) -> float:
    """Riemann's zeta(s) - 1 to full precision, by Euler and Maclaurin from the twelfth term on."""
    n = 12
    head = math.fsum(k**-s for k in range(2, n))
    tail = n ** (1 - s) / (s - 1) + 0.5 * n**-s
    rising = float(s)
    for k, bernoulli in enumerate(_BERNOULLI, start=1):
        tail += bernoulli / math.factorial(2 * k) * rising * n ** (1 - s - 2 * k)
        rising *= (s + 2 * k - 1) * (s + 2 * k)
    return head + tail


#: ln Gamma(2 + z) = z (1 - Euler's gamma + z (c_0 + z (c_1 + ...))), fast for |z| <= 1/2.
_NEAR_TWO = (
    1 - _EULER_GAMMA,
    *((-1) ** k * _zeta_minus_one(k) / k for k in range(2, 28)),
)
_STIRLING = tuple(b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, start=1))
_DIGAMMA_TAIL = tuple(-b / (2 * k) for k, b in enumerate(_BERNOULLI, start=1))


def _polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """``coefficients[0] + coefficients[1] x + ...`` by Horner's scheme."""
    value = 0.0 * x + coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def gammaln(x: Array, xp: ArrayNamespace) -> Array:
    """Natural logarithm of the gamma function.

    Parameters
    ----------
    x : array, any shape
        Dimensionless, > 0.
    xp : namespace
        Namespace of `x`.

    Returns
    -------
    array, shape of `x`
        Full relative precision, the zeros at 1 and 2 included; ``inf`` at 0 and ``inf``, NaN below.
    """
    large = xp.clip(x, _STIRLING_FROM, None)
    return xp.where(x < _STIRLING_FROM, _gammaln_small(x, xp), _gammaln_stirling(large, xp))


def _gammaln_stirling(x: Array, xp: ArrayNamespace) -> Array:
    # This form of (x - 1/2) ln x - x gives inf at inf.
    leading = (x - 0.5) * (xp.log(x) - 1.0) + 0.5 * (math.log(2 * math.pi) - 1.0)
    return leading + _polynomial(1.0 / (x * x), _STIRLING) / x


def _gammaln_small(x: Array, xp: ArrayNamespace) -> Array:
    x = xp.clip(x, None, _STIRLING_FROM)
    base, product = x, xp.ones_like(x)
    # Down to 2.5 and below by Gamma(x) = (x - 1) Gamma(x - 1): all logarithms are positive.
    for _ in range(6):
        above = base > 2.5
        product = xp.where(above, product * (base - 1.0), product)
        base = xp.where(above, base - 1.0, base)
    # Up to 1.5 and above; x itself and 1 + x are exact, so that the zero at 1 keeps its precision.
    below_one, below_half = base < 1.5, base < 0.5
    one = xp.ones_like(x)
    up = xp.log(xp.where(below_one, base, one)) + xp.log1p(xp.where(below_half, base, 0.0 * one))
    z = xp.where(below_half, base, xp.where(below_one, base - 1.0, base - 2.0))
    return z * _polynomial(z, _NEAR_TWO) + xp.log(product) - up


def digamma(x: Array, xp: ArrayNamespace) -> Array:
    """Logarithmic derivative of the gamma function.

    Parameters
    ----------
    x : array, any shape
        Dimensionless, > 0.
    xp : namespace
        Namespace of `x`.

    Returns
    -------
    array, shape of `x`
        Near full precision, around the zero at 1.4616 absolute; ``-inf`` at 0, NaN below.
    """
    shifted, steps = x, 0.0 * xp.clip(x, 0.0, 1.0)
    for _ in range(10):
        small = shifted < 10.0
        steps = xp.where(small, steps + 1.0 / xp.where(small, shifted, xp.ones_like(x)), steps)
        shifted = xp.where(small, shifted + 1.0, shifted)
    tail = _polynomial(1.0 / (shifted * shifted), _DIGAMMA_TAIL) / (shifted * shifted)
    value = xp.log(shifted) - 0.5 / shifted + tail - steps
    return xp.where(x < 0, xp.nan, value)


_ERF_P = (
    3.20937758913846947e03,
    3.77485237685302021e02,
    1.13864154151050156e02,
    3.16112374387056560e00,
    1.85777706184603153e-1,
)
_ERF_Q = (
    2.84423683343917062e03,
    1.28261652607737228e03,
    2.44024637934444173e02,
    2.36012909523441209e01,
    1.0,
)
_ERFC_P = (
    1.23033935479799725e03,
    2.05107837782607147e03,
    1.71204761263407058e03,
    8.81952221241769090e02,
    2.98635138197400131e02,
    6.61191906371416295e01,
    8.88314979438837594e00,
    5.64188496988670089e-1,
    2.15311535474403846e-8,
)
_ERFC_Q = (
    1.23033935480374942e03,
    3.43936767414372164e03,
    4.36261909014324716e03,
    3.29079923573345963e03,
    1.62138957456669019e03,
    5.37181101862009858e02,
    1.17693950891312499e02,
    1.57449261107098347e01,
    1.0,
)
_TAIL_P = (
    6.58749161529837803e-4,
    1.60837851487422766e-2,
    1.25781726111229246e-1,
    3.60344899949804439e-1,
    3.05326634961232344e-1,
    1.63153871373020978e-2,
)
_TAIL_Q = (
    2.33520497626869185e-3,
    6.05183413124413191e-2,
    5.27905102951428412e-1,
    1.87295284992346725e00,
    2.56852019228982242e00,
    1.0,
)


def ndtr(x: Array, xp: ArrayNamespace) -> Array:
    """Distribution function of the standard normal.

    Parameters
    ----------
    x : array, any shape
        Dimensionless, any sign.
    xp : namespace
        Namespace of `x`.

    Returns
    -------
    array, shape of `x`
        In [0, 1]; the lower tail keeps its relative precision down to the smallest numbers.
    """
    # Below 1e-347 even float64 has only zero; the bound keeps infinities out of the arithmetic.
    distance = xp.clip(xp.abs(x), None, 40.0)
    tail = 0.5 * _gaussian(distance, xp) * _scaled_erfc(distance * math.sqrt(0.5), xp)
    centre = 0.5 + 0.5 * _erf_centre(xp.clip(x * math.sqrt(0.5), -0.46875, 0.46875))
    value = xp.where(x < 0, tail, 1.0 - tail)
    return xp.where(distance * math.sqrt(0.5) <= 0.46875, centre, value)


def _gaussian(x: Array, xp: ArrayNamespace) -> Array:
    """exp(-x^2 / 2); the square of a number rounded to sixteenths is exact."""
    rounded = xp.floor(x * 16.0) / 16.0
    return xp.exp(-0.5 * rounded * rounded) * xp.exp(-0.5 * (x - rounded) * (x + rounded))


def _erf_centre(z: Array) -> Array:
    square = z * z
    return z * _polynomial(square, _ERF_P) / _polynomial(square, _ERF_Q)


def _scaled_erfc(z: Array, xp: ArrayNamespace) -> Array:
    """exp(z^2) erfc(z) for z > 0.46."""
    near = xp.clip(z, None, 4.0)
    far = xp.clip(z, 4.0, None)
    inverse = 1.0 / (far * far)
    ratio = inverse * _polynomial(inverse, _TAIL_P) / _polynomial(inverse, _TAIL_Q)
    return xp.where(
        z <= 4.0,
        _polynomial(near, _ERFC_P) / _polynomial(near, _ERFC_Q),
        (1.0 / math.sqrt(math.pi) - ratio) / far,
    )
