"""Projected Newton on problems whose minima are known."""

import itertools

import numpy as np
import pytest

from nextstat_core.optimize import Minima, Options, Status, newton


def host(problem, minima):
    """The same with numpy arrays."""
    convert = problem.backend.to_numpy
    names = ("x", "value", "initial_value", "gradient", "edm", "status", "held", "n_iterations",
             "n_values", "n_gradients", "n_hessians")  # fmt: skip
    values = {name: np.array(convert(getattr(minima, name))) for name in names}
    return Minima(outside=None, **values)


def minimise(problem, **options):
    return host(problem, newton(problem, Options(**options)))


def quadratic(matrices, centers):
    def function(x, rows):
        a, d = matrices[rows], x - centers[rows]
        gradient = np.einsum("tij,tj->ti", a, d)
        return 0.5 * np.sum(gradient * d, axis=1), gradient, a

    return function


def random_quadratic(rows, n, seed=0):
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(rows, n, n))
    return root @ root.swapaxes(1, 2) + 0.5 * np.eye(n), generator.normal(size=(rows, n))


def box_minimum(matrix, center, lower, upper):
    """Minimum of a quadratic in a box, by trying every set of parameters at bounds."""
    n, best = len(center), (np.inf, None)
    for choice in itertools.product((-1, 0, 1), repeat=n):
        sides = np.asarray(choice)
        x = np.where(sides < 0, lower, upper).astype(float)
        free = sides == 0
        rest = matrix[np.ix_(free, ~free)] @ (x - center)[~free]
        x[free] = center[free] - np.linalg.solve(matrix[np.ix_(free, free)], rest)
        if (x >= lower - 1e-12).all() and (x <= upper + 1e-12).all():
            value = 0.5 * (x - center) @ matrix @ (x - center)
            best = min(best, (value, tuple(x)))
    return best[0], np.asarray(best[1])


def rosenbrock(x, rows):
    """100 (x1 - x0^2)^2 + (1 - x0)^2."""
    a, b = x[:, 0], x[:, 1]
    gap = b - a * a
    gradient = np.stack([-400.0 * a * gap - 2.0 * (1.0 - a), 200.0 * gap], axis=1)
    hessian = np.empty((len(x), 2, 2))
    hessian[:, 0, 0] = 1200.0 * a * a - 400.0 * b + 2.0
    hessian[:, 0, 1] = hessian[:, 1, 0] = -400.0 * a
    hessian[:, 1, 1] = 200.0
    return 100.0 * gap * gap + (1.0 - a) ** 2, gradient, hessian


def double_well(x, rows):
    """x^2 - y^2 + y^4: a saddle at zero between minima at y = +-1/sqrt 2 of depth 1/4."""
    a, y = x[:, 0], x[:, 1]
    hessian = np.zeros((len(x), 2, 2))
    hessian[:, 0, 0] = 2.0
    hessian[:, 1, 1] = 12.0 * y * y - 2.0
    return a * a - y * y + y**4, np.stack([2.0 * a, 4.0 * y**3 - 2.0 * y], axis=1), hessian


def logarithm(x, rows):
    """x - log x in every parameter: NaN below zero, minimum at one."""
    hessian = (1.0 / x**2)[:, :, None] * np.eye(x.shape[1])
    return np.sum(x - np.log(x), axis=1), 1.0 - 1.0 / x, hessian


# -- minima ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 5])
def test_quadratic_is_solved_in_one_step(problem, backend, rows):
    matrices, centers = random_quadratic(rows, 4)
    task = problem(quadratic(matrices, centers), np.zeros((rows, 4)), backend=backend)
    found = minimise(task)
    np.testing.assert_allclose(found.x, centers, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.status, Status.EDM)
    assert (found.n_iterations <= 1).all()
    assert (found.edm < 1e-14).all()
    np.testing.assert_allclose(found.gradient, 0.0, atol=1e-11)


