"""Poisson and Gaussian terms against exact values."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.backend import get_backend
from nextstat_core.stats import gaussian_constant, poisson_constant, poisson_terms
from nextstat_core.testing import StrictBackend

NUMPY = get_backend("numpy")
BERNOULLI = [(1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510)]


def log_gamma(x: Decimal) -> Decimal:
    """Stirling's series after a shift to arguments above 200, to 35 digits."""
    shift = Decimal(0)
    while x < 200:
        shift += x.ln()
        x += 1
    half_log_two_pi = Decimal("0.918938533204672741780329736405617639861397473637783412817")
    series = (x - Decimal("0.5")) * x.ln() - x + half_log_two_pi
    for k, (a, b) in enumerate(BERNOULLI, start=1):
        series += Decimal(a) / b / (2 * k * (2 * k - 1)) / x ** (2 * k - 1)
    return series - shift


def exact(n: float, rate: float) -> float:
    """``-log p(n | rate)`` in decimal arithmetic."""
    with localcontext(prec=60):
        count, mean = Decimal(n), Decimal(rate)
        return float(mean - count * mean.ln() + log_gamma(count + 1))


def ours(n: float, rate: float, floor: float = 1e-9) -> float:
    rate, n, floor = (np.asarray([[float(x)]]) for x in (rate, n, floor))
    terms = poisson_terms(rate, n, floor, np)
    return float((terms.value + poisson_constant(n, NUMPY))[0, 0])


def at(n: float, rates, floor: float, order: int = 2):
    """Value, slope, curvature over `rates` for one count."""
    rates = np.asarray(rates, dtype=float)[None, :]
    terms = poisson_terms(rates, np.asarray([[n]]), np.asarray([[floor]]), np, order)
    return tuple(x if x is None else x[0] for x in (terms.value, terms.slope, terms.curvature))


