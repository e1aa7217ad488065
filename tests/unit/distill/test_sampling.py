"""Ways to draw points: what each promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat.distill import METHODS, draw
from nextstat_core.errors import InputError

BOX = np.array([[-1.0, 3.0], [0.0, 10.0], [2.5, 2.5]])
CENTER = np.array([1.0, 5.0, 2.5])


@pytest.mark.parametrize("method", METHODS)
def test_points_are_in_the_box_and_held_parameters_stay(method):
    points = draw(method, 300, BOX, CENTER)
    assert points.shape == (300, 3)
    assert (points >= BOX[:, 0]).all()
    assert (points <= BOX[:, 1]).all()
    assert (points[:, 2] == 2.5).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides_every_bit(method):
    first = draw(method, 2000, BOX, CENTER, seed=3)
    assert first.tobytes() == draw(method, 2000, BOX, CENTER, seed=3).tobytes()
    assert first.tobytes() != draw(method, 2000, BOX, CENTER, seed=4).tobytes()


@pytest.mark.parametrize("method", ["sobol", "lhs"])
def test_each_slice_of_a_parameter_has_one_point(method):
    points = draw(method, 256, BOX, CENTER)[:, :2]
    slices = np.floor(256 * (points - BOX[:2, 0]) / (BOX[:2, 1] - BOX[:2, 0])).astype(int)
    assert (np.sort(slices, axis=0) == np.arange(256)[:, None]).all()


def test_sobol_points_balance_in_pairs_of_parameters():
    # A (0, 8, 2) net in base 2: each of the 16 x 16 cells has one of 256 points.
    points = draw("sobol", 256, BOX, CENTER)[:, :2]
    cells = np.floor(16 * (points - BOX[:2, 0]) / (BOX[:2, 1] - BOX[:2, 0])).astype(int)
    assert len({tuple(cell) for cell in cells.tolist()}) == 256


def test_shorter_sobol_sets_begin_longer_ones():
    longer = draw("sobol", 4096, BOX, CENTER)
    assert (draw("sobol", 1500, BOX, CENTER) == longer[:1500]).all()


def test_sobol_points_are_those_of_scipy():
    from scipy.stats import qmc

    unit = qmc.Sobol(3, scramble=True, rng=np.random.default_rng(42)).random_base2(11)
    expected = BOX[:, 0] + (BOX[:, 1] - BOX[:, 0]) * unit
    np.testing.assert_allclose(draw("sobol", 2048, BOX, CENTER), expected, rtol=1e-15)


def test_normal_points_have_a_sixth_of_the_box():
    points = draw("gaussian", 20000, BOX, CENTER)[:, :2]
    width = (BOX[:2, 1] - BOX[:2, 0]) / 6.0
    # Errors of mean and deviation of 20000 draws are 0.7 % and 0.5 % of the width.
    assert (np.abs(points.mean(axis=0) - CENTER[:2]) < 0.035 * width).all()
    # Cutting at three deviations leaves 0.9966 of the variance and ends.
    assert points.std(axis=0) == pytest.approx(width, rel=0.03)


def test_uniform_points_have_the_moments_of_the_box():
    points = draw("uniform", 20000, BOX, CENTER)[:, :2]
    size = BOX[:2, 1] - BOX[:2, 0]
    assert (np.abs(points.mean(axis=0) - BOX[:2].mean(axis=1)) < 0.012 * size).all()
    assert points.std(axis=0) == pytest.approx(size / np.sqrt(12.0), rel=0.02)


def test_a_centre_outside_the_box_is_moved_in():
    points = draw("gaussian", 500, BOX, np.array([50.0, 5.0, 2.5]))
    assert 0.3 < (points[:, 0] == 3.0).mean() < 0.7


@given(
    st.sampled_from(METHODS),
    st.integers(1, 40),
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(0.0, 1e6)).map(lambda x: (x[0], x[0] + x[1])),
        min_size=1,
        max_size=5,
    ),
)
def test_no_box_is_left(method, count, box):
    bounds = np.array(box)
    points = draw(method, count, bounds, bounds.mean(axis=1))
    assert ((points >= bounds[:, 0]) & (points <= bounds[:, 1])).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grid", 8), r"method must be one of \['sobol', 'lhs', 'uniform', 'gaussian'\]"),
        (("sobol", 0), "`n_samples` is 0"),
        (("lhs", 2.5), "`n_samples` is 2.5"),
        (("lhs", True), "`n_samples` is True"),
        (("sobol", 2**31), "2147483648 points of 3 parameters"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        draw(*arguments, BOX, CENTER)


def test_negative_seeds_are_refused():
    with pytest.raises(InputError, match="`seed` is -1"):
        draw("sobol", 8, BOX, CENTER, seed=-1)
