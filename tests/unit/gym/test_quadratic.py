"""Rates that are quadratic in the parameters, against the model's own likelihood."""

import numpy as np
import pytest

from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_core.testing import generate_workspace
from nextstat_gym.quadratic import QuadraticLikelihood


def inputs_of(**recipe):
    workspace = generate_workspace(3, n_channels=2, n_bins=3, **recipe)
    model = HistFactoryModel.from_workspace(workspace)
    return ModelInputs(model, [("channel_1", "signal")])


@pytest.mark.parametrize("recipe", [{"shapesys": True}, {"staterror": True}, {"lumi": True}])
def test_values_and_gradients_are_those_of_the_model(recipe):
    inputs = inputs_of(**recipe)
    model, quick = inputs.model, QuadraticLikelihood.of(inputs)
    assert quick is not None
    rng = np.random.default_rng(1)
    theta = np.asarray(model.suggested_init()) * rng.uniform(0.8, 1.2, (4, model.n_params()))
    yields = np.repeat(inputs.values[None, :], 4, axis=0)
    value, gradient = quick.at(theta, yields)
    expected = np.array([model.nll(point) for point in theta])
    np.testing.assert_allclose(np.diff(value), np.diff(expected), rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(
        gradient, [model.grad_nll(point) for point in theta], rtol=1e-9, atol=1e-9
    )


def test_yields_enter_as_if_the_workspace_were_written_again():
    inputs = inputs_of(shapesys=False)
    quick = QuadraticLikelihood.of(inputs)
    theta = np.asarray([inputs.model.suggested_init()] * 2) * 1.1
    yields = inputs.values * np.array([[0.5, 1.5, 2.0], [3.0, 0.1, 1.0]])
    value, gradient = quick.at(theta, yields)
    models = [inputs.changed(row) for row in yields]
    expected = [model.nll(point) for model, point in zip(models, theta, strict=True)]
    assert value[1] - value[0] == pytest.approx(expected[1] - expected[0], rel=1e-10)
    slopes = [model.grad_nll(point) for model, point in zip(models, theta, strict=True)]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("recipe", [{"n_normsys": 1}, {"n_histosys": 1}])
def test_interpolated_rates_are_no_such_polynomials(recipe):
    assert QuadraticLikelihood.of(inputs_of(**recipe)) is None


def test_rates_that_are_too_low_are_left_to_others():
    inputs = inputs_of(shapesys=True)
    theta = np.asarray([inputs.model.suggested_init()])
    theta[0, inputs.model.poi_index()] = -1e6
    value, gradient = QuadraticLikelihood.of(inputs).at(theta, inputs.values[None, :])
    assert np.isnan(value).all()
    assert np.isnan(gradient).any()
