"""Quasi-Newton with one metric for all rows, and the last step that certifies it."""

import numpy as np
import pytest

from nextstat_core.linalg import ArrowMatrix, ArrowShape, factorize, share
from nextstat_core.optimize import Options, Problem, Status, finish, newton, shared_metric
from nextstat_core.testing import generate_workspace, many_channels

RECIPES = {
    "systematics": {"n_normsys": 2, "n_histosys": 2},
    "gammas": {"n_histosys": 2, "n_normsys": 1, "staterror": True, "shapesys": True},
    "shapefactor": {"n_histosys": 1, "shapefactor": True, "lumi": True, "staterror": True},
    "signal near its bound": {"n_histosys": 2, "n_normsys": 1, "staterror": True, "mu": 0.0},
    "fixed parameter": {"n_histosys": 2, "n_normsys": 2, "custom_settings": True},
}


def metric_at(case, theta):
    """Inverse Fisher information over the free parameters."""
    data = case.compiled.observe(case.compiled.expected_main(theta))
    fisher = case.compiled.fisher(case.compiled.evaluate(theta, data, 2), data)
    return share(factorize(fisher, case.backend, free=~case.layout.fixed[None, :]).inverse())


def toy_problem(likelihood, recipe, rows, seed=3):
    case = likelihood(generate_workspace(seed, **recipe))
    return case, case.problem(**case.toys(rows))


def near_bounds(case):
    """Position of the signal strength: the one parameter that runs into its bound."""
    return case.backend.indices([case.index("mu")])


def fit(case, problem, **options):
    at = case.layout.init[:, None]
    return shared_metric(
        problem, metric_at(case, at), Options(**options), near=near_bounds(case), slots=32
    )


def some_rows(case, toys, rows):
    return case.problem(**{name: values[:, rows] for name, values in toys.items()})


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_minima_of_toys_are_those_of_newton(likelihood, recipe):
    case, problem = toy_problem(likelihood, recipe, 60)
    found, exact = fit(case, problem), newton(problem)
    np.testing.assert_array_equal(exact.status, Status.EDM)
    done = found.status == Status.EDM
    assert done.mean() > 0.9
    assert set(found.status[~done]) <= {Status.RUNNING}
    gap = (found.value - exact.value)[done]
    assert (gap > -1e-9).all()
    # The EDM of the approximate metric stands for the true one to within a factor of a few.
    assert (gap < 1e-7).all()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_last_step_certifies_the_minima(likelihood, recipe):
    case, problem = toy_problem(likelihood, recipe, 60)
    found = fit(case, problem, tolerance=1e-4)
    finish(problem, found, Options())
    exact = newton(problem)
    done = found.status == Status.EDM
    assert done.mean() > 0.9
    assert (found.edm[done] < 1e-8).all()
    np.testing.assert_allclose(found.value[done], exact.value[done], rtol=0, atol=2e-8)
    np.testing.assert_array_equal(found.held[done], exact.held[done])
    size = np.abs(found.gradient[done])
    assert size[found.held[done] != 0].max(initial=0.0) == 0.0


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_polishing_takes_the_last_step_to_rounding(likelihood, recipe):
    case, problem = toy_problem(likelihood, recipe, 60)
    ends = {}
    for polish in (True, False):
        ends[polish] = fit(case, problem, tolerance=1e-4)
        finish(problem, ends[polish], Options(tolerance=1e-13, polish=polish))
    done = ends[False].status == Status.EDM
    np.testing.assert_array_equal(ends[True].status == Status.EDM, done)
    assert ends[True].edm[done].max() < 1e-18 < ends[False].edm[done].max()
    np.testing.assert_allclose(ends[True].value[done], ends[False].value[done], rtol=0, atol=1e-11)


