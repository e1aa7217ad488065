"""Rows of a batch are what they are alone; sums in twice the precision."""

import numpy as np
import pytest

from nextstat_core.backend import get_backend
from nextstat_core.testing import generate_workspace

RECIPE = {
    "n_channels": 3, "n_bins": 3, "n_normsys": 2, "n_histosys": 2, "n_coupled": 1, "lumi": True,
    "staterror": True, "shapesys": True, "shapefactor": True, "n_unobserved_bins": 1,
}  # fmt: skip


def many_points(compiled, rows):
    return np.concatenate([compiled.random(seed) for seed in range(rows)], axis=1)


def own_data(compiled, rows, seed=1):
    """Data and auxiliary data that differ between rows."""
    layout, generator = compiled.layout, np.random.default_rng(seed)
    center = layout.center[:, None] + layout.width[:, None] * generator.normal(
        size=(len(layout.center), rows)
    )
    return {
        "main": generator.poisson(compiled.main[:, None], size=(len(compiled.main), rows)) * 1.0,
        "center": center,
        "aux_count": generator.poisson(layout.count[:, None], size=(len(layout.count), rows)) * 1.0,
        "width": layout.width[:, None] * generator.uniform(0.8, 1.2, size=center.shape),
        "aux_factor": layout.factor[:, None]
        * generator.uniform(0.8, 1.2, size=(len(layout.factor), rows)),
    }


def single(given, row):
    return {name: values[:, row : row + 1] for name, values in given.items()}


@pytest.mark.parametrize("rows", [1, 7])
def test_rows_of_a_batch_equal_single_rows(case, backend, rows):
    compiled = case(generate_workspace(3, **RECIPE), backend=backend)
    theta, given = many_points(compiled, rows), own_data(compiled, rows)
    data = compiled.observe(**given)
    constant = backend.to_numpy(compiled.compiled.constant(data))
    value, gradient = compiled.value(theta, data=data), compiled.gradient(theta, data=data)
    hessian, fisher = compiled.hessian(theta, data=data), compiled.fisher(theta, data=data)
    for row in range(0, rows, 3):
        alone, own = theta[:, row : row + 1], compiled.observe(**single(given, row))
        assert compiled.value(alone, data=own)[0] == pytest.approx(value[row], rel=1e-13)
        own_constant = backend.to_numpy(compiled.compiled.constant(own))[0]
        assert own_constant == pytest.approx(constant[row], rel=1e-13)
        scale = np.abs(hessian[row]).max()
        for actual, expected in (
            (compiled.gradient(alone, data=own)[:, 0], gradient[:, row]),
            (compiled.hessian(alone, data=own)[0], hessian[row]),
            (compiled.fisher(alone, data=own)[0], fisher[row]),
        ):
            np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-13 * scale)


def test_derivatives_hold_for_data_and_widths_of_a_row(case):
    compiled = case(generate_workspace(3, **RECIPE))
    data = compiled.observe(**single(own_data(compiled, 2), 1))
    compiled.check_derivatives(compiled.random(1, spread=0.4), data=data)


def test_rows_share_one_column_of_data(case):
    compiled = case(generate_workspace(3, **RECIPE))
    theta = many_points(compiled, 5)
    layout = compiled.layout
    repeated = compiled.observe(
        np.tile(compiled.main[:, None], 5), center=np.tile(layout.center[:, None], 5)
    )
    np.testing.assert_array_equal(compiled.value(theta), compiled.value(theta, data=repeated))
    np.testing.assert_array_equal(compiled.hessian(theta), compiled.hessian(theta, data=repeated))


def test_rows_of_observations_can_be_chosen(case):
    compiled = case(generate_workspace(3, **RECIPE))
    backend = compiled.backend
    given = own_data(compiled, 6)
    given["center"] = given["center"][:, :1]
    theta, picked = many_points(compiled, 6), [4, 0, 4]
    some = compiled.observe(**given).rows(backend.indices(picked), backend)
    expected = compiled.value(theta, data=compiled.observe(**given))[picked]
    np.testing.assert_allclose(compiled.value(theta[:, picked], data=some), expected, rtol=1e-14)


def test_lower_orders_give_the_same_value_and_gradient(case):
    compiled = case(generate_workspace(3, **RECIPE))
    theta = many_points(compiled, 4)
    whole = compiled.evaluate(theta, 2)
    np.testing.assert_array_equal(compiled.evaluate(theta, 0).nll, whole.nll)
    np.testing.assert_array_equal(compiled.evaluate(theta, 1).gradient, whole.gradient)
    assert compiled.evaluate(theta, 0).gradient is None


