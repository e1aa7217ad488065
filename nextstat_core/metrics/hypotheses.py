"""Metrics of hypothesis tests and limits."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.metrics.plain import Absent
from nextstat_core.metrics.summary import Summary, failure_of, present

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_core.results import (
        ClsScan,
        DiscoveryResult,
        HypotestResult,
        LimitResult,
        MassScan,
        ToyHypotestResult,
        ToyLimitResult,
    )

__all__ = [
    "cls_scan_summary",
    "discovery_summary",
    "hypotest_summary",
    "limit_summary",
    "mass_summary",
    "toy_hypotest_summary",
    "toy_limit_summary",
]

_NO_CLS = "this test statistic has no CLs"
_NO_CROSSING = "CLs does not cross alpha"
_NOT_ASKED = "not asked for"


def hypotest_summary(result: HypotestResult) -> Summary:
    """Of an asymptotic test of one value."""
    failure = failure_of(result.fits)
    shared = {
        "mu_test": result.mu,
        "mu_hat": result.mu_hat,
        "cls": present(result.cls, _NO_CLS),
        "clsb": present(result.clsb, _NO_CLS),
        "clb": present(result.clb, _NO_CLS),
        "q_mu": result.q,
        "p_value": result.p_value,
    }
    return Summary(
        command="hypotest",
        metrics={
            **shared,
            "q_mu_a": result.q_asimov,
            "cls_exp": present(result.expected_cls, _NO_CLS),
            "asimov": result.asimov,
            "test_stat": result.test_stat,
        },
        metric=shared,
        converged=not failure,
        reason=failure,
        warnings=result.warnings,
        degraded_flags=("not_converged",) if failure else (),
    )


def toy_hypotest_summary(result: ToyHypotestResult) -> Summary:
    """Of a test of one value with toys."""
    failure = failure_of(result.fits)
    shared = {
        "mu_test": result.mu,
        "mu_hat": result.mu_hat,
        "cls": present(result.cls, _NO_CLS),
        "clsb": result.clsb,
        "clb": present(result.clb, _NO_CLS),
        "p_value": result.p_value,
    }
    n_failed = sum(len(each) - each.n_valid for each in (result.sb, result.b))
    return Summary(
        command="hypotest_toys",
        metrics={
            **shared,
            "q_obs": result.q,
            "cls_exp": present(result.expected_cls, _NO_CLS),
            "test_stat": result.test_stat,
            "seed": result.study["seed"],
            "n_toys_sb": len(result.sb),
            "n_toys_b": len(result.b),
            "n_toys_failed": n_failed,
        },
        metric={**shared, "q_mu": result.q},
        uncertainty={
            "cov_available": False,
            "mu_sigma": Absent("not computed"),
            "cls": present(result.cls_error, _NO_CLS),
            "clsb": result.clsb_error,
            "clb": present(result.clb_error, _NO_CLS),
        },
        converged=not failure,
        reason=failure,
        warnings=result.warnings,
        degraded_flags=(
            *(("not_converged",) if failure else ()),
            *(("toys_failed",) if n_failed else ()),
        ),
    )


def discovery_summary(result: DiscoveryResult) -> Summary:
    """Of a test of the background alone."""
    failure = failure_of(result.fits)
    return Summary(
        command="significance",
        metrics={
            "mu_hat": result.mu_hat,
            "q0": result.q0,
            "p0": result.p0,
            "z_obs": result.z0,
            "z_exp": result.z_expected,
            "p_exp": result.p_expected,
            "z_exp_bands": result.expected_z,
        },
        metric={
            "mu_hat": result.mu_hat,
            "q0": result.q0,
            "p0": result.p0,
            "z0": result.z0,
            "z0_exp": result.z_expected,
        },
        converged=not failure,
        reason=failure,
        warnings=result.warnings,
        degraded_flags=("not_converged",) if failure else (),
    )


def limit_summary(result: LimitResult) -> Summary:
    """Of observed and expected upper limits, found by a search."""
    failure = failure_of(result.fits)
    return _limits(
        result.alpha,
        result.observed,
        result.expected,
        result.warnings,
        failure=failure,
        mode="newton",
        mu_hat=result.mu_hat,
        n_trials=result.n_trials,
    )


def cls_scan_summary(result: ClsScan) -> Summary:
    """Of CLs on a grid, and the limits between its points."""
    failed = int(np.count_nonzero(~np.asarray(result.converged)))
    return _limits(
        result.alpha,
        result.observed_limit,
        result.expected_limits,
        result.warnings,
        failure=f"{failed} of {len(result.cls)} points" if failed else failure_of(result.fits),
        mode="scan",
        mu_hat=result.mu_hat,
        n_points=len(result.cls),
    )


def mass_summary(result: MassScan) -> Summary:
    """Of limits of many signals."""
    failed = [
        name
        for name in result.names
        if name in result.errors or failure_of(result.limits[name].fits)
    ]
    return Summary(
        command="mass_scan",
        metrics={
            "alpha": result.alpha,
            "n_mass_points": len(result.names),
            "n_converged": len(result.names) - len(failed),
            "n_excluded": len(result.excluded),
        },
        metric={"alpha": result.alpha},
        converged=not failed,
        reason=", ".join(failed),
        warnings=tuple(
            f"{name}: {warning}"
            for name, limit in result.limits.items()
            for warning in limit.warnings
        ),
        degraded_flags=("not_converged",) if failed else (),
    )


def toy_limit_summary(result: ToyLimitResult) -> Summary:
    """Of upper limits from toys."""
    error = present(result.error, _NO_CROSSING)
    return _limits(
        result.alpha,
        result.observed,
        result.expected,
        result.warnings,
        failure="; ".join(filter(None, (failure_of(test.fits) for test in result.tests))),
        mode="toys",
        obs_limit_error=error,
        n_points=len(result.tests),
    )


def _limits(
    alpha: float,
    observed: float | None,
    expected: Iterable[float | None] | None,
    warnings: tuple[str, ...],
    *,
    failure: str,
    **more: Any,
) -> Summary:
    mu_up = _limit(observed)
    bands = None if expected is None else [_limit(limit) for limit in expected]
    flags = {"not_converged": failure, "no_limit": isinstance(mu_up, Absent)}
    return Summary(
        command="upper_limit",
        metrics={
            "alpha": alpha,
            "obs_limit": mu_up,
            "exp_limits": present(bands, _NOT_ASKED),
            **more,
        },
        metric={
            "alpha": alpha,
            "mu_up": mu_up,
            "mu_up_exp": Absent(_NOT_ASKED) if bands is None else bands[2],
            **{key: value for key, value in more.items() if key == "mu_hat"},
        },
        converged=not failure,
        reason=failure,
        warnings=warnings,
        degraded_flags=tuple(flag for flag, holds in flags.items() if holds),
    )


def _limit(value: float | None) -> Any:
    return Absent(_NO_CROSSING) if value is None or not isfinite(value) else value