@pytest.mark.parametrize("recipe", ["gammas", "signal near its bound"])
@pytest.mark.parametrize("rows", [1, 7, 31, 33])
def test_a_toy_has_the_same_bits_in_any_batch(likelihood, recipe, rows):
    case = likelihood(generate_workspace(3, **RECIPES[recipe]))
    toys = case.toys(255)
    whole_problem = case.problem(**toys)
    whole = fit(case, whole_problem, tolerance=1e-4)
    finish(whole_problem, whole, Options())
    for first in (0, 100):
        picked = np.arange(first, first + rows)
        problem = some_rows(case, toys, picked)
        part = fit(case, problem, tolerance=1e-4)
        finish(problem, part, Options())
        for name in ("x", "value", "edm", "status", "held", "gradient", "n_iterations"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[picked], name)


def test_a_toy_has_the_same_bits_in_any_order(likelihood):
    case = likelihood(generate_workspace(3, **RECIPES["gammas"]))
    toys, order = case.toys(101), np.random.default_rng(1).permutation(101)
    problem, shuffled = case.problem(**toys), some_rows(case, toys, order)
    found, other = (fit(case, p, tolerance=1e-4) for p in (problem, shuffled))
    finish(problem, found, Options())
    finish(shuffled, other, Options())
    for name in ("x", "value", "edm", "status"):
        np.testing.assert_array_equal(getattr(other, name), getattr(found, name)[order], name)


def test_gammas_in_closed_form_leave_one_dimension(likelihood):
    case = likelihood(many_channels(20))
    problem = case.problem(**case.toys(64))
    found, exact = fit(case, problem), newton(problem)
    np.testing.assert_array_equal(found.status, Status.EDM)
    np.testing.assert_allclose(found.value, exact.value, rtol=0, atol=1e-7)
    assert found.n_iterations.mean() < 6.0


def test_rows_stay_inside_their_bounds_and_hold_what_is_fixed(likelihood):
    case, problem = toy_problem(likelihood, RECIPES["fixed parameter"], 40)
    found = fit(case, problem)
    assert (found.x >= problem.lower).all()
    assert (found.x <= problem.upper).all()
    held = problem.fixed
    np.testing.assert_array_equal(found.x[held], problem.start[held])


def test_row_that_starts_at_its_minimum_is_done_at_once(likelihood):
    case = likelihood(generate_workspace(3, **RECIPES["gammas"]))
    expected = case.compiled.expected_main(case.layout.init[:, None])
    problem = case.problem(expected)
    found = fit(case, problem)
    assert found.status[0] == Status.EDM
    assert found.n_iterations[0] <= 1
    np.testing.assert_allclose(found.x[0], case.layout.init, rtol=0, atol=1e-9)


def dense_metric(matrix, backend):
    n = len(matrix)
    everything = backend.indices(range(n))
    shape = ArrowShape(n, n, everything, (), everything)
    return share(
        factorize(ArrowMatrix(shape, backend.asarray(matrix[None]), ()), backend).inverse()
    )


def shared_quadratic(centers, matrix):
    def function(x, rows):
        shift = x - centers[rows]
        gradient = shift @ matrix
        return 0.5 * np.sum(gradient * shift, axis=1), gradient, np.repeat(matrix[None], len(x), 0)

    return function


@pytest.mark.parametrize("rows", [1, 40])
def test_quadratics_with_the_right_metric_need_one_step(problem, backend, rows):
    root = np.random.default_rng(1).normal(size=(4, 4))
    matrix = root @ root.T + np.eye(4)
    centers = np.random.default_rng(2).normal(size=(rows, 4))
    task = problem(shared_quadratic(centers, matrix), np.zeros((rows, 4)), backend=backend)
    none = backend.indices([])
    found = shared_metric(task, dense_metric(matrix, backend), Options(), near=none, slots=8)
    np.testing.assert_allclose(backend.to_numpy(found.x), centers, rtol=0, atol=1e-12)
    assert (backend.to_numpy(found.status) == Status.EDM).all()
    assert (backend.to_numpy(found.n_iterations) <= 2).all()


