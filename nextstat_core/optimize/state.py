"""The rows that projected Newton has in work."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.linalg import ArrowFactor, ArrowMatrix
    from nextstat_core.optimize.problem import Point
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
    moved: Array  # whether the row moved since it was last looked at without damping
    point: Point | None = None  # of all rows at `x`, where it is at hand
    factor: ArrowFactor | None = None  # of the Hessian on the free set, in the last iteration

    def take(self, index: Indices, backend: Backend) -> State:
        """Some of the rows."""
        columns: dict[str, Any] = {
            field.name: backend.take(getattr(self, field.name), index, axis=0)
            for field in fields(self)
            if field.name not in {"hessian", "point", "factor"}
        }
        return State(hessian=self.hessian.take(index, backend), **columns)
