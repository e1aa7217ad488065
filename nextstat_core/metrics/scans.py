"""Metrics of scans, and of the quality of fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.metrics.plain import Absent
from nextstat_core.metrics.summary import Summary, present

if TYPE_CHECKING:
    from nextstat_core.results import Contour, GoodnessOfFit, Impacts, ProfileScan

__all__ = ["contour_summary", "goodness_summary", "impacts_summary", "scan_summary"]

_NO_TOYS = "no toys were asked for"
# How many impacts a document holds; there may be hundreds.
_LARGEST = 10


def scan_summary(result: ProfileScan) -> Summary:
    """Of a profile likelihood on a grid."""
    failed = int(np.count_nonzero(~result.converged))
    empty = Absent("the grid is empty")
    q = result.q_mu
    return Summary(
        command="scan",
        metrics={
            "parameter": result.parameter,
            "poi_index": present(result.poi_index, "no parameter of interest"),
            "mu_hat": result.mu_hat,
            "nll_hat": result.nll_hat,
            "n_points": len(q),
            "n_failed": failed,
            "q_mu_min": np.min(q) if len(q) else empty,
            "q_mu_max": np.max(q) if len(q) else empty,
        },
        metric={"mu_hat": result.mu_hat, "nll": result.nll_hat},
        converged=not failed,
        reason=f"{failed} of {len(q)} points" if failed else "",
        warnings=result.warnings,
        degraded_flags=("not_converged",) if failed else (),
    )


def contour_summary(result: Contour) -> Summary:
    """Of lines of constant likelihood."""
    ends = [end for line in result.ends for end in line]
    failed = ends.count("failed")
    return Summary(
        command="contour",
        metrics={
            "parameters": result.names,
            "bestfit": {name: result.best[name] for name in result.names},
            "nll_hat": result.best.nll,
            "levels": result.levels,
            "n_points": len(ends),
            "n_at_bound": ends.count("bound"),
            "n_open": ends.count("open"),
            "n_failed": failed,
        },
        metric={"nll": result.best.nll},
        converged=result.best.converged and not failed,
        reason=f"{failed} of {len(ends)} corners" if failed else result.best.message,
        warnings=result.warnings,
        degraded_flags=("not_converged",) if failed or not result.best.converged else (),
    )


def impacts_summary(result: Impacts) -> Summary:
    """Of a ranking of nuisance parameters, with its largest entries."""
    failed = ", ".join(result.failed)
    return Summary(
        command="ranking",
        metrics={
            "convention": result.convention,
            "poi": result.poi,
            "mu_hat": result.poi_value,
            "n_total": len(result),
            "n_refits": result.n_refits,
            "n_newton": result.n_newton,
            "n_failed": len(result.failed),
            "largest": [
                {"name": entry.name, "delta_mu_up": entry.up, "delta_mu_down": entry.down}
                for entry in result[:_LARGEST]
            ],
        },
        metric={"mu_hat": result.poi_value, "nll": result.fit.nll},
        uncertainty={
            "cov_available": result.fit.covariance_status != "not_computed",
            "mu_sigma": result.poi_sigma,
        },
        converged=result.fit.converged and not failed,
        reason=f"refits of {failed}" if failed else result.fit.termination_reason,
        warnings=result.warnings,
        degraded_flags=("not_converged",) if failed or not result.fit.converged else (),
    )


def goodness_summary(result: GoodnessOfFit) -> Summary:
    """Of a comparison with the saturated model."""
    p_value = present(result.p_value, result.reason)
    fit = result.fit
    return Summary(
        command="goodness_of_fit",
        metrics={
            "chi2": result.statistic,
            "ndof": result.ndof,
            "chi2_per_ndof": result.statistic / result.ndof
            if result.ndof > 0
            else Absent(result.reason),
            "p_value": p_value,
            "n_bins": result.n_bins,
            "n_floating": result.n_free,
            "n_toys": 0 if result.toys is None else len(result.toys),
            "n_toys_failed": result.n_failed,
            "p_value_toys": present(result.p_value_toys, _NO_TOYS),
        },
        metric={"chi2": result.statistic, "p_value": p_value, "nll": fit.nll},
        converged=fit.converged,
        reason="" if fit.converged else fit.termination_reason,
        warnings=result.warnings,
        degraded_flags=(
            *(() if fit.converged else ("not_converged",)),
            *(("toys_failed",) if result.n_failed else ()),
        ),
    )
