"""Compensated sums against exactly rounded ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.stats import compensated_sum
from nextstat_core.testing import StrictBackend

NUMBERS = st.floats(-1e12, 1e12, allow_subnormal=False)


@given(st.lists(NUMBERS, max_size=70))
def test_sum_is_that_of_twice_the_working_precision(values):
    # Either of the two numbers is within half a last place of the sum.
    exact = math.fsum(values)
    left_over = len(values) ** 2 * 2.0**-104 * math.fsum(map(abs, values))
    actual = float(compensated_sum(np.asarray(values, dtype=float), np))
    assert abs(actual - exact) <= 2.0**-52 * abs(exact) + left_over


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 1000])
def test_cancelling_terms_leave_the_small_ones_behind(n):
    large = 1e16 * np.arange(1.0, n + 1.0)
    values = np.concatenate([large, np.full(n, 0.1), -large])
    assert float(compensated_sum(values, np)) == pytest.approx(0.1 * n, rel=1e-13)
    if n > 2:
        assert float(np.sum(values)) != pytest.approx(0.1 * n, rel=1e-3)


def test_columns_are_summed_on_their_own():
    values = np.random.default_rng(4).normal(size=(37, 5)) * 10.0 ** np.arange(0, 20, 4)
    expected = [math.fsum(column) for column in values.T]
    np.testing.assert_allclose(compensated_sum(values, np), expected, rtol=1e-15)


@pytest.mark.parametrize("width", [1, 7, 31])
def test_a_column_has_the_same_bits_in_any_batch(width):
    values = np.random.default_rng(5).normal(size=(101, 33))
    whole = compensated_sum(values, np)
    np.testing.assert_array_equal(compensated_sum(values[:, :width], np), whole[:width])


def test_sum_of_nothing_is_zero():
    np.testing.assert_array_equal(compensated_sum(np.zeros((0, 3)), np), np.zeros(3))


def test_argument_is_not_changed():
    values = np.arange(5.0)
    compensated_sum(values, np)
    np.testing.assert_array_equal(values, np.arange(5.0))


def test_sum_needs_only_what_the_array_standard_has():
    backend = StrictBackend()
    values = np.random.default_rng(6).normal(size=(13, 2))
    actual = backend.to_numpy(compensated_sum(backend.asarray(values), backend.xp))
    np.testing.assert_array_equal(actual, compensated_sum(values, np))
