"""The tests that every array backend passes."""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING, Any, ClassVar

import array_api_compat
import numpy as np
import pytest

from nextstat_core.backend import Backend, Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.typing import Array

__all__ = ["BackendContract"]

#: Shapes (rows, n) of batches of matrices: single, few, and many small ones.
_BATCHES = [(1, 1), (100, 1), (1, 2), (100, 2), (1, 3), (100, 3), (7, 12), (2, 40)]


class BackendContract:
    """Inherit, override the fixture `backend`, and pytest runs every check.

    Tolerances follow from the declared capabilities: 1e-12 with float64, 1e-5 without.

    Examples
    --------
    ::

        class TestAcme(BackendContract):
            known_failures = {"test_ndtr_keeps_the_lower_tail": "acme has no erfc"}

            @pytest.fixture
            def backend(self):
                return AcmeBackend()
    """

    #: Name of a test -> reason. Such a test must fail, else the entry is out of date.
    known_failures: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def backend(self) -> Backend:
        """The backend under test."""
        raise NotImplementedError(f"{type(self).__name__} must override the fixture `backend`")

    @pytest.fixture
    def tolerance(self, backend: Backend) -> float:
        """Relative tolerance that the capabilities promise."""
        return 1e-12 if Capability.FLOAT64 in backend.capabilities else 1e-5

    @pytest.fixture(autouse=True)
    def _expect_known_failures(self, request: pytest.FixtureRequest) -> None:
        node = request.node
        reason = self.known_failures.get(getattr(node, "originalname", node.name))
        if reason:
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))

    # -- arrays -----------------------------------------------------------------------------------

    def test_namespace_follows_the_standard(self, backend: Backend) -> None:
        assert backend.xp.__array_api_version__ >= "2024.12"

    @pytest.mark.parametrize("values", [[1.0, -2.5], [[1.0], [2.0]], 3.0, [], [1, 2]])
    def test_asarray_has_working_dtype_and_device(self, backend: Backend, values: Any) -> None:
        x = backend.asarray(values)
        assert x.dtype == backend.dtype
        assert array_api_compat.device(x) == backend.device
        np.testing.assert_array_equal(backend.to_numpy(x), np.asarray(values, dtype=float))

    def test_asarray_honours_dtype(self, backend: Backend) -> None:
        xp = backend.xp
        assert backend.asarray([0, 3], dtype=xp.int64).dtype == xp.int64
        assert backend.asarray([True, False], dtype=xp.bool).dtype == xp.bool

    def test_asarray_takes_its_own_arrays(self, backend: Backend) -> None:
        x = backend.asarray([1.0, 2.0])
        np.testing.assert_array_equal(backend.to_numpy(backend.asarray(x)), [1.0, 2.0])

    @pytest.mark.parametrize("kind", ["readonly", "backwards", "broadcast", "swapped", "single"])
    def test_asarray_protects_awkward_memory(self, backend: Backend, kind: str) -> None:
        theirs = _awkward(kind)
        before = theirs.copy()
        ours = backend.asarray(theirs)
        np.testing.assert_array_equal(backend.to_numpy(ours), before)
        ours = backend.put_rows(ours, backend.indices([0]), backend.asarray([9.0]))
        assert float(ours[0]) == 9.0
        np.testing.assert_array_equal(theirs, before)

    def test_to_numpy_keeps_values_and_dtype(self, backend: Backend) -> None:
        host = backend.to_numpy(backend.asarray([[0.1, -7.0]]))
        assert isinstance(host, np.ndarray)
        assert host.dtype.kind == "f"
        np.testing.assert_array_equal(host, np.asarray([[0.1, -7.0]], dtype=host.dtype))

    # -- indices ----------------------------------------------------------------------------------

    def test_take_selects_along_either_axis(self, backend: Backend) -> None:
        host = np.arange(12.0).reshape(3, 4)
        x, index = backend.asarray(host), backend.indices([2, 0, 2])
        np.testing.assert_array_equal(
            _host(backend, backend.take(x, index, axis=0)), host[[2, 0, 2]]
        )
        picked = backend.take(x, index, axis=1)
        np.testing.assert_array_equal(_host(backend, picked), host[:, [2, 0, 2]])

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
        _check_kind(backend, x)
        np.testing.assert_array_equal(_host(backend, x), expected)

    def test_put_rows_of_nothing_changes_nothing(self, backend: Backend) -> None:
        host = np.arange(6.0).reshape(2, 3)
        none = backend.asarray(np.empty((0, 3)))
        x = backend.put_rows(backend.asarray(host.copy()), backend.indices([]), none)
        np.testing.assert_array_equal(_host(backend, x), host)

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
        _check_kind(backend, actual)
        np.testing.assert_allclose(_host(backend, actual), expected, rtol=0, atol=10 * tolerance)

    @pytest.mark.parametrize("rows", [1, 2])
    def test_segment_sum_confines_infinities(self, backend: Backend, rows: int) -> None:
        plan = backend.segment_plan(np.asarray([0, 1, 1], dtype=np.intp), 3)
        column = np.asarray([math.inf, 1.0, 2.0])[:, None]
        x = backend.asarray(np.repeat(column, rows, axis=1))
        actual = _host(backend, backend.segment_sum(plan, x))
        np.testing.assert_array_equal(actual[:, 0], [math.inf, 3.0, 0.0])

    # -- linear algebra ---------------------------------------------------------------------------

    @pytest.mark.parametrize(("rows", "n"), _BATCHES)
    def test_factor_multiplies_back(
        self, backend: Backend, tolerance: float, rows: int, n: int
    ) -> None:
        host = _positive_definite(rows, n)
        factor, ok = backend.spd_factor(backend.asarray(host))
        _check_kind(backend, factor)
        lower = _host(backend, factor)
        assert backend.to_numpy(ok).all()
        np.testing.assert_array_equal(lower, np.tril(lower))
        product = lower @ lower.swapaxes(1, 2)
        np.testing.assert_allclose(product, host, rtol=0, atol=tolerance * 10 * n)

    @pytest.mark.parametrize(("rows", "n"), _BATCHES)
    def test_factor_reads_the_lower_triangle_only(
        self, backend: Backend, rows: int, n: int
    ) -> None:
        host = _positive_definite(rows, n)
        spoilt = np.tril(host) + np.triu(np.full_like(host, -7.0), 1)
        expected, _ = backend.spd_factor(backend.asarray(host))
        actual, ok = backend.spd_factor(backend.asarray(spoilt))
        assert backend.to_numpy(ok).all()
        np.testing.assert_array_equal(_host(backend, actual), _host(backend, expected))

    @pytest.mark.parametrize("poison", [-1.0, 0.0, math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize(("rows", "n"), [(rows, n) for rows, n in _BATCHES if rows > 1])
    def test_bad_row_is_reported_and_spoils_no_other(
        self, backend: Backend, rows: int, n: int, poison: float
    ) -> None:
        host = _positive_definite(rows, n)
        expected, _ = backend.spd_factor(backend.asarray(host))
        host[1, -1, -1] = poison
        factor, ok = backend.spd_factor(backend.asarray(host))
        good = np.arange(rows) != 1
        np.testing.assert_array_equal(backend.to_numpy(ok), good)
        actual = _host(backend, factor)
        np.testing.assert_array_equal(actual[good], _host(backend, expected)[good])

    @pytest.mark.parametrize("poison", [-1.0, math.nan])
    @pytest.mark.parametrize("n", [1, 2, 5, 30])
    def test_single_bad_matrix_is_reported(self, backend: Backend, n: int, poison: float) -> None:
        host = _positive_definite(1, n)
        host[0, 0, 0] = poison
        _, ok = backend.spd_factor(backend.asarray(host))
        assert not backend.any_true(ok)

    def test_nan_below_the_diagonal_is_reported(self, backend: Backend) -> None:
        host = _positive_definite(3, 4)
        host[2, 3, 1] = math.nan
        _, ok = backend.spd_factor(backend.asarray(host))
        np.testing.assert_array_equal(backend.to_numpy(ok), [True, True, False])

    @pytest.mark.parametrize("columns", [1, 3])
    @pytest.mark.parametrize(("rows", "n"), _BATCHES)
    def test_solves_leave_no_residual(
        self, backend: Backend, tolerance: float, rows: int, n: int, columns: int
    ) -> None:
        host = _positive_definite(rows, n)
        rhs = np.random.default_rng(3).normal(size=(rows, n, columns))
        factor, _ = backend.spd_factor(backend.asarray(host))
        x = backend.spd_solve(factor, backend.asarray(rhs))
        y = backend.lower_solve(factor, backend.asarray(rhs))
        _check_kind(backend, x)
        _check_kind(backend, y)
        bound = tolerance * 10 * n
        np.testing.assert_allclose(host @ _host(backend, x), rhs, rtol=0, atol=bound)
        forward = _host(backend, factor) @ _host(backend, y)
        np.testing.assert_allclose(forward, rhs, rtol=0, atol=bound)

    def test_add_diagonal_leaves_the_rest(self, backend: Backend) -> None:
        host = np.arange(18.0).reshape(2, 3, 3)
        values = np.asarray([[1.0, 2.0, 3.0], [-4.0, 0.0, 8.0]])
        expected = host + values[:, :, None] * np.eye(3)
        actual = backend.add_diagonal(backend.asarray(host.copy()), backend.asarray(values))
        _check_kind(backend, actual)
        np.testing.assert_array_equal(_host(backend, actual), expected)

    def test_eigenvectors_rebuild_the_matrix(self, backend: Backend, tolerance: float) -> None:
        host = _positive_definite(2, 4) - 3.0 * np.eye(4)
        values, vectors = (_host(backend, x) for x in backend.eigh(backend.asarray(host)))
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
        np.testing.assert_array_equal(_host(backend, ends), [0.0, 1.0])

    # -- behaviour --------------------------------------------------------------------------------

    def test_any_true_is_a_python_bool(self, backend: Backend) -> None:
        x = backend.asarray([-1.0, 2.0])
        assert backend.any_true(x > 0) is True
        assert backend.any_true(x > 5) is False

    def test_errstate_silences_the_impossible(self, backend: Backend) -> None:
        with backend.errstate():
            x = backend.xp.log(backend.asarray([-1.0, 0.0]))
        host = _host(backend, x)
        assert math.isnan(host[0])
        assert host[1] == -math.inf

    def test_synchronize_returns(self, backend: Backend) -> None:
        x = backend.asarray([1.0]) + 1.0
        backend.synchronize()
        assert float(x[0]) == 2.0

    def test_unknown_fused_kernel_is_none(self, backend: Backend) -> None:
        assert backend.fused("no such kernel", None) is None

    def test_same_call_gives_same_bits(self, backend: Backend) -> None:
        if Capability.DETERMINISTIC not in backend.capabilities:
            pytest.skip("the backend does not declare DETERMINISTIC")
        matrices = backend.asarray(_positive_definite(5, 9))
        first, second = (backend.spd_factor(matrices)[0] for _ in range(2))
        np.testing.assert_array_equal(_host(backend, first), _host(backend, second))

    def test_pickles_to_an_equal_backend(self, backend: Backend) -> None:
        copy = pickle.loads(pickle.dumps(backend))
        assert type(copy) is type(backend)
        assert (copy.name, copy.device, copy.dtype) == (backend.name, backend.device, backend.dtype)
        assert float(copy.asarray([4.0])[0]) == 4.0


def _host(backend: Backend, x: Array) -> np.ndarray:
    return backend.to_numpy(x).astype(float)


def _check_kind(backend: Backend, x: Array) -> None:
    assert x.dtype == backend.dtype
    assert array_api_compat.device(x) == backend.device


def _positive_definite(rows: int, n: int) -> np.ndarray:
    """Symmetric matrices with eigenvalues around 1 to 5, exact in float32."""
    generator = np.random.default_rng([rows, n])
    root = np.tril(generator.normal(size=(rows, n, n)), -1) / math.sqrt(n)
    product = root @ root.swapaxes(1, 2) + np.eye(n)
    return product.astype(np.float32).astype(float)


def _awkward(kind: str) -> np.ndarray:
    """Three numbers in memory that an array library may not keep a reference to."""
    values = np.asarray([1.0, 2.0, 3.0])
    if kind == "readonly":
        values.flags.writeable = False
    if kind == "backwards":
        return values[::-1]
    if kind == "broadcast":
        return np.broadcast_to(np.asarray(2.0), (3,))
    if kind == "swapped":
        return values.astype(values.dtype.newbyteorder())
    return values.astype(np.float32) if kind == "single" else values
