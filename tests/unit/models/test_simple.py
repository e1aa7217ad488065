"""Simple models have exact derivatives and refuse what they cannot use."""

import pickle
from math import e, inf, log, nan, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import InputError
from nextstat_core.models import (
    FunnelModel,
    GaussianMeanModel,
    ModelWithHessian,
    StatisticalModel,
    StdNormalModel,
)

MODELS = [
    GaussianMeanModel([1.0, 2.0, 4.0], 0.5),
    StdNormalModel(),
    StdNormalModel(3),
    FunnelModel(3),
]


def _name(model: ModelWithHessian) -> str:
    return f"{type(model).__name__}-{model.dim()}"


@pytest.mark.parametrize("model", MODELS, ids=_name)
def test_it_fulfils_the_contract(model: ModelWithHessian) -> None:
    assert isinstance(model, StatisticalModel)
    assert isinstance(model, ModelWithHessian)
    count = model.n_params()
    assert model.dim() == count
    assert len(model.parameter_names()) == len(set(model.parameter_names())) == count
    assert len(model.suggested_init()) == count
    assert model.suggested_bounds() == [(-inf, inf)] * count


@pytest.mark.parametrize("model", MODELS, ids=_name)
@given(data=st.data())
def test_derivatives_match_central_differences(
    model: ModelWithHessian, data: st.DataObject
) -> None:
    x = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=model.dim(), max_size=model.dim())))
    step = 1e-5
    shifts = step * np.eye(model.dim())
    slopes = [(model.nll(x + s) - model.nll(x - s)) / (2 * step) for s in shifts]
    rows = [
        (np.array(model.grad_nll(x + s)) - np.array(model.grad_nll(x - s))) / (2 * step)
        for s in shifts
    ]
    assert model.grad_nll(x) == pytest.approx(slopes, rel=1e-6, abs=1e-6)
    assert np.allclose(model.hessian(x), rows, rtol=1e-6, atol=1e-6)


def test_values_of_the_gaussian_mean() -> None:
    model = GaussianMeanModel([1.0, 2.0, 4.0], 0.5)
    assert model.nll([2.0]) == 0.5 * (4.0 + 0.0 + 16.0)
    assert model.parameter_names() == ["mu"]
    assert model.suggested_init() == [pytest.approx(7.0 / 3.0)]


def test_values_of_the_standard_normal() -> None:
    assert StdNormalModel().nll([3.0, 4.0]) == 12.5
    assert StdNormalModel().parameter_names() == ["x0", "x1"]


def test_the_funnel_keeps_its_constants() -> None:
    model = FunnelModel()
    expected = 0.5 * (2.0 / 3.0) ** 2 + log(3.0) + 0.5 * (9.0 / e**2 + 2.0) + log(2.0 * pi)
    assert model.nll([2.0, 3.0]) == pytest.approx(expected, rel=1e-14)
    assert model.parameter_names() == ["y", "x[1]"]
    assert model.suggested_init() == [0.0, 0.0]


@pytest.mark.parametrize("model", MODELS, ids=_name)
def test_a_parameter_that_is_no_number_gives_nan(model: ModelWithHessian) -> None:
    assert np.isnan(model.nll([nan] * model.dim()))


@pytest.mark.parametrize("model", MODELS, ids=_name)
def test_a_wrong_number_of_parameters_is_refused(model: ModelWithHessian) -> None:
    for method in (model.nll, model.grad_nll, model.hessian):
        with pytest.raises(InputError, match=rf"expected {model.dim()}, got {model.dim() + 1}"):
            method([0.0] * (model.dim() + 1))


@pytest.mark.parametrize("sigma", [0.0, -1.0, nan, inf])
def test_sigma_must_be_finite_and_positive(sigma: float) -> None:
    with pytest.raises(ValueError, match="sigma must be finite and > 0"):
        GaussianMeanModel([1.0], sigma)


@pytest.mark.parametrize(
    ("y", "message"),
    [([], "non-empty"), ([1.0, nan], "finite values"), (["a"], "as numbers"), ([[1.0]], "one-dim")],
)
def test_observations_must_be_numbers(y: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianMeanModel(y, 1.0)


def test_dimensions_must_be_large_enough_integers() -> None:
    with pytest.raises(InputError, match="dim must be >= 1; got 0"):
        StdNormalModel(0)
    with pytest.raises(InputError, match="dim must be >= 2; got 1"):
        FunnelModel(1)
    with pytest.raises(InputError, match="integer"):
        StdNormalModel(2.5)  # type: ignore[arg-type]


def test_models_do_not_share_data_with_the_caller() -> None:
    y = np.array([1.0, 3.0])
    model = GaussianMeanModel(y, 1.0)
    y[0] = 100.0
    assert model.nll([2.0]) == 1.0


def test_models_pickle() -> None:
    for model in MODELS:
        x = np.arange(1.0, model.dim() + 1.0)
        assert pickle.loads(pickle.dumps(model)).nll(x) == model.nll(x)
