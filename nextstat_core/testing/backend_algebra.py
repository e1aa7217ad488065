"""Tests of what a backend has beyond the standard: gathers, sums, factors, special functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.backend import Capability
from nextstat_core.testing.backend_checks import (
    BackendChecks,
    check_kind,
    positive_definite,
    to_host,
)

if TYPE_CHECKING:
    from nextstat_core.backend import Backend

__all__ = ["AlgebraChecks"]

#: Shapes (rows, n) of batches of matrices: single, few, and many small ones.
_BATCHES = [(1, 1), (100, 1), (1, 2), (100, 2), (1, 3), (100, 3), (7, 12), (2, 40)]


class AlgebraChecks(BackendChecks):
    """Tests that a backend's own functions do what `Backend` says of them."""

    # -- indices ----------------------------------------------------------------------------------

    def test_take_selects_along_either_axis(self, backend: Backend) -> None:
        host = np.arange(12.0).reshape(3, 4)
        x, index = backend.asarray(host), backend.indices([2, 0, 2])
        np.testing.assert_array_equal(
            to_host(backend, backend.take(x, index, axis=0)), host[[2, 0, 2]]
        )
        picked = backend.take(x, index, axis=1)
        np.testing.assert_array_equal(to_host(backend, picked), host[:, [2, 0, 2]])

    def test_take_of_nothing_is_empty(self, backend: Backend) -> None:
        empty = backend.take(backend.asarray([[1.0], [2.0]]), backend.indices([]), axis=0)
        assert empty.shape == (0, 1)

    def test_put_rows_replaces_rows_and_no_others(self, backend: Backend) -> None:
        host = np.arange(10.0).reshape(5, 2)
        x = backend.put_rows(
            backend.asarray(host.copy()),
            backend.indices([4, 1]),
            backend.asarray([[-1.0, -2.0], [-3.0, -4.0]]),
        )
        expected = host.copy()
        expected[[4, 1]] = [[-1.0, -2.0], [-3.0, -4.0]]
        check_kind(backend, x)
        np.testing.assert_array_equal(to_host(backend, x), expected)

    def test_put_rows_of_nothing_changes_nothing(self, backend: Backend) -> None:
        host = np.arange(6.0).reshape(2, 3)
        none = backend.asarray(np.empty((0, 3)))
        x = backend.put_rows(backend.asarray(host.copy()), backend.indices([]), none)
        np.testing.assert_array_equal(to_host(backend, x), host)

    @pytest.mark.parametrize("rows", [1, 3])
    @pytest.mark.parametrize(
        ("ids", "n_segments"),
        [
            ([0, 0, 1, 1, 1], 2),
            ([3, 0, 3, 1, 0], 5),
            ([0, 1, 2], 3),
            ([2, 0, 1], 3),
            ([1, 1], 4),
            ([], 2),
        ],
        ids=["sorted", "unsorted with gaps", "identity", "permutation", "gaps", "no entries"],
    )
    def test_segment_sum_matches_a_loop(
        self, backend: Backend, tolerance: float, ids: list[int], n_segments: int, rows: int
    ) -> None:
        x = np.random.default_rng(5).normal(size=(len(ids), rows))
        expected = np.zeros((n_segments, rows))
        for entry, segment in enumerate(ids):
            expected[segment] += x[entry]
        plan = backend.segment_plan(np.asarray(ids, dtype=np.intp), n_segments)
        actual = backend.segment_sum(plan, backend.asarray(x))
        check_kind(backend, actual)
        np.testing.assert_allclose(to_host(backend, actual), expected, rtol=0, atol=10 * tolerance)

    @pytest.mark.parametrize("rows", [1, 2])
    def test_segment_sum_confines_infinities(self, backend: Backend, rows: int) -> None:
        plan = backend.segment_plan(np.asarray([0, 1, 1], dtype=np.intp), 3)
        column = np.asarray([math.inf, 1.0, 2.0])[:, None]
        x = backend.asarray(np.repeat(column, rows, axis=1))
        actual = to_host(backend, backend.segment_sum(plan, x))
        np.testing.assert_array_equal(actual[:, 0], [math.inf, 3.0, 0.0])

    # -- linear algebra ---------------------------------------------------------------------------

    @pytest.mark.parametrize(("rows", "n"), _BATCHES)
    def test_factor_multiplies_back(
        self, backend: Backend, tolerance: float, rows: int, n: int
    ) -> None:
        host = positive_definite(rows, n)
        factor, ok = backend.spd_factor(backend.asarray(host))
        check_kind(backend, factor)
        lower = to_host(backend, factor)
        assert backend.to_numpy(ok).all()
        np.testing.assert_array_equal(lower, np.tril(lower))
        product = lower @ lower.swapaxes(1, 2)
        np.testing.assert_allclose(product, host, rtol=0, atol=tolerance * 10 * n)

    @pytest.mark.parametrize(("rows", "n"), _BATCHES)
    def test_factor_reads_the_lower_triangle_only(
        self, backend: Backend, rows: int, n: int
    ) -> None:
        host = positive_definite(rows, n)
        spoilt = np.tril(host) + np.triu(np.full_like(host, -7.0), 1)
        expected, _ = backend.spd_factor(backend.asarray(host))
        actual, ok = backend.spd_factor(backend.asarray(spoilt))
        assert backend.to_numpy(ok).all()
        np.testing.assert_array_equal(to_host(backend, actual), to_host(backend, expected))

    @pytest.mark.parametrize("poison", [-1.0, 0.0, math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize(("rows", "n"), [(rows, n) for rows, n in _BATCHES if rows > 1])
    def test_bad_row_is_reported_and_spoils_no_other(
        self, backend: Backend, rows: int, n: int, poison: float
    ) -> None:
        host = positive_definite(rows, n)
        expected, _ = backend.spd_factor(backend.asarray(host))
        host[1, -1, -1] = poison
        factor, ok = _factor(backend, host)
        good = np.arange(rows) != 1
        np.testing.assert_array_equal(backend.to_numpy(ok), good)
        actual = to_host(backend, factor)
        np.testing.assert_array_equal(actual[good], to_host(backend, expected)[good])

    @pytest.mark.parametrize("poison", [0.0, math.nan])
    def test_solves_take_the_factor_of_a_bad_row(self, backend: Backend, poison: float) -> None:
        host = positive_definite(3, 4)
        host[1, 2, 2] = poison
        rhs = backend.asarray(np.ones((3, 4, 2)))
        with backend.errstate():  # the engine solves all rows and discards what is no solution
            factor, _ = _factor(backend, host)
            for x in (backend.spd_solve(factor, rhs), backend.lower_solve(factor, rhs)):
                found = to_host(backend, x)
                assert found.shape == (3, 4, 2)
                assert np.isfinite(found[[0, 2]]).all(), "a bad row spoils the solution of others"

    @pytest.mark.parametrize("poison", [-1.0, math.nan])
    @pytest.mark.parametrize("n", [1, 2, 5, 30])
    def test_single_bad_matrix_is_reported(self, backend: Backend, n: int, poison: float) -> None:
        host = positive_definite(1, n)
        host[0, 0, 0] = poison
        _, ok = _factor(backend, host)
        assert not backend.any_true(ok), "spd_factor takes a matrix for positive definite"

    def test_nan_below_the_diagonal_is_reported(self, backend: Backend) -> None:
        host = positive_definite(3, 4)
        host[2, 3, 1] = math.nan
        _, ok = _factor(backend, host)
        np.testing.assert_array_equal(backend.to_numpy(ok), [True, True, False])

    @pytest.mark.parametrize("columns", [1, 3])
    @pytest.mark.parametrize(("rows", "n"), _BATCHES)
    def test_solves_leave_no_residual(
        self, backend: Backend, tolerance: float, rows: int, n: int, columns: int
    ) -> None:
        host = positive_definite(rows, n)
        rhs = np.random.default_rng(3).normal(size=(rows, n, columns))
        factor, _ = backend.spd_factor(backend.asarray(host))
        x = backend.spd_solve(factor, backend.asarray(rhs))
        y = backend.lower_solve(factor, backend.asarray(rhs))
        check_kind(backend, x)
        check_kind(backend, y)
        bound = tolerance * 10 * n
        np.testing.assert_allclose(host @ to_host(backend, x), rhs, rtol=0, atol=bound)
        forward = to_host(backend, factor) @ to_host(backend, y)
        np.testing.assert_allclose(forward, rhs, rtol=0, atol=bound)

    def test_add_diagonal_leaves_the_rest(self, backend: Backend) -> None:
        host = np.arange(18.0).reshape(2, 3, 3)
        values = np.asarray([[1.0, 2.0, 3.0], [-4.0, 0.0, 8.0]])
        expected = host + values[:, :, None] * np.eye(3)
        actual = backend.add_diagonal(backend.asarray(host.copy()), backend.asarray(values))
        check_kind(backend, actual)
        np.testing.assert_array_equal(to_host(backend, actual), expected)

    def test_eigenvectors_rebuild_the_matrix(self, backend: Backend, tolerance: float) -> None:
        host = positive_definite(2, 4) - 3.0 * np.eye(4)
        values, vectors = (to_host(backend, x) for x in backend.eigh(backend.asarray(host)))
        assert (np.diff(values) >= 0).all()
        rebuilt = vectors @ (values[:, :, None] * vectors.swapaxes(1, 2))
        np.testing.assert_allclose(rebuilt, host, rtol=0, atol=40 * tolerance)

    # -- special functions ------------------------------------------------------------------------

    @pytest.mark.parametrize("x", [1e-6, 0.3, 1.0, 1.5, 2.0, 2.7, 7.9, 8.1, 33.0, 1e6])
    def test_gammaln_matches_the_standard_library(
        self, backend: Backend, tolerance: float, x: float
    ) -> None:
        argument = backend.asarray([x])
        expected = math.lgamma(float(argument[0]))
        actual = float(backend.gammaln(argument)[0])
        assert actual == pytest.approx(expected, rel=tolerance, abs=tolerance)

    def test_gammaln_of_infinity_is_infinite(self, backend: Backend) -> None:
        assert float(backend.gammaln(backend.asarray([math.inf]))[0]) == math.inf

    @pytest.mark.parametrize("x", [-8.0, -3.0, -0.66, -0.1, 0.0, 0.1, 0.66, 1.0, 4.0, 9.0])
    def test_ndtr_matches_the_standard_library(
        self, backend: Backend, tolerance: float, x: float
    ) -> None:
        expected = 0.5 * math.erfc(-float(backend.asarray([x])[0]) / math.sqrt(2.0))
        actual = float(backend.ndtr(backend.asarray([x]))[0])
        assert actual == pytest.approx(expected, rel=tolerance, abs=0)

    def test_ndtr_keeps_the_lower_tail(self, backend: Backend, tolerance: float) -> None:
        x = -30.0 if Capability.FLOAT64 in backend.capabilities else -12.0
        expected = 0.5 * math.erfc(-x / math.sqrt(2.0))
        assert float(backend.ndtr(backend.asarray([x]))[0]) == pytest.approx(
            expected, rel=tolerance, abs=0
        )

    def test_ndtr_ends_at_zero_and_one(self, backend: Backend) -> None:
        ends = backend.ndtr(backend.asarray([-math.inf, math.inf]))
        np.testing.assert_array_equal(to_host(backend, ends), [0.0, 1.0])


def _factor(backend: Backend, host: np.ndarray) -> tuple[Any, Any]:
    """`spd_factor`, with a message where it raises: it never may."""
    try:
        return backend.spd_factor(backend.asarray(host))
    except Exception as error:  # noqa: BLE001  a library may raise anything
        pytest.fail(
            f"spd_factor raised {type(error).__name__} for a batch with a bad matrix; it reports "
            f"such rows in `ok` instead (torch: cholesky_ex): {error}"
        )
