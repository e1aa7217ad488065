"""Each treatment against its formula, worked by hand, and against cabinetry and ROOT."""

from __future__ import annotations

import numpy as np
import pytest
from cabinetry.smooth import smooth_353qh_twice as smooth_of_cabinetry
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import InputError
from nextstat_histograms import (
    Effects,
    Histogram,
    Thresholds,
    limit_variation,
    raise_bins,
    smooth,
    smooth_353qh_twice,
    split,
    symmetrise,
)


def histogram(*values: float) -> Histogram:
    return Histogram(np.arange(len(values) + 1.0), np.array(values), np.full(len(values), 0.25))


NOMINAL = histogram(10.0, 20.0, 40.0)
UP = histogram(13.0, 19.0, 44.0)
DOWN = histogram(8.0, 18.0, 38.0)


# -- symmetrisation --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "up", "down"),
    [
        # (13-10)^2/23 + 1/39 + 16/84 = 0.6073 is more than 4/18 + 4/38 + 4/78 = 0.3788: up stays.
        ("onesided", [13.0, 19.0, 44.0], [7.0, 21.0, 36.0]),
        # Half of the differences 5, 1 and 6.
        ("twosided", [12.5, 20.5, 43.0], [7.5, 19.5, 37.0]),
        # Means of 3 and 2, 1 and 2, 4 and 2.
        ("absmean", [12.5, 21.5, 43.0], [7.5, 18.5, 37.0]),
        # 3 against 2, 1 against 2 (down, at 18), 4 against 2.
        ("maximum", [13.0, 18.0, 44.0], [7.0, 22.0, 36.0]),
    ],
)
def test_symmetrisation_by_hand(method: str, up: list[float], down: list[float]) -> None:
    found = symmetrise(NOMINAL, UP, DOWN, method)
    assert found[0].values.tolist() == up
    assert found[1].values.tolist() == down
    assert found[0].variances.tolist() == UP.variances.tolist()


def test_onesided_takes_the_one_that_is_further_away() -> None:
    up, down = symmetrise(NOMINAL, DOWN, UP, "onesided")
    assert down.values.tolist() == UP.values.tolist()
    assert up.values.tolist() == [7.0, 21.0, 36.0]


def test_onesided_needs_only_one() -> None:
    assert symmetrise(NOMINAL, UP, None, "onesided")[1].values.tolist() == [7.0, 21.0, 36.0]
    assert symmetrise(NOMINAL, None, DOWN, "onesided")[0].values.tolist() == [12.0, 22.0, 42.0]


def test_split_mirrors_normalisation_and_shape_separately() -> None:
    nominal, up = histogram(10.0, 30.0), histogram(20.0, 30.0)
    # f = 50/40; the shape is 16, 24, its mirror image 4, 36; times 2 - 1.25.
    _, down = symmetrise(nominal, up, None, "split")
    assert down.values.tolist() == [3.0, 27.0]


@pytest.mark.parametrize("method", ["twosided", "absmean", "maximum"])
def test_two_variations_are_needed(method: str) -> None:
    with pytest.raises(InputError, match="there is no variation down"):
        symmetrise(NOMINAL, UP, None, method)


def test_unknown_symmetrisations_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'twosided'"):
        symmetrise(NOMINAL, UP, DOWN, "twosidd")
    with pytest.raises(InputError, match="no variation to be mirrored"):
        symmetrise(NOMINAL, None, None, "onesided")


ROWS = st.integers(2, 8).flatmap(
    lambda n: st.tuples(
        *(st.lists(st.floats(0.5, 100.0), min_size=n, max_size=n) for _ in range(3))
    )
)


@given(ROWS, st.sampled_from(["onesided", "twosided", "absmean", "maximum"]))
def test_up_and_down_are_mirror_images(rows: tuple[list[float], ...], method: str) -> None:
    nominal, up, down = (histogram(*row) for row in rows)
    new_up, new_down = symmetrise(nominal, up, down, method)
    np.testing.assert_allclose(new_up.values + new_down.values, 2 * nominal.values, rtol=1e-12)


