"""Rows whose nominal yields differ equal models that are compiled anew."""

import itertools

import numpy as np
import pytest

from nextstat_core.ir import with_nominal
from nextstat_core.testing import generate_workspace

RECIPES = {
    "normsys only": {"n_normsys": 2},
    "histosys": {"n_histosys": 3, "n_normsys": 1},
    "several modifiers of one parameter": {"n_coupled": 2, "n_histosys": 1},
    "one-sided": {"n_one_sided": 2},
    "gammas": {"n_histosys": 2, "staterror": True, "shapesys": True},
    "sparse templates": {
        "n_histosys": 2, "n_channels": 9, "n_bins": 2, "correlated": False, "shapesys": True
    },
}  # fmt: skip
CODES = {
    "default": None,
    "code0": {"histosys": "code0", "normsys": "code1"},
    "code2": {"histosys": "code2"},
}
WAYS = [
    *itertools.product(RECIPES, CODES.values()),
    # Codes that differ between modifiers of one kind.
    ("histosys", {"histosys/histosys_0": "code0"}),
    ("gammas", {"histosys/histosys_0": "code0", "histosys/histosys_1": "code2"}),
]


def other_yields(compiled, channel, sample, rows):
    """Nominal yields of one sample, (rows, bins), and of all cells, (cells, rows)."""
    plan = compiled.compiled.plan
    cells = plan.cells_of_row(plan.row_names.index((channel, sample)))
    new = plan.nominal[cells] * np.random.default_rng(2).uniform(0.6, 1.5, size=(rows, len(cells)))
    nominal = np.repeat(plan.nominal[:, None], rows, axis=1)
    nominal[cells] = new.T
    return new, nominal


def compiled_anew(case, compiled, channel, sample, yields):
    """A case for each row, and the auxiliary data of all of them for the shared one."""
    cases = [case(with_nominal(compiled.model, channel, sample, row)) for row in yields]
    auxiliary = {
        "width": np.stack([one.layout.width for one in cases], axis=1),
        "aux_factor": np.stack([one.layout.factor for one in cases], axis=1),
        "aux_count": np.stack([one.layout.count for one in cases], axis=1),
    }
    return cases, auxiliary


@pytest.mark.parametrize("sample", ["bkg_1", "bkg_2", "signal"])
@pytest.mark.parametrize(("recipe", "codes"), WAYS)
def test_value_and_derivatives_are_those_of_the_model_written_again(case, recipe, codes, sample):
    compiled = case(generate_workspace(7, **RECIPES[recipe]), interpolation=codes)
    rows = 4
    yields, nominal = other_yields(compiled, "channel_1", sample, rows)
    cases, auxiliary = compiled_anew(case, compiled, "channel_1", sample, yields)
    theta = np.concatenate([compiled.random(seed, spread=0.8) for seed in range(rows)], axis=1)
    options = {"nominal": nominal, "data": compiled.observe(**auxiliary)}
    value, gradient = compiled.value(theta, **options), compiled.gradient(theta, **options)
    hessian, fisher = compiled.hessian(theta, **options), compiled.fisher(theta, **options)
    for row, anew in enumerate(cases):
        point = theta[:, row : row + 1]
        assert value[row] == pytest.approx(anew.value(point)[0], rel=1e-12)
        scale = np.abs(hessian[row]).max()
        for actual, expected in (
            (gradient[:, row], anew.gradient(point)[:, 0]),
            (hessian[row], anew.hessian(point)[0]),
            (fisher[row], anew.fisher(point)[0]),
        ):
            np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_derivatives_at_other_yields_are_those_of_differences(case, recipe):
    compiled = case(generate_workspace(8, **recipe))
    _, nominal = other_yields(compiled, "channel_0", "bkg_1", 1)
    compiled.check_derivatives(compiled.random(1, spread=0.5), nominal=nominal)


def test_the_original_yields_change_nothing(case):
    compiled = case(generate_workspace(9, n_histosys=2, n_normsys=1, staterror=True))
    theta = compiled.random(1)
    nominal = compiled.compiled.plan.nominal[:, None]
    np.testing.assert_allclose(
        compiled.value(theta, nominal=nominal), compiled.value(theta), rtol=1e-15
    )


def test_gradient_in_the_nominal_yields_is_that_of_differences(case):
    compiled = case(generate_workspace(10, n_histosys=2, n_coupled=1, shapesys=True))
    model, plan = compiled.compiled, compiled.compiled.plan
    theta, step = compiled.random(2, spread=0.5), 1e-4
    row = plan.row_names.index(("channel_1", "bkg_1"))
    at = compiled.evaluate(theta, 1)
    weights = model.kernel.cell_weights(at.rates, at.terms.slope, row)
    analytic = (weights * model.kernel.share_of_nominal(at.rates, row))[:, 0]
    for i, cell in enumerate(plan.cells_of_row(row)):
        ahead, behind = (np.array(plan.nominal[:, None]) for _ in range(2))
        ahead[cell] += step
        behind[cell] -= step
        values = [compiled.value(theta, nominal=x)[0] for x in (ahead, behind)]
        expected = (values[0] - values[1]) / (2.0 * step)
        assert analytic[i] == pytest.approx(expected, rel=1e-6, abs=1e-8)
