"""Models without a workspace go through the same optimizer; their minima are closed forms."""

import math

import numpy as np
import pytest

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer import FitOptions, fit, fit_minimum, fit_toys, poisson_toys
from nextstat_core.models import FunnelModel, GaussianMeanModel, ModelWithHessian, StdNormalModel


class Rates:
    """Poisson rates, each measured once: no Hessian, no derivative outside the bounds."""

    def __init__(self, counts, upper=math.inf, names=None):
        self._counts = np.asarray(counts, dtype=float)
        self._upper = upper
        self._names = names or [f"rate[{i}]" for i in range(len(counts))]

    def n_params(self):
        return len(self._counts)

    def dim(self):
        return self.n_params()

    def nll(self, params):
        return float(np.sum(params - self._counts * np.log(params)))

    def grad_nll(self, params):
        assert (np.asarray(params) > 0.0).all(), "evaluated outside the bounds"
        return (1.0 - self._counts / params).tolist()

    def parameter_names(self):
        return list(self._names)

    def suggested_init(self):
        return [1.0] * self.n_params()

    def suggested_bounds(self):
        return [(1e-3, self._upper)] * self.n_params()


def test_mean_of_gaussian_observations():
    model = GaussianMeanModel([1.0, 2.0, 4.0, 7.0], sigma=2.0)
    result = fit(model, init={"mu": 50.0})
    assert result.converged
    assert result["mu"].value == pytest.approx(3.5, abs=1e-12)
    assert result["mu"].error == pytest.approx(1.0, rel=1e-12)
    assert result.initial_nll == pytest.approx(model.nll([50.0]), rel=1e-14)
    assert result.nll == pytest.approx(model.nll([3.5]), rel=1e-14)


def test_standard_normals():
    result = fit(StdNormalModel(3), init_pars=[3.0, -2.0, 1.0])
    assert result.values == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert result.covariance == pytest.approx(np.eye(3), abs=1e-12)
    assert result.covariance_status == "full"


def test_standard_normals_inside_a_box():
    bounds = [(1.0, 5.0), (-3.0, -1.0), (-9.0, 9.0)]
    result = fit(StdNormalModel(3), bounds=bounds, init_pars=[3.0, -2.0, 1.0])
    assert result.values == pytest.approx([1.0, -1.0, 0.0], abs=1e-12)
    assert result.at_bound == (("x0", "lower"), ("x1", "upper"))
    assert result.nll == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_neck_of_the_funnel(dim):
    # d/dy: y / 9 + (dim - 1) / 2 = 0 at x = 0.
    neck = -4.5 * (dim - 1)
    result = fit(FunnelModel(dim), init={"y": 1.0, "x[1]": 2.0})
    assert result.converged
    assert result.values == pytest.approx([neck, *[0.0] * (dim - 1)], abs=1e-8)
    assert result.errors == pytest.approx([3.0, *[math.exp(neck / 2.0)] * (dim - 1)], rel=1e-6)


def test_rates_without_a_hessian_are_the_counts():
    counts = [4.0, 9.0, 100.0]
    model = Rates(counts)
    assert not isinstance(model, ModelWithHessian)
    result = fit(model)
    assert result.converged
    assert result.values == pytest.approx(counts, abs=1e-7)
    assert result.errors == pytest.approx(np.sqrt(counts), rel=1e-5)


def test_derivatives_are_taken_inside_the_bounds():
    result = fit(Rates([0.0, 9.0]))
    assert result.values == pytest.approx([1e-3, 9.0], abs=1e-7)
    assert result.at_bound == (("rate[0]", "lower"),)
    assert result["rate[1]"].error == pytest.approx(3.0, rel=1e-5)


def test_derivatives_use_the_room_that_wider_bounds_give():
    counts = [4.0, 9.0]
    result = fit(Rates(counts, upper=2.0), bounds=[(1e-3, 50.0)] * 2)
    assert result.values == pytest.approx(counts, abs=1e-7)
    assert result.errors == pytest.approx([2.0, 3.0], rel=1e-5)


def test_fixed_parameter_of_a_general_model_stays():
    result = fit(Rates([4.0, 9.0]), fixed={"rate[0]": 2.0})
    assert result.values == pytest.approx([2.0, 9.0], abs=1e-7)
    assert result.errors == pytest.approx([0.0, 3.0], rel=1e-5)
    assert result.fixed == (True, False)


def test_minimum_without_uncertainties_is_that_of_the_fit():
    model = Rates([4.0, 9.0])
    minimum = fit_minimum(model)
    np.testing.assert_array_equal(minimum.values, fit(model).values)
    assert minimum["rate[1]"] == pytest.approx(9.0, abs=1e-7)


def test_general_model_may_run_out_of_iterations():
    options = FitOptions(max_iterations=1)
    assert fit(FunnelModel(3), init={"x[1]": 5.0}, options=options).converged is False
    with pytest.raises(FitError, match="max_iterations"):
        fit(
            FunnelModel(3),
            init={"x[1]": 5.0},
            options=FitOptions(max_iterations=1, on_failure="raise"),
        )


def test_several_starts_of_a_general_model_end_in_its_minimum():
    result = fit(StdNormalModel(2), options=FitOptions(n_starts=5))
    assert result.values == pytest.approx([0.0, 0.0], abs=1e-12)


def test_general_models_have_neither_data_nor_toys():
    model = StdNormalModel(2)
    with pytest.raises(InputError, match="HistFactory models only"):
        fit(model, data=[1.0])
    for draw in (poisson_toys, fit_toys):
        with pytest.raises(InputError, match="found a StdNormalModel"):
            draw(model, [0.0, 0.0], n_toys=3)