@given(ROWS, st.sampled_from(["onesided", "twosided", "maximum"]))
def test_what_is_symmetric_stays(rows: tuple[list[float], ...], method: str) -> None:
    nominal, up, _ = (histogram(*row) for row in rows)
    down = nominal.with_values(2 * nominal.values - up.values)
    new_up, new_down = symmetrise(nominal, up, down, method)
    # With `maximum`, up and down may swap where they are equally far away, up to rounding.
    np.testing.assert_allclose(
        np.abs(new_up.values - nominal.values), np.abs(up.values - nominal.values), atol=1e-12
    )
    np.testing.assert_allclose(new_down.values, 2 * nominal.values - new_up.values, atol=1e-12)


# -- smoothing -------------------------------------------------------------------------------------

#: Input and output of ROOT's TH1::Smooth, from github.com/alexander-held/histogram-smoothing.
ROOT_INPUT = [
    *(7.82272339, 20.79126453, 55.58607231, 80.9790969, 61.72924992, 48.02962419),
    *(55.53139849, 38.1122083, 37.5203016, 24.89442078, 33.42130301, 34.15961964),
    *(11.99455817, 90.5479646, 18.71481196, 88.95821081),
]
ROOT_OUTPUT = [
    *(7.822723, 26.247831, 51.234443, 68.039891, 66.855977, 55.680763),
    *(45.094336, 38.695053, 36.060684, 34.446053, 33.421303, 33.421303),
    *(33.605882, 47.674688, 75.258563, 88.958211),
]


def test_353qh_gives_what_root_gives() -> None:
    # ROOT's values were printed with six decimals.
    np.testing.assert_allclose(smooth_353qh_twice(ROOT_INPUT), ROOT_OUTPUT, atol=5.1e-7)


def test_353qh_by_hand() -> None:
    # Medians of 3: 1, 2, 3, 5, where median(1, 2, 3*2 - 2*3) and median(5, 3, 3*3 - 2*2) are the
    # ends. The medians of 5 and of 3 change nothing. Running means: 1, (1+4+3)/4, (2+6+5)/4, 5.
    # The residuals 0, 1, -1.25, 0 have the medians 0, so that nothing is added.
    np.testing.assert_allclose(smooth_353qh_twice([1.0, 3.0, 2.0, 5.0]), [1.0, 2.0, 3.25, 5.0])


@given(st.lists(st.integers(-5, 20) | st.floats(-5.0, 20.0), min_size=3, max_size=20))
def test_353qh_gives_what_cabinetry_gives(values: list[float]) -> None:
    expected = smooth_of_cabinetry(np.array(values, dtype=float))
    np.testing.assert_allclose(smooth_353qh_twice(values), expected, atol=1e-12)


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0, 4.0, 5.0], [2.0] * 6, [3.0, 1.0], [4.0]])
def test_353qh_leaves_what_is_smooth_or_short(values: list[float]) -> None:
    assert smooth_353qh_twice(values).tolist() == values


def test_kernel_by_hand() -> None:
    # Neighbours have the weight exp(-1/2 / h^2), here 1/2; next neighbours 1/16.
    width = 1.0 / np.sqrt(2.0 * np.log(2.0))
    nominal, variation = histogram(8.0, 16.0, 32.0), histogram(8.0, 32.0, 32.0)
    ratios = np.array([(8 + 16 + 2) / (8 + 8 + 2), (4 + 32 + 16) / 36, (0.5 + 16 + 32) / 40.5])
    expected = ratios * [8, 16, 32]
    expected *= 72.0 / expected.sum()
    found = smooth(nominal, variation, "kernel", bandwidth=width)
    np.testing.assert_allclose(found.values, expected, rtol=1e-14)


@given(ROWS, st.sampled_from(["353QH, twice", "kernel"]))
def test_smoothing_keeps_the_sum_and_scaled_nominals(rows, algorithm: str) -> None:
    nominal, variation, _ = (histogram(*row) for row in rows)
    assert smooth(nominal, variation, algorithm).sum == pytest.approx(variation.sum, rel=1e-12)
    scaled = nominal.with_values(1.25 * nominal.values)
    np.testing.assert_allclose(smooth(nominal, scaled, algorithm).values, scaled.values, rtol=1e-9)


