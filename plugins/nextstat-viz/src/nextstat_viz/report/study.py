"""What a report is about: a model, and results that are computed when a section asks for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core import infer
from nextstat_core.ir import NormFactor

if TYPE_CHECKING:
    from typing import Any

    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import (
        ClsScan,
        DiscoveryResult,
        FitResult,
        GoodnessOfFit,
        Impacts,
        Interval,
        LimitResult,
        ProfileScan,
        Yields,
    )

__all__ = ["Study"]

#: Points of curves: enough for smooth lines.
_POINTS = 31
#: Standard deviations on both sides of the best fit that the profile covers.
_REACH = 3.0
#: How far the curve of CLs goes beyond the largest limit.
_BEYOND = 1.25


class Study:
    """A model with lazily computed results.

    Parameters
    ----------
    model : HistFactoryModel
    content : str, bytes or mapping, optional
        The workspace that the model comes from, for the audit.
    alpha : float
        One minus the confidence level of limits.
    top_n : int
        How many parameters plots show.
    """

    def __init__(
        self, model: HistFactoryModel, content: Any = None, *, alpha: float = 0.05, top_n: int = 20
    ) -> None:
        self.model, self.content, self.alpha, self.top_n = model, content, alpha, top_n

    @property
    def poi(self) -> str | None:
        """Name of the parameter of interest."""
        return self.model.ir.poi

    @property
    def signal(self) -> tuple[str, ...]:
        """Samples that the parameter of interest scales."""
        names = [
            sample.name
            for channel in self.model.ir.channels
            for sample in channel.samples
            for modifier in sample.modifiers
            if isinstance(modifier, NormFactor) and self.poi in modifier.parameters
        ]
        return tuple(dict.fromkeys(names))

    @cached_property
    def fit(self) -> FitResult:
        return infer.fit(self.model)

    @cached_property
    def prefit_yields(self) -> Yields:
        return infer.yields(self.model)

    @cached_property
    def postfit_yields(self) -> Yields:
        return infer.yields(self.model, self.fit)

    @cached_property
    def goodness(self) -> GoodnessOfFit:
        return infer.goodness_of_fit(self.model, self.fit)

    @cached_property
    def discovery(self) -> DiscoveryResult:
        return infer.discovery(self.model)

    @cached_property
    def limits(self) -> LimitResult:
        return infer.upper_limits(self.model, alpha=self.alpha)

    @cached_property
    def cls_scan(self) -> ClsScan:
        """CLs from 0 to beyond the largest limit."""
        expected = () if self.limits.expected is None else self.limits.expected.tolist()
        limits = [each for each in (self.limits.observed, *expected) if np.isfinite(each)]
        # Without any limit CLs is shown where a signal of one would be.
        largest = max(limits, default=1.0)
        values = np.linspace(0.0, _BEYOND * largest, _POINTS)
        return infer.cls_scan(self.model, values, alpha=self.alpha)

    @cached_property
    def interval(self) -> Interval:
        return infer.intervals(self.model, [self._known_poi])[0]

    @cached_property
    def profile(self) -> ProfileScan:
        """The profile likelihood around the best fit, as far as its errors and bounds go."""
        index = self.model.poi_index()
        assert index is not None  # as below
        bound = self.model.parameter_bounds_lo()[index], self.model.parameter_bounds_hi()[index]
        lengths = [abs(each) for each in self.interval.errors if np.isfinite(each) and each]
        # An end at a bound has no error of its own.
        errors = [abs(each) or max(lengths, default=1.0) for each in self.interval.errors]
        down, up = (each if np.isfinite(each) else max(lengths, default=1.0) for each in errors)
        start, stop = self.interval.value - _REACH * down, self.interval.value + _REACH * up
        values = np.linspace(max(start, bound[0]), min(stop, bound[1]), _POINTS)
        return infer.profile_scan(self.model, values)

    @cached_property
    def impacts(self) -> Impacts:
        return infer.impacts(self.model, convention="postfit")

    @cached_property
    def prefit_impacts(self) -> Impacts:
        return infer.impacts(self.model, convention="prefit")

    @property
    def _known_poi(self) -> str:
        poi = self.poi
        assert poi is not None  # sections that need one are not made without
        return poi
