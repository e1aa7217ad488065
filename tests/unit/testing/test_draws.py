"""Draws are the same everywhere and follow their distributions."""

import statistics

import pytest

from nextstat_core.testing import Draws


def test_first_draws_of_a_seed_never_change() -> None:
    draws = Draws(7)
    assert draws.uniform(0.0, 1.0) == 0.32383276483316237
    assert [draws.poisson(4.0) for _ in range(6)] == [2, 5, 1, 4, 3, 1]


@pytest.mark.parametrize("rate", [0.3, 12.0, 30.0, 95.5])
def test_poisson_draws_have_mean_and_variance_of_the_rate(rate: float) -> None:
    draws = Draws(1)
    counts = [draws.poisson(rate) for _ in range(20_000)]
    assert statistics.mean(counts) == pytest.approx(rate, abs=5.0 * (rate / 20_000) ** 0.5)
    assert statistics.variance(counts) == pytest.approx(rate, rel=0.08)


def test_poisson_draw_of_a_rate_of_zero_or_below_is_zero() -> None:
    draws = Draws(1)
    assert [draws.poisson(0.0), draws.poisson(-3.0)] == [0, 0]


def test_normal_draws_have_mean_zero_and_variance_one() -> None:
    draws = Draws(2)
    values = [draws.normal() for _ in range(20_000)]
    assert statistics.mean(values) == pytest.approx(0.0, abs=0.04)
    assert statistics.variance(values) == pytest.approx(1.0, rel=0.05)


def test_choose_covers_exactly_the_range() -> None:
    draws = Draws(3)
    assert {draws.choose(4) for _ in range(200)} == {0, 1, 2, 3}