@pytest.mark.parametrize("seed", range(6))
def test_quadratic_in_a_box_ends_in_the_exact_minimum(problem, backend, seed):
    rows, n = 4, 4
    matrices, centers = random_quadratic(rows, n, seed)
    generator = np.random.default_rng(seed)
    lower = centers + generator.uniform(-1.0, 0.3, size=(rows, n))
    upper = lower + generator.uniform(0.1, 1.0, size=(rows, n))
    start = lower + (upper - lower) * generator.uniform(size=(rows, n))
    task = problem(quadratic(matrices, centers), start, lower=lower, upper=upper, backend=backend)
    found = minimise(task)
    np.testing.assert_array_equal(found.status, Status.EDM)
    for row in range(rows):
        value, x = box_minimum(matrices[row], centers[row], lower[row], upper[row])
        assert found.value[row] == pytest.approx(value, rel=1e-10, abs=1e-12)
        np.testing.assert_allclose(found.x[row], x, rtol=0, atol=1e-9)
        at_lower, at_upper = found.x[row] == lower[row], found.x[row] == upper[row]
        np.testing.assert_array_equal(found.held[row], at_upper * 1 - at_lower * 1)
        assert (found.gradient[row][at_lower | at_upper] == 0.0).all()


@pytest.mark.parametrize("start", [(-1.2, 1.0), (3.0, -4.0), (0.0, 0.0), (-5.0, 20.0)])
def test_rosenbrock_is_solved(problem, backend, start):
    found = minimise(problem(rosenbrock, start, backend=backend))
    assert found.status[0] == Status.EDM
    np.testing.assert_allclose(found.x[0], [1.0, 1.0], rtol=0, atol=1e-7)
    assert found.edm[0] < 1e-8
    assert found.initial_value[0] == pytest.approx(rosenbrock(np.asarray([start]), None)[0][0])


def test_rosenbrock_against_a_bound(problem, backend):
    task = problem(rosenbrock, (-1.2, 1.0), upper=(0.5, np.inf), backend=backend)
    found = minimise(task)
    assert found.status[0] == Status.EDM
    np.testing.assert_allclose(found.x[0], [0.5, 0.25], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.held[0], [1, 0])
    assert found.gradient[0, 0] == 0.0


@pytest.mark.parametrize("start", [(0.0, 0.0), (1.0, 0.0), (-2.0, 0.0), (0.3, 1e-12)])
def test_saddle_is_left_for_a_minimum(problem, backend, start):
    found = minimise(problem(double_well, start, backend=backend))
    assert found.status[0] == Status.EDM
    assert found.value[0] == pytest.approx(-0.25, abs=1e-12)
    np.testing.assert_allclose(np.abs(found.x[0]), [0.0, np.sqrt(0.5)], rtol=0, atol=1e-6)


def test_saddle_is_left_for_the_bound_on_the_lower_side(problem, backend):
    task = problem(double_well, (0.5, 0.0), lower=(-1.0, -0.2), upper=(1.0, 0.4), backend=backend)
    found = minimise(task)
    assert found.status[0] == Status.EDM
    np.testing.assert_allclose(found.x[0], [0.0, 0.4], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.held[0], [0, 1])


def test_saddle_is_not_called_a_minimum_when_it_may_not_be_escaped(problem, backend):
    found = minimise(problem(double_well, (0.0, 0.0), backend=backend), max_escapes=0)
    if found.status[0] == Status.EDM:  # left by other means
        assert found.value[0] == pytest.approx(-0.25, abs=1e-8)
    else:
        assert found.status[0] == Status.SADDLE
        np.testing.assert_array_equal(found.x[0], [0.0, 0.0])


