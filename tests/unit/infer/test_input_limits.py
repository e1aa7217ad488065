"""Limits and CLs as functions of inputs: published digits, differences, rows."""

import copy

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import FitOptions, InputLimits, hypotest, upper_limits
from nextstat_core.likelihood import CompiledModel
from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_core.testing import generate_workspace, uncertain_signal, uncorrelated
from nextstat_core.testing.differences import differences

PRECISE = FitOptions(tolerance=1e-13, polish_rows=True)
CHANNELS = [("channel_0", "signal"), ("channel_1", "signal")]
RECIPES = {
    "systematics": {"n_normsys": 3, "n_histosys": 2},
    "gammas": {"n_normsys": 2, "staterror": True, "shapesys": True},
    "one-sided": {"n_normsys": 1, "n_one_sided": 2},
}


def shapes(lower=-5.0):
    return HistFactoryModel.from_workspace(
        uncertain_signal(lower), interpolation={"normsys": "code1"}
    )


def generated(recipe):
    workspace = generate_workspace(5, n_channels=2, n_bins=3, n_samples=3, **RECIPES[recipe])
    model = HistFactoryModel.from_workspace(workspace)
    inputs = ModelInputs(model, CHANNELS)
    rng = np.random.default_rng(3)
    return inputs, inputs.values * rng.uniform(0.6, 1.6, (5, inputs.size))


def test_limits_have_the_digits_of_a_model_that_was_computed_elsewhere():
    inputs = ModelInputs(shapes(0.0), [("c", "s")])
    found = InputLimits(inputs, asimov="postfit").at(inputs.values[None, :])
    middle, high = found.expected(0), found.expected(2)
    assert middle.value == pytest.approx([2.323129], abs=1e-6)
    np.testing.assert_allclose(
        middle.gradient[0], [-0.05211055, -0.1414753, -0.00381434], atol=1e-7
    )
    assert high.value == pytest.approx([5.974712], abs=1e-6)
    np.testing.assert_allclose(high.gradient[0], [0.3065662, 0.4258474, -0.1153359], atol=1e-6)


@pytest.mark.parametrize("asimov", ["postfit", "prefit"])
def test_limits_and_cls_have_the_gradients_of_differences(asimov):
    inputs = ModelInputs(shapes(0.0), [("c", "s"), ("c", "s", "stat"), ("c",)])
    limits = InputLimits(inputs, asimov=asimov)
    functions = [
        lambda e: e.expected(1),
        lambda e: e.observed(),
        lambda e: e.cls(2.5),
        lambda e: e.expected_cls(2.5, -1),
    ]

    def values(x):
        exclusion = limits.at(x[None, :])
        return [function(exclusion).value[0] for function in functions]

    expected = differences(values, inputs.values, 0.05 * inputs.values).T
    here = limits.at(inputs.values[None, :])
    for function, slopes in zip(functions, expected, strict=True):
        found = function(here).gradient[0]
        np.testing.assert_allclose(found, slopes, rtol=0, atol=1e-7 * np.abs(slopes).max())
    own = upper_limits(inputs.model, asimov=asimov)
    assert here.observed().value == pytest.approx([own.observed], rel=1e-6)


def test_what_has_no_cls_is_refused():
    inputs = ModelInputs(shapes(), [("c", "s")])
    with pytest.raises(InputError, match="q0"):
        InputLimits(inputs, test_stat="q0")
    with pytest.raises(InputError, match="alpha"):
        InputLimits(inputs, alpha=1.5)
    with pytest.raises(InputError, match="n_sigma"):
        InputLimits(inputs).at(inputs.values[None, :]).expected(3)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("asimov", ["postfit", "prefit"])
def test_rows_have_the_limits_of_models_written_again(recipe, asimov):
    inputs, vectors = generated(recipe)
    exclusion = InputLimits(inputs, asimov=asimov).at(vectors)
    n_sigma = np.array([-2, -1, 0, 1, 2])
    observed, expected = exclusion.observed(), exclusion.expected(n_sigma)
    assert observed.converged.all()
    assert expected.converged.all()
    for row, vector in enumerate(vectors):
        own = upper_limits(inputs.changed(vector), asimov=asimov, rtol=1e-9, options=PRECISE)
        assert observed.value[row] == pytest.approx(own.observed, rel=1e-10)
        assert expected.value[row] == pytest.approx(own.expected[row], rel=1e-10)


