"""Minima of likelihoods that are difficult, and whose answer is known."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from nextstat_core.optimize import Options, Status, newton
from nextstat_core.testing import (
    coupled_histosys,
    degenerate_pair,
    generate_workspace,
    many_channels,
    negative_rates,
    one_sided_bin,
    unidentified_pair,
)


def test_one_sided_histosys_ends_in_a_minimum_and_not_at_its_start(likelihood):
    case = likelihood(one_sided_bin())
    found = newton(case.problem())
    assert found.status[0] == Status.EDM
    assert case.twice_nll(found)[0] == pytest.approx(12.17, abs=0.005)
    assert 2.0 * (found.initial_value[0] - found.value[0]) == pytest.approx(39.15 - 12.17, abs=0.01)


@pytest.mark.parametrize("kind", ["histosys", "normsys"])
@pytest.mark.parametrize("profile", [False, True])
def test_one_sided_systematics_reach_the_lowest_point_of_a_scan(likelihood, kind, profile):
    case = likelihood(one_sided_bin(kind))
    found = newton(case.problem(profile=profile))
    data = case.compiled.observe(case.main)
    scan = case.compiled.evaluate(np.linspace(-5.0, 5.0, 4001)[None, :], data, 0).nll
    assert found.status[0] == Status.EDM
    assert found.value[0] <= scan.min() + 1e-12


@pytest.mark.parametrize("codes", [{"histosys": "code0"}, {"histosys": "code2"}])
def test_one_sided_histosys_with_other_codes_reach_the_lowest_point_of_a_scan(likelihood, codes):
    case = likelihood(one_sided_bin(), interpolation=codes)
    found = newton(case.problem())
    data = case.compiled.observe(case.main)
    scan = case.compiled.evaluate(np.linspace(-5.0, 5.0, 4001)[None, :], data, 0).nll
    assert found.status[0] == Status.EDM
    assert found.value[0] <= scan.min() + 1e-12


def test_both_minima_of_two_channels_are_found_from_their_sides(likelihood):
    case = likelihood(coupled_histosys())
    found = newton(case.problem(start=np.asarray([[0.0], [-1.5], [1.2]])))
    np.testing.assert_array_equal(found.status, Status.EDM)
    np.testing.assert_allclose(found.x[1:, 0], [-1.8745, 1.139], rtol=0, atol=2e-3)
    assert 2.0 * (found.value[2] - found.value[1]) == pytest.approx(1.61, abs=0.01)


def test_degenerate_twins_share_their_pull(likelihood):
    case = likelihood(degenerate_pair())
    found = newton(case.problem())
    a, b = (found.x[0, case.index(name)] for name in ("twin_a", "twin_b"))
    assert found.status[0] == Status.EDM
    assert a == pytest.approx(b, abs=1e-9)


def test_flat_direction_ends_in_a_point_of_the_valley(likelihood):
    case = likelihood(unidentified_pair())
    found = newton(case.problem())
    k = [found.x[0, case.index(name)] for name in ("k_a", "k_b")]
    assert found.status[0] == Status.EDM
    assert found.x[0, case.index("mu")] == pytest.approx(0.75, abs=1e-5)
    assert k[0] * k[1] == pytest.approx(1.125, abs=1e-6)


@pytest.mark.parametrize("observed", [0.0, 1.0, 3.0])
def test_minimum_near_a_rate_of_zero_is_that_of_a_scan(likelihood, observed):
    case = likelihood(negative_rates(observed))
    found = newton(case.problem())
    data = case.compiled.observe(case.main)

    def profiled(alpha):
        def value(mu):
            theta = np.empty((2, 1))
            theta[case.index("mu")], theta[case.index("shape")] = mu, alpha
            return case.compiled.evaluate(theta, data, 0).nll[0]

        return minimize_scalar(value, bounds=(0.0, 10.0), method="bounded").fun

    assert found.status[0] == Status.EDM
    assert found.value[0] <= min(profiled(alpha) for alpha in np.linspace(-2.0, 2.0, 201)) + 1e-9


def test_background_only_data_hold_the_signal_at_its_bound(likelihood):
    case = likelihood(many_channels(4))
    data = case.main - np.where(np.arange(len(case.main)) % 2 == 0, 4.0, 0.0)[:, None]
    found = newton(case.problem(data))
    mu = case.index("mu")
    assert found.status[0] == Status.EDM
    assert found.x[0, mu] == 0.0
    assert found.held[0, mu] == -1
    assert found.gradient[0, mu] == 0.0
    # With mu = 0 every gamma has its closed form (n + tau) / (rate + tau).
    layout, nominal = case.layout, case.compiled.plan.nominal[1::2]
    tau = layout.factor
    names = [layout.names[i] for i in layout.poisson]
    expected = {
        f"shapesys_ch{c:02d}[{b}]": (data[4 * c + b, 0] + tau[4 * c + b])
        / (nominal[4 * c + b] + tau[4 * c + b])
        for c in range(4)
        for b in range(4)
    }
    found_gammas = dict(zip(names, found.x[0, layout.poisson], strict=True))
    assert found_gammas == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("counts", [95.0, 100.0, 104.0, 113.0, 140.0])
@pytest.mark.parametrize("kind", ["normsys", "histosys"])
def test_minimum_on_a_kink_is_reported_as_held(likelihood, kind, counts):
    # Both sides raise the rate: only an excess moves the parameter.
    data = {"hi": 1.1, "lo": 1.05}
    if kind == "histosys":
        data = {"hi_data": [110.0], "lo_data": [105.0]}
    workspace = one_sided_bin()
    workspace["channels"][0]["samples"][0]["modifiers"] = [
        {"name": "bent", "type": kind, "data": data}
    ]
    workspace["observations"][0]["data"] = [counts]
    case = likelihood(workspace, interpolation={"normsys": "code1", "histosys": "code0"})
    found = newton(case.problem())
    data = case.compiled.observe(case.main)
    scan = case.compiled.evaluate(np.linspace(-5.0, 5.0, 10001)[None, :], data, 0).nll
    assert found.status[0] == Status.EDM
    if counts <= 100.0:
        assert found.x[0, 0] == 0.0
        assert found.held[0, 0] == 2
        assert found.gradient[0, 0] == 0.0
    else:
        # The start is a downward kink: it is left for the deeper side.
        assert found.x[0, 0] != 0.0
        assert found.held[0, 0] == 0
    assert found.value[0] <= scan.min() + 1e-9


RECIPES = {
    "systematics": {"n_normsys": 2, "n_histosys": 2, "n_normfactors": 1},
    "gammas": {"n_histosys": 2, "staterror": True, "shapesys": True},
    "shapefactor": {"shapefactor": True, "staterror": True, "n_normsys": 1},
    "one-sided": {"n_one_sided": 3, "n_normsys": 1},
    "large": {"n_large_normsys": 2, "n_samples": 4, "staterror": True},
    "negative": {"n_negative_bins": 2, "negative_sample": True, "n_histosys": 2, "shapesys": True},
    "empty": {"n_unobserved_bins": 3, "n_empty_bins": 1, "n_zero_bins": 1, "staterror": True},
    "settings": {"custom_settings": True, "n_histosys": 3, "n_coupled": 1, "lumi": True},
}


@pytest.mark.parametrize("profile", [False, True])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_minimum_is_not_above_that_of_scipy(likelihood, recipe, seed, profile):
    case = likelihood(generate_workspace(seed, **recipe))
    layout = case.layout
    found = newton(case.problem(profile=profile))
    data = case.compiled.observe(case.main)

    def both(x):
        at = case.compiled.evaluate(x[:, None], data, 1)
        return at.nll[0], at.gradient[:, 0]

    bounds = [
        (start, start) if fixed else (low, high)
        for start, fixed, low, high in zip(
            layout.init, layout.fixed, layout.lower, layout.upper, strict=True
        )
    ]
    theirs = minimize(both, layout.init, jac=True, method="L-BFGS-B", bounds=bounds)
    assert found.status[0] == Status.EDM
    assert found.edm[0] < 1e-8
    assert found.value[0] <= theirs.fun + 1e-7
    value, gradient = both(found.x[0])
    assert value == pytest.approx(found.value[0], abs=1e-10)
    free = ~layout.fixed & (found.held[0] == 0)
    np.testing.assert_allclose(gradient[free], found.gradient[0, free], rtol=0, atol=1e-7)
    assert np.abs(gradient[free]).max() < 1e-3


def test_conditional_fits_of_a_scan_equal_single_fits(likelihood):
    case = likelihood(generate_workspace(4, n_histosys=2, n_normsys=1, staterror=True))
    mu = case.index("mu")
    start = np.repeat(case.layout.init[None, :], 9, axis=0)
    start[:, mu] = np.linspace(0.0, 4.0, 9)
    fixed = np.zeros(start.shape, dtype=bool)
    fixed[:, mu] = True
    found = newton(case.problem(start=start, fixed=fixed))
    np.testing.assert_array_equal(found.status, Status.EDM)
    np.testing.assert_array_equal(found.x[:, mu], start[:, mu])
    for row in range(9):
        alone = newton(case.problem(start=start[row : row + 1], fixed=fixed[row : row + 1]))
        assert found.value[row] == pytest.approx(alone.value[0], abs=1e-10)
        np.testing.assert_allclose(found.x[row], alone.x[0], rtol=0, atol=1e-7)


def test_a_signal_fixed_below_its_bound_stays_there(likelihood):
    case = likelihood(generate_workspace(4, n_histosys=1, staterror=True))
    mu = case.index("mu")
    start = case.layout.init[None, :].copy()
    start[0, mu] = -0.3
    fixed = np.zeros(start.shape, dtype=bool)
    fixed[0, mu] = True
    found = newton(case.problem(start=start, fixed=fixed))
    assert found.status[0] == Status.EDM
    assert found.x[0, mu] == -0.3


def test_toys_fitted_together_equal_toys_fitted_alone(likelihood):
    case = likelihood(generate_workspace(5, n_histosys=2, staterror=True, shapesys=True))
    toys = case.toys(12)
    found = newton(case.problem(**toys))
    np.testing.assert_array_equal(found.status, Status.EDM)
    for row in range(12):
        own = {name: values[:, row : row + 1] for name, values in toys.items()}
        alone = newton(case.problem(**own))
        assert found.value[row] == pytest.approx(alone.value[0], abs=1e-9)
        np.testing.assert_allclose(found.x[row], alone.x[0], rtol=0, atol=1e-6)


def test_closed_form_takes_no_more_steps(likelihood):
    case = likelihood(many_channels(10))
    toys = case.toys(10)
    plain = newton(case.problem(**toys, profile=False))
    moved = newton(case.problem(**toys))
    np.testing.assert_allclose(moved.value, plain.value, rtol=0, atol=1e-9)
    assert moved.n_iterations.sum() < plain.n_iterations.sum()


def test_options_reach_the_likelihood(likelihood):
    case = likelihood(generate_workspace(5, n_histosys=2, staterror=True, shapesys=True))
    found = newton(case.problem(), Options(max_iterations=1, tolerance=1e-30))
    assert found.status[0] == Status.MAX_ITERATIONS
    assert found.edm[0] > 0.0
