"""The rows that projected Newton has in work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowFactor, ArrowMatrix
    from nextstat_core.typing import Array, Indices

__all__ = ["State"]


@dataclass(slots=True)
class State:
    """Rows in work. All arrays have the rows in work on the first axis."""

    rows: Indices
    x: Array
    value: Array
    gradient: Array
    hessian: ArrowMatrix
    damping: Array
    escapes: Array
    status: Array
    edm: Array
    counts: Array  # (rows, 4): iterations, values, gradients, hessians
    factor: ArrowFactor | None = None  # of the Hessian on the free set, in the last iteration

    def take(self, index: Indices, backend: Backend) -> State:
        """Some of the rows."""
        names = ("rows", "x", "value", "gradient", "damping", "escapes", "status", "edm", "counts")
        columns = {name: backend.take(getattr(self, name), index, axis=0) for name in names}
        return State(hessian=self.hessian.take(index, backend), **columns)
