"""Asymptotic formulas against scipy's distributions and published numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from nextstat_core.stats.asymptotics import (
    N_SIGMA,
    cls_tails,
    critical_value,
    discovery_p,
    expected_cls,
    log_ndtr,
    ndtr,
    normal_quantile,
    two_sided_p,
)

ROOT = st.floats(0.0, 30.0)


@given(st.floats(-300.0, 40.0))
def test_log_of_the_distribution_function(x: float) -> None:
    assert log_ndtr(x) == pytest.approx(norm.logcdf(x), rel=1e-11, abs=1e-300)


@given(st.floats(-8.0, 8.0))
def test_quantile_inverts(x: float) -> None:
    assert normal_quantile(ndtr(x)) == pytest.approx(norm.ppf(norm.cdf(x)), abs=1e-9)


@pytest.mark.parametrize(("p", "x"), [(0.0, -math.inf), (1.0, math.inf)])
def test_quantile_at_the_ends(p: float, x: float) -> None:
    assert normal_quantile(p) == x


@given(ROOT, ROOT)
def test_unbounded_tails(s: float, a: float) -> None:
    tails = cls_tails(s, a, bounded=False)
    assert tails.log_clsb == pytest.approx(norm.logcdf(-s), rel=1e-11)
    assert tails.log_clb == pytest.approx(norm.logcdf(a - s), rel=1e-10, abs=1e-300)


@given(ROOT, st.floats(0.1, 30.0))
def test_bounded_tails(s: float, a: float) -> None:
    tails = cls_tails(s, a, bounded=True)
    if s <= a:
        assert tails == cls_tails(s, a, bounded=False)
        return
    t = (s**2 - a**2) / (2 * a)
    assert tails.log_clsb == pytest.approx(norm.logcdf(-(t + a)), rel=1e-10)
    assert tails.log_clb == pytest.approx(norm.logcdf(-t), rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("bounded", [True, False])
@given(st.floats(0.05, 5.0), st.floats(0.5, 5.0))
def test_derivatives(bounded: bool, s: float, a: float) -> None:
    step = 1e-5
    if bounded and abs(s - a) < 2 * step:
        return  # the second derivative jumps there
    found = cls_tails(s, a, bounded=bounded).cls_by

    def log_cls(x: float, y: float) -> float:
        tails = cls_tails(x, y, bounded=bounded)
        return tails.log_clsb - tails.log_clb

    by_s = (log_cls(s + step, a) - log_cls(s - step, a)) / (2 * step)
    by_a = (log_cls(s, a + step) - log_cls(s, a - step)) / (2 * step)
    assert found == pytest.approx((by_s, by_a), rel=1e-5, abs=1e-5)


def test_no_separation() -> None:
    tails = cls_tails(0.0, 0.0, bounded=True)
    assert (tails.clsb, tails.clb, tails.cls) == (0.5, 0.5, 1.0)


def test_cut_statistic() -> None:
    tails = cls_tails(3.0, 2.0, bounded=True, cut=True)
    assert tails.clsb == pytest.approx(0.5)
    assert tails.clb == pytest.approx(norm.cdf(2.0))


def test_ratio_survives_underflow() -> None:
    tails = cls_tails(60.0, 50.0, bounded=True)
    assert tails.clsb == 0.0
    assert tails.clb > 0.0
    far = cls_tails(400.0, 50.0, bounded=True)
    assert far.clb == 0.0
    assert math.isfinite(far.log_cls)
    assert far.cls == 0.0


def test_two_sided() -> None:
    assert two_sided_p(1.0, 5.0, bounded=False) == pytest.approx(2 * norm.sf(1.0))
    assert two_sided_p(1.0, 5.0, bounded=True) == pytest.approx(2 * norm.sf(1.0))
    s, a = 3.0, 2.0
    expected = 2 - norm.cdf(s) - norm.cdf((s**2 + a**2) / (2 * a))
    assert two_sided_p(s, a, bounded=True) == pytest.approx(expected, rel=1e-12)


def test_expected_values_ascend() -> None:
    found = expected_cls(1.959964)
    assert list(found) == sorted(found)
    assert found[2] == pytest.approx(0.05, rel=1e-6)
    assert found == pytest.approx([norm.cdf(n - 1.959964) / norm.cdf(n) for n in N_SIGMA])


def test_critical_values() -> None:
    published = [1.051763, 1.411994, 1.959964, 2.727185, 3.655984]
    assert [critical_value(0.05, n) for n in N_SIGMA] == pytest.approx(published, abs=5e-7)
    for n, a in zip(N_SIGMA, published, strict=True):
        assert expected_cls(a)[n + 2] == pytest.approx(0.05, rel=1e-5)


def test_five_sigma() -> None:
    assert discovery_p(5.0) == pytest.approx(2.866515718791933e-07, rel=1e-12)