@pytest.mark.parametrize("recipe", RECIPES)
def test_rows_have_the_cls_of_models_written_again(recipe):
    inputs, vectors = generated(recipe)
    exclusion = InputLimits(inputs, asimov="postfit").at(vectors)
    mu, n_sigma = np.array([0.0, 0.5, 1.0, 2.0, 4.0]), np.array([0, -2, 1, 0, 2])
    found, expected = exclusion.cls(mu), exclusion.expected_cls(mu, n_sigma)
    for row, vector in enumerate(vectors):
        own = hypotest(inputs.changed(vector), mu[row], options=PRECISE)
        assert found.value[row] == pytest.approx(own.cls, rel=1e-9)
        assert expected.value[row] == pytest.approx(own.expected_cls[n_sigma[row] + 2], rel=1e-9)
    assert np.isfinite(found.gradient).all()
    assert np.isfinite(expected.gradient).all()


def test_a_row_is_the_same_alone():
    inputs, vectors = generated("gammas")
    limits = InputLimits(inputs, asimov="postfit")
    together = limits.at(vectors)
    for function in (
        lambda e: e.observed(),
        lambda e: e.expected(1),
        lambda e: e.cls(2.0),
        lambda e: e.expected_cls(2.0, -1),
    ):
        found = function(together)
        for row, vector in enumerate(vectors):
            alone = function(limits.at(vector[None, :]))
            assert alone.value[0] == pytest.approx(found.value[row], rel=1e-10)
            largest = np.abs(found.gradient[row]).max()
            np.testing.assert_allclose(
                alone.gradient[0], found.gradient[row], rtol=0, atol=1e-9 * largest
            )


def test_rows_share_one_compilation(monkeypatch):
    inputs, vectors = generated("systematics")
    limits = InputLimits(inputs, asimov="postfit")
    limits.at(vectors[:1]).observed()

    def refuse(*_, **__):
        raise AssertionError("a model was compiled")

    monkeypatch.setattr(CompiledModel, "__init__", refuse)
    assert limits.at(vectors).observed().converged.all()


def test_templates_are_one_set_for_all_rows():
    inputs = ModelInputs(shapes(0.0), [("c", "s"), ("c", "s", "a", "hi")])
    vector, n_sigma = inputs.values * 1.1, [-1, 0, 1]
    own = upper_limits(inputs.changed(vector), asimov="prefit", rtol=1e-9, options=PRECISE)
    found = InputLimits(inputs).at(vector[None, :], 3).expected(n_sigma)
    np.testing.assert_allclose(found.value, own.expected[1:4], rtol=1e-10)
    with pytest.raises(InputError, match="one set of inputs"):
        InputLimits(inputs).at(np.stack([vector, vector]))


def test_a_bin_without_signal_keeps_its_gamma():
    inputs = ModelInputs(shapes(0.0), [("c", "s")])
    vectors = np.array([[5.0, 0.0, 3.0], [5.0, 10.0, 3.0], [0.0, 10.0, 0.0]])
    found = InputLimits(inputs, asimov="postfit").at(vectors).observed()
    for row, vector in enumerate(vectors):
        own = upper_limits(inputs.changed(vector), rtol=1e-9, options=PRECISE)
        assert found.value[row] == pytest.approx(own.observed, rel=1e-9)


def test_a_limit_may_lie_above_the_bound_of_the_signal():
    workspace = uncertain_signal(0.0)
    narrow = copy.deepcopy(workspace)
    narrow["measurements"][0]["config"]["parameters"][0]["bounds"] = [[0.0, 1.0]]
    wide, model = (HistFactoryModel.from_workspace(each) for each in (workspace, narrow))
    inputs = ModelInputs(model, [("c", "s")])
    found = InputLimits(inputs, asimov="postfit").at(inputs.values[None, :]).observed()
    assert found.value[0] == pytest.approx(upper_limits(wide).observed, rel=1e-6)


def test_a_signal_without_events_has_no_limit():
    workspace = uncorrelated([5.0, 10.0], [50.0, 60.0], [5.0, 6.0])
    model = HistFactoryModel.from_workspace(workspace)
    inputs = ModelInputs(model, [("singlechannel", "signal")])
    vectors = np.stack([inputs.values, np.zeros(2)])
    exclusion = InputLimits(inputs, asimov="postfit").at(vectors)
    for found in (exclusion.observed(), exclusion.expected()):
        np.testing.assert_array_equal(np.isnan(found.value), [False, True])
        np.testing.assert_array_equal(np.isnan(found.gradient).any(axis=1), [False, True])


def test_a_free_fit_that_missed_the_minimum_is_repeated():
    inputs, vectors = generated("systematics")
    expected = InputLimits(inputs, asimov="postfit").at(vectors).cls(1.0)
    exclusion = InputLimits(inputs, asimov="postfit").at(vectors)
    free = exclusion._tests.free
    best = int(np.argmax(exclusion._tests.data_at(np.full(5, 1.0)).q))
    free.nll[best] += 100.0
    free.values[best] += 0.01
    np.testing.assert_allclose(exclusion.cls(1.0).value, expected.value, rtol=1e-9)
