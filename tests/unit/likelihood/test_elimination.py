"""Elimination of bin-local parameters: Schur complement and closed form."""

import numpy as np
import pytest
from scipy.optimize import brentq

from nextstat_core.likelihood import Movable
from nextstat_core.linalg import factorize
from nextstat_core.testing import generate_workspace, many_channels

MU = ("mu", "normfactor", None)


def stat(*data):
    return ("mc", "staterror", list(data))


def shape(*data):
    return ("dd", "shapesys", list(data))


#: What each workspace holds: {channel: {sample: (nominal, *modifiers)}}, observed counts.
SPECIFICATIONS = {
    "staterror over three samples with a fourth outside": (
        {
            "bins": {
                "signal": ([5.0, 8.0], MU, stat(1.0, 0.5)),
                "first": ([50.0, 20.0], stat(4.0, 2.0)),
                "second": ([30.0, 0.0], stat(3.0, 0.0), ("a", "normsys", {"hi": 1.1, "lo": 0.9})),
                "outside": ([12.0, 6.0],),
            }
        },
        {"bins": [105.0, 22.0]},
    ),
    "shapesys": (
        {"bins": {"signal": ([5.0, 8.0], MU), "first": ([50.0, 20.0], shape(5.0, 4.0))}},
        {"bins": [66.0, 25.0]},
    ),
    "two gammas in a bin": (
        {
            "bins": {
                "signal": ([5.0, 8.0], MU),
                "first": ([50.0, 20.0], shape(5.0, 4.0), stat(2.0, 1.0)),
                "second": ([7.0, 9.0], stat(1.0, 1.0)),
            }
        },
        {"bins": [66.0, 25.0]},
    ),
    "staterror and shapefactor shared by two channels": (
        {
            "one": {
                "signal": ([5.0, 8.0], MU),
                "first": ([50.0, 20.0], stat(2.0, 1.0), ("free", "shapefactor", None)),
            },
            "two": {
                "signal": ([1.0, 2.0], MU),
                "first": ([60.0, 70.0], stat(2.0, 1.0)),
                "second": ([9.0, 8.0], ("free", "shapefactor", None)),
            },
        },
        {"one": [66.0, 25.0], "two": [71.0, 75.0]},
    ),
    "zero bins": (
        {
            "bins": {
                "signal": ([5.0, 0.0, 3.0], MU),
                "first": ([50.0, 20.0, 0.0], stat(2.0, 0.0, 0.0), shape(5.0, 0.0, 0.0)),
            }
        },
        {"bins": [66.0, 25.0, 2.0]},
    ),
    "no events": (
        {
            "bins": {
                "signal": ([5.0, 8.0], MU, stat(1.0, 2.0)),
                "first": ([50.0, 20.0], stat(9.0, 4.0)),
                "second": ([3.0, 4.0],),
            },
            "more": {"signal": ([2.0, 1.0], MU), "first": ([3.0, 4.0], shape(1.0, 2.0))},
        },
        {"bins": [0.0, 3.0], "more": [0.0, 4.0]},
    ),
    "other samples below zero": (
        {
            "bins": {
                "first": ([50.0, 20.0], stat(9.0, 4.0)),
                "rest": ([-20.0, -15.0], ("mu", "normfactor", None)),
            },
            "more": {
                "first": ([9.0, 4.0], shape(2.0, 2.0)),
                "rest": ([-3.0, -3.9], ("mu", "normfactor", None)),
            },
        },
        {"bins": [31.0, 4.0], "more": [7.0, 2.0]},
    ),
    "scaled sample below zero": (
        {
            "bins": {
                "first": ([-10.0, -3.0], ("mc", "staterror", [4.0, 2.0])),
                "rest": ([60.0, 9.0], MU),
            },
            "more": {
                "first": ([9.0, 6.0], ("h", "histosys", {"hi_data": [-4, 1], "lo_data": [22, 11]}),
                          shape(3.0, 2.0)),
                "rest": ([20.0, 7.0], MU),
            },
        },
        {"bins": [55.0, 5.0], "more": [24.0, 14.0]},
    ),
}  # fmt: skip


@pytest.fixture(params=SPECIFICATIONS.values(), ids=SPECIFICATIONS.keys())
def compiled(request, case, workspace):
    return case(workspace(*request.param))


def both_forms(compiled, theta, **options):
    data = options.get("data", compiled.data)
    matrix = compiled.compiled.hessian(compiled.evaluate(theta, **options), data)
    return matrix, matrix.full(compiled.backend)


