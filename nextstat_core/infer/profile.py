"""The profile likelihood: conditional fits measured from the best fit, which they may improve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.conditional import Conditional, ConditionalFits
from nextstat_core.infer.fit import single_data
from nextstat_core.infer.held_rows import fit_held
from nextstat_core.infer.minimise_one import minimise_one
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import BatchFit, row_result
from nextstat_core.infer.target import target_of
from nextstat_core.optimize import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import Target
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitMinimumResult
    from nextstat_core.typing import ArrayLike

__all__ = ["Profile", "lifted_to", "place_of"]

# A conditional minimum may lie this much below the best one by rounding: 1e-6 in 2 dNLL.
_BELOW = 5e-7


class Profile:
    """Conditional fits around the best fit; a lower minimum takes its place.

    Parameters
    ----------
    around : Conditional
        The free fit.

    Attributes
    ----------
    around : Conditional
        The best fit so far.
    warnings : list of str
        What went otherwise than it should.
    """

    def __init__(self, around: Conditional) -> None:
        self.around = around
        self.warnings: list[str] = []

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
        options = options or FitOptions()
        batch = single_data(target, data)
        profile = cls(Conditional.around_fit(target, request, batch, options))
        profile.warnings += notes
        free = profile.around.free
        if not free.converged:
            reason = Status(int(free.minima.status[0])).reason
            text = f"the free fit did not converge: {reason}"
            if options.on_failure == "raise":
                raise FitError(text)
            profile.warnings.append(text)
        return profile

    @property
    def target(self) -> Target:
        return self.around.target

    @property
    def may_have_modes(self) -> bool:
        """Whether conditional fits can have second modes, and are to be looked at for these."""
        compiled = self.target.compiled
        return self.around.options.second_modes and compiled is not None and len(compiled.bent) > 0

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
    ) -> ConditionalFits:
        """Fit rows that hold parameters, see `Conditional.fit`."""
        # The metric of the best fit is exact enough here: 2e-9 in 2 dNLL.
        return self.around.fit(held, values, start=start, certify=False, second_modes=second_modes)

    def settled(
        self,
        held: NDArray[np.intp],
        values: NDArray[np.float64],
        *,
        executor: Executor | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> BatchFit:
        """Fit rows that hold parameters, again around every better best fit they lead to.

        Arguments as in `fit_held`.
        """

        def fitted() -> BatchFit:
            return fit_held(
                self.around, held, values, second_modes=True, slopes=False, executor=executor,
                progress=progress,
            ).fits  # fmt: skip

        found = fitted()
        while self.improved_by(found):
            found.take_lower(fitted())
        return found

    def improved_by(self, found: BatchFit) -> bool:
        """Whether a row lies below the best fit, which is then repeated from there."""
        values = np.where(found.status == Status.EDM, found.nll, np.inf)
        if not len(values) or not values.min() < self.around.nll - _BELOW:
            return False
        row, before = int(np.argmin(values)), self.around.nll
        start = replace(self.request, start=found.values[row])
        target, data, options = self.target, self.around.data, self.around.options
        better = minimise_one(target, start, data, options)
        if not better.converged or better.value + better.constant > values[row] + _BELOW:
            self.warnings.append(
                f"a point lies {2.0 * (before - values[row]):.3g} in 2 dNLL below the best fit, "
                "and no fit from there converged"
            )
            return False
        self.around = Conditional(target, self.request, better, data, options)
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
