"""What is minimised: rows of one objective that differ in data, start, bounds, fixed parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowMatrix
    from nextstat_core.typing import Array, Indices

__all__ = ["Objective", "Options", "Point", "Problem"]


@dataclass(frozen=True, slots=True)
class Point:
    """The objective at one parameter point per row.

    Attributes
    ----------
    x : array, shape (rows, parameters)
        Where it was evaluated. May differ from what was asked for in parameters whose conditional
        optimum is known in closed form; the value is then not larger.
    value : array, shape (rows,)
    gradient : array, shape (rows, parameters), or None
    hessian : callable
        Exact second derivatives; call it at most once, it may be the expensive part.
    metric : callable or None
        A positive semi-definite stand-in for the Hessian (Fisher information).
    outside : callable or None
        Says in which rows the point lies where the objective is only a continuation: bool, (rows,).
    """

    x: Array
    value: Array
    gradient: Array
    hessian: Callable[[], ArrowMatrix]
    metric: Callable[[], ArrowMatrix] | None = None
    outside: Callable[[], Array] | None = None


class Objective(Protocol):
    """A batch of objectives over the same parameters."""

    def evaluate(self, x: Array, rows: Indices, order: int) -> Point:
        """Evaluate at `x`, shape (n, parameters), where entry i belongs to row ``rows[i]``.

        `order` 0 needs no gradient, 1 no Hessian.
        """
        ...


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows to minimise.

    Attributes
    ----------
    start : array, shape (rows, parameters)
    lower, upper : array, shape (1 or rows, parameters)
    fixed : bool array, shape (1 or rows, parameters)
        Held at `start`.
    kinks : index array
        Parameters at whose zero the objective is continuous but its derivative jumps.
    """

    backend: Backend
    objective: Objective
    start: Array
    lower: Array
    upper: Array
    fixed: Array
    kinks: Indices | None = None

    def of_rows(self, x: Array, rows: Indices) -> Array:
        """Entries of some rows of an array that may have one row for all."""
        return x if x.shape[0] == 1 else self.backend.take(x, rows, axis=0)


@dataclass(frozen=True, slots=True)
class Options:
    """Stopping rules.

    Attributes
    ----------
    tolerance : float
        Estimated distance to the minimum (EDM) below which a row is done: expected decrease of the
        objective, ``g' H^-1 g / 2``.
    max_iterations : int
    polish : bool
        Take one last Newton step after convergence, kept where the projected gradient shrinks.
    max_escapes : int
        How often a row may leave a saddle before its status is `saddle`.
    """

    tolerance: float = 1e-8
    max_iterations: int = 200
    polish: bool = True
    max_escapes: int = 3
