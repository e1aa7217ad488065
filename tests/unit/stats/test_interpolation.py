"""Interpolation codes against pyhf and against their definitions."""

import math

import numpy as np
import pyhf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.ir import Curve
from nextstat_core.stats import Code1, Code4, bend_of, linear_of
from nextstat_core.testing import StrictBackend

ALPHAS = [-7.0, -2.5, -1.0000001, -1.0, -0.9999999, -0.6, -1e-9, 0.0, 1e-9, 0.35, 1.0, 1.3, 6.0]
SIDES = st.floats(1e-3, 100.0)
ADDITIVE = ["code0", "code2", "code4p"]

Values = tuple[np.ndarray, np.ndarray, np.ndarray]


def factor(family, lo, hi, x, order=2):
    """Factor of a normsys and its derivatives at the points `x`."""
    coefficients = family.prepare(np.asarray([[float(lo)], [float(hi)]]), np)[:, :, None]
    with np.errstate(all="ignore"):
        values = family(np.atleast_1d(np.asarray(x, float))[None, :], coefficients, np, order)
    return tuple(None if value is None else value[0] for value in values)


def curve(one: Curve, x) -> Values:
    """One of the basis functions of a histosys and its derivatives at the points `x`."""
    x = np.atleast_1d(np.asarray(x, float))[None, :]
    if one.family is None:
        return x[0], np.ones_like(x[0]), np.zeros_like(x[0])
    return tuple(value[0] for value in one.family(x, np.zeros((0, 1, 1)), np, 2))


def addition(code, lo, nominal, hi, x) -> Values:
    """Addition of a histosys to the nominal yield and its derivatives."""
    odd, even = curve(linear_of(code), x), curve(bend_of(code), x)
    half, middle = 0.5 * (hi - lo), 0.5 * (hi + lo) - nominal
    return tuple(half * a + middle * b for a, b in zip(odd, even, strict=True))


def in_pyhf(code, lo, nominal, hi, alphas):
    interpolator = getattr(pyhf.interpolators, code)([[[[lo], [nominal], [hi]]]])
    return np.asarray(interpolator(pyhf.tensorlib.astensor([list(alphas)])))[0, 0, :, 0]


def slope_by_differences(function, x, h):
    """First derivative from a five-point stencil."""
    ahead, behind = function(x + h) - function(x - h), function(x + 2 * h) - function(x - 2 * h)
    return (8.0 * ahead - behind) / (12.0 * h)


# -- factors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lo", "hi"), [(0.9, 1.1), (1.05, 1.2), (1.3, 1.3), (1.0, 41.0), (3.0, 0.2)]
)
@pytest.mark.parametrize(("code", "family"), [("code1", Code1()), ("code4", Code4())])
def test_factor_equals_that_of_pyhf(code, family, lo, hi):
    expected = in_pyhf(code, lo, 1.0, hi, ALPHAS)
    np.testing.assert_allclose(factor(family, lo, hi, ALPHAS)[0], expected, rtol=1e-12, atol=1e-12)


def rounding(lo, hi):
    """Size of what the polynomial of code 4 adds up, times the working precision."""
    return 2.0**-53 * max(1.0, lo, hi) * max(1.0, math.log(lo) ** 2, math.log(hi) ** 2)


@given(lo=SIDES, hi=SIDES, alpha=st.floats(-4.0, 4.0))
def test_code4_equals_that_of_pyhf_for_any_sides(lo, hi, alpha):
    expected = in_pyhf("code4", lo, 1.0, hi, [alpha])[0]
    # Beyond 1 the value at 1 is multiplied by the exponential's growth.
    allowed = 16.0 * rounding(lo, hi) * max(1.0, *(side ** (abs(alpha) - 1.0) for side in (lo, hi)))
    assert factor(Code4(), lo, hi, alpha)[0][0] == pytest.approx(expected, rel=1e-14, abs=allowed)


@pytest.mark.parametrize("family", [Code1(), Code4()])
@given(lo=SIDES, hi=SIDES)
def test_factor_is_lo_one_and_hi_at_minus_one_zero_and_one(family, lo, hi):
    value = factor(family, lo, hi, [-1.0, 0.0, 1.0])[0]
    allowed = 8.0 * rounding(lo, hi) if isinstance(family, Code4) else 0.0
    np.testing.assert_allclose(value, [lo, 1.0, hi], rtol=1e-15, atol=allowed)


@given(lo=SIDES, hi=SIDES, side=st.sampled_from([-1.0, 1.0]))
def test_code4_joins_its_exponentials_with_two_continuous_derivatives(lo, hi, side):
    inside, beyond = (factor(Code4(), lo, hi, x) for x in (math.nextafter(side, 0.0), side))
    for a, b in zip(inside, beyond, strict=True):
        assert a[0] == pytest.approx(b[0], abs=200.0 * rounding(lo, hi))