def test_smoothing_of_an_empty_bin_needs_the_kernel() -> None:
    nominal, variation = histogram(4.0, 0.0, 4.0), histogram(4.0, 1.0, 4.0)
    with pytest.raises(InputError, match="empty in bins 1"):
        smooth(nominal, variation)
    assert smooth(nominal, variation, "kernel").sum == pytest.approx(9.0)


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, float("nan"), float("inf")])
def test_unusable_bandwidths_are_refused(bandwidth: float) -> None:
    with pytest.raises(InputError, match="bandwidth"):
        smooth(NOMINAL, UP, "kernel", bandwidth=bandwidth)


def test_unknown_algorithms_are_refused() -> None:
    with pytest.raises(InputError, match="no smoothing algorithm named '353QH'"):
        smooth(NOMINAL, UP, "353QH")


def test_variations_are_limited_bin_by_bin() -> None:
    found = limit_variation(histogram(10.0, -10.0, 10.0), histogram(20.0, -30.0, 9.5), 0.1)
    assert found.values.tolist() == [11.0, -11.0, 9.5]
    with pytest.raises(InputError, match="`largest`"):
        limit_variation(NOMINAL, UP, 0.0)


# -- negative bins ---------------------------------------------------------------------------------


def test_negative_bins_by_hand() -> None:
    negative = histogram(-1.0, 3.0, 6.0)
    assert raise_bins(negative).values.tolist() == [0.0, 3.0, 6.0]
    # 8 in all: what is left for 3 and 6 is 8.
    np.testing.assert_allclose(
        raise_bins(negative, keep_sum=True).values, [0.0, 24 / 9, 48 / 9], rtol=1e-15
    )
    np.testing.assert_allclose(
        raise_bins(negative, 0.5, keep_sum=True).values, [0.5, 2.5, 5.0], rtol=1e-15
    )
    assert raise_bins(UP) is UP


def test_a_sum_that_cannot_be_kept_is_an_error() -> None:
    with pytest.raises(InputError, match="cannot be kept"):
        raise_bins(histogram(-5.0, 3.0), keep_sum=True)
    with pytest.raises(InputError, match="`floor`"):
        raise_bins(NOMINAL, -1.0)


# -- normalisation, shape, pruning -----------------------------------------------------------------


def test_split_by_hand() -> None:
    factor, shape = split(NOMINAL, histogram(14.0, 28.0, 42.0))
    assert factor == 1.2
    np.testing.assert_allclose(shape, [14 / 1.2, 28 / 1.2, 35.0], rtol=1e-15)


def test_sums_that_are_not_positive_cannot_be_split() -> None:
    with pytest.raises(InputError, match="nominal histogram sum to -1"):
        split(histogram(1.0, -2.0), histogram(1.0, 2.0))
    with pytest.raises(InputError, match="variation sum to 0"):
        split(histogram(1.0, 2.0), histogram(0.0, 0.0))


def test_effects_by_hand() -> None:
    # 72/80 and 88/80; shapes 11/1.1 = 10, 22/1.1 = 20, 55/1.1 = 50, and 9, 18, 45 over 0.9.
    nominal = histogram(10.0, 20.0, 50.0)
    effects = Effects.of(nominal, histogram(11.0, 22.0, 55.0), histogram(9.0, 18.0, 45.0))
    assert effects.normalisation == pytest.approx(0.1, rel=1e-12)
    assert effects.shape == pytest.approx(0.0, abs=1e-15)
    # The same sum: 2 of 10 in the first bin, 2 of 20 in the second.
    effects = Effects.of(nominal, histogram(12.0, 18.0, 50.0))
    assert effects == Effects(0.0, 0.2)


def test_a_yield_where_there_was_none_is_an_infinite_effect() -> None:
    assert Effects.of(histogram(1.0, 0.0), histogram(0.5, 0.5)).shape == float("inf")
    assert Effects.of(histogram(1.0, 0.0), histogram(1.0, 0.0)).shape == 0.0


def test_what_is_below_a_threshold_is_pruned_and_what_is_equal_is_not() -> None:
    effects = Effects(0.01, 0.02)
    assert effects.pruned(Thresholds(0.01, 0.02)) == set()
    assert effects.pruned(Thresholds(0.011, 0.02)) == {"normalisation"}
    assert effects.pruned(Thresholds(0.011, 0.021)) == {"normalisation", "shape"}
    with pytest.raises(InputError, match="threshold `shape`"):
        Thresholds(0.0, -1.0)
