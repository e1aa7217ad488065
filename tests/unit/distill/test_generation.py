"""Datasets hold what the model and pyhf say."""

import numpy as np
import pyhf
import pytest

import nextstat
from nextstat.distill import METHODS, bounds_around, default_bounds, generate_dataset
from nextstat_core.errors import InputError
from nextstat_core.testing import generate_workspace


class Parabola:
    """A model without batches."""

    def n_params(self):
        return 2

    dim = n_params

    def parameter_names(self):
        return ["a", "b"]

    def suggested_init(self):
        return [0.0, 8.0]

    def suggested_bounds(self):
        return [(-np.inf, np.inf), (0.0, 10.0)]

    def nll(self, params):
        return 0.5 * float(params[0] ** 2 + (params[1] - 8.0) ** 2)

    def grad_nll(self, params):
        return [float(params[0]), float(params[1] - 8.0)]


@pytest.mark.parametrize("method", METHODS)
def test_values_and_gradients_are_those_of_the_model(model, box, method):
    ds = generate_dataset(model, 50, method=method, bounds=box, seed=1)
    for point, value, slope in zip(ds.parameters, ds.nll, ds.gradient, strict=True):
        assert value == pytest.approx(model.nll(point), rel=1e-13)
        assert slope == pytest.approx(model.grad_nll(point), rel=1e-11, abs=1e-11)


# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_values_are_those_of_pyhf_and_gradients_their_differences(model, workspace, box):
    settings = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
    reference = pyhf.Workspace(workspace).model(modifier_settings=settings)
    data = pyhf.Workspace(workspace).data(reference)
    order = model.pyhf_order()

    def value(point):
        return -float(reference.logpdf(point[order], data)[0])

    ds = generate_dataset(model, 16, bounds=box)
    assert ds.parameter_names == model.parameter_names()
    step = 1e-4
    for point, nll, slope in zip(ds.parameters, ds.nll, ds.gradient, strict=True):
        assert nll == pytest.approx(value(point), rel=1e-12)
        moves = step * np.eye(len(point))
        expected = [(value(point + each) - value(point - each)) / (2 * step) for each in moves]
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_the_box_is_the_models_at_most_five_from_the_start(model):
    box = default_bounds(model)
    assert box[0].tolist() == [0.0, 6.0]  # mu in [0, 10] starts at 1
    assert box[1].tolist() == [-5.0, 5.0]  # a constrained parameter
    ds = generate_dataset(model, 8)
    assert (ds.parameter_bounds == box).all()


def test_a_model_without_batches_is_evaluated_row_by_row():
    ds = generate_dataset(Parabola(), 100, batch_size=7)
    assert ds.parameter_bounds.tolist() == [[-5.0, 5.0], [3.0, 10.0]]
    x, y = ds.parameters.T
    assert ds.nll == pytest.approx(0.5 * (x**2 + (y - 8.0) ** 2), rel=1e-14)
    assert (ds.gradient == ds.parameters - [0.0, 8.0]).all()


def test_gradients_can_be_left_out(model, box, dataset):
    ds = generate_dataset(model, 2048, bounds=box, include_gradient=False)
    assert ds.gradient.shape == (0, 0)
    assert not ds.has_gradient
    assert ds.nll == pytest.approx(dataset.nll, rel=1e-14)


def test_threads_change_no_bit():
    model = nextstat.from_pyhf(generate_workspace(5, n_normsys=4, n_histosys=3, staterror=True))
    found = [generate_dataset(model, 1500, threads=threads) for threads in (1, 3)]
    assert found[0].nll.tobytes() == found[1].nll.tobytes()
    assert found[0].gradient.tobytes() == found[1].gradient.tobytes()


def test_blocks_of_any_size_hold_the_same(model, box, dataset):
    for size in (1, 100, 5000):
        ds = generate_dataset(model, 300, bounds=box, batch_size=size)
        assert ds.metadata["batch_size"] == size
        np.testing.assert_allclose(ds.nll, dataset.nll[:300], rtol=1e-13)
        np.testing.assert_allclose(ds.gradient, dataset.gradient[:300], rtol=1e-11, atol=1e-11)