def test_singular_direction_is_no_obstacle(problem, backend):
    def function(x, rows):
        gap = x[:, 0] + x[:, 1] - 1.0
        return (
            0.5 * gap * gap,
            np.stack([gap, gap, 0.0 * gap], axis=1),
            np.tile(
                np.asarray([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), (len(x), 1, 1)
            ),
        )

    found = minimise(problem(function, (3.0, -1.0, 7.0), backend=backend))
    assert found.status[0] == Status.EDM
    assert found.x[0, 0] + found.x[0, 1] == pytest.approx(1.0, abs=1e-6)
    assert found.x[0, 2] == pytest.approx(7.0, abs=1e-6)


def test_minimum_in_a_flat_valley_of_fourth_order_is_approached(problem, backend):
    def function(x, rows):
        hessian = 12.0 * x[:, :, None] ** 2 * np.eye(1)
        return x[:, 0] ** 4, 4.0 * x**3, hessian

    found = minimise(problem(function, (1.0,), backend=backend))
    assert found.status[0] == Status.EDM
    assert found.value[0] < 1e-7


# -- kinks ----------------------------------------------------------------------------------------


FAR = {"lower": -10.0, "upper": 10.0}


def bent(size, center):
    """size |x| + (x - center)^2 / 2 in the first parameter, a plain parabola in the second."""

    def function(x, rows):
        side = np.where(x[:, 0] > 0.0, 1.0, -1.0)
        a, b = x[:, 0] - center[rows], x[:, 1] - 2.0
        value = size * np.abs(x[:, 0]) + 0.5 * a * a + 0.5 * b * b
        return value, np.stack([size * side + a, b], axis=1), np.tile(np.eye(2), (len(x), 1, 1))

    return function


@pytest.mark.parametrize("start", [-3.0, 0.0, 1.0])
@pytest.mark.parametrize("center", [-2.5, -0.6, 0.0, 0.4, 1.7])
def test_minimum_with_a_kink_is_found(problem, backend, center, start):
    task = problem(
        bent(0.8, np.asarray([center])), (start, 0.0), kinks=(0,), backend=backend, **FAR
    )
    found = minimise(task)
    expected = np.sign(center) * max(abs(center) - 0.8, 0.0)
    assert found.status[0] == Status.EDM
    np.testing.assert_allclose(found.x[0], [expected, 2.0], rtol=0, atol=1e-9)
    assert found.held[0, 0] == (2 if expected == 0.0 else 0)
    assert found.held[0, 1] == 0
    if expected == 0.0:
        assert found.x[0, 0] == 0.0
        assert found.gradient[0, 0] == 0.0


def test_downward_kink_is_left(problem, backend):
    found = minimise(
        problem(bent(-0.8, np.asarray([0.1])), (0.0, 0.0), kinks=(0,), backend=backend, **FAR)
    )
    assert found.status[0] == Status.EDM
    assert found.x[0, 0] == pytest.approx(0.9, abs=1e-9) or found.x[0, 0] == pytest.approx(-0.7)


def test_kink_of_a_parameter_without_bounds_is_found(problem, backend):
    found = minimise(problem(bent(0.8, np.asarray([0.4])), (1.0, 0.0), kinks=(0,), backend=backend))
    assert found.status[0] == Status.EDM
    np.testing.assert_allclose(found.x[0], [0.0, 2.0], rtol=0, atol=1e-9)


def test_kink_at_a_bound_stays_inside(problem, backend):
    task = problem(
        bent(0.3, np.asarray([-2.0])), (1.0, 0.0), lower=0.0, upper=5.0, kinks=(0,), backend=backend
    )
    found = minimise(task)
    assert found.status[0] == Status.EDM
    np.testing.assert_allclose(found.x[0], [0.0, 2.0], rtol=0, atol=1e-9)
    assert found.held[0, 0] != 0


def test_rows_with_kinks_and_bounds_of_their_own_equal_single_rows(problem, backend):
    centers = np.asarray([-2.5, -0.6, 0.0, 0.4, 1.7, 0.2])
    start = np.asarray([[-3.0, 0.0], [0.0, 9.0], [0.0, 2.0], [2.0, 0.0], [-1.0, 1.0], [0.0, 2.0]])
    lower = np.full((6, 2), -4.0) - np.arange(6)[:, None]
    upper = np.full((6, 2), 4.0) + np.arange(6)[:, None]
    limits = {"lower": lower, "upper": upper}
    found = minimise(problem(bent(0.8, centers), start, kinks=(0,), backend=backend, **limits))
    for row in range(6):
        alone = problem(
            bent(0.8, centers[row : row + 1]), start[row], kinks=(0,), backend=backend,
            lower=lower[row], upper=upper[row],
        )  # fmt: skip
        expected = minimise(alone)
        np.testing.assert_allclose(found.x[row], expected.x[0], rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found.held[row], expected.held[0])


# -- bounds and fixed parameters ------------------------------------------------------------------


def test_nothing_is_evaluated_outside_the_bounds(problem):
    task = problem(rosenbrock, (-1.2, 1.0), lower=(-2.0, -1.0), upper=(0.8, 1.5))
    found = minimise(task)
    visited = np.concatenate(task.objective.visited)
    assert (visited >= [-2.0, -1.0]).all()
    assert (visited <= [0.8, 1.5]).all()
    np.testing.assert_allclose(found.x[0], [0.8, 0.64], rtol=0, atol=1e-9)


def test_start_outside_the_bounds_is_brought_inside(problem, backend):
    matrices, centers = random_quadratic(1, 3)
    task = problem(
        quadratic(matrices, centers), (9.0, -9.0, 0.0), lower=centers[0] - 1.0,
        upper=centers[0] + 1.0, backend=backend,
    )  # fmt: skip
    np.testing.assert_allclose(minimise(task).x, centers, rtol=0, atol=1e-10)
    visited = np.concatenate(task.objective.visited)
    assert (np.abs(visited - centers) <= 1.0 + 1e-15).all()


@pytest.mark.parametrize("rows", [1, 6])
def test_fixed_parameters_never_move(problem, backend, rows):
    matrices, centers = random_quadratic(rows, 4, seed=3)
    generator = np.random.default_rng(4)
    start = generator.uniform(-0.8, 0.9, size=(rows, 4))
    fixed = generator.random((rows, 4)) < 0.5
    task = problem(
        quadratic(matrices, centers), start, fixed=fixed, lower=-0.8, upper=0.9, backend=backend
    )
    found = minimise(task)
    np.testing.assert_array_equal(found.status, Status.EDM)
    np.testing.assert_array_equal(found.x[fixed], start[fixed])
    np.testing.assert_array_equal(found.gradient[fixed], 0.0)
    np.testing.assert_array_equal(found.held[fixed], 0)
    for row in range(rows):
        free = ~fixed[row]
        shift = matrices[row][np.ix_(free, ~free)] @ (start[row] - centers[row])[~free]
        inner = matrices[row][np.ix_(free, free)]
        if not free.any():
            continue
        target = centers[row][free] - np.linalg.solve(inner, shift)
        _, x = box_minimum(inner, target, np.full(free.sum(), -0.8), np.full(free.sum(), 0.9))
        np.testing.assert_allclose(found.x[row][free], x, rtol=0, atol=1e-9)


def test_parameters_fixed_outside_their_bounds_stay_there(problem, backend):
    matrices, centers = random_quadratic(2, 3, seed=5)
    start = np.asarray([[5.0, 0.0, 0.0], [0.0, -7.0, 0.1]])
    fixed = np.asarray([[True, False, False], [False, True, False]])
    task = problem(
        quadratic(matrices, centers), start, fixed=fixed, lower=-1.0, upper=1.0, backend=backend
    )
    found = minimise(task)
    np.testing.assert_array_equal(found.x[fixed], start[fixed])
    np.testing.assert_array_equal(found.status, Status.EDM)


def test_everything_fixed_is_done_at_once(problem, backend):
    found = minimise(problem(rosenbrock, (3.0, 4.0), fixed=True, backend=backend))
    assert found.status[0] == Status.EDM
    np.testing.assert_array_equal(found.x[0], [3.0, 4.0])
    assert found.value[0] == rosenbrock(np.asarray([[3.0, 4.0]]), None)[0][0]
    assert found.edm[0] == 0.0


# -- honest failures ------------------------------------------------------------------------------


def test_nan_everywhere_is_stalled(problem, backend):
    def function(x, rows):
        nothing = np.full(x.shape, np.nan)
        return nothing[:, 0], nothing, np.full((*x.shape, x.shape[1]), np.nan)

    found = minimise(problem(function, (1.0, 2.0), backend=backend))
    assert found.status[0] == Status.STALLED
    assert not found.edm[0] < 1e-8


@pytest.mark.parametrize("start", [3.0, 30.0, 1e-3])
def test_nan_beyond_the_domain_only_shortens_steps(problem, backend, start):
    found = minimise(problem(logarithm, (start, 1.0), backend=backend))
    assert found.status[0] == Status.EDM
    np.testing.assert_allclose(found.x[0], [1.0, 1.0], rtol=0, atol=1e-6)


def test_gradient_that_points_the_wrong_way_is_stalled(problem, backend):
    def function(x, rows):
        return 0.5 * x[:, 0] ** 2, -x, np.ones((len(x), 1, 1))

    found = minimise(problem(function, (1.0,), backend=backend))
    assert found.status[0] == Status.STALLED
    assert found.x[0, 0] == 1.0
    assert found.edm[0] > 1e-8


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_steps_beyond_the_limit_are_not_taken(problem, backend, limit):
    task = problem(rosenbrock, (-1.2, 1.0), backend=backend)
    found = minimise(task, max_iterations=limit)
    assert found.status[0] == Status.MAX_ITERATIONS
    assert found.edm[0] > 1e-8
    assert found.n_iterations[0] <= limit
    value, gradient, _ = rosenbrock(found.x, None)
    assert found.value[0] == value[0]
    np.testing.assert_array_equal(found.gradient, gradient)


def test_minimum_reached_with_the_last_permitted_step_counts(problem, backend):
    matrices, centers = random_quadratic(1, 3)
    task = problem(quadratic(matrices, centers), np.zeros(3), backend=backend)
    found = minimise(task, max_iterations=1)
    assert found.status[0] == Status.EDM
    assert found.n_iterations[0] == 1


def test_tolerance_decides_when_to_stop(problem):
    rough = minimise(problem(rosenbrock, (-1.2, 1.0)), tolerance=1.0, polish=False)
    fine = minimise(problem(rosenbrock, (-1.2, 1.0)), polish=False)
    assert rough.n_iterations[0] < fine.n_iterations[0]
    assert rough.edm[0] < 1.0
    assert fine.edm[0] < 1e-8


def test_polishing_shrinks_the_gradient_and_is_reported(problem, backend):
    raw = minimise(problem(logarithm, (3.0, 0.2), backend=backend), polish=False, tolerance=1e-3)
    polished = minimise(problem(logarithm, (3.0, 0.2), backend=backend), tolerance=1e-3)
    assert np.abs(polished.gradient).max() < 0.1 * np.abs(raw.gradient).max()
    exact = 0.5 * np.sum(logarithm(polished.x, None)[1] ** 2)
    assert polished.edm[0] == pytest.approx(exact, rel=0.1, abs=1e-30)


# -- batches --------------------------------------------------------------------------------------


def test_rows_that_end_at_different_times_equal_single_rows(problem, backend):
    start = np.asarray(
        [[1.0, 1.0], [-1.2, 1.0], [3.0, -4.0], [0.999, 1.0], [-5.0, 20.0], [0.0, 0.0], [8.0, 1.0]]
    )
    found = minimise(problem(rosenbrock, start, backend=backend))
    np.testing.assert_array_equal(found.status, Status.EDM)
    assert len(set(found.n_iterations.tolist())) > 3
    for row in range(len(start)):
        alone = minimise(problem(rosenbrock, start[row], backend=backend))
        np.testing.assert_allclose(found.x[row], alone.x[0], rtol=0, atol=1e-9)
        assert found.initial_value[row] == alone.initial_value[0]
        assert found.n_iterations[row] == alone.n_iterations[0]


def test_rows_see_their_own_data_whatever_their_neighbours_do(problem, backend):
    rows = 9
    matrices, centers = random_quadratic(rows, 3, seed=7)

    def function(x, numbers):
        value, gradient, hessian = quadratic(matrices, centers)(x, numbers)
        quartic = (x - centers[numbers]) ** 2 * (numbers % 3)[:, None]
        hessian = hessian + (12.0 * quartic)[:, :, None] * np.eye(3)
        shift = x - centers[numbers]
        return value + np.sum(quartic * shift**2, axis=1), gradient + 4.0 * quartic * shift, hessian

    start = 3.0 * np.random.default_rng(1).normal(size=(rows, 3))
    found = minimise(problem(function, start, backend=backend))
    np.testing.assert_array_equal(found.status, Status.EDM)
    np.testing.assert_allclose(found.x, centers, rtol=0, atol=1e-6)


def test_failing_rows_do_not_disturb_others(problem, backend):
    def function(x, rows):
        value, gradient, hessian = rosenbrock(x, rows)
        return np.where(rows == 1, np.nan, value), gradient, hessian

    start = np.asarray([[-1.2, 1.0], [-1.2, 1.0], [3.0, -4.0]])
    found = minimise(problem(function, start, backend=backend))
    np.testing.assert_array_equal(found.status, [Status.EDM, Status.STALLED, Status.EDM])
    np.testing.assert_allclose(found.x[[0, 2]], 1.0, rtol=0, atol=1e-6)


def test_saddles_and_slopes_in_one_batch(problem, backend):
    start = np.asarray([[0.0, 0.0], [1.0, 0.9], [0.3, 0.0], [0.0, -0.7]])
    found = minimise(problem(double_well, start, backend=backend))
    np.testing.assert_array_equal(found.status, Status.EDM)
    np.testing.assert_allclose(found.value, -0.25, rtol=0, atol=1e-12)


def test_limits_of_each_row_hold(problem, backend):
    matrices, centers = random_quadratic(5, 2, seed=8)
    lower = np.where(np.arange(5)[:, None] % 2 == 0, centers + 0.1, centers - 1.0)
    found = minimise(
        problem(quadratic(matrices, centers), lower + 0.5, lower=lower, upper=lower + 3.0,
                backend=backend)
    )  # fmt: skip
    assert (found.x >= lower).all()
    for row in range(5):
        value, _ = box_minimum(matrices[row], centers[row], lower[row], lower[row] + 3.0)
        assert found.value[row] == pytest.approx(value, abs=1e-12)
