"""What a minimisation leaves: failure is data, not an exception."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowMatrix
    from nextstat_core.typing import Array

__all__ = ["Minima", "Status"]


class Status(enum.IntEnum):
    """Why a row stopped."""

    RUNNING = 0
    #: Expected decrease below tolerance, and the exact Hessian positive definite on the free set.
    EDM = 1
    MAX_ITERATIONS = 2
    #: Stationary, but not a minimum, after all permitted escapes.
    SADDLE = 3
    #: No step decreases the objective any more, though the expected decrease is above tolerance.
    STALLED = 4
    #: The expected yield of a bin with data is not positive.
    NON_POSITIVE_RATE = 5

    @property
    def reason(self) -> str:
        """The word that results carry."""
        return self.name.lower()


@dataclass(slots=True)
class Minima:
    """Result of a batch.

    Attributes
    ----------
    x : array, shape (rows, parameters)
    value, initial_value : array, shape (rows,)
    gradient : array, shape (rows, parameters)
        Zero for fixed parameters and for those held by a bound.
    edm : array, shape (rows,)
    status : int array, shape (rows,)
        `Status` codes.
    held : int array, shape (rows, parameters)
        -1 at the lower bound, 1 at the upper one, 2 at a kink, 0 otherwise.
    outside : bool array, shape (rows,), or None
        Rows that ended where the objective is only a continuation, see `Point.outside`.
    n_iterations, n_values, n_gradients, n_hessians : int arrays, shape (rows,)
    hessian : ArrowMatrix or None
        Of a single row: the exact Hessian at `x`, where it is at hand.
    make_hessian : callable or None
        What computes it, where that is at hand.
    is_near : bool
        `hessian` is that of the point before the last step, within 1.5e-5 standard deviations.
    """

    x: Array
    value: Array
    initial_value: Array
    gradient: Array
    edm: Array
    status: Array
    held: Array
    outside: Array | None
    n_iterations: Array
    n_values: Array
    n_gradients: Array
    n_hessians: Array
    hessian: ArrowMatrix | None = None
    make_hessian: Callable[[], ArrowMatrix] | None = None
    is_near: bool = False

    def on(self, backend: Backend, before: Backend) -> Minima:
        """The same on another backend than `before`, without a Hessian."""
        columns: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in {"hessian", "make_hessian", "is_near"} or value is None:
                continue
            host = before.to_numpy(value)
            dtype = {"b": backend.xp.bool, "i": backend.xp.int64}.get(host.dtype.kind)
            columns[entry.name] = backend.asarray(host, dtype=dtype)
        return Minima(**{"outside": None, **columns})
