"""The best fit that impacts are about, with what refits around it and its first order need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from nextstat_core.errors import FitError
from nextstat_core.infer.conditional import Conditional
from nextstat_core.infer.fit import single_data
from nextstat_core.infer.fit_results import failure_of, result_of
from nextstat_core.infer.minimise_one import minimise_one
from nextstat_core.infer.observe import notify
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.poi import opened, poi_of
from nextstat_core.infer.request import make_request
from nextstat_core.infer.response import Response
from nextstat_core.infer.target import target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitResult
    from nextstat_core.typing import ArrayLike

__all__ = ["BestFit", "best_fit"]

# EDM of refits: the place of a minimum is known to its root, in standard deviations.
_CLOSELY = 1e-11


@dataclass(frozen=True, slots=True)
class BestFit:
    """The free fit that impacts are about.

    Attributes
    ----------
    around : Conditional
        Refits around it.
    fit : FitResult
        The same fit, with uncertainties.
    poi : int
        Position of the parameter of interest.
    notes : tuple of str
        What came up after the fit.
    """

    around: Conditional
    fit: FitResult
    poi: int
    notes: tuple[str, ...] = ()

    def response(self) -> Response:
        """What it answers to first order."""
        return Response(self.around.target, self.around.free, self.fit, self.poi)

    def moved(self, around: Conditional, notes: tuple[str, ...]) -> BestFit:
        """The same around a lower minimum, if `around` is one, with notes on how it was found."""
        fit = self.fit
        if around is not self.around:
            fit = result_of(around.target, around.request, around.data, around.free)
        return replace(self, around=around, fit=fit, notes=notes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of the fit, and what is odd about the parameter of interest."""
        name = self.fit.parameter_names[self.poi]
        side = dict(self.fit.at_bound).get(name)
        more = []
        if not self.fit.converged:
            more.append(f"{failure_of(self.fit)}; impacts are around where it ended")
        if side is not None:
            more.append(
                f"{name} is at its {side} bound, so that its uncertainty is undefined and impacts "
                "are zero or one-sided"
            )
        return (*self.fit.warnings, *more, *self.notes)


def best_fit(
    model: StatisticalModel,
    what: str,
    *,
    poi: str | None = None,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
    open_poi_bound: bool = True,
) -> BestFit:
    """Make the free fit; arguments as in `impacts`, `what` says what needs it."""
    options = options or FitOptions()
    target = target_of(model)
    request = make_request(target, fixed=fixed, bounds=bounds, init=init)
    position = poi_of(target, request, what, poi)
    if open_poi_bound:
        request = opened(target, request, position)
    batch = single_data(target, data)
    notify("start", target, 1)
    begin = perf_counter()
    free = minimise_one(target, request, batch, options)
    fit = result_of(target, request, batch, free)
    fit = replace(fit, seconds=perf_counter() - begin)
    notify("end", target, 1, fit)
    if options.on_failure == "raise" and not fit.converged:
        raise FitError(failure_of(fit))
    closely = replace(options, tolerance=min(options.tolerance, _CLOSELY))
    return BestFit(Conditional(target, request, free, batch, closely), fit, position)
