"""What an array backend must supply beyond the array API standard."""

from __future__ import annotations

import enum
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy as np

    from nextstat_core.typing import Array, ArrayLike, ArrayNamespace, Indices

__all__ = ["Backend", "BackendSpec", "Capability", "SegmentPlan", "SparseMatrix"]


class Capability(enum.Flag):
    """What a backend declares about itself; declared, never sniffed."""

    NONE = 0
    #: Arrays of float64 exist.
    FLOAT64 = enum.auto()
    #: The same call on the same input gives the same bits.
    DETERMINISTIC = enum.auto()
    #: A row gets the same bits whatever its place in a batch, and whatever the other rows are, in
    #: batches of one size. Few libraries promise that of their products of matrices.
    BATCH_INVARIANT = enum.auto()
    #: Calls may return before the work is done.
    ASYNCHRONOUS = enum.auto()
    #: Evaluation may run in several host threads at once.
    THREADS = enum.auto()


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """How a plugin announces a backend without importing its array library.

    Attributes
    ----------
    name : str
        What the user types: ``numpy``, ``torch``, ``cupy``.
    load : callable
        ``load(device) -> Backend``; imports the library. Raises `BackendUnavailableError`, with the
        remedy, where the library or the device is missing.
    description : str
        One line for listings.
    aliases : tuple of str
        Further names.
    """

    name: str
    load: Callable[[str | None], Backend]
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """Index plan of a segment sum, built once on the host.

    Attributes
    ----------
    n_segments : int
        Number of sums.
    ids : numpy array of intp, shape (n,)
        Segment of each entry.
    payload : object
        Whatever the backend prepared.
    """

    n_segments: int
    ids: Any
    payload: Any = None