def test_arguments_are_not_changed(case):
    compiled = case(generate_workspace(3, **RECIPE))
    theta, given = many_points(compiled, 4), own_data(compiled, 4)
    before = theta.copy(), {name: values.copy() for name, values in given.items()}
    data = compiled.observe(**given)
    for _ in range(2):
        compiled.hessian(theta, data=data)
        compiled.fisher(theta, data=data)
    np.testing.assert_array_equal(theta, before[0])
    for name, values in before[1].items():
        np.testing.assert_array_equal(given[name], values)


def test_a_bad_row_spoils_no_other(case):
    compiled = case(generate_workspace(3, **RECIPE))
    theta = many_points(compiled, 3)
    expected = compiled.value(theta), compiled.gradient(theta), compiled.hessian(theta)
    theta[2, 1] = np.nan
    value, gradient, hessian = (
        compiled.value(theta), compiled.gradient(theta), compiled.hessian(theta)
    )  # fmt: skip
    assert np.isnan(value[1])
    np.testing.assert_array_equal(value[[0, 2]], expected[0][[0, 2]])
    np.testing.assert_array_equal(gradient[:, [0, 2]], expected[1][:, [0, 2]])
    np.testing.assert_allclose(hessian[[0, 2]], expected[2][[0, 2]], rtol=0, atol=1e-8)


@pytest.mark.parametrize("rows", [1, 7])
def test_precise_sums_equal_fast_ones(case, rows):
    workspace = generate_workspace(3, **RECIPE)
    fast, precise = case(workspace), case(workspace, precise=True)
    theta = many_points(fast, rows)
    np.testing.assert_allclose(precise.value(theta), fast.value(theta), rtol=1e-13)
    scale = np.abs(fast.hessian(theta)).max()
    for method in ("gradient", "hessian"):
        actual, expected = getattr(precise, method)(theta), getattr(fast, method)(theta)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-13 * scale)


def test_precision_and_backend_can_be_changed_afterwards(case, backend):
    compiled = case(generate_workspace(3, **RECIPE))
    theta = compiled.random(1)
    value = compiled.value(theta)[0]
    model = compiled.compiled
    assert model.with_precision(precise=False) is model
    for other in (model.with_precision(precise=True), model.with_backend(backend)):
        data = other.observe(other.backend.asarray(compiled.main[:, None]))
        nll = other.evaluate(other.backend.asarray(theta), data, 0).nll
        assert float(nll[0]) == pytest.approx(value, rel=1e-13)
    assert model.with_precision(precise=True).with_backend(get_backend("numpy")).precise


def test_expected_data_are_in_the_order_of_the_main_data(case, workspace):
    compiled = case(
        workspace(
            {
                "z": {"s": ([1.0, 2.0], ("mu", "normfactor", None))},
                "a": {
                    "s": ([3.0], ("mu", "normfactor", None)),
                    "b": ([30.0], ("k", "normfactor", None)),
                },
                "m": {"s": ([5.0, 6.0], ("mu", "normfactor", None))},
            },
            {"z": [1.0, 2.0], "a": [33.0], "m": [5.0, 6.0]},
        )
    )
    np.testing.assert_array_equal(compiled.main, [33.0, 5.0, 6.0, 1.0, 2.0])
    rates = compiled.rates(compiled.start(mu=2.0))[:, 0]
    np.testing.assert_allclose(rates, [36.0, 10.0, 12.0, 2.0, 4.0], rtol=1e-15)


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_value_and_constant_make_the_log_likelihood_of_pyhf(case):
    import pyhf

    workspace = generate_workspace(5, **RECIPE)
    compiled = case(workspace)
    model = pyhf.Workspace(workspace).model()
    names = model.config.par_names
    constant = compiled.backend.to_numpy(compiled.compiled.constant(compiled.data))[0]
    for seed in range(3):
        theta = compiled.random(seed, spread=0.5)
        parameters = [theta[compiled.index(name), 0] for name in names]
        data = pyhf.Workspace(workspace).data(model)
        expected = -float(model.logpdf(parameters, data)[0])
        assert compiled.value(theta)[0] + constant == pytest.approx(expected, rel=1e-11)