def test_code4_beyond_one_is_the_exponential():
    value, first, second = factor(Code4(), 0.8, 1.5, [-3.0, 2.0])
    np.testing.assert_allclose(value, [0.8**3, 1.5**2], rtol=1e-14)
    np.testing.assert_allclose(first, [-math.log(0.8) * 0.8**3, math.log(1.5) * 1.5**2], rtol=1e-14)
    np.testing.assert_allclose(second, np.log([0.8, 1.5]) ** 2 * value, rtol=1e-14)


def test_code1_is_exponential_on_both_sides_and_bent_at_zero():
    value, first, _ = factor(Code1(), 0.8, 1.5, [-2.0, -1e-30, 1e-30, 3.0])
    np.testing.assert_allclose(value, [0.64, 1.0, 1.0, 1.5**3], rtol=1e-14)
    np.testing.assert_allclose(first[1:3], [-math.log(0.8), math.log(1.5)], rtol=1e-14)
    assert Code1().kink
    assert not Code4().kink


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("family", [Code1(), Code4()])
@given(lo=st.floats(0.3, 3.0), hi=st.floats(0.3, 3.0), x=st.floats(-3.0, 3.0))
def test_derivatives_of_factors_are_those_of_finite_differences(family, logarithm, lo, hi, x):
    if min(abs(x), abs(abs(x) - 1.0)) < 0.01:
        x += 0.02 * (1.0 if x >= 0.0 else -1.0)
    if logarithm:
        sides = np.asarray([[lo], [hi]])
        if not family.positive(sides, np)[0]:
            return
        family = family.as_logarithm()
    _, first, second = factor(family, lo, hi, x)
    by_value = slope_by_differences(lambda y: factor(family, lo, hi, y)[0][0], x, 1e-3)
    by_first = slope_by_differences(lambda y: factor(family, lo, hi, y)[1][0], x, 1e-3)
    assert first[0] == pytest.approx(by_value, rel=1e-8, abs=1e-8)
    assert second[0] == pytest.approx(by_first, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("family", [Code1(), Code4()])
@pytest.mark.parametrize(("lo", "hi"), [(0.9, 1.1), (1.2, 1.3), (0.5, 1.5)])
def test_logarithm_of_a_factor_is_its_logarithm(family, lo, hi):
    assert family.positive(np.asarray([[lo], [hi]]), np)[0]
    value, first, second = factor(family, lo, hi, ALPHAS)
    log, log_first, log_second = factor(family.as_logarithm(), lo, hi, ALPHAS)
    np.testing.assert_allclose(log, np.log(value), rtol=0, atol=1e-14)
    np.testing.assert_allclose(log_first, first / value, rtol=1e-12)
    expected = second / value - (first / value) ** 2
    np.testing.assert_allclose(log_second, expected, rtol=0, atol=1e-12)


@given(lo=SIDES, hi=SIDES)
def test_code4_called_positive_is_positive_everywhere_between_minus_one_and_one(lo, hi):
    if not Code4().positive(np.asarray([[lo], [hi]]), np)[0]:
        return
    polynomial = np.polynomial.Polynomial([1.0, *Code4().prepare(np.asarray([lo, hi]), np)[:6]])
    turns = polynomial.deriv().roots()
    real = turns.real[(np.abs(turns.imag) < 1e-6) & (np.abs(turns.real) <= 1.0)]
    assert polynomial(np.asarray([-1.0, 1.0, *real])).min() > 0.0


@pytest.mark.parametrize(
    ("lo", "hi", "positive"),
    [(0.9, 1.1, True), (0.2, 3.0, True), (1.3, 1.3, True), (1.0, 50.0, False), (0.5, 40.0, False)],
)
def test_code4_of_usual_size_is_called_positive_and_a_negative_one_is_not(lo, hi, positive):
    assert bool(Code4().positive(np.asarray([[lo], [hi]]), np)[0]) is positive
    lowest = factor(Code4(), lo, hi, np.linspace(-1.0, 1.0, 2001))[0].min()
    assert bool(lowest > 0.0) is positive


def test_code4_judges_members_one_by_one():
    sides = np.asarray([[0.9, 1.0, 0.5], [1.1, 41.0, 2.0]])
    np.testing.assert_array_equal(Code4().positive(sides, np), [True, False, True])


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("family", [Code1(), Code4()])
@pytest.mark.parametrize("order", [0, 1])
def test_lower_orders_give_the_same_numbers(family, logarithm, order):
    family = family.as_logarithm() if logarithm else family
    full, less = (factor(family, 0.9, 1.2, ALPHAS, order=o) for o in (2, order))
    for a, b in zip(full[: order + 1], less[: order + 1], strict=True):
        np.testing.assert_array_equal(a, b)


# -- additions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lo", "hi"), [(45.0, 56.0), (62.0, 57.0), (70.0, 70.0), (-20.0, 40.0)])
@pytest.mark.parametrize(
    ("code", "theirs"), [("code0", "code0"), ("code2_pyhf", "code2"), ("code4p", "code4p")]
)
def test_addition_equals_that_of_pyhf(code, theirs, lo, hi):
    expected = in_pyhf(theirs, lo, 50.0, hi, ALPHAS)
    actual = addition(code, lo, 50.0, hi, ALPHAS)[0]
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("code", ADDITIVE)
@given(lo=SIDES, hi=SIDES)
def test_addition_leads_to_lo_nominal_and_hi_at_minus_one_zero_and_one(code, lo, hi):
    value = addition(code, lo, 10.0, hi, [-1.0, 0.0, 1.0])[0]
    np.testing.assert_allclose(value, [lo - 10.0, 0.0, hi - 10.0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("lo", [45.0, 62.0])
def test_code2_continues_its_parabola_with_a_straight_line(lo):
    half, middle = 0.5 * (56.0 - lo), 0.5 * (56.0 + lo) - 50.0
    x = np.asarray([-4.0, -2.0, -0.5, 0.5, 1.5, 3.0])
    up = half + middle + (half + 2 * middle) * (x - 1)
    down = middle - half + (half - 2 * middle) * (x + 1)
    expected = np.where(x > 1, up, np.where(x < -1, down, half * x + middle * x * x))
    np.testing.assert_allclose(addition("code2", lo, 50.0, 56.0, x)[0], expected, rtol=1e-13)


@pytest.mark.parametrize(("code", "smooth"), [("code2", 1), ("code4p", 2)])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_addition_joins_its_straight_lines_smoothly(code, smooth, side):
    beyond = addition(code, 45.0, 50.0, 58.0, math.nextafter(side, 2.0 * side))
    inside = addition(code, 45.0, 50.0, 58.0, math.nextafter(side, 0.0))
    for a, b in zip(beyond[: smooth + 1], inside[: smooth + 1], strict=True):
        assert a[0] == pytest.approx(b[0], abs=1e-12)


@pytest.mark.parametrize("code", ADDITIVE)
@given(x=st.floats(-4.0, 4.0))
def test_derivatives_of_additions_are_those_of_finite_differences(code, x):
    if min(abs(x), abs(abs(x) - 1.0)) < 0.01:
        x += 0.02 * (1.0 if x >= 0.0 else -1.0)
    _, first, second = addition(code, 45.0, 50.0, 58.0, x)
    by_value = slope_by_differences(lambda y: addition(code, 45.0, 50.0, 58.0, y)[0][0], x, 1e-3)
    by_first = slope_by_differences(lambda y: addition(code, 45.0, 50.0, 58.0, y)[1][0], x, 1e-3)
    assert first[0] == pytest.approx(by_value, abs=1e-8)
    assert second[0] == pytest.approx(by_first, abs=1e-8)


@pytest.mark.parametrize("code", ["code0", "code2", "code2_pyhf", "code4p"])
def test_only_code0_is_bent_at_zero(code):
    left, right = (addition(code, 45.0, 50.0, 58.0, x)[1][0] for x in (-1e-30, 1e-30))
    assert bool(bend_of(code).family.kink) is (code == "code0")
    assert bool(left != right) is (code == "code0")


# -- arrays of other libraries --------------------------------------------------------------------


@pytest.mark.parametrize("device", [None, "no_float64"])
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("family", [Code1(), Code4(), Code1(logarithm=True), Code4(logarithm=True)])
def test_factors_need_only_what_the_array_standard_has(family, order, device):
    backend = StrictBackend(device)
    x = backend.asarray([ALPHAS])
    prepared = backend.asarray(family.prepare(np.asarray([[0.9], [1.2]]), np)[:, :, None])
    tolerance = 1e-14 if device is None else 1e-6
    actual = family(x, prepared, backend.xp, order)
    for ours, expected in zip(actual, factor(family, 0.9, 1.2, ALPHAS), strict=True):
        if ours is not None:
            assert ours.dtype == backend.dtype
            found = backend.to_numpy(ours)[0]
            np.testing.assert_allclose(found, expected, rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("code", ["code0", "code2", "code2_pyhf", "code4p"])
def test_additions_need_only_what_the_array_standard_has(code):
    backend = StrictBackend()
    x, none = backend.asarray([ALPHAS]), backend.asarray(np.zeros((0, 1, 1)))
    for one in (linear_of(code), bend_of(code)):
        if one.family is None:
            continue
        for order in (0, 1, 2):
            actual = one.family(x, none, backend.xp, order)
            for ours, expected in zip(actual, curve(one, ALPHAS), strict=True):
                if ours is not None:
                    np.testing.assert_allclose(backend.to_numpy(ours)[0], expected, rtol=1e-14)