@pytest.mark.parametrize("n", [1.0, 2.0, 7.0, 63.0])
@pytest.mark.parametrize("relative", [0.1, 0.5, 0.9, 0.999999, 1.0, 1.0000001, 1.2, 3.0, 40.0])
def test_value_and_constant_make_the_exact_log_probability(n, relative):
    expected = exact(n, n * relative)
    assert ours(n, n * relative) == pytest.approx(expected, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("n", [1.0, 3.0, 50.0])
def test_whole_counts_agree_with_scipy(n):
    for rate in (0.3 * n, n, 4.0 * n):
        expected = -scipy.stats.poisson.logpmf(n, rate)
        assert ours(n, rate) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("n", [0.001, 0.5, 1.7, 99.25, 1234.5])
@pytest.mark.parametrize("relative", [0.5, 1.0, 2.0])
def test_counts_need_not_be_whole(n, relative):
    expected = exact(n, n * relative)
    assert ours(n, n * relative) == pytest.approx(expected, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("rate", [0.0, 1e-300, 3.5, 1e9])
def test_no_events_cost_the_rate(rate):
    assert ours(0.0, rate) == pytest.approx(rate, rel=1e-15, abs=1e-24)


def test_no_events_cost_the_rate_below_zero_too():
    value, slope, curvature = at(0.0, [-3.0, -1e-12, 0.0, 2.0], 1e-9)
    np.testing.assert_allclose(value, [-3.0, -1e-12, 0.0, 2.0], rtol=1e-15, atol=1e-24)
    np.testing.assert_array_equal(slope, 1.0)
    np.testing.assert_array_equal(curvature, 0.0)


@pytest.mark.parametrize("n", [1e3, 1e5, 1e7, 1e9, 1e12])
def test_huge_counts_keep_their_precision(n):
    for rate in (n, n + 3.0 * math.sqrt(n), n - math.sqrt(n), 1.5 * n):
        # The half deviance is a difference of two numbers of size |rate - n|.
        rounding = 4e-16 * abs(rate - n)
        assert ours(n, rate) == pytest.approx(exact(n, rate), rel=1e-13, abs=rounding)


@pytest.mark.parametrize("n", [1.0, 100.0])
def test_rates_below_the_count_keep_their_precision(n):
    assert ours(n, 1e-3 * n) == pytest.approx(exact(n, 1e-3 * n), rel=1e-13)


@pytest.mark.parametrize("relative", [1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("n", [1.0, 100.0])
def test_rates_far_below_the_count_keep_their_precision(n, relative):
    expected = exact(n, n * relative)
    assert ours(n, n * relative, floor=1e-15) == pytest.approx(expected, rel=1e-13)


def test_small_differences_of_likelihoods_are_not_lost_in_the_value():
    n, step = 1e10, 1e-2
    value = at(n, [n + step], 1e-9)[0][0]
    assert value == pytest.approx(step * step / (2.0 * n), rel=1e-3)


@given(n=st.floats(1e-3, 1e4), floor=st.floats(1e-9, 1.0))
def test_continuation_below_the_floor_has_two_continuous_derivatives(n, floor):
    above, below = at(n, [floor], floor), at(n, [math.nextafter(floor, 0.0)], floor)
    for a, b, scale in zip(above, below, (n, n / floor, n / floor**2), strict=True):
        assert a[0] == pytest.approx(b[0], rel=1e-13, abs=1e-13 * scale)


@given(n=st.floats(1e-3, 1e4), floor=st.floats(1e-6, 1.0), depth=st.floats(0.0, 100.0))
def test_continuation_is_the_taylor_polynomial_of_second_order(n, floor, depth):
    value, slope, curvature = (x[0] for x in at(n, [floor], floor))
    step = -depth * floor
    below = [x[0] for x in at(n, [floor + step], floor)]
    expected = (
        value + slope * step + 0.5 * curvature * step**2,
        slope + curvature * step,
        curvature,
    )
    slope_size = 1.0 + n / floor * (1.0 + depth)  # one minus a ratio: rounded like its larger part
    sizes = (floor + abs(value) + n * (1.0 + depth) ** 2, slope_size, n / floor**2)
    for actual, wanted, size in zip(below, expected, sizes, strict=True):
        assert actual == pytest.approx(wanted, abs=1e-13 * size)


@pytest.mark.parametrize("n", [0.0, 0.5, 3.0, 500.0])
def test_terms_are_convex_and_finite_for_every_rate(n):
    rates = np.concatenate([-np.geomspace(1e6, 1e-12, 200), np.geomspace(1e-12, 1e6, 200)])
    value, slope, curvature = at(n, rates, 1e-4)
    assert np.isfinite([value, slope, curvature]).all()
    assert (curvature >= 0.0).all()
    assert (np.diff(slope) >= -1e-12 * np.abs(slope[1:])).all()


@given(n=st.just(0.0) | st.floats(1e-6, 100.0), rate=st.floats(-5.0, 200.0))
def test_slope_and_curvature_are_derivatives_of_the_value(n, rate):
    floor, h = 0.1, 1e-3
    if abs(rate - floor) < 3 * h:
        rate += 6 * h
    stencil = rate + h * np.asarray([-2.0, -1.0, 1.0, 2.0])
    weights = np.asarray([1.0, -8.0, 8.0, -1.0]) / (12.0 * h)
    value, slope, _ = at(n, stencil, floor)
    _, first, second = at(n, [rate], floor)
    assert first[0] == pytest.approx(weights @ value, rel=1e-6, abs=1e-6)
    assert second[0] == pytest.approx(weights @ slope, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("order", [0, 1])
def test_lower_orders_give_the_same_numbers_and_leave_the_rest_out(order):
    rates = [-1.0, 0.05, 3.0, 80.0]
    full, less = at(3.0, rates, 0.1), at(3.0, rates, 0.1, order)
    for i, (a, b) in enumerate(zip(full, less, strict=True)):
        if i <= order:
            np.testing.assert_array_equal(a, b)
        else:
            assert b is None


def test_one_column_of_counts_serves_all_rows():
    rates = np.asarray([[3.0, 5.0], [0.2, -0.2]])
    count, floor = np.asarray([[4.0], [0.0]]), np.asarray([[0.1], [0.1]])
    shared = poisson_terms(rates, count, floor, np)
    own = poisson_terms(rates, np.tile(count, 2), floor, np)
    np.testing.assert_array_equal(shared.value, own.value)
    np.testing.assert_array_equal(shared.curvature, own.curvature)


def test_constant_of_no_events_is_zero():
    np.testing.assert_array_equal(poisson_constant(np.zeros((2, 1)), NUMPY), 0.0)


@pytest.mark.parametrize("rows", [1, 300])
def test_constants_of_many_whole_counts_are_those_of_each(rows):
    counts = np.random.default_rng(9).poisson(60.0, size=(5000 // rows + 20, rows)) * 1.0
    table = poisson_constant(np.arange(counts.max() + 1.0)[:, None], NUMPY)[:, 0]
    expected = table[counts.astype(int)]
    for backend in (NUMPY, StrictBackend()):
        found = backend.to_numpy(poisson_constant(backend.asarray(counts), backend))
        np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("width", [1e-3, 0.2, 1.0, 30.0])
def test_gaussian_constant_completes_half_squared_pulls(width):
    constant = gaussian_constant(np.asarray([width]), np)[0]
    expected = -scipy.stats.norm.logpdf(0.7, loc=0.2, scale=width)
    assert 0.5 * ((0.7 - 0.2) / width) ** 2 + constant == pytest.approx(expected, rel=1e-14)


def test_terms_need_only_what_the_array_standard_has():
    backend = StrictBackend()
    rates, count, floor = [[3.0, -0.2], [0.05, 9.0]], [[4.0], [0.0]], [[0.1], [0.1]]
    ours = [backend.asarray(x) for x in (rates, count, floor)]
    strict = poisson_terms(*ours, backend.xp)
    plain = poisson_terms(*(np.asarray(x) for x in (rates, count, floor)), np)
    for name in ("value", "slope", "curvature"):
        actual = backend.to_numpy(getattr(strict, name))
        np.testing.assert_allclose(actual, getattr(plain, name), rtol=1e-15)
    constant = backend.to_numpy(poisson_constant(ours[1], backend))
    expected = poisson_constant(np.asarray(count), NUMPY)
    np.testing.assert_allclose(constant, expected, rtol=1e-13)