@pytest.mark.parametrize("scale", [0.2, 0.5, 2.0, 5.0])
def test_quadratics_with_a_wrong_metric_are_solved_too(problem, backend, scale):
    root = np.random.default_rng(1).normal(size=(4, 4))
    matrix = root @ root.T + np.eye(4)
    centers = np.random.default_rng(2).normal(size=(10, 4))
    task = problem(shared_quadratic(centers, matrix), np.zeros((10, 4)), backend=backend)
    metric = dense_metric(scale * np.diag(np.diag(matrix)), backend)
    found = shared_metric(task, metric, Options(), near=backend.indices([]), slots=8)
    status = backend.to_numpy(found.status)
    assert (status == Status.EDM).mean() > 0.7
    done = status == Status.EDM
    np.testing.assert_allclose(backend.to_numpy(found.x)[done], centers[done], rtol=0, atol=1e-3)


@pytest.mark.parametrize("near", [(0,), (0, 1, 2, 3)])
def test_bounds_of_near_parameters_are_exact(problem, backend, near):
    root = np.random.default_rng(3).normal(size=(4, 4))
    matrix = root @ root.T + np.eye(4)
    centers = np.random.default_rng(4).normal(size=(12, 4))
    lower = np.full(4, -np.inf)
    lower[list(near)] = 0.0
    task = problem(
        shared_quadratic(centers, matrix), np.full((12, 4), 0.5), lower=lower, backend=backend
    )
    metric = dense_metric(matrix, backend)
    found = shared_metric(task, metric, Options(), near=backend.indices(near), slots=8)
    exact = newton(task)
    done = backend.to_numpy(found.status) == Status.EDM
    assert done.mean() > 0.9
    np.testing.assert_allclose(
        backend.to_numpy(found.x)[done], backend.to_numpy(exact.x)[done], rtol=0, atol=2e-4
    )


def test_rows_that_fail_keep_the_status_running(problem, backend):
    matrix, centers = np.eye(3), np.random.default_rng(4).normal(size=(9, 3))
    plain = shared_quadratic(centers, matrix)

    def function(x, rows):
        value, gradient, hessian = plain(x, rows)
        bad = rows == 4
        return np.where(bad, np.nan, value), np.where(bad[:, None], np.nan, gradient), hessian

    task = problem(function, np.zeros((9, 3)), backend=backend)
    found = shared_metric(task, dense_metric(matrix, backend), Options(),
                          near=backend.indices([]), slots=8)  # fmt: skip
    status = backend.to_numpy(found.status)
    good = np.arange(9) != 4
    np.testing.assert_array_equal(status[good], Status.EDM)
    assert status[4] == Status.RUNNING
    np.testing.assert_allclose(backend.to_numpy(found.x)[good], centers[good], rtol=0, atol=1e-12)


def test_last_step_does_not_certify_a_saddle(problem, backend):
    def function(x, rows):
        a, y = x[:, 0], x[:, 1]
        hessian = np.zeros((len(x), 2, 2))
        hessian[:, 0, 0], hessian[:, 1, 1] = 2.0, 12.0 * y * y - 2.0
        value = a * a - y * y + y**4
        return value, np.stack([2.0 * a, 4.0 * y**3 - 2.0 * y], axis=1), hessian

    task = problem(function, [[0.1, 0.0], [0.1, 0.6]], backend=backend)
    metric = dense_metric(2.0 * np.eye(2), backend)
    found = shared_metric(task, metric, Options(), near=backend.indices([]), slots=8)
    finish(task, found, Options())
    np.testing.assert_array_equal(backend.to_numpy(found.status), [Status.RUNNING, Status.EDM])


def test_problem_of_one_row_of_limits_serves_all_rows(likelihood):
    case, problem = toy_problem(likelihood, RECIPES["gammas"], 20)
    wide = Problem(
        problem.backend, problem.objective, problem.start,
        np.repeat(problem.lower, 20, axis=0), np.repeat(problem.upper, 20, axis=0), problem.fixed,
        problem.kinks,
    )  # fmt: skip
    found, other = fit(case, problem), fit(case, wide)
    np.testing.assert_array_equal(found.x, other.x)