def enough_damping(full):
    """What makes the rows positive definite: products of mu and gamma alone are not."""
    lowest = np.linalg.eigvalsh(full)[:, 0]
    return np.repeat((1.0 + 1.1 * np.maximum(-lowest, 0.0))[:, None], full.shape[1], axis=1)


def check_against_dense(compiled, matrix, full, free, damping):
    rows, n = free.shape
    factor = factorize(matrix, compiled.backend, free=free, damping=damping)
    both = free[:, :, None] & free[:, None, :]
    dense = np.where(both, full + damping[:, :, None] * np.eye(n), 0.0)
    dense += np.eye(n) * ~free[:, :, None]
    scale = np.sqrt(np.abs(np.diagonal(dense, axis1=1, axis2=2)))
    unit = dense / scale[:, :, None] / scale[:, None, :]
    expected_ok = np.linalg.eigvalsh(unit)[:, 0] > 0.0
    np.testing.assert_array_equal(factor.ok, expected_ok)
    rhs = np.random.default_rng(5).normal(size=(rows, n)) * scale
    inverse = np.where(both, np.linalg.inv(unit), 0.0) / scale[:, :, None] / scale[:, None, :]
    solution = factor.solve(rhs)
    ok = np.flatnonzero(expected_ok)
    assert len(ok)
    for row in ok:
        condition = np.linalg.cond(unit[row])
        allowed = 1e-15 * n * condition
        expected = inverse[row] @ rhs[row]
        size = np.abs(expected * scale[row]).max()
        np.testing.assert_allclose(
            solution[row] * scale[row], expected * scale[row], rtol=0, atol=allowed * size + 1e-300
        )
        found = factor.inverse().full()[row] * scale[row][:, None] * scale[row]
        wanted = inverse[row] * scale[row][:, None] * scale[row]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed * np.abs(wanted).max())
        edm = 0.5 * rhs[row] @ solution[row]
        assert edm == pytest.approx(0.5 * rhs[row] @ expected, rel=max(allowed, 1e-12))


def test_schur_complement_is_the_dense_solution(compiled):
    rows = 6
    theta = np.concatenate([compiled.random(seed, spread=0.6) for seed in range(rows)], axis=1)
    matrix, full = both_forms(compiled, theta)
    n = full.shape[1]
    check_against_dense(
        compiled, matrix, full, np.ones((rows, n), dtype=bool), enough_damping(full)
    )


def test_schur_complement_with_gammas_fixed_in_half_of_the_rows(compiled):
    rows = 6
    theta = np.concatenate([compiled.random(seed, spread=0.6) for seed in range(rows)], axis=1)
    matrix, full = both_forms(compiled, theta)
    n = full.shape[1]
    free = np.random.default_rng(2).random((rows, n)) < 0.7
    free[::2] = True
    check_against_dense(compiled, matrix, full, free, enough_damping(full))


@pytest.mark.parametrize("seed", range(4))
def test_schur_complement_is_the_dense_solution_on_generated_models(case, seed):
    recipe = {"n_histosys": 2, "n_normsys": 1, "staterror": True, "shapesys": seed % 2 == 0}
    compiled = case(generate_workspace(seed, n_channels=3, **recipe))
    theta = np.concatenate([compiled.random(s, spread=0.2) for s in range(5)], axis=1)
    matrix, full = both_forms(compiled, theta)
    free = np.random.default_rng(seed).random(full.shape[:2]) < 0.8
    check_against_dense(compiled, matrix, full, free, np.zeros(free.shape))


# -- closed form ----------------------------------------------------------------------------------


def movable(compiled, rows, *, data=None, free=None, lower=None, upper=None):
    layout = compiled.layout
    everything = np.repeat(~layout.fixed[:, None], rows, axis=1)
    return Movable(
        compiled.data if data is None else data,
        layout.lower[:, None] if lower is None else lower,
        layout.upper[:, None] if upper is None else upper,
        everything if free is None else free,
    )


def moved(compiled, theta, **options):
    limits = movable(compiled, theta.shape[1], **options)
    evaluation = compiled.compiled.evaluate(theta, limits.observations, 2, movable=limits)
    return evaluation, limits


def solo(compiled):
    return compiled.compiled.local.solo


def column(values, row):
    return values[:, row if values.shape[1] > 1 else 0]


