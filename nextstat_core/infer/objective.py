"""The likelihood of a batch of data sets as an objective of the optimizer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nextstat_core.likelihood import CompiledModel, Movable, Observations
from nextstat_core.optimize import Point

if TYPE_CHECKING:
    from nextstat_core.likelihood import Evaluation
    from nextstat_core.typing import Array, Indices

__all__ = ["LikelihoodObjective"]


class LikelihoodObjective:
    """Negative log-likelihoods of rows that differ in data, auxiliary data and nominal yields.

    The constant of the data is left out; add `CompiledModel.constant`.

    Parameters
    ----------
    compiled : CompiledModel
    data : Observations
        One set for all rows, or one per row.
    lower, upper : array, shape (1 or rows, parameters)
        Limits inside which parameters with a closed form are moved to their conditional optimum.
    fixed : bool array, shape (1 or rows, parameters)
        Parameters that are never moved.
    nominal : array, shape (cells, rows), optional
        Nominal yields where they differ between rows.
    """

    def __init__(
        self,
        compiled: CompiledModel,
        data: Observations,
        lower: Array,
        upper: Array,
        fixed: Array,
        *,
        nominal: Array | None = None,
        profile: bool = True,
    ) -> None:
        backend = compiled.backend
        self.compiled, self.data = compiled, data
        self._lower, self._upper = backend.transposed(lower), backend.transposed(upper)
        self._free = backend.transposed(~fixed)
        self._nominal, self._profile = nominal, profile and bool(compiled.profile)

    def evaluate(self, x: Array, rows: Indices, order: int) -> Point:
        """Objective, gradient and (lazily) curvature of the rows `rows` at `x`."""
        backend = self.compiled.backend
        at, data = self.at(backend.transposed(x), rows, order)
        return Point(
            x=backend.transposed(at.theta),
            value=at.nll,
            gradient=None if at.gradient is None else backend.transposed(at.gradient),
            hessian=partial(self.compiled.hessian, at, data),
            metric=partial(self.compiled.metric, at, data),
            outside=partial(self.compiled.outside, at, data),
        )

    def at(self, theta: Array, rows: Indices, order: int) -> tuple[Evaluation, Observations]:
        """Evaluation at `theta`, shape (parameters, rows), and the data of these rows."""
        compiled, backend = self.compiled, self.compiled.backend
        data = self.data.rows(rows, backend)
        movable = self._movable(rows, data) if self._profile else None
        nominal = None if self._nominal is None else backend.take(self._nominal, rows, axis=1)
        return compiled.evaluate(theta, data, order, nominal=nominal, movable=movable), data

    def _movable(self, rows: Indices, data: Observations) -> Movable:
        backend = self.compiled.backend
        lower, upper, free = (
            x if x.shape[1] == 1 else backend.take(x, rows, axis=1)
            for x in (self._lower, self._upper, self._free)
        )
        return Movable(data, lower, upper, free)
