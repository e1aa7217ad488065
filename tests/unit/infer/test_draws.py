"""Random streams of toys: one per toy, main data first, then Gaussian, then Poisson aux data."""

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import FitOptions, draw_toys, fit_toys, poisson_toys


def stream(seed, toy, ensemble=0):
    key = np.asarray([seed, toy], dtype=np.uint64)
    counter = np.asarray([0, 0, 0, ensemble], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


@pytest.fixture(scope="module")
def full(load):
    return load("full")


@pytest.fixture(scope="module")
def params(full):
    generator = np.random.default_rng(4)
    start = np.asarray(full.suggested_init())
    return start + 0.05 * generator.normal(size=len(start))


@pytest.mark.parametrize("toy", [0, 1, 41, 2**40])
@pytest.mark.parametrize("ensemble", [0, 1, 2])
def test_toy_is_what_its_own_stream_draws(full, params, toy, ensemble):
    drawn = draw_toys(full.compiled, params, range(toy, toy + 1), 7, ensemble=ensemble)
    generator, layout = stream(7, toy, ensemble), full.compiled.layout
    main = generator.poisson(full.expected_data(params, include_auxdata=False))
    normal = generator.standard_normal(len(layout.gaussian))
    counts = generator.poisson(layout.factor * params[layout.poisson])
    np.testing.assert_array_equal(drawn.main[0], main)
    np.testing.assert_array_equal(drawn.center[0], params[layout.gaussian] + layout.width * normal)
    np.testing.assert_array_equal(drawn.count[0], counts)


def test_auxiliary_data_have_the_layout_of_the_constraints(full):
    names, layout = full.parameter_names(), full.compiled.layout
    gaussian = [names[i] for i in layout.gaussian]
    assert gaussian[:3] == ["lumi", "sig_norm", "bkg_norm"]
    assert [names[i] for i in layout.poisson] == ["bkg_ss[0]", "bkg_ss[1]", "bkg_ss[2]"]
    assert layout.width[0] == 0.017
    assert layout.factor == pytest.approx([100.0, 100.0, 100.0])


def test_main_data_do_not_depend_on_whether_auxiliary_data_are_drawn(full, params):
    sampled = draw_toys(full.compiled, params, range(50), 42)
    fixed = draw_toys(full.compiled, params, range(50), 42, auxiliary=False)
    plain = poisson_toys(full, params, n_toys=50, seed=42)
    np.testing.assert_array_equal(sampled.main, fixed.main)
    np.testing.assert_array_equal(sampled.main, plain)
    assert fixed.center is None
    assert fixed.count is None


def test_ensembles_seeds_and_toys_are_independent(full, params):
    def draw(seed=42, first=0, **options):
        numbers = range(first, first + 40)
        return draw_toys(full.compiled, params, numbers, seed, **options).main

    base = draw()
    for other in (draw(ensemble=1), draw(ensemble=2), draw(seed=43), draw(first=40)):
        same = (base == other).all(axis=1)
        assert not same.any()
        center = base.mean(axis=0)
        scale = base.std(axis=0) * other.std(axis=0) * np.sqrt(base.size)
        correlation = np.sum((base - center) * (other - center) / scale) / np.sqrt(base.shape[1])
        assert abs(correlation) < 4.0


def test_shards_are_cut_from_one_sequence(full, params):
    whole = draw_toys(full.compiled, params, range(30), 42)
    part = draw_toys(full.compiled, params, range(11, 19), 42)
    for name in ("main", "center", "count"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[11:19])


def test_draws_have_the_expected_means_and_widths(full, params):
    n = 4000
    toys, layout = draw_toys(full.compiled, params, range(n), 5), full.compiled.layout
    rates = np.asarray(full.expected_data(params, include_auxdata=False))
    means = layout.factor * params[layout.poisson]
    for drawn, mean, width in (
        (toys.main, rates, np.sqrt(rates)),
        (toys.center, params[layout.gaussian], layout.width),
        (toys.count, means, np.sqrt(means)),
    ):
        assert np.abs((drawn.mean(axis=0) - mean) / width).max() < 5.0 / np.sqrt(n)
        assert np.abs(drawn.std(axis=0) / width - 1.0).max() < 5.0 / np.sqrt(2.0 * n)


def test_bins_without_expectation_get_no_events(load):
    model = load("counting")
    assert poisson_toys(model, [-0.6], n_toys=20)[:, 0].tolist() == [0.0] * 20


def test_no_toys_are_an_empty_array(full, params):
    assert poisson_toys(full, params, n_toys=0).shape == (0, 5)


@pytest.mark.parametrize("toys", [poisson_toys, fit_toys])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_toys": -1}, "`n_toys` must not be negative; found -1"),
        ({"n_toys": 2.5}, "`n_toys` must be an integer; found 2.5"),
        ({"seed": -1}, "`seed` must lie in 0 .*; found -1"),
        ({"seed": 2**64}, "`seed` must lie in"),
        ({"seed": 1.5}, "`seed` must be an integer; found 1.5"),
    ],
)
def test_request_for_toys_that_makes_no_sense_is_refused(load, toys, options, message):
    with pytest.raises(InputError, match=message):
        toys(load("counting"), [1.0], **{"n_toys": 2, **options})


@pytest.mark.parametrize("toys", [poisson_toys, fit_toys])
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([1.0, 1.0], "expected 1, got 2"),
        ([np.nan], "expected a finite number"),
        ([np.inf], "expected a finite number"),
        ([1e19], "below 1e18"),
    ],
)
def test_parameters_that_no_toy_can_be_drawn_at_are_refused(load, toys, params, message):
    with pytest.raises(InputError, match=message):
        toys(load("counting"), params, n_toys=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aux": "none"}, "`aux` must be 'sampled' or 'fixed'; found 'none'"),
        ({"first_toy": -1}, "`first_toy` must lie in 0"),
        ({"ensemble": -1}, "`ensemble` must lie in 0"),
        ({"ensemble": 2**64}, "`ensemble` must lie in 0"),
        ({"fixed": ["nu"]}, "no parameter named 'nu'"),
        ({"bounds": {"mu": (1.0, 0.0)}}, "crossed"),
        ({"options": FitOptions(n_starts=3)}, "one start; found n_starts=3"),
    ],
)
def test_options_of_toy_fits_that_make_no_sense_are_refused(load, options, message):
    with pytest.raises(InputError, match=message):
        fit_toys(load("counting"), [1.0], n_toys=2, **options)
