"""Special functions in terms of the array API, against scipy and exact values."""

import math

import array_api_compat.numpy as xp
import array_api_strict
import numpy as np
import pytest
from scipy import special

from nextstat_core.backend._special import digamma, gammaln, ndtr

EULER_GAMMA = 0.5772156649015329


def test_gammaln_has_full_relative_precision_over_its_range() -> None:
    x = np.concatenate([np.logspace(-10, 8, 4001), np.linspace(0.02, 12.0, 4001)])
    # Around its zeros the reference itself is imprecise.
    x = x[(np.abs(x - 1) > 0.1) & (np.abs(x - 2) > 0.1)]
    np.testing.assert_allclose(gammaln(x, xp), special.gammaln(x), rtol=1e-14)


@pytest.mark.parametrize("distance", [2.0**-10, 2.0**-20, 2.0**-40])
def test_gammaln_keeps_relative_precision_at_its_zeros(distance: float) -> None:
    around = np.asarray([1 - distance, 1 + distance, 2 - distance, 2 + distance])
    z = np.asarray([-distance, distance, -distance, distance])
    # ln Gamma(a + z) = psi(a) z + psi'(a) z^2 / 2 + psi''(a) z^3 / 6 + ..., psi'(1) = pi^2 / 6.
    slope = np.asarray([-EULER_GAMMA, -EULER_GAMMA, 1 - EULER_GAMMA, 1 - EULER_GAMMA])
    expected = slope * z
    for order in range(1, 7):
        derivative = special.polygamma(order, np.asarray([1.0, 1.0, 2.0, 2.0]))
        expected = expected + derivative * z ** (order + 1) / math.factorial(order + 1)
    np.testing.assert_allclose(gammaln(around, xp), expected, rtol=2e-15)


def test_gammaln_of_small_integers_is_the_log_of_a_factorial() -> None:
    n = np.arange(1.0, 19.0)
    expected = [math.log(math.factorial(int(k) - 1)) for k in n]
    np.testing.assert_allclose(gammaln(n, xp), expected, rtol=1e-15, atol=1e-300)


def test_gammaln_at_the_edges() -> None:
    with np.errstate(all="ignore"):
        value = gammaln(np.asarray([0.0, math.inf, math.nan, -0.5, -3.2]), xp)
    np.testing.assert_array_equal(value, [math.inf, math.inf, math.nan, math.nan, math.nan])


def test_digamma_matches_scipy() -> None:
    x = np.concatenate([np.logspace(-10, 8, 2001), np.linspace(0.02, 12.0, 2001)])
    np.testing.assert_allclose(digamma(x, xp), special.digamma(x), rtol=1e-14, atol=1e-14)


def test_digamma_obeys_its_recurrence() -> None:
    x = np.linspace(0.1, 30.0, 500)
    np.testing.assert_allclose(digamma(x + 1, xp), digamma(x, xp) + 1 / x, rtol=0, atol=1e-14)


def test_digamma_at_the_edges() -> None:
    with np.errstate(all="ignore"):
        value = digamma(np.asarray([0.0, math.inf, math.nan, -0.5]), xp)
    np.testing.assert_array_equal(value, [-math.inf, math.inf, math.nan, math.nan])


def test_ndtr_matches_the_error_function_in_the_centre() -> None:
    x = np.linspace(-5.0, 9.0, 2001)
    expected = [0.5 * math.erfc(-value / math.sqrt(2)) for value in x]
    np.testing.assert_allclose(ndtr(x, xp), expected, rtol=1e-14)


@pytest.mark.parametrize("x", [-10.0, -20.0, -37.0])
def test_ndtr_keeps_relative_precision_in_the_tail(x: float) -> None:
    # Mills' ratio as a continued fraction: 1 / (x + 1 / (x + 2 / (x + ...))).
    ratio = 0.0
    for k in range(200, 0, -1):
        ratio = k / (-x + ratio)
    expected = math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi) / (-x + ratio)
    assert float(ndtr(np.asarray([x]), xp)[0]) == pytest.approx(expected, rel=1e-14)


def test_ndtr_at_the_edges() -> None:
    value = ndtr(np.asarray([-math.inf, -50.0, 0.0, math.inf, math.nan]), xp)
    np.testing.assert_array_equal(value, [0.0, 0.0, 0.5, 1.0, math.nan])


@pytest.mark.parametrize("function", [gammaln, digamma, ndtr])
def test_shape_and_dtype_are_kept(function) -> None:
    x = array_api_strict.ones((2, 3), dtype=array_api_strict.float32)
    value = function(x, array_api_strict)
    assert value.shape == (2, 3)
    assert value.dtype == array_api_strict.float32
