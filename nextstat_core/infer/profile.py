"""The profile likelihood: conditional fits measured from the best fit, which they may improve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.conditional import Conditional, ConditionalFits
from nextstat_core.infer.fit import minimise_one, single_data
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import BatchFit, row_result
from nextstat_core.infer.target import target_of
from nextstat_core.optimize import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, Target
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitMinimumResult
    from nextstat_core.typing import ArrayLike

__all__ = ["Profile", "lifted_to", "place_of"]

# A conditional minimum may lie this much below the best one by rounding: 1e-6 in 2 dNLL.
_BELOW = 5e-7
# Rows between two reports of progress.
_CHUNK = 256


class Profile:
    """Conditional fits around the best fit; a lower minimum takes its place.

    Parameters
    ----------
    target : Target
    request : Request
        Of the free fit.
    data : BatchData or None
    options : FitOptions

    Attributes
    ----------
    around : Conditional
        The best fit so far.
    warnings : list of str
        What went otherwise than it should.
    """

    def __init__(
        self, target: Target, request: Request, data: BatchData | None, options: FitOptions
    ) -> None:
        self._data, self._options = data, options
        self.around = Conditional.around_fit(target, request, data, options)
        self.warnings: list[str] = []
        if self.around.free.converged:
            return
        reason = Status(int(self.around.free.minima.status[0])).reason
        text = f"the free fit did not converge: {reason}"
        if options.on_failure == "raise":
            raise FitError(text)
        self.warnings.append(text)

    @classmethod
    def of(
        cls,
        model: StatisticalModel,
        *,
        data: ArrayLike | None,
        fixed: Mapping[str, float | None] | Iterable[str] | None,
        bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None,
        init: Mapping[str, float] | None,
        options: FitOptions | None,
        reaching: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> Profile:
        """The profile likelihood of a model, arguments as in `nextstat_core.infer.fit`.

        Parameters
        ----------
        reaching : mapping of name to float array, optional
            Values that parameters will be held at; their bounds are lifted to these.
        """
        target = target_of(model)
        request = make_request(target, init=init, fixed=fixed, bounds=bounds)
        notes = []
        for name, values in (reaching or {}).items():
            request, note = lifted_to(target, request, place_of(target, request, name), values)
            notes += note
        profile = cls(target, request, single_data(target, data), options or FitOptions())
        profile.warnings = [*notes, *profile.warnings]
        return profile

    @property
    def target(self) -> Target:
        return self.around.target

    @property
    def may_have_modes(self) -> bool:
        """Whether conditional fits can have second modes, and are to be looked at for these."""
        compiled = self.target.compiled
        return self._options.second_modes and compiled is not None and len(compiled.bent) > 0

    @property
    def request(self) -> Request:
        return self.around.request

    def fit(
        self,
        held: NDArray[np.intp],
        values: NDArray[np.float64],
        *,
        start: NDArray[np.float64] | None = None,
        second_modes: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> ConditionalFits:
        """Fit rows that hold parameters, see `Conditional.fit`.

        Parameters
        ----------
        progress : callable, optional
            Is told how many rows are done, and of how many.
        """
        parts, size = [], max(len(held), 1) if progress is None else _CHUNK
        for first in range(0, max(len(held), 1), size):
            rows = slice(first, first + size)
            begin = None if start is None else start[rows]
            # The metric of the best fit is exact enough here: 2e-9 in 2 dNLL.
            parts.append(
                self.around.fit(
                    held[rows],
                    values[rows],
                    start=begin,
                    certify=False,
                    second_modes=second_modes,
                )
            )
            if progress is not None:
                progress(min(first + size, len(held)), len(held))
        return ConditionalFits.joined(parts)

    def settled(
        self,
        held: NDArray[np.intp],
        values: NDArray[np.float64],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> BatchFit:
        """Fit rows that hold parameters, again around every better best fit they lead to."""
        found = self.fit(held, values, progress=progress).fits
        while self.improved_by(found):
            found.take_lower(self.fit(held, values, progress=progress).fits)
        return found

    def improved_by(self, found: BatchFit) -> bool:
        """Whether a row lies below the best fit, which is then repeated from there."""
        values = np.where(found.status == Status.EDM, found.nll, np.inf)
        if not len(values) or not values.min() < self.around.nll - _BELOW:
            return False
        row, before = int(np.argmin(values)), self.around.nll
        start = replace(self.request, start=found.values[row])
        better = minimise_one(self.target, start, self._data, self._options)
        if not better.converged or better.value + better.constant > values[row] + _BELOW:
            self.warnings.append(
                f"a point lies {2.0 * (before - values[row]):.3g} in 2 dNLL below the best fit, "
                "and no fit from there converged"
            )
            return False
        self.around = Conditional(self.target, self.request, better, self._data, self._options)
        self.warnings.append(
            f"a lower minimum was found on the way, by {2.0 * (before - self.around.nll):.3g} in "
            "2 dNLL; it is the best fit now"
        )
        return True

    def best(self) -> FitMinimumResult:
        """The best fit."""
        return row_result(self.target, self.best_row(), 0)

    def best_row(self) -> BatchFit:
        """The best fit as a batch of one row."""
        free = self.around.free
        return BatchFit.of(self.target, free.minima, free.constant)


def place_of(target: Target, request: Request, name: str) -> int:
    """Position of a free parameter.

    Raises
    ------
    InputError
        If there is no such parameter, or it is fixed.
    """
    if name not in target.names:
        raise InputError.unknown("parameter", name, target.names)
    position = target.names.index(name)
    if request.fixed[position]:
        raise InputError(
            f"parameter {name!r} is fixed at {request.start[position]:g}; expected a free one"
        )
    return position


def lifted_to(
    target: Target, request: Request, position: int, values: NDArray[np.float64]
) -> tuple[Request, list[str]]:
    """The same request with bounds of one parameter that hold all `values`, and what to say."""
    low, high = float(request.lower[position]), float(request.upper[position])
    lowest = min(low, values.min(initial=low))
    highest = max(high, values.max(initial=high))
    if (lowest, highest) == (low, high):
        return request, []
    lower, upper = request.lower.copy(), request.upper.copy()
    lower[position], upper[position] = lowest, highest
    note = (
        f"the bounds of {target.names[position]!r}, ({low:g}, {high:g}), were lifted to "
        f"({lowest:g}, {highest:g}) for all fits"
    )
    return replace(request, lower=lower, upper=upper), [note]
