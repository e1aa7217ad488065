"""The closed form of a signal strength and a gamma per bin, against fits of the model."""

import numpy as np
import pytest

from nextstat_core.infer import InputTests, fit
from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_gym.nearby import NearbyTests

SIGNAL = np.array([5.0, 10.0, 2.0])
NORM = {"name": "mu", "type": "normfactor", "data": None}
SHAPE = {"name": "shape", "type": "shapesys", "data": [5.0, 6.0, 12.0]}
STAT = {"name": "stat", "type": "staterror", "data": [4.0, 0.5, 3.0]}
SYST = {"name": "syst", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
#: A background whose gammas cannot follow the data to where they would have to be.
STIFF = {"name": "shape", "type": "shapesys", "data": [5.0, 6.0, 70.0]}


def channel(name, modifiers, data=(53.0, 71.0, 41.0), signal=(NORM,), other=()):
    samples = [
        {"name": "signal", "data": SIGNAL.tolist(), "modifiers": list(signal)},
        {"name": "background", "data": [50.0, 60.0, 40.0], "modifiers": list(modifiers)},
        {"name": "other", "data": [3.0, 0.0, 1.5], "modifiers": list(other)},
    ]
    return {"name": name, "samples": samples}, {"name": name, "data": list(data)}


def inputs_of(*channels, bounds=(0.0, 10.0), interpolation=None):
    document = {
        "channels": [each for each, _ in channels],
        "observations": [data for _, data in channels],
        "measurements": [
            {
                "name": "m",
                "config": {
                    "poi": "mu",
                    "parameters": [{"name": "mu", "inits": [0.0], "bounds": [list(bounds)]}],
                },
            }
        ],
        "version": "1.0.0",
    }
    model = HistFactoryModel.from_workspace(document, interpolation=interpolation)
    return ModelInputs(model, [("SR", "signal")])


def control_region():
    """A channel that the signal does not enter."""
    found, data = channel("CR", [SYST])
    del found["samples"][0]
    return found, data


MODELS = {
    "poisson": lambda: inputs_of(channel("SR", [SHAPE])),
    "gaussian": lambda: inputs_of(channel("SR", [STAT])),
    "no gamma": lambda: inputs_of(channel("SR", [])),
    "some gammas": lambda: inputs_of(channel("SR", [{**SHAPE, "data": [5.0, 0.0, 12.0]}])),
    "a bin without data": lambda: inputs_of(channel("SR", [STAT], data=(53.0, 0.0, 41.0))),
    "a control region": lambda: inputs_of(channel("SR", [SHAPE]), control_region()),
}
NOT_CLOSED = {
    "a shared systematic": lambda: inputs_of(channel("SR", [SHAPE, SYST])),
    "a systematic of the signal": lambda: inputs_of(channel("SR", [SHAPE], signal=[NORM, SYST])),
    "a systematic of both channels": lambda: inputs_of(
        channel("SR", [SHAPE], other=[SYST]), control_region()
    ),
    "the strength elsewhere": lambda: inputs_of(channel("SR", [SHAPE], other=[NORM])),
    "a systematic to one side": lambda: inputs_of(
        channel("SR", [SHAPE], other=[{**SYST, "data": {"hi": 1.0, "lo": 0.9}}]),
        interpolation={"normsys": "code1"},
    ),
    "two gammas of a bin": lambda: inputs_of(channel("SR", [SHAPE, STAT])),
    "widths that move": lambda: inputs_of(channel("SR", [STAT], signal=[NORM, STAT])),
    "no constraint": lambda: inputs_of(
        channel("SR", [{"name": "free", "type": "shapefactor", "data": None}])
    ),
    "another factor": lambda: inputs_of(
        channel("SR", [SHAPE], signal=[NORM, {"name": "k", "type": "normfactor", "data": None}])
    ),
}


def made(inputs, test_stat="q0", mu=0.0):
    return NearbyTests(inputs, test_stat, mu, inputs.values)


@pytest.fixture(params=list(MODELS), ids=list(MODELS))
def inputs(request):
    return MODELS[request.param]()


def yields_of(rows, seed=1):
    return SIGNAL * np.random.default_rng(seed).uniform(0.3, 3.0, (rows, len(SIGNAL)))


@pytest.mark.parametrize(("test_stat", "mu"), [("q0", 0.0), ("qtilde", 2.5), ("qtilde", 0.0)])
def test_statistics_are_those_of_fits(inputs, test_stat, mu):
    tests, yields = made(inputs, test_stat, mu), yields_of(12)
    assert tests._strength is not None
    expected = InputTests(inputs, test_stat=test_stat).at(yields, np.array([mu])).tested
    q, converged = tests.at(yields)
    assert converged.all()
    np.testing.assert_allclose(q, expected.q, rtol=1e-10, atol=1e-10)
    for row, wanted in zip(yields, expected.q, strict=True):
        assert tests.one(row) == (pytest.approx(wanted, rel=1e-10, abs=1e-10), True)


def test_a_best_fit_below_the_tested_signal_counts_for_nothing():
    inputs = inputs_of(channel("SR", [SHAPE], data=(40.0, 50.0, 30.0)))
    tests = made(inputs)
    assert tests._strength is not None
    assert tests.one(SIGNAL) == (0.0, True)
    q, converged = tests.at(yields_of(4))
    assert (q.tolist(), converged.tolist()) == ([0.0] * 4, [True] * 4)
    tested = InputTests(inputs, test_stat="q0").at(yields_of(4), np.zeros(1)).tested
    assert (tested.mu_hat < 0.0).all()


@pytest.mark.parametrize(("test_stat", "mu"), [("q0", 0.0), ("qtilde", 0.6)])
def test_best_fits_at_bounds_are_those_of_fits(test_stat, mu):
    for data, bounds in (((60.0, 90.0, 50.0), (0.0, 0.5)), ((53.0, 65.0, 41.0), (-1.0, 10.0))):
        inputs = inputs_of(channel("SR", [SHAPE], data=data), bounds=bounds)
        tests, yields = made(inputs, test_stat, mu), yields_of(12, seed=3)
        expected = InputTests(inputs, test_stat=test_stat).at(yields, np.array([mu])).tested
        q, converged = tests.at(yields)
        assert converged.all()
        np.testing.assert_allclose(q, expected.q, rtol=1e-10, atol=1e-10)
        alone = [tests.one(row)[0] for row in yields]
        np.testing.assert_allclose(alone, expected.q, rtol=1e-10, atol=1e-10)


def test_without_signal_the_yields_do_not_matter(inputs):
    held = InputTests(inputs, test_stat="q0").at(yields_of(8), np.zeros(1)).tested.held
    np.testing.assert_allclose(held, np.repeat(held[:1], 8, axis=0), rtol=1e-6, atol=1e-6)
    likelihood = made(inputs)._strength._likelihood
    for row in yields_of(3):
        assert likelihood.of_one(0.0, likelihood.signal(row).tolist())[0] == 0.0


def test_values_are_those_of_fits_with_the_signal_held(inputs):
    likelihood = made(inputs)._strength._likelihood
    zero = fit(inputs.model, fixed={"mu": 0.0}).nll
    for mu in (0.3, 1.0, 3.0):
        value = likelihood.of_one(mu, likelihood.signal(SIGNAL).tolist())[0]
        expected = fit(inputs.model, fixed={"mu": mu}).nll
        assert value == pytest.approx(expected - zero, rel=1e-8, abs=1e-8)


def test_derivatives_are_those_of_values(inputs):
    likelihood, step = made(inputs)._strength._likelihood, 1e-3
    signal = likelihood.signal(SIGNAL)

    def at(mu):
        return likelihood.of_one(mu, signal.tolist())

    low, middle, high = at(1.0 - step), at(1.0), at(1.0 + step)
    assert middle[1] == pytest.approx((high[0] - low[0]) / (2 * step), rel=1e-5)
    assert middle[2] == pytest.approx((high[1] - low[1]) / (2 * step), rel=1e-5)
    assert likelihood.slope_at_zero(signal) == pytest.approx(at(0.0)[1], rel=1e-12)


def test_rows_are_what_each_is_alone(inputs):
    likelihood, mu = made(inputs)._strength._likelihood, np.array([0.0, 0.7, 2.0])
    signal = likelihood.signal(yields_of(3))
    found = np.stack(likelihood.of_rows(mu, signal), axis=1)
    for row, (strength, own) in enumerate(zip(mu.tolist(), signal.T.tolist(), strict=True)):
        np.testing.assert_allclose(found[row], likelihood.of_one(strength, own), rtol=1e-12)


@pytest.mark.parametrize("make", NOT_CLOSED.values(), ids=list(NOT_CLOSED))
def test_other_models_have_no_closed_form(make):
    tests = made(make())
    assert tests._strength is None


def test_gammas_at_their_bounds_are_left_to_fits():
    # A gamma stays below 10: the last bin would need 20 times its background.
    inputs = inputs_of(channel("SR", [STIFF], data=(53.0, 65.0, 800.0)))
    assert made(inputs)._strength is None  # not even without signal
    stiff = inputs_of(channel("SR", [STIFF], data=(53.0, 65.0, 390.0)))
    tests, yields = made(stiff), SIGNAL * np.array([1.0, 1.0, 5.0])
    likelihood = tests._strength._likelihood
    signal = likelihood.signal(yields)
    assert likelihood.of_one(-100.0, signal.tolist()) is None
    assert np.isnan(likelihood.of_rows(np.array([-100.0]), signal[:, None])[0]).all()


@pytest.mark.parametrize("scale", [1e-12, 1e6])
def test_yields_of_any_size_have_a_statistic(inputs, scale):
    yields = yields_of(3) * scale
    tests = made(inputs)
    q, converged = tests.at(yields)
    expected = InputTests(inputs, test_stat="q0").at(yields, np.zeros(1)).tested
    assert converged.all()
    np.testing.assert_allclose(q, expected.q, rtol=1e-7, atol=1e-7)
    for row, wanted in zip(yields, q, strict=True):
        assert tests.one(row) == (pytest.approx(wanted, rel=1e-9, abs=1e-9), True)


@pytest.mark.parametrize("yields", [1e13, np.inf])
def test_yields_out_of_reach_do_no_harm(inputs, yields):
    likelihood = made(inputs)._strength._likelihood
    signal = likelihood.signal(np.full(len(SIGNAL), yields))
    one = likelihood.of_one(10.0, signal.tolist())
    with np.errstate(all="ignore"):
        rows = [part[0] for part in likelihood.of_rows(np.array([10.0]), signal[:, None])]
    assert one is None or np.isfinite(one).all()
    np.testing.assert_allclose(rows, [np.nan] * 3 if one is None else one)


def test_rows_where_the_closed_form_ends_are_tested_by_fits(monkeypatch):
    inputs = MODELS["poisson"]()
    tests, yields = made(inputs), yields_of(3)
    expected, _ = made(inputs).at(yields)
    strength = tests._strength
    original = strength._likelihood.of_rows

    def partly(mu, signal):
        value, slope, curvature = original(mu, signal)
        value[1] = slope[1] = np.nan
        return value, slope, curvature

    monkeypatch.setattr(strength._likelihood, "of_rows", partly)
    monkeypatch.setattr(strength._likelihood, "of_one", lambda mu, signal: None)
    q, converged = tests.at(yields)
    assert converged.all()
    np.testing.assert_allclose(q, expected, rtol=1e-9)