def test_blocks_of_large_models_are_small(dataset):
    assert dataset.metadata["batch_size"] == 1024
    large = nextstat.from_pyhf(generate_workspace(0, n_bins=100, n_samples=20))
    rows = generate_dataset(large, 3).metadata["batch_size"]
    # No array of a block has more than 200,000 values.
    plan = large.compiled.plan
    assert 1 < rows * max(plan.n_cells, len(plan.contributions)) <= 200_000


def test_metadata_says_how(dataset, box):
    meta = dataset.metadata
    assert (meta["method"], meta["seed"], meta["n_samples"], meta["n_params"]) == (
        "sobol", 42, 2048, 5,
    )  # fmt: skip
    assert meta["backend"] == "numpy"
    assert meta["nll_min"] == dataset.nll.min()
    assert meta["nll_max"] == dataset.nll.max()
    assert meta["nll_mean"] == pytest.approx(dataset.nll.mean())
    assert (dataset.n_samples, dataset.n_params) == (2048, 5)
    assert (dataset.parameter_bounds == box).all()


def test_fixed_parameters_are_held(workspace):
    measurement = workspace["measurements"][0]["config"] | {
        "parameters": [{"name": "norm", "inits": [0.5], "fixed": True}]
    }
    document = workspace | {"measurements": [{"name": "m", "config": measurement}]}
    ds = generate_dataset(nextstat.from_pyhf(document), 16)
    assert (ds.parameters[:, 1] == 0.5).all()


def test_a_box_around_a_fit(model):
    result = nextstat.fit(model)
    box = bounds_around(model, result.parameters, result.uncertainties, n_sigma=2.0)
    assert box[0, 0] == 0.0  # the bound of mu is nearer than two standard deviations
    assert box[1, 1] == pytest.approx(result.parameters[1] + 2.0 * result.uncertainties[1])


def test_a_box_around_a_fit_that_leaves_a_parameter_open_is_the_models(model):
    width = [np.inf, 1.0, 1.0, 0.1, 0.1]
    box = bounds_around(model, model.suggested_init(), width)
    assert box[0].tolist() == [0.0, 10.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bounds": [[0.0, 1.0]]}, r"shape \(1, 2\); expected \(5, 2\)"),
        ({"bounds": [[0.0, np.inf]] * 5}, "'mu' are .* expected two finite numbers"),
        ({"bounds": [[1.0, 0.0]] * 5}, "the lower one first"),
        ({"method": "halton"}, "method must be one of"),
        ({"batch_size": 0}, "`batch_size` is 0"),
        ({"threads": 1.5}, "`threads` is 1.5"),
        ({"seed": "x"}, "`seed` is 'x'"),
    ],
)
def test_bad_arguments_are_refused(model, changes, message):
    with pytest.raises(InputError, match=message):
        generate_dataset(model, 8, **changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], [1.0] * 5), r"`center` has shape \(1,\)"),
        (([0.0] * 5, [1.0] * 4), r"`uncertainties` has shape \(4,\)"),
        (([np.nan] * 5, [1.0] * 5), "`center` has entries that are not finite"),
        (([0.0] * 5, [1.0, -1.0, 1.0, 1.0, 1.0]), r"`uncertainties\[1\]` is -1"),
        (([0.0] * 5, [np.nan] * 5), r"`uncertainties\[0\]` is nan"),
    ],
)
def test_boxes_without_sense_are_refused(model, arguments, message):
    with pytest.raises(InputError, match=message):
        bounds_around(model, *arguments)
    with pytest.raises(InputError, match="`n_sigma` is 0"):
        bounds_around(model, model.suggested_init(), [1.0] * 5, n_sigma=0)


def test_points_without_a_finite_likelihood_are_named():
    class Hole(Parabola):
        def nll(self, params):
            return np.inf if params[0] > 0 else super().nll(params)

    with pytest.raises(InputError, match=r"not finite at 4 of 8 points.*'a': .*\(-log L = inf\)"):
        generate_dataset(Hole(), 8)
