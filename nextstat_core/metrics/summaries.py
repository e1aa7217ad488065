"""Which kinds of results have metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.metrics.fits import fit_summary, minimum_summary
from nextstat_core.metrics.hypotheses import (
    cls_scan_summary,
    discovery_summary,
    hypotest_summary,
    limit_summary,
    mass_summary,
    toy_hypotest_summary,
    toy_limit_summary,
)
from nextstat_core.metrics.scans import (
    contour_summary,
    goodness_summary,
    impacts_summary,
    scan_summary,
)
from nextstat_core.results import (
    ClsScan,
    Contour,
    DiscoveryResult,
    FitMinimumResult,
    FitResult,
    GoodnessOfFit,
    HypotestResult,
    Impacts,
    LimitResult,
    MassScan,
    ProfileScan,
    ToyHypotestResult,
    ToyLimitResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nextstat_core.metrics.summary import Summary

__all__ = ["summarise"]

_KINDS: Mapping[type, Callable[[Any], Summary]] = {
    ClsScan: cls_scan_summary,
    Contour: contour_summary,
    DiscoveryResult: discovery_summary,
    FitMinimumResult: minimum_summary,
    FitResult: fit_summary,
    GoodnessOfFit: goodness_summary,
    HypotestResult: hypotest_summary,
    Impacts: impacts_summary,
    LimitResult: limit_summary,
    MassScan: mass_summary,
    ProfileScan: scan_summary,
    ToyHypotestResult: toy_hypotest_summary,
    ToyLimitResult: toy_limit_summary,
}


def summarise(result: object) -> Summary:
    """Summary of a result.

    Raises
    ------
    InputError
        For a result of a kind that has none.
    """
    for kind in type(result).__mro__:
        if kind in _KINDS:
            return _KINDS[kind](result)
    known = ", ".join(sorted(kind.__name__ for kind in _KINDS))
    raise InputError(f"there are no metrics of a {type(result).__name__}; there are for: {known}")
