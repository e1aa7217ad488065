"""Tests of arrays: memory, dtype, device, and the operations that the engine uses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import array_api_compat
import array_api_compat.numpy as numpy_namespace
import numpy as np
import pytest

from nextstat_core.testing.backend_checks import BackendChecks, check_kind, to_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.backend import Backend

__all__ = ["ArrayChecks"]


def _cut(_: Any, x: Any) -> Any:
    return x[:, :1] + x[..., None, 0]


#: Operations of the standard by name; each takes a namespace and an array of shape (2, 2).
_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "number from the left": lambda _, x: 1.0 - 2.0 * x,
    "number from the right": lambda _, x: (x / 2.0) ** 2,
    "integer": lambda _, x: 3 * x + 1,
    "negative": lambda _, x: -x,
    "abs": lambda xp, x: xp.abs(x - 2.0),
    "exp": lambda xp, x: xp.exp(-x),
    "log": lambda xp, x: xp.log(x),
    "sqrt": lambda xp, x: xp.sqrt(x),
    "floor": lambda xp, x: xp.floor(x),
    "maximum": lambda xp, x: xp.maximum(x, xp.ones_like(x)),
    "maximum with a number": lambda xp, x: xp.maximum(x, 1.5),
    "minimum with a number": lambda xp, x: xp.minimum(x, 1.5),
    "where": lambda xp, x: xp.where(x > 2.0, x, xp.zeros_like(x)),
    "where with a number": lambda xp, x: xp.where(x > 2.0, x, 0.5),
    "where with a number first": lambda xp, x: xp.where(x > 2.0, 0.5, x),
    "sum": lambda xp, x: xp.sum(x, axis=0),
    "sum of all": lambda xp, x: xp.sum(x),
    "max": lambda xp, x: xp.max(x, axis=1),
    "min": lambda xp, x: xp.min(x, axis=1),
    "matmul": lambda xp, x: xp.matmul(x, x),
    "concat": lambda xp, x: xp.concat([x, x], axis=1),
    "stack": lambda xp, x: xp.stack([x, x]),
    "reshape": lambda xp, x: xp.reshape(x, (4, -1)),
    "permute_dims": lambda xp, x: xp.permute_dims(x, (1, 0)),
    "broadcast_to": lambda xp, x: xp.broadcast_to(x, (3, 2, 2)),
    "diagonal": lambda xp, x: xp.linalg.diagonal(x),
    "slices": _cut,
}


class ArrayChecks(BackendChecks):
    """Tests that arrays are of the right kind and that user memory is safe."""

    # -- attributes -------------------------------------------------------------------------------

    def test_namespace_follows_the_standard(self, backend: Backend) -> None:
        found = getattr(backend.xp, "__array_api_version__", None)
        assert found is not None, "backend.xp has no __array_api_version__; wrap the library"
        assert found >= "2024.12", f"backend.xp follows the standard {found}, expected 2024.12"

    def test_dtype_is_what_arrays_report(self, backend: Backend) -> None:
        reported = backend.asarray([1.0]).dtype
        assert reported == backend.dtype, (
            f"backend.dtype is {backend.dtype!r} ({type(backend.dtype).__name__}), but arrays "
            f"report {reported!r}; set dtype to xp.float64 or xp.float32, as asarray makes them"
        )

    def test_device_is_what_arrays_report(self, backend: Backend) -> None:
        reported = array_api_compat.device(backend.asarray([1.0]))
        assert reported == backend.device, (
            f"backend.device is {backend.device!r} ({type(backend.device).__name__}), but arrays "
            f"report {reported!r}; set device to what x.device returns"
        )

    # -- arrays -----------------------------------------------------------------------------------

    @pytest.mark.parametrize("values", [[1.0, -2.5], [[1.0], [2.0]], 3.0, [], [1, 2]])
    def test_asarray_has_working_dtype_and_device(self, backend: Backend, values: Any) -> None:
        x = backend.asarray(values)
        check_kind(backend, x)
        np.testing.assert_array_equal(backend.to_numpy(x), np.asarray(values, dtype=float))

    def test_asarray_honours_dtype(self, backend: Backend) -> None:
        xp = backend.xp
        for values, dtype in (([0, 3], xp.int64), ([True, False], xp.bool)):
            found = backend.asarray(values, dtype=dtype).dtype
            assert found == dtype, f"asarray(..., dtype={dtype}) made an array of {found}"

    def test_asarray_takes_its_own_arrays(self, backend: Backend) -> None:
        x = backend.asarray([1.0, 2.0])
        np.testing.assert_array_equal(backend.to_numpy(backend.asarray(x)), [1.0, 2.0])

    def test_asarray_takes_lists_and_numbers(self, backend: Backend) -> None:
        for values in ([1.0, 2.0], (1, 2), 3.0, np.float64(3.0), [True, False]):
            _read(backend, values, f"the {type(values).__name__} {values!r}")

    @pytest.mark.parametrize(
        "kind", ["ordinary", "single", "readonly", "backwards", "broadcast", "swapped"]
    )
    def test_asarray_protects_awkward_memory(self, backend: Backend, kind: str) -> None:
        theirs, owner = _awkward(kind)
        before = theirs.copy()
        ours = _read(backend, theirs, f"{kind} memory")
        message = f"asarray read {kind} memory wrongly"
        np.testing.assert_array_equal(backend.to_numpy(ours), before, err_msg=message)
        ours = backend.put_rows(ours, backend.indices([0]), backend.asarray([9.0]))
        assert float(ours[0]) == 9.0
        message = f"{kind} memory was written into: asarray has to copy it"
        np.testing.assert_array_equal(theirs, before, err_msg=message)
        ours = backend.asarray(theirs)
        owner[...] = -1.0
        message = f"an array follows {kind} memory of the user: asarray has to copy it"
        np.testing.assert_array_equal(backend.to_numpy(ours), before, err_msg=message)

    def test_to_numpy_keeps_values_and_dtype(self, backend: Backend) -> None:
        host = backend.to_numpy(backend.asarray([[0.1, -7.0]]))
        assert isinstance(host, np.ndarray)
        assert host.dtype.kind == "f"
        np.testing.assert_array_equal(host, np.asarray([[0.1, -7.0]], dtype=host.dtype))

    def test_asarray_takes_arrays_of_other_libraries(self, backend: Backend) -> None:
        import array_api_strict

        theirs = array_api_strict.asarray([[1.0, 2.0], [3.0, 4.0]])
        ours = backend.asarray(theirs)
        check_kind(backend, ours)
        np.testing.assert_array_equal(to_host(backend, ours), [[1.0, 2.0], [3.0, 4.0]])

    @pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
    def test_asarray_takes_tensors_of_torch(self, backend: Backend, dtype: str) -> None:
        torch = pytest.importorskip("torch", reason="torch is not installed")
        theirs = torch.arange(6, dtype=getattr(torch, dtype)).reshape(2, 3).T
        ours = backend.asarray(theirs)
        check_kind(backend, ours)
        np.testing.assert_array_equal(to_host(backend, ours), [[0, 3], [1, 4], [2, 5]])

    @pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
    def test_asarray_makes_numbers_of_other_dtypes(self, backend: Backend, dtype: str) -> None:
        ours = backend.asarray(np.asarray([0, 1, 1], dtype=dtype))
        check_kind(backend, ours)
        np.testing.assert_array_equal(to_host(backend, ours), [0.0, 1.0, 1.0])

    def test_functions_do_not_write_into_their_arguments(self, backend: Backend) -> None:
        theirs = np.asarray([[[4.0, 1.0], [1.0, 3.0]], [[2.0, 0.5], [0.5, 1.0]]])
        before = theirs.copy()
        matrices = backend.asarray(theirs)
        flat = backend.asarray(theirs.reshape(4, 2))
        with backend.errstate():
            factor, _ = backend.spd_factor(matrices)
            kept = to_host(backend, factor).copy()
            backend.spd_solve(factor, matrices)
            backend.lower_solve(factor, matrices)
            backend.spd_inverse(factor)
            backend.eigh(matrices)
            backend.gammaln(flat)
            backend.ndtr(flat)
            backend.transposed(flat)
            backend.take(flat, backend.indices([1, 0]), axis=0)
            backend.segment_sum(backend.segment_plan(np.asarray([1, 0, 1, 1]), 2), flat)
        for x in (to_host(backend, matrices), theirs):
            np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(to_host(backend, factor), kept)

    def test_put_rows_does_not_keep_the_values(self, backend: Backend) -> None:
        values, index = backend.asarray([[7.0, 8.0]]), backend.indices([1])
        x = backend.xp.zeros((3, 2), dtype=backend.dtype, device=backend.device)
        x = backend.put_rows(x, index, values)
        x = backend.put_rows(x, index, backend.asarray([[0.0, 0.0]]))
        np.testing.assert_array_equal(to_host(backend, values), [[7.0, 8.0]])
        np.testing.assert_array_equal(backend.to_numpy(index), [1])
        np.testing.assert_array_equal(to_host(backend, x), np.zeros((3, 2)))

    # -- operations of the standard, as the engine uses them --------------------------------------

    @pytest.mark.parametrize("name", _OPERATIONS)
    def test_operation_keeps_dtype_and_device(self, backend: Backend, name: str) -> None:
        host = np.asarray([[1.0, 4.0], [9.0, 0.25]])
        with backend.errstate():
            result = _OPERATIONS[name](backend.xp, backend.asarray(host))
        check_kind(backend, result)
        expected = np.asarray(_OPERATIONS[name](numpy_namespace, host))
        assert tuple(result.shape) == expected.shape
        np.testing.assert_allclose(to_host(backend, result), expected, rtol=1e-6)

    @pytest.mark.parametrize("name", ["zeros", "ones", "eye"])
    def test_new_arrays_lie_on_the_device(self, backend: Backend, name: str) -> None:
        shape: Any = 3 if name == "eye" else (3, 3)
        x = getattr(backend.xp, name)(shape, dtype=backend.dtype, device=backend.device)
        check_kind(backend, x)
        np.testing.assert_array_equal(to_host(backend, x), getattr(np, name)(shape))

    @pytest.mark.parametrize(
        ("left", "right"), [((3, 1), (1, 4)), ((2, 1, 3), (4, 1)), ((), (2,)), ((0, 1), (1, 3))]
    )
    def test_shapes_broadcast(
        self, backend: Backend, left: tuple[int, ...], right: tuple[int, ...]
    ) -> None:
        a, b = (np.arange(float(math.prod(shape))).reshape(shape) for shape in (left, right))
        for ours, theirs in (
            (backend.asarray(a) * backend.asarray(b), a * b),
            (backend.xp.maximum(backend.asarray(a), backend.asarray(b)), np.maximum(a, b)),
        ):
            check_kind(backend, ours)
            assert tuple(ours.shape) == theirs.shape
            np.testing.assert_array_equal(to_host(backend, ours), theirs)

    def test_zero_dimensional_arrays_are_numbers(self, backend: Backend) -> None:
        x = backend.asarray(3.0)
        assert tuple(x.shape) == ()
        assert float(x) == 3.0
        assert bool(x > 2.0)
        assert float(backend.xp.sum(backend.asarray([1.0, 2.0]))) == 3.0

    def test_empty_arrays_are_nothing_special(self, backend: Backend) -> None:
        xp = backend.xp
        none = backend.asarray(np.empty((0, 3)))
        assert tuple(none.shape) == (0, 3)
        np.testing.assert_array_equal(to_host(backend, xp.sum(none, axis=0)), np.zeros(3))
        product = xp.matmul(backend.asarray(np.empty((2, 0))), none)
        np.testing.assert_array_equal(to_host(backend, product), np.zeros((2, 3)))
        both = xp.concat([none, backend.asarray([[1.0, 2.0, 3.0]])], axis=0)
        np.testing.assert_array_equal(to_host(backend, both), [[1.0, 2.0, 3.0]])
        assert tuple(xp.reshape(none, (3, 0)).shape) == (3, 0)
        assert backend.any_true(none > 0.0) is False

    def test_slices_are_assigned(self, backend: Backend) -> None:
        host = np.zeros((2, 4, 4))
        x = backend.xp.zeros((2, 4, 4), dtype=backend.dtype, device=backend.device)
        for a, b, c, d in ((0, 2, 0, 2), (2, 4, 0, 2), (1, 1, 0, 4), (3, 4, 3, 4)):
            block = np.full((2, b - a, d - c), 1.0 + a + 10.0 * c)
            host[:, a:b, c:d] = block
            x[:, a:b, c:d] = backend.asarray(block)
        host[0, :2, 3] = 5.0
        x[0, :2, 3] = 5.0
        np.testing.assert_array_equal(to_host(backend, x), host)

    def test_masks_combine_and_select(self, backend: Backend) -> None:
        xp = backend.xp
        host = np.asarray([-1.0, math.nan, 2.0, math.inf])
        x = backend.asarray(host)
        with backend.errstate():
            mask = (x > 0.0) & ~(x > 5.0) | (x < -0.5)
        assert mask.dtype == xp.bool
        np.testing.assert_array_equal(backend.to_numpy(mask), [True, False, True, False])
        np.testing.assert_array_equal(to_host(backend, x[mask]), [-1.0, 2.0])
        np.testing.assert_array_equal(backend.to_numpy(xp.nonzero(mask)[0]), [0, 2])
        counted = xp.astype(mask, xp.int64)
        assert counted.dtype == xp.int64
        assert int(xp.sum(counted)) == 2
        finite = backend.to_numpy(xp.isfinite(x))
        np.testing.assert_array_equal(finite, [True, False, True, False])

    def test_where_hides_what_is_not_chosen(self, backend: Backend) -> None:
        xp = backend.xp
        x = backend.asarray([0.0, 4.0])
        with backend.errstate():
            chosen = xp.where(x > 0.0, xp.log(x), xp.zeros_like(x))
        np.testing.assert_allclose(to_host(backend, chosen), [0.0, math.log(4.0)], rtol=1e-6)


def _read(backend: Backend, values: Any, what: str) -> Any:
    """`asarray`, with a message that names what it could not take."""
    try:
        return backend.asarray(values)
    except Exception as error:  # noqa: BLE001  a library may raise anything
        remedy = "nextstat_core.backend.memory.host_memory makes an array of NumPy of anything"
        pytest.fail(f"asarray cannot take {what}: {type(error).__name__}: {error}\n{remedy}")


def _awkward(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Three numbers in memory that a backend may not keep a reference to, and the memory."""
    owner = np.asarray([1.0, 2.0, 3.0])
    if kind == "backwards":
        return owner[::-1], owner
    if kind == "broadcast":
        return np.broadcast_to(owner[:1], (3,)), owner
    if kind == "swapped":
        owner = owner.astype(owner.dtype.newbyteorder())
    if kind == "single":
        owner = owner.astype(np.float32)
    theirs = owner[:]
    theirs.flags.writeable = kind != "readonly"
    return theirs, owner