def conditional_optimum(compiled, theta, parameter, row, limits):
    """Minimum in one parameter, from the zero of an independent derivative."""
    layout, data = compiled.layout, limits.observations
    at = np.repeat(theta[:, row : row + 1], 2, axis=1)
    at[parameter] = [0.0, 1.0]
    order = compiled.compiled.plan.bin_order
    rates = compiled.rates(at)[order]
    a, c = rates[:, 1] - rates[:, 0], rates[:, 0]
    count = column(data.count, row)
    floor = compiled.backend.to_numpy(compiled.compiled.floor)[:, 0]

    def slope(x):
        nu = a * x + c
        inside = np.maximum(nu, floor)
        total = np.sum(a * (1.0 - count / inside * (1.0 - (nu - inside) / floor)))
        if parameter in layout.gaussian:
            i = int(np.flatnonzero(layout.gaussian == parameter)[0])
            return total + (x - column(data.center, row)[i]) / column(data.width, row)[i] ** 2
        i = int(np.flatnonzero(layout.poisson == parameter)[0])
        return total + column(data.aux_factor, row)[i] - column(data.aux_count, row)[i] / x

    lower, upper = column(limits.lower, row)[parameter], column(limits.upper, row)[parameter]
    if slope(lower) >= 0.0:
        return lower
    if slope(upper) <= 0.0:
        return upper
    return brentq(slope, lower, upper, xtol=1e-15, rtol=1e-15)


def check_closed_form(compiled, theta, *, everywhere=True, **options):
    """Compare with the minimum; unless `everywhere`, only where it has a positive rate."""
    evaluation, limits = moved(compiled, theta, **options)
    found = evaluation.theta
    positive = (compiled.rates(found) > 1e-4).all(axis=0) | everywhere
    others = np.setdiff1d(np.arange(len(theta)), solo(compiled))
    np.testing.assert_array_equal(found[others], theta[others])
    for parameter in solo(compiled):
        for row in range(theta.shape[1]):
            if not limits.free[parameter, row]:
                assert found[parameter, row] == theta[parameter, row]
                continue
            if not positive[row]:
                continue
            expected = conditional_optimum(compiled, theta, parameter, row, limits)
            name = compiled.layout.names[parameter]
            assert found[parameter, row] == pytest.approx(expected, rel=1e-12, abs=1e-12), name
    before = compiled.value(theta, data=limits.observations)
    assert (evaluation.nll <= before + 1e-13 * (1.0 + np.abs(before))).all()
    # What is left of the gradient is the plain partial one.
    fresh = compiled.gradient(found, data=limits.observations)
    np.testing.assert_allclose(evaluation.gradient, fresh, rtol=1e-10, atol=1e-9)
    return evaluation


def points(compiled, rows=8, spread=0.6):
    return np.concatenate([compiled.random(seed, spread) for seed in range(rows)], axis=1)


def test_closed_form_is_the_minimum_in_one_dimension(compiled):
    check_closed_form(compiled, points(compiled))


def test_closed_form_with_gammas_fixed_in_half_of_the_rows(compiled):
    theta = points(compiled)
    free = np.repeat(~compiled.layout.fixed[:, None], 8, axis=1)
    free[:, ::2] = False
    check_closed_form(compiled, theta, free=free)


@pytest.mark.parametrize("limits", [(0.999, 1.001), (1.3, 2.0), (0.1, 0.7)])
def test_closed_form_stops_at_either_bound(compiled, limits):
    layout = compiled.layout
    lower, upper = layout.lower[:, None].copy(), layout.upper[:, None].copy()
    lower[solo(compiled)], upper[solo(compiled)] = limits
    theta = np.clip(points(compiled), lower, upper)
    check_closed_form(compiled, theta, lower=lower, upper=upper)


def test_closed_form_with_data_and_auxiliary_data_of_each_row(compiled):
    layout, rows = compiled.layout, 8
    generator = np.random.default_rng(3)
    size = (len(layout.center), rows)
    data = compiled.observe(
        generator.poisson(compiled.main[:, None], size=(len(compiled.main), rows)) * 1.0,
        center=layout.center[:, None] + 1.5 * layout.width[:, None] * generator.normal(size=size),
        aux_count=generator.poisson(layout.count[:, None], size=(len(layout.count), rows)) * 1.0,
    )
    check_closed_form(compiled, points(compiled, rows), data=data)


@pytest.mark.parametrize("mu", [0.0, 3.0, 20.0, 60.0, -8.0])
def test_closed_form_far_from_the_data(compiled, mu):
    theta = points(compiled)
    theta[compiled.index("mu")] = mu
    check_closed_form(compiled, theta)


def test_closed_form_without_auxiliary_counts_or_events(case, workspace):
    compiled = case(
        workspace(
            {"bins": {"signal": ([2.0] * 3, MU), "first": ([3.0, 5.0, 1.0], shape(3.0, 4.0, 1.0))}},
            {"bins": [0.0, 3.0, 4.0]},
        )
    )
    rows = 4
    counts = np.asarray([[0.0, 1.0, 0.0, 2.0]] * 3)
    data = compiled.observe(aux_count=counts)
    theta = points(compiled, rows)
    for mu in (0.0, 0.4, 6.0):
        theta[compiled.index("mu")] = mu
        check_closed_form(compiled, theta, data=data)


