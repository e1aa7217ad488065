"""What the NumPy backend does beyond the conformance kit."""

import subprocess
import sys

import array_api_strict
import numpy as np
import pytest

from nextstat_core.backend import get_backend
from nextstat_core.errors import InputError

backend = get_backend("numpy")


def test_memory_is_always_copied() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert not np.shares_memory(backend.asarray(x), x)


def test_arrays_of_other_libraries_come_through_dlpack() -> None:
    device = array_api_strict.Device("no_float64")
    theirs = array_api_strict.asarray([1.0, 2.5], device=device)
    np.testing.assert_array_equal(backend.asarray(theirs), [1.0, 2.5])


@pytest.mark.parametrize("values", ["text", [[1.0], [2.0, 3.0]], {"a": 1.0}])
def test_what_is_no_array_is_refused(values: object) -> None:
    with pytest.raises(InputError, match="cannot be made an array"):
        backend.asarray(values)


def test_put_rows_and_add_diagonal_copy_read_only_views() -> None:
    one = np.asarray([1.0])
    rows = backend.put_rows(np.broadcast_to(one, (3,)), backend.indices([1]), np.asarray([5.0]))
    np.testing.assert_array_equal(rows, [1.0, 5.0, 1.0])
    matrices = backend.add_diagonal(np.broadcast_to(one, (1, 2, 2)), np.asarray([[1.0, 2.0]]))
    np.testing.assert_array_equal(matrices, [[[2.0, 1.0], [1.0, 3.0]]])
    assert one[0] == 1.0


@pytest.mark.parametrize("ids", [[0, 3], [-1, 0]])
def test_segment_outside_the_range_is_refused(ids: list[int]) -> None:
    with pytest.raises(InputError, match="`ids` must lie in 0"):
        backend.segment_plan(np.asarray(ids), 3)


def test_segment_sum_of_a_row_has_the_same_bits_in_any_batch() -> None:
    generator = np.random.default_rng(0)
    ids, x = generator.integers(0, 9, 200), generator.normal(size=(200, 33))
    plan = backend.segment_plan(ids, 9)
    whole = backend.segment_sum(plan, x)
    for width in (1, 7, 31):
        np.testing.assert_array_equal(backend.segment_sum(plan, x[:, :width]), whole[:, :width])


@pytest.mark.parametrize(("rows", "n"), [(6, 3), (40, 3), (300, 8), (10, 25)])
def test_both_ways_to_factor_and_solve_agree_with_numpy(rows: int, n: int) -> None:
    generator = np.random.default_rng(1)
    root = generator.normal(size=(rows, n, n))
    matrices = root @ root.swapaxes(1, 2) + n * np.eye(n)
    rhs = generator.normal(size=(rows, n, 2))
    factor, ok = backend.spd_factor(matrices)
    assert ok.all()
    np.testing.assert_allclose(factor, np.linalg.cholesky(matrices), rtol=1e-12, atol=1e-13)
    expected = np.linalg.solve(matrices, rhs)
    np.testing.assert_allclose(backend.spd_solve(factor, rhs), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rows", [1, 50])
def test_solving_with_a_failed_factor_neither_raises_nor_warns(rows: int) -> None:
    factor, ok = backend.spd_factor(np.full((rows, 2, 2), -1.0))
    assert not ok.any()
    assert np.isfinite(backend.spd_solve(factor, np.ones((rows, 2, 1)))).all()


@pytest.mark.parametrize(("rows", "n"), [(0, 3), (4, 0), (0, 0)])
def test_empty_batches_stay_empty(rows: int, n: int) -> None:
    factor, ok = backend.spd_factor(np.zeros((rows, n, n)))
    assert factor.shape == (rows, n, n)
    assert ok.shape == (rows,)
    assert backend.spd_solve(factor, np.zeros((rows, n, 2))).shape == (rows, n, 2)
    assert backend.lower_solve(factor, np.zeros((rows, n, 2))).shape == (rows, n, 2)


def test_getting_the_backend_does_not_import_scipy() -> None:
    program = (
        "import sys; from nextstat_core.backend import get_backend; get_backend('numpy');"
        "sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
