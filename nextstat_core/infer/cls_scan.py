"""CLs at given values of the parameter of interest, and limits by interpolation."""

from __future__ import annotations

from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.fit_results import minimum_result
from nextstat_core.infer.hypotest import AskedTest, asymptotic_test
from nextstat_core.infer.limits import check_alpha
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.row_fits import row_result
from nextstat_core.models.arrays import floats
from nextstat_core.results import ClsScan
from nextstat_core.stats.asymptotics import N_SIGMA, cls_tails, expected_cls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.infer.asymptotic import AsymptoticTest, Tested
    from nextstat_core.infer.statistics import AsimovKind, TestStatistic
    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import ArrayLike

__all__ = ["cls_scan"]


def cls_scan(
    model: StatisticalModel,
    mu_values: ArrayLike,
    *,
    alpha: float = 0.05,
    data: ArrayLike | None = None,
    test_stat: TestStatistic = "qtilde",
    asimov: AsimovKind = "postfit",
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> ClsScan:
    """Test K values of the parameter of interest: 2 + 2 K fits, in two batches.

    Parameters
    ----------
    model : HistFactoryModel
        With a parameter of interest.
    mu_values : array-like, shape (n,)
        At least two different values, in any order.
    alpha : float
        One minus the confidence level of the limits, which are interpolated linearly in CLs.
    test_stat : {"qtilde", "q"}
    data, asimov, fixed, bounds, init, options
        As in `hypotest`.

    Returns
    -------
    ClsScan
        A limit is infinite where CLs at the highest value is above `alpha`. Below the lowest value
        it is interpolated towards CLs = 1 at zero. Warnings tell of both.

    Raises
    ------
    InputError, MissingPOIError, FitError
        As `hypotest`.
    """
    check_alpha(alpha)
    if test_stat not in {"qtilde", "q"}:
        raise InputError(f"CLs needs a statistic that has it, 'qtilde' or 'q'; found {test_stat!r}")
    values = _values(mu_values)
    asked = AskedTest(
        data=data, test_stat=test_stat, asimov=asimov, fixed=fixed, bounds=bounds, init=init,
        options=options or FitOptions(),
    )  # fmt: skip
    test = asymptotic_test(model, asked)
    result = _scan(test, test.at(values), alpha)
    if asked.options.on_failure == "raise" and not result.converged.all():
        at = result.mu_values[~result.converged][0]
        raise FitError(f"the fits at {at:g} did not converge")
    return result


def _values(mu_values: ArrayLike) -> NDArray[np.float64]:
    values = floats("mu_values", mu_values, finite=True)
    if values.ndim != 1:
        raise InputError(f"`mu_values` has {values.ndim} axes; expected one")
    if len(np.unique(values)) < 2:
        raise InputError(f"`mu_values` needs two different values; found {len(values)} in all")
    return values


def _scan(test: AsymptoticTest, tested: Tested, alpha: float) -> ClsScan:
    bounded = test.statistic.bounded
    tails = [
        cls_tails(sqrt(q), sqrt(a), bounded=bounded, cut=bool(cut))
        for q, a, cut in zip(tested.data.q, tested.asimov.q, tested.data.cut, strict=True)
    ]
    cls = np.array([each.cls for each in tails])
    bands = np.array([expected_cls(sqrt(a)) for a in tested.asimov.q]).T
    warnings = list(test.warnings)
    names = ["the observed CLs", *(f"the CLs expected at {n:+d} sigma" for n in N_SIGMA)]
    limits = [
        _interpolated(tested.mu, curve, alpha, what, warnings)
        for curve, what in zip((cls, *bands), names, strict=True)
    ]
    fits = {"free": minimum_result(test.target, test.around.free)}
    if test.point is not None:
        fits["asimov_point"] = row_result(test.target, test.point.fits, 0)
    return ClsScan(
        alpha=alpha,
        mu_values=tested.mu,
        q=tested.data.q,
        q_asimov=tested.asimov.q,
        cls=cls,
        clsb=np.array([each.clsb for each in tails]),
        clb=np.array([each.clb for each in tails]),
        expected_cls=bands,
        observed_limit=limits[0],
        expected_limits=np.array(limits[1:]),
        converged=tested.data.fits.converged & tested.asimov.fits.converged,
        mu_hat=test.mu_hat,
        test_stat=test.statistic.name,
        asimov=test.kind,
        fits=fits,
        warnings=tuple(warnings),
    )


def _interpolated(
    mu: NDArray[np.float64],
    cls: NDArray[np.float64],
    alpha: float,
    what: str,
    warnings: list[str],
) -> float:
    """The last value at which a curve falls through `alpha`, by linear interpolation."""
    order = np.argsort(mu, kind="stable")
    at, curve = mu[order], cls[order]
    above = np.flatnonzero(curve > alpha)
    if len(above) and above[-1] == len(at) - 1:
        warnings.append(
            f"{what} ends at {curve[-1]:.4g}, above {alpha:g}, at {at[-1]:g}: extend the scan"
        )
        return inf
    if not len(above):
        warnings.append(
            f"{what} is below {alpha:g} at the lowest value {at[0]:g} already: the limit is "
            "interpolated towards CLs = 1 at zero"
        )
        at, curve = np.concatenate([[0.0], at]), np.concatenate([[1.0], curve])
        above = np.array([0])
    i = int(above[-1])
    share = (curve[i] - alpha) / (curve[i] - curve[i + 1])
    return float(at[i] + share * (at[i + 1] - at[i]))