class Backend:
    """Base class of array backends: abstract hooks first, then hooks with a default.

    A backend is immutable and may be shared by many models. `xp` is captured once, when the backend
    is made; hot code never asks an array for its namespace. Arrays in the core have the working
    real `dtype`; batches are ``(rows, ...)`` in the optimizer and ``(..., rows)`` in rate kernels.

    See Also
    --------
    nextstat_core.testing.BackendContract : the tests that every backend passes.
    """

    #: Name under which the backend is looked up.
    name: str
    #: Namespace that follows the Python array API standard, 2024.12 or later.
    xp: ArrayNamespace
    #: Working real dtype: float64, or float32 where nothing wider exists.
    dtype: Any
    #: Device of all arrays, in the terms of `xp`.
    device: Any
    capabilities: Capability = Capability.NONE
    #: Rows that a batched minimisation works on at a time, a multiple of 8. Few where temporaries
    #: have to stay in a processor's cache, thousands where an accelerator wants to be filled.
    lanes: int = 64

    @property
    def device_name(self) -> str:
        """The device in the words in which `get_backend` takes it."""
        return str(self.device)

    # -- to be supplied ---------------------------------------------------------------------------

    def asarray(self, values: ArrayLike, *, dtype: Any = None) -> Array:
        """A new array of the working dtype (or `dtype`) on the device.

        Never an alias of what is passed in: the engine writes into its arrays, and what happens to
        the caller's memory later must not reach them. `nextstat_core.backend.memory.host_memory`
        reads whatever may be passed in.
        """
        raise NotImplementedError

    def to_numpy(self, x: Array) -> np.ndarray:
        """Host copy or view as numpy array; waits for the device."""
        raise NotImplementedError

    def spd_factor(self, matrices: Array) -> tuple[Array, Array]:
        """Cholesky factors of a batch of symmetric matrices; never raises.

        Parameters
        ----------
        matrices : array, shape (rows, n, n)
            Only the lower triangle is read.

        Returns
        -------
        factor : array, shape (rows, n, n)
            Lower triangular L with ``L @ L.T == matrix``. Where not `ok` the content is arbitrary,
            but `spd_solve` and `lower_solve` take it without raising: the engine solves all rows
            and discards those.
        ok : bool array, shape (rows,)
            Whether the matrix is finite and positive definite in working precision.
        """
        raise NotImplementedError

    def spd_solve(self, factor: Array, rhs: Array) -> Array:
        """Solve ``L L.T x = rhs`` for `rhs` of shape (rows, n, k)."""
        raise NotImplementedError

    def lower_solve(self, factor: Array, rhs: Array) -> Array:
        """Solve ``L x = rhs`` for lower triangular L and `rhs` of shape (rows, n, k)."""
        raise NotImplementedError

    def spd_inverse(self, factor: Array) -> Array:
        """Inverse of the matrices whose factors these are, (rows, n, n)."""
        n = factor.shape[-1]
        eye = self.xp.eye(n, dtype=self.dtype, device=self.device)
        return self.spd_solve(factor, self.xp.broadcast_to(eye, factor.shape))

    # -- defaults in terms of the standard --------------------------------------------------------

    def host(self) -> Backend:
        """The float64 backend on the host that stands beside this one.

        It draws toys, polishes minima that were found without float64, and takes single rows that
        an accelerator is too slow for. By default the NumPy backend.
        """
        from nextstat_core.backend._registry import get_backend

        return get_backend("numpy")

    def indices(self, values: Any) -> Indices:
        """Index array on the device from host integers."""
        return self.xp.asarray(values, dtype=self.xp.int64, device=self.device)

    def take(self, x: Array, index: Indices, *, axis: int) -> Array:
        """Entries of `x` along `axis`; `index` is one-dimensional, valid and non-negative."""
        return self.xp.take(x, index, axis=axis)

    def segment_plan(self, ids: np.ndarray, n_segments: int) -> SegmentPlan:
        """Prepare `segment_sum` for host integers `ids`; segments may be empty or unsorted."""
        from nextstat_core.backend._segments import PaddedSegments

        return SegmentPlan(n_segments, ids, PaddedSegments(self, ids, n_segments))

    def segment_sum(self, plan: SegmentPlan, x: Array) -> Array:
        """Sums of `x`, shape (n, rows), over segments of its first axis: (n_segments, rows)."""
        return plan.payload(x)

    def sparse(self, rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> SparseMatrix:
        """Sparse matrix from host triplets; entries at the same place add up."""
        return SparseMatrix(self, rows, columns, values, shape)

    def put_rows(self, x: Array, index: Indices, values: Array) -> Array:
        """`x` with ``x[index] = values`` along the first axis; may work in place: rebind it.

        `index` has no duplicates.
        """
        order = self.xp.concat([self.xp.arange(x.shape[0], device=self.device), index])
        # A stable sort by target puts the new value behind the old one; keep the last of each.
        position = self.xp.argsort(order, stable=True)
        both = self.xp.concat([x, values], axis=0)
        sorted_target = self.xp.take(order, position, axis=0)
        last = self.xp.concat(
            [
                sorted_target[1:] != sorted_target[:-1],
                self.xp.ones((1,), dtype=self.xp.bool, device=self.device),
            ]
        )
        return self.xp.take(both, position[last], axis=0)

    def transposed(self, x: Array) -> Array:
        """``x.T`` of a matrix, laid out in rows where the library knows layouts."""
        return self.xp.permute_dims(x, (1, 0))

    def add_diagonal(self, matrices: Array, values: Array) -> Array:
        """``matrices + diag(values)`` for (rows, n, n) and (rows, n); may work in place."""
        n = matrices.shape[-1]
        eye = self.xp.eye(n, dtype=self.dtype, device=self.device)
        return matrices + eye[None, :, :] * values[:, None, :]

    def gammaln(self, x: Array) -> Array:
        """Natural logarithm of the gamma function for x > 0."""
        from nextstat_core.backend._special import gammaln

        return gammaln(x, self.xp)

    def ndtr(self, x: Array) -> Array:
        """Distribution function of the standard normal."""
        from nextstat_core.backend._special import ndtr

        return ndtr(x, self.xp)

    def eigh(self, matrices: Array) -> tuple[Array, Array]:
        """Eigenvalues, ascending, and eigenvectors (as columns) of symmetric matrices."""
        result = self.xp.linalg.eigh(matrices)
        return result[0], result[1]

    def any_true(self, mask: Array) -> bool:
        """Whether any entry is true: the one sanctioned host synchronisation in loops."""
        return bool(self.xp.any(mask))

    def maybe_true(self, mask: Array) -> bool:
        """False only where no entry is true; True may also mean that nobody looked.

        It guards work that changes nothing where the mask is false. An asynchronous device does
        that work rather than wait for the answer.
        """
        return Capability.ASYNCHRONOUS in self.capabilities or self.any_true(mask)

    def errstate(self) -> AbstractContextManager[Any]:
        """Context in which overflow and invalid operations pass without warnings."""
        return nullcontext()

    def synchronize(self) -> None:
        """Wait until all work on the device is done."""


class SparseMatrix:
    """A constant sparse matrix times dense ones, by a gather and a segment sum."""

    def __init__(
        self, backend: Backend, rows: Any, columns: Any, values: Any, shape: tuple[int, int]
    ) -> None:
        self._backend = backend
        self._columns = backend.indices(columns)
        self._values = backend.asarray(values)[:, None]
        self._plan = backend.segment_plan(rows, shape[0])

    def __matmul__(self, x: Array) -> Array:
        """Product with an array of shape (columns, k)."""
        picked = self._backend.take(x, self._columns, axis=0)
        return self._backend.segment_sum(self._plan, self._values * picked)
