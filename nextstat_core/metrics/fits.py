"""Metrics of fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.metrics.plain import Absent
from nextstat_core.metrics.summary import Summary

if TYPE_CHECKING:
    from nextstat_core.results import FitMinimumResult, FitResult

__all__ = ["fit_summary", "minimum_summary"]

_NO_POI = Absent("no parameter of interest")


def fit_summary(result: FitResult) -> Summary:
    """Of a fit with uncertainties."""
    poi = result.poi_index
    mu_hat, mu_sigma = (
        (_NO_POI, _NO_POI) if poi is None else (result.values[poi], result.errors[poi])
    )
    degraded = () if result.converged else ("not_converged",)
    if result.covariance_status != "full":
        degraded = (*degraded, f"covariance_{result.covariance_status}")
    return Summary(
        command="fit",
        metrics={
            "poi_hat": mu_hat,
            "poi_sigma": mu_sigma,
            "poi_index": _NO_POI if poi is None else poi,
            "nll": result.nll,
            "twice_nll": result.twice_nll,
            "edm": result.edm,
            "converged": result.converged,
            "termination_reason": result.termination_reason,
        },
        metric={"mu_hat": mu_hat, "nll": result.nll},
        uncertainty={
            "cov_available": result.covariance_status != "not_computed",
            "covariance_status": result.covariance_status,
            "mu_sigma": mu_sigma,
        },
        converged=result.converged,
        reason="" if result.converged else result.termination_reason,
        warnings=result.warnings,
        degraded_flags=degraded,
    )


def minimum_summary(result: FitMinimumResult) -> Summary:
    """Of a fit without."""
    return Summary(
        command="fit_minimum",
        metrics={
            "nll": result.nll,
            "twice_nll": result.twice_nll,
            "edm": result.edm,
            "converged": result.converged,
            "termination_reason": result.message,
        },
        metric={"nll": result.nll},
        converged=result.converged,
        reason="" if result.converged else result.message,
        degraded_flags=() if result.converged else ("not_converged",),
    )
