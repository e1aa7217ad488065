"""Gradients of test statistics with respect to inputs: published digits, differences, rows."""

import numpy as np
import pytest

from nextstat_core.errors import InputError, MissingPOIError
from nextstat_core.infer import InputTests, hypotest
from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_core.testing import generate_workspace, uncertain_signal
from nextstat_core.testing.differences import differences

KEYS = [("c", "s"), ("c", "s", "a", "hi"), ("c", "s", "a", "lo"),
        ("c", "s", "ss", "variance"), ("c", "s", "stat"), ("c", "b"), ("c",)]  # fmt: skip


def shapes(lower=-5.0):
    return HistFactoryModel.from_workspace(
        uncertain_signal(lower), interpolation={"normsys": "code1"}
    )


def at(tests, vector, mu):
    return tests.at(np.asarray(vector)[None, :], np.array([mu]))


def test_the_gradient_has_the_digits_of_a_model_that_was_computed_elsewhere():
    inputs = ModelInputs(shapes(), [("c", "s")])
    found = at(InputTests(inputs, test_stat="q0"), inputs.values, 0.0)
    assert found.tested.q[0] == pytest.approx(2.0953724686, abs=1e-9)
    assert found.tested.mu_hat[0] == pytest.approx(1.5358811259, abs=1e-8)
    np.testing.assert_allclose(
        found.gradient()[0], [0.05469373, 0.02837038, -0.18231386], rtol=0, atol=1e-8
    )


def test_templates_that_scale_along_are_a_chain_of_the_gradient():
    inputs = ModelInputs(shapes(), KEYS[:5])
    slopes = inputs.split(at(InputTests(inputs), inputs.values, 0.0).gradient()[0])
    own = inputs.split(inputs.values)
    nominal = own[KEYS[0]]
    total = slopes[KEYS[0]].copy()
    for key in KEYS[1:3]:
        total += own[key] / nominal * slopes[key]
    for key in KEYS[3:5]:
        total += 2.0 * own[key] / nominal * slopes[key]
    np.testing.assert_allclose(total, [0.05498359, 0.02724700, -0.17761930], rtol=0, atol=1e-8)