@pytest.mark.parametrize("kind", ["staterror", "shapesys"])
@pytest.mark.parametrize("seed", range(3))
def test_closed_form_for_rates_and_counts_of_any_size_and_sign(case, workspace, kind, seed):
    content = {
        "one": {
            "scaled": ([10.0], ("a", "normfactor", None), ("gamma", kind, [3.0])),
            "rest": ([10.0], ("c", "normfactor", None)),
        }
    }
    compiled = case(workspace(content, {"one": [5.0]}, poi="a"))
    rows, generator = 150, np.random.default_rng(seed)

    def any_size(low, high):
        return 10.0 ** generator.uniform(low, high, size=(1, rows))

    def any_sign():
        return np.where(generator.random((1, rows)) < 0.3, -1.0, 1.0)

    theta = np.repeat(compiled.start(), rows, axis=1)
    theta[compiled.index("a")] = any_size(-3, 2) * any_sign()
    theta[compiled.index("c")] = any_size(-3, 2) * any_sign() * (generator.random(rows) < 0.8)
    counts = np.floor(any_size(-1, 3))
    if kind == "staterror":
        center = 1.0 + 0.5 * generator.normal(size=(1, rows))
        data = compiled.observe(counts, center=center, width=any_size(-3, 0))
    else:
        tau = any_size(-1, 4)
        data = compiled.observe(counts, aux_count=generator.poisson(tau) * 1.0, aux_factor=tau)
    # Without a positive rate the closed form has only to lead downhill.
    check_closed_form(compiled, theta, data=data, everywhere=False)


def test_gamma_of_interest_is_not_moved(case, workspace):
    content = {"one": {"first": ([50.0], stat(4.0)), "rest": ([9.0], MU)}}
    interesting = case(workspace(content, {"one": [70.0]}, poi="mc"))
    plain = case(workspace(content, {"one": [70.0]}))
    assert len(solo(interesting)) == 0
    assert not interesting.compiled.profile
    assert [plain.layout.names[i] for i in solo(plain)] == ["mc[0]"]


def test_only_gammas_alone_in_one_bin_are_moved(case, workspace):
    content, observed = SPECIFICATIONS["staterror and shapefactor shared by two channels"]
    assert len(solo(case(workspace(content, observed)))) == 0
    content, observed = SPECIFICATIONS["two gammas in a bin"]
    assert len(solo(case(workspace(content, observed)))) == 0
    content, observed = SPECIFICATIONS["shapesys"]
    assert len(solo(case(workspace(content, observed)))) == 2


def test_closed_form_and_one_newton_step_agree_on_the_rest(case):
    compiled = case(many_channels(3))
    theta = compiled.start(mu=0.7)
    evaluation = check_closed_form(compiled, theta)
    matrix = compiled.compiled.hessian(evaluation, compiled.data)
    gammas = solo(compiled)
    np.testing.assert_allclose(evaluation.gradient[gammas], 0.0, atol=1e-9)
    # Slope and curvature of the profile likelihood in mu, by differences of the closed form.
    step = 1e-4

    def profiled(mu):
        return moved(compiled, compiled.start(mu=mu))[0].nll[0]

    slope = (profiled(0.7 + step) - profiled(0.7 - step)) / (2.0 * step)
    curvature = (profiled(0.7 + step) - 2.0 * profiled(0.7) + profiled(0.7 - step)) / step**2
    mu = compiled.index("mu")
    assert evaluation.gradient[mu, 0] == pytest.approx(slope, rel=1e-6, abs=1e-8)
    variance = factorize(matrix, compiled.backend).inverse().diagonal()[0, mu]
    assert 1.0 / variance == pytest.approx(curvature, rel=1e-4)


def test_closed_form_works_with_other_array_libraries(case, workspace, backend):
    for content, observed in SPECIFICATIONS.values():
        document = workspace(content, observed)
        plain, other = case(document), case(document, backend=backend)
        if not len(solo(plain)):
            continue
        theta = points(plain, 3)
        expected = moved(plain, theta)[0].theta
        limits = movable(plain, 3)
        arrays = [backend.asarray(x) for x in (limits.lower, limits.upper)]
        free = backend.asarray(limits.free, dtype=backend.xp.bool)
        strict = Movable(other.data, *arrays, free)
        found = other.compiled.evaluate(backend.asarray(theta), other.data, 2, movable=strict)
        np.testing.assert_allclose(backend.to_numpy(found.theta), expected, rtol=1e-12, atol=1e-13)
