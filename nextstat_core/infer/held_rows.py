"""Conditional fits around one minimum, as units of work for any executor.

A row has the same bits in a unit of any size. Other processes are sent the minimum and its
Hessian; they make no free fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.backend import get_backend
from nextstat_core.infer.conditional import Conditional, ConditionalFits
from nextstat_core.infer.executors import run_units
from nextstat_core.infer.minimise_one import Fitted, hessian_at
from nextstat_core.infer.target import HistFactoryTarget, target_of
from nextstat_core.optimize import known_minimum

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, Target
    from nextstat_core.linalg import ArrowMatrix
    from nextstat_core.models import StatisticalModel

__all__ = ["fit_held"]

# Rows of a unit, in lanes of the backend: many for one thread, because the last rows of a unit
# leave lanes empty; few enough for several workers to get some.
_ALONE, _SHARED = 8, 2


def fit_held(
    around: Conditional,
    held: NDArray[np.intp],
    values: NDArray[np.float64],
    *,
    second_modes: bool,
    slopes: bool,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ConditionalFits:
    """Fit rows that hold parameters, without a last step with their own Hessians.

    Parameters
    ----------
    around : Conditional
        The minimum.
    held, values, second_modes, slopes
        As in `Conditional.fit`.
    executor : concurrent.futures.Executor, optional
        Whatever fits the rows instead of this thread; results do not depend on it.
    progress : callable, optional
        Called with the numbers of rows that are done, and of all.
    """
    size = (_ALONE if executor is None else _SHARED) * around.target.backend.lanes
    minimum = None if executor is None else _Minimum.of(around)
    units = []
    for first in range(0, max(len(held), 1), size):
        rows = slice(first, first + size)
        units.append(_Rows(minimum, first, held[rows], values[rows], second_modes, slopes))

    def here(_: Any, unit: _Rows) -> ConditionalFits:
        return unit.fit(around)

    parts = run_units(
        here if executor is None else _there,
        around.target.model,
        units,
        executor=executor,
        progress=progress,
    )
    return ConditionalFits.joined(parts)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that are fitted together."""

    minimum: _Minimum | None
    first: int
    held: NDArray[np.intp]
    values: NDArray[np.float64]
    second_modes: bool
    slopes: bool

    def __len__(self) -> int:
        return len(self.held)

    def __str__(self) -> str:
        return f"conditional fits {self.first} ... {self.first + len(self) - 1}"

    def fit(self, around: Conditional) -> ConditionalFits:
        return around.fit(
            self.held,
            self.values,
            certify=False,
            second_modes=self.second_modes,
            slopes=self.slopes,
        )


def _there(model: StatisticalModel, unit: _Rows) -> ConditionalFits:
    """Fit a unit in whatever process this is."""
    assert unit.minimum is not None
    return unit.fit(unit.minimum.around(target_of(model)))


@dataclass(frozen=True, slots=True)
class _Minimum:
    """What conditional fits need to know of a free fit, as it travels.

    Attributes
    ----------
    request : Request
    data : BatchData or None
    options : FitOptions
    x : float array, shape (n_parameters,)
    held : int array, shape (n_parameters,)
        As in `Minima`.
    rivals : tuple of float arrays, shape (n_parameters,)
        Other minima.
    hessian : ArrowMatrix or None
        Of one row, in NumPy; only for models with bins.
    """

    request: Request
    data: BatchData | None
    options: FitOptions
    x: NDArray[np.float64]
    held: NDArray[np.int64]
    rivals: tuple[NDArray[np.float64], ...]
    hessian: ArrowMatrix | None

    @classmethod
    def of(cls, around: Conditional) -> _Minimum:
        target, free = around.target, around.free
        backend = target.backend
        hessian = None
        if isinstance(target, HistFactoryTarget):
            with backend.errstate():
                hessian = hessian_at(free.problem, free.minima).on(get_backend("numpy"), backend)
        return cls(
            around.request,
            around.data,
            around.options,
            around.x,
            np.array(backend.to_numpy(free.minima.held)[0]),
            tuple(np.array(backend.to_numpy(rival.x)[0]) for rival in free.rivals),
            hessian,
        )

    def around(self, target: Target) -> Conditional:
        """Conditional fits around it, in this process."""
        backend = target.backend
        free = self._fitted(target, self.x)
        free.minima.held = backend.asarray(self.held[None, :], dtype=backend.xp.int64)
        if self.hessian is not None:
            free.minima.hessian = self.hessian.on(backend, get_backend("numpy"))
        rivals = tuple(self._fitted(target, x).minima for x in self.rivals)
        free = replace(free, rivals=rivals)
        return Conditional(target, self.request, free, self.data, self.options)

    def _fitted(self, target: Target, x: NDArray[np.float64]) -> Fitted:
        request = replace(self.request, start=x)
        problem, constants = target.problem(1, request, self.data, profile=False)
        return Fitted(problem, known_minimum(problem), float(constants[0]))