@pytest.mark.parametrize("data", ["observed", "asimov"])
@pytest.mark.parametrize(("test_stat", "mu"), [("q0", 0.0), ("qtilde", 1.7), ("q", 4.0)])
def test_the_gradient_is_that_of_differences(test_stat, mu, data):
    inputs = ModelInputs(shapes(), KEYS if data == "observed" else KEYS[:-1])
    tests = InputTests(inputs, test_stat=test_stat, data=data)
    expected = differences(
        lambda x: at(tests, x, mu).tested.likelihood_ratio[0], inputs.values, 0.1 * inputs.values
    )
    found = at(tests, inputs.values, mu).gradient()[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("data", ["observed", "asimov"])
def test_rows_are_tests_of_models_written_again(data, backend):
    model = HistFactoryModel.from_workspace(
        generate_workspace(5, n_channels=2, n_bins=3, n_normsys=3, n_histosys=2, staterror=True,
                           shapesys=True, n_samples=3),
        backend=backend,
    )  # fmt: skip
    inputs = ModelInputs(model, [("channel_0", "signal"), ("channel_1", "signal")])
    tests = InputTests(inputs, test_stat="qtilde", data=data)
    rng = np.random.default_rng(3)
    vectors = inputs.values * rng.uniform(0.6, 1.6, (9, inputs.size))
    mu = rng.uniform(0.5, 3.0, 9)
    together = tests.at(vectors, mu)
    assert together.tested.converged.all()
    alone = [at(tests, vector, value) for vector, value in zip(vectors, mu, strict=True)]
    q = [one.tested.likelihood_ratio[0] for one in alone]
    np.testing.assert_allclose(together.tested.likelihood_ratio, q, rtol=1e-10, atol=1e-10)
    slopes = np.concatenate([one.gradient() for one in alone])
    np.testing.assert_allclose(together.gradient(), slopes, rtol=1e-6, atol=1e-8)
    if data == "observed":
        for row in (0, 4):
            own = hypotest(inputs.changed(vectors[row]), float(mu[row]))
            assert together.tested.q[row] == pytest.approx(own.q, abs=1e-9)


def test_values_of_the_signal_are_rows_too():
    inputs = ModelInputs(shapes(0.0), [("c", "s", "a", "hi")])
    found = InputTests(inputs, test_stat="qtilde").at(
        inputs.values[None, :], np.array([0.5, 2.0, 4.0])
    )
    assert found.tested.cut.tolist() == [True, False, False]
    assert found.tested.q[0] == 0.0 < found.tested.likelihood_ratio[0]
    assert found.gradient().shape == (3, 3)


def test_a_bin_without_signal_keeps_its_gamma():
    inputs = ModelInputs(shapes(), [("c", "s")])
    vectors = np.array([[5.0, 10.0, 3.0], [5.0, 0.0, 3.0]])
    found = InputTests(inputs).at(vectors, np.zeros(1))
    names = inputs.model.parameter_names()
    assert found.tested.converged.all()
    assert found.tested.free[1, names.index("ss[1]")] == 1.0
    assert np.isfinite(found.gradient()).all()


def test_what_cannot_be_tested_is_refused():
    inputs = ModelInputs(shapes(), KEYS[:2])
    with pytest.raises(InputError, match="one set of inputs"):
        InputTests(inputs).at(np.repeat(inputs.values[None, :], 2, axis=0), np.zeros(1))
    with pytest.raises(InputError, match="asimov"):
        InputTests(inputs, data="expected")
    with pytest.raises(InputError, match="q5"):
        InputTests(inputs, test_stat="q5")
    free = HistFactoryModel.from_workspace(generate_workspace(1), poi=None)
    with pytest.raises(MissingPOIError):
        InputTests(ModelInputs(free, [("channel_0", "signal")]))


@pytest.mark.parametrize("data", ["observed", "asimov"])
def test_best_fit_and_its_uncertainty_have_the_gradients_of_differences(data):
    inputs = ModelInputs(shapes(), [KEYS[0], KEYS[1], KEYS[3], KEYS[5]])
    tests = InputTests(inputs, data=data)
    here = at(tests, inputs.values, 0.0)
    assert data == "asimov" or here.sigma_mu()[0] == pytest.approx(1.2928625125, abs=1e-9)
    expected = differences(
        lambda x: [(t := at(tests, x, 0.0)).tested.mu_hat[0], t.sigma_mu()[0]],
        inputs.values,
        0.1 * inputs.values,
    )
    found = [here.gradient_of_mu_hat()[0], here.gradient_of_sigma_mu()[0]]
    # A minimum is known to the root of what its value is known to.
    scale = np.abs(expected).max(axis=0)
    np.testing.assert_allclose(found, expected.T, rtol=0, atol=3e-6 * scale.max())


@pytest.mark.parametrize("keys", [[KEYS[0], KEYS[5]], [KEYS[0], KEYS[1], KEYS[4]]])
@pytest.mark.parametrize(
    ("data", "test_stat", "mu"), [("observed", "q0", 0.0), ("asimov", "q", 2.0)]
)
def test_second_derivatives_are_those_of_differences_of_gradients(keys, data, test_stat, mu):
    inputs = ModelInputs(shapes(), keys)
    tests = InputTests(inputs, test_stat=test_stat, data=data)
    direction = np.random.default_rng(4).standard_normal((1, inputs.size))
    point = inputs.values
    found = at(tests, point, mu).gradient_along(direction)[0]
    expected = differences(
        lambda t: at(tests, point + t[0] * direction[0], mu).gradient()[0],
        np.zeros(1),
        np.ones(1) * 0.1,
    )[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


def test_a_best_fit_at_its_bound_does_not_move():
    inputs = ModelInputs(shapes(0.0), [("c",), ("c", "s")])
    vector = np.concatenate([[40.0, 50.0, 35.0], inputs.values[3:]])
    found = at(InputTests(inputs, test_stat="qtilde"), vector, 1.0)
    assert found.tested.mu_hat[0] == 0.0
    assert not found.gradient_of_mu_hat().any()
    assert np.isnan(found.sigma_mu()[0])
