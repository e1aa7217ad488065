"""The likelihood of a batch of data sets as an objective of the optimizer."""

from __future__ import annotations

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
    fixed : bool array, shape (rows, parameters)
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
        self._compiled, self._data = compiled, data
        self._lower, self._upper, self._fixed = lower, upper, fixed
        self._nominal, self._profile = nominal, profile and bool(compiled.profile)

    def evaluate(self, x: Array, rows: Indices, order: int) -> Point:
        """Objective, gradient and (lazily) curvature of the rows `rows` at `x`."""
        compiled, backend = self._compiled, self._compiled.backend
        data = self._data.rows(rows, backend)
        movable = self._movable(rows, data) if self._profile else None
        nominal = None if self._nominal is None else backend.take(self._nominal, rows, axis=1)
        at = compiled.evaluate(
            backend.transposed(x), data, order, nominal=nominal, movable=movable
        )
        gradient = None if at.gradient is None else backend.transposed(at.gradient)
        return Point(
            x=backend.transposed(at.theta),
            value=at.nll,
            gradient=gradient,
            hessian=_Later(compiled, at, data, expected=False),
            metric=_Later(compiled, at, data, expected=True),
        )

    def _movable(self, rows: Indices, data: Observations) -> Movable:
        backend = self._compiled.backend

        def of_rows(x: Array) -> Array:
            chosen = x if x.shape[0] == 1 else backend.take(x, rows, axis=0)
            return backend.transposed(chosen)

        return Movable(
            data, of_rows(self._lower), of_rows(self._upper), ~of_rows(self._fixed)
        )


class _Later:
    """A Hessian or Fisher information that is computed when it is asked for."""

    def __init__(
        self, compiled: CompiledModel, at: Evaluation, data: Observations, *, expected: bool
    ) -> None:
        self._compiled, self._at, self._data, self._expected = compiled, at, data, expected

    def __call__(self):  # type: ignore[no-untyped-def]
        make = self._compiled.fisher if self._expected else self._compiled.hessian
        return make(self._at, self._data)
