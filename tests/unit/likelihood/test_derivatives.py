"""Gradient, Hessian and Fisher information against differences and expectations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstat_core.testing import (
    StrictBackend,
    generate_workspace,
    growth,
    negative_rates,
    one_sided_bin,
)

RECIPES = {
    "systematics": {"n_normsys": 2, "n_histosys": 2},
    "systematics per channel": {"n_normsys": 1, "n_histosys": 2, "correlated": False},
    "histosys and normsys of one name": {"n_coupled": 2},
    "one-sided": {"n_one_sided": 2},
    "degenerate": {"n_degenerate": 1},
    "large normsys": {"n_large_normsys": 2, "n_samples": 4},
    "many free factors": {"n_normfactors": 3, "lumi": True, "n_samples": 2},
    "staterror": {"n_histosys": 1, "staterror": True},
    "staterror of both channels": {"n_normsys": 1, "shared_staterror": True},
    "shapesys": {"n_histosys": 1, "shapesys": True},
    "two gammas in a bin": {"n_histosys": 1, "staterror": True, "shapesys": True},
    "shapefactor": {"n_normsys": 1, "shapefactor": True},
    "shapefactor of both channels": {"shared_shapefactor": True, "shared_staterror": True},
    "three gammas in a bin": {
        "shapefactor": True, "staterror": True, "shapesys": True, "n_histosys": 1, "lumi": True
    },
    "zero bins": {"n_zero_bins": 2, "staterror": True, "n_histosys": 1},
    "empty bins": {"n_empty_bins": 2, "staterror": True, "n_histosys": 1},
    "negative bins": {"n_negative_bins": 2, "n_histosys": 2, "staterror": True},
    "negative sample": {"negative_sample": True, "staterror": True, "n_normsys": 2},
    "no events": {"n_unobserved_bins": 3, "staterror": True, "shapesys": True},
    "settings": {"custom_settings": True, "n_normsys": 2, "n_histosys": 2, "staterror": True},
    "one sample": {"n_samples": 1, "n_normsys": 1, "n_histosys": 1, "staterror": True},
    "one bin": {"n_channels": 1, "n_bins": 1, "n_histosys": 2, "shapesys": True},
    "everything": {
        "n_channels": 3, "n_bins": 3, "n_normfactors": 1, "n_normsys": 2, "n_histosys": 2,
        "n_coupled": 1, "n_one_sided": 2, "n_degenerate": 1, "n_large_normsys": 1, "lumi": True,
        "staterror": True, "shapesys": True, "shapefactor": True, "n_zero_bins": 1,
        "n_empty_bins": 1, "n_negative_bins": 1, "negative_sample": True, "n_unobserved_bins": 1,
        "custom_settings": True,
    },
}  # fmt: skip

CODES = [
    {"normsys": "code1", "histosys": "code0"},
    {"normsys": "code4", "histosys": "code2"},
    {"normsys": "code1", "histosys": "code4p"},
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_gradient_and_hessian_are_those_of_differences(case, recipe, seed):
    compiled = case(generate_workspace(seed, **recipe))
    compiled.check_derivatives(compiled.random(seed, spread=0.4))
    compiled.check_derivatives(compiled.random(seed + 10, spread=1.5), step=4e-4)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_derivatives_of_every_sample_in_every_bin_are_those_of_differences(case, recipe, backend):
    compiled = case(generate_workspace(7, **recipe), backend=backend)
    point, step = compiled.random(8, spread=0.4), 1e-3
    n = len(point)
    moves = [k * step * np.eye(n) for k in (-2, -1, 1, 2)]
    shifted = np.concatenate([point + move for move in moves], axis=1)
    yields = backend.to_numpy(compiled.compiled.expected_cells(backend.asarray(shifted)))
    far_down, down, up, far_up = np.split(yields, 4, axis=1)
    expected = (far_down - 8.0 * down + 8.0 * up - far_up) / (12.0 * step)
    jacobian = backend.to_numpy(compiled.compiled.cell_jacobian(backend.asarray(point)))
    size = np.abs(yields).max() + np.abs(expected).max()
    np.testing.assert_allclose(jacobian, expected, rtol=1e-9, atol=1e-10 * size)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_fisher_information_is_the_hessian_of_expected_data(case, recipe):
    compiled = case(generate_workspace(3, **recipe))
    layout = compiled.layout
    theta = compiled.random(4, spread=0.3)
    expected = compiled.observe(
        np.maximum(compiled.rates(theta), 0.0),
        center=theta[layout.gaussian],
        aux_count=layout.factor[:, None] * theta[layout.poisson],
    )
    fisher, hessian = compiled.fisher(theta)[0], compiled.hessian(theta, data=expected)[0]
    size = np.sqrt(np.diagonal(fisher)) + 1.0
    np.testing.assert_allclose(fisher / size / size[:, None], hessian / size / size[:, None],
                               rtol=0, atol=1e-11)  # fmt: skip
    assert np.linalg.eigvalsh(fisher / size / size[:, None]).min() > -1e-12


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_derivatives_hold_for_every_interpolation_code(case, codes, seed):
    workspace = generate_workspace(seed, n_normsys=2, n_histosys=2, n_coupled=1, staterror=True)
    compiled = case(workspace, interpolation=codes)
    compiled.check_derivatives(compiled.random(seed, spread=0.4))
    compiled.check_derivatives(compiled.random(seed, spread=2.0))


def test_derivatives_hold_for_codes_that_differ_between_modifiers_of_one_parameter(case):
    workspace = generate_workspace(5, n_histosys=3, n_coupled=2, n_samples=3)
    codes = {"histosys": "code4p", "histosys/histosys_1": "code0", "histosys/coupled_0": "code2"}
    compiled = case(workspace, interpolation=codes)
    compiled.check_derivatives(compiled.random(1, spread=0.4))
    compiled.check_derivatives(compiled.random(2, spread=2.0))


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    counts=st.fixed_dictionaries(
        {
            "n_channels": st.integers(1, 3),
            "n_bins": st.integers(1, 4),
            "n_samples": st.integers(2, 4),
            "n_normfactors": st.integers(0, 2),
            "n_normsys": st.integers(0, 3),
            "n_histosys": st.integers(0, 3),
            "n_coupled": st.integers(0, 1),
            "n_one_sided": st.integers(0, 2),
        }
    ),
    flags=st.sets(
        st.sampled_from(
            ["staterror", "shapesys", "shapefactor", "lumi", "negative_sample", "custom_settings"]
        )
    ),
)
def test_derivatives_hold_for_any_recipe(case, seed, counts, flags):
    workspace = generate_workspace(seed, **counts, **dict.fromkeys(flags, True))
    compiled = case(workspace)
    compiled.check_derivatives(compiled.random(seed, spread=0.5))


@pytest.mark.parametrize("mu", [0.0, 10.0])
@pytest.mark.parametrize("recipe", ["staterror", "large normsys", "many free factors"])
def test_derivatives_hold_with_the_signal_at_its_bound(case, recipe, mu):
    compiled = case(generate_workspace(6, **RECIPES[recipe]))
    theta = compiled.random(7, spread=0.4)
    theta[compiled.layout.poi] = mu
    compiled.check_derivatives(theta)


def test_derivatives_hold_where_the_bound_of_the_signal_leaves_no_rate(case):
    compiled = case(generate_workspace(6, **RECIPES["one sample"]))
    theta = compiled.random(7, spread=0.4)
    theta[compiled.layout.poi] = 0.0
    assert not compiled.rates(theta).any()
    # The logarithm is continued below a millionth of the nominal rate.
    compiled.check_derivatives(theta, step=1e-8)


@pytest.mark.parametrize("side", ["lower", "upper"])
@pytest.mark.parametrize("recipe", ["systematics", "staterror", "two gammas in a bin"])
def test_derivatives_hold_with_many_parameters_at_their_bounds(case, recipe, side):
    compiled = case(generate_workspace(8, **RECIPES[recipe]))
    theta, layout = compiled.random(9, spread=0.4), compiled.layout
    poisson = np.zeros(layout.n_parameters, dtype=bool)
    poisson[layout.poisson] = side == "lower"  # where a Poisson term has no smooth neighbourhood
    chosen = (np.arange(layout.n_parameters) % 3 == 0) & ~poisson
    chosen[layout.poi] = False
    theta[chosen, 0] = getattr(layout, side)[chosen]
    compiled.check_derivatives(theta)


@pytest.mark.parametrize("alpha", [-0.2, -0.33, -0.36, -0.7, -2.0])
@pytest.mark.parametrize("observed", [0.0, 1.0, 7.0])
def test_derivatives_hold_near_and_below_a_rate_of_zero(case, alpha, observed):
    compiled = case(negative_rates(observed))
    theta = compiled.start(mu=0.01, shape=alpha)
    rate = compiled.rates(theta)[0, 0]
    assert bool(rate < 0.0) is (alpha < -0.34)
    compiled.check_derivatives(theta, step=1e-4)


@pytest.mark.parametrize("alpha", [-1.5, -0.6, 0.3, 0.8, 1.4])
def test_derivatives_hold_where_the_polynomial_of_a_normsys_is_below_zero(case, workspace, alpha):
    steep = {"hi": 60.0, "lo": 1.0}
    compiled = case(
        workspace(
            {
                "bins": {
                    "signal": ([5.0, 3.0], ("mu", "normfactor", None)),
                    "steep": ([2.0, 4.0], ("a", "normsys", steep), ("k", "normfactor", None)),
                    "rest": ([50.0, 40.0], ("a", "normsys", {"hi": 1.1, "lo": 0.95})),
                }
            },
            {"bins": [60.0, 44.0]},
        )
    )
    below = compiled.start(a=-0.6, mu=0.0), compiled.start(a=-0.6, mu=0.0, k=0.0)
    assert compiled.rates(below[0])[0, 0] < compiled.rates(below[1])[0, 0]
    compiled.check_derivatives(compiled.start(a=alpha, k=0.8, mu=1.3))
    compiled.check_derivatives(compiled.start(a=alpha, k=0.0, mu=0.0))


@pytest.mark.parametrize("kind", ["histosys", "normsys"])
def test_curvature_of_a_one_sided_systematic_is_negative_at_its_start(case, kind):
    compiled = case(one_sided_bin(kind))
    theta = compiled.start()
    assert compiled.gradient(theta)[0, 0] == pytest.approx(0.0, abs=1e-12)
    compiled.check_derivatives(theta)
    assert compiled.hessian(theta)[0, 0, 0] < -10.0
    if kind == "histosys":
        assert compiled.hessian(theta)[0, 0, 0] == pytest.approx(1.0 - 0.6 * 2 * 56.25, rel=1e-9)


def test_more_than_eight_gammas_of_one_bin_stay_in_the_dense_part(case, workspace):
    samples = {f"s{i}": ([10.0 + i, 5.0], (f"gamma{i}", "shapesys", [2.0, 0.5])) for i in range(9)}
    samples["signal"] = ([3.0, 2.0], ("mu", "normfactor", None))
    compiled = case(workspace({"bins": samples}, {"bins": [130.0, 40.0]}))
    assert compiled.compiled.shape.n_dense == 19
    compiled.check_derivatives(compiled.random(1))


def test_components_of_eight_gammas_are_eliminated(case, workspace):
    samples = {f"s{i}": ([10.0 + i, 5.0], (f"gamma{i}", "shapesys", [2.0, 0.5])) for i in range(8)}
    samples["signal"] = ([3.0, 2.0], ("mu", "normfactor", None))
    compiled = case(workspace({"bins": samples}, {"bins": [130.0, 40.0]}))
    assert compiled.compiled.shape.n_dense == 1
    compiled.check_derivatives(compiled.random(1))


def test_gamma_that_is_the_parameter_of_interest_stays_in_the_dense_part(case, workspace):
    compiled = case(
        workspace(
            {
                "one": {
                    "signal": ([5.0], ("gamma", "shapefactor", None), ("mc", "staterror", [0.4])),
                    "rest": ([50.0], ("mc", "staterror", [4.0]), ("dd", "shapesys", [6.0])),
                }
            },
            {"one": [61.0]},
            poi="gamma",
        )
    )
    dense = compiled.compiled.shape.dense
    assert [compiled.layout.names[i] for i in dense] == ["gamma[0]"]
    compiled.check_derivatives(compiled.random(1))


@pytest.mark.parametrize("staterror", [False, True])
def test_derivatives_hold_for_channels_longer_than_a_tile(case, staterror):
    compiled = case(growth(4200, 4, bins_per_channel=4200, staterror=staterror))
    layout, step = compiled.layout, 1e-3
    theta = compiled.random(2, spread=0.3)
    some = [*range(5), *([5, 4000, 4100, 4204] if staterror else [])]
    moves = np.eye(layout.n_parameters)[:, some]
    ahead, behind = (compiled.gradient(theta + sign * step * moves) for sign in (1.0, -1.0))
    row = compiled.compiled.hessian(compiled.evaluate(theta), compiled.data)
    for i, column in enumerate(moves.T):
        product = row.multiply(column[None, :], compiled.backend)[0]
        expected = (ahead - behind)[:, i] / (2.0 * step)
        np.testing.assert_allclose(product, expected, rtol=1e-4, atol=1e-3 * np.abs(expected).max())


#: Most of their templates are zero, so that these are kept as lists of entries.
SPARSE = {
    "additions": {},
    "additions and logarithms": {"n_normsys": 1, "n_coupled": 1},
    "additions and free factors": {"n_normfactors": 2, "lumi": True, "n_large_normsys": 1},
    "additions and gammas": {"staterror": True, "n_coupled": 1},
    "additions and several gammas": {
        "shared_staterror": True, "shapesys": True, "shared_shapefactor": True, "n_normfactors": 1
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "codes", [None, {"histosys": "code0"}, {"histosys/histosys_0_channel_3": "code2"}]
)
@pytest.mark.parametrize("recipe", SPARSE.values(), ids=SPARSE.keys())
def test_derivatives_hold_where_most_templates_are_zero(case, recipe, codes):
    workspace = generate_workspace(
        2, n_channels=9, n_bins=2, n_histosys=2, correlated=False, **recipe
    )
    compiled = case(workspace, interpolation=codes)
    assert compiled.compiled.plan.additions.sparse is not None
    compiled.check_derivatives(compiled.random(3, spread=0.4))


def test_derivatives_hold_where_some_channels_have_sparse_templates_and_some_dense_ones(case):
    workspace = generate_workspace(2, n_channels=9, n_bins=2, n_histosys=2, correlated=False)
    full = generate_workspace(3, n_channels=1, n_bins=3, n_histosys=3, staterror=True)
    for part, name in (("channels", "dense"), ("observations", "dense")):
        full[part][0]["name"] = name
        workspace[part].append(full[part][0])
    compiled = case(workspace)
    compiled.check_derivatives(compiled.random(3, spread=0.4))


@pytest.mark.parametrize(
    "recipe", ["systematics", "histosys and normsys of one name", "three gammas in a bin",
               "large normsys", "shapefactor of both channels", "no events", "one sample"]
)  # fmt: skip
def test_other_array_libraries_give_the_same_numbers(case, recipe):
    workspace = generate_workspace(4, n_channels=2, n_bins=2, **RECIPES[recipe])
    plain, strict = case(workspace), case(workspace, backend=StrictBackend())
    theta = np.concatenate([plain.random(5), plain.random(6)], axis=1)
    np.testing.assert_allclose(strict.value(theta), plain.value(theta), rtol=1e-13)
    scale = np.abs(plain.hessian(theta)).max()
    for method in ("gradient", "hessian", "fisher"):
        ours, theirs = getattr(strict, method)(theta), getattr(plain, method)(theta)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("recipe", SPARSE.values(), ids=SPARSE.keys())
def test_other_array_libraries_give_the_same_numbers_where_most_templates_are_zero(case, recipe):
    workspace = generate_workspace(
        2, n_channels=9, n_bins=2, n_histosys=2, correlated=False, **recipe
    )
    plain, strict = case(workspace), case(workspace, backend=StrictBackend())
    theta = np.concatenate([plain.random(5), plain.random(6)], axis=1)
    np.testing.assert_allclose(strict.value(theta), plain.value(theta), rtol=1e-13)
    scale = np.abs(plain.hessian(theta)).max()
    for method in ("gradient", "hessian"):
        ours, theirs = getattr(strict, method)(theta), getattr(plain, method)(theta)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("codes", CODES)
def test_other_array_libraries_give_the_same_numbers_for_every_code(case, codes):
    workspace = generate_workspace(4, n_bins=2, n_normsys=1, n_histosys=1, n_coupled=1)
    plain = case(workspace, interpolation=codes)
    strict = case(workspace, interpolation=codes, backend=StrictBackend())
    theta = np.concatenate([plain.random(5), plain.random(6, spread=2.0)], axis=1)
    np.testing.assert_allclose(strict.value(theta), plain.value(theta), rtol=1e-13)
    for method in ("gradient", "hessian", "fisher"):
        ours, theirs = getattr(strict, method)(theta), getattr(plain, method)(theta)
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-9)


def test_one_float32_device_comes_close(case):
    workspace = generate_workspace(4, n_bins=2, n_normsys=1, n_histosys=1, staterror=True)
    plain, single = case(workspace), case(workspace, backend=StrictBackend("no_float64"))
    theta = plain.random(5)
    assert single.value(theta)[0] == pytest.approx(plain.value(theta)[0], rel=1e-4)
    expected = plain.gradient(theta)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(single.gradient(theta), expected, rtol=1e-3, atol=1e-4 * scale)
