"""Asymptotic tests of one value of the parameter of interest, and of the background alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.asymptotic import AsymptoticTest, Tested
from nextstat_core.infer.fit_results import minimum_result
from nextstat_core.infer.observe import notify
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.request import make_request
from nextstat_core.infer.row_fits import row_result
from nextstat_core.infer.statistics import statistic_of
from nextstat_core.infer.target import HistFactoryTarget, target_of
from nextstat_core.models.arrays import number
from nextstat_core.optimize import Status
from nextstat_core.results import DiscoveryResult, HypotestResult
from nextstat_core.stats.asymptotics import (
    N_SIGMA,
    cls_tails,
    discovery_p,
    expected_cls,
    two_sided_p,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextstat_core.infer.conditional import ConditionalFits
    from nextstat_core.infer.statistics import AsimovKind, TestStatistic
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitMinimumResult
    from nextstat_core.typing import ArrayLike

__all__ = [
    "AskedTest",
    "asymptotic_test",
    "discovery",
    "finite_number",
    "fits_of",
    "hypotest",
    "raise_if_failed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTest:
    """What all asymptotic tests are asked, see `hypotest`."""

    data: ArrayLike | None = None
    test_stat: TestStatistic = "qtilde"
    asimov: AsimovKind = "postfit"
    fixed: Mapping[str, float | None] | Iterable[str] | None = None
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None
    init: Mapping[str, float] | None = None
    options: FitOptions = field(default_factory=FitOptions)


def hypotest(
    model: StatisticalModel,
    mu: float,
    *,
    data: ArrayLike | None = None,
    test_stat: TestStatistic = "qtilde",
    asimov: AsimovKind = "postfit",
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> HypotestResult:
    """Test one value of the parameter of interest with asymptotic formulas.

    Four fits: free and with `mu` held, to the data and to the Asimov set.

    Parameters
    ----------
    model : HistFactoryModel
        With a parameter of interest.
    mu : float
        The tested value. Above the upper bound of the parameter the bound is lifted, with a
        warning. For `qtilde` CLs is 1 at and below zero.
    data : array-like, shape (n_main,), optional
        Observed counts instead of the model's own.
    test_stat : {"qtilde", "q", "q0", "t", "ttilde"}
        ``qtilde`` and ``ttilde`` take the best fit with a signal >= 0, whatever the bounds of the
        workspace; ``q``, ``q0`` and ``t`` open a lower bound >= 0 as far as rates stay positive.
        ``q0`` is for ``mu = 0`` only.
    asimov : {"postfit", "prefit"}
        Nuisance parameters of the Asimov set: fitted to the data with the signal held, or at
        their start values.
    fixed, bounds, init : optional
        As in `fit`. Bounds of the parameter of interest: see `test_stat`.
    options : FitOptions, optional

    Returns
    -------
    HypotestResult

    Raises
    ------
    InputError
        For arguments that cannot be used.
    MissingPOIError
        If the model has no parameter of interest.
    FitError
        If a fit did not converge and ``options.on_failure == "raise"``.

    References
    ----------
    Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727.
    """
    asked = AskedTest(
        data=data, test_stat=test_stat, asimov=asimov, fixed=fixed, bounds=bounds, init=init,
        options=options or FitOptions(),
    )  # fmt: skip
    value = finite_number("mu", mu)
    if test_stat == "q0" and value != 0.0:
        raise InputError(f"`test_stat='q0'` tests mu = 0; found mu = {value:g}")
    test = asymptotic_test(model, asked)
    tested = test.at(np.array([value]))
    result = _result(test, tested)
    raise_if_failed(result, asked.options)
    return result


def discovery(
    model: StatisticalModel,
    *,
    data: ArrayLike | None = None,
    asimov: AsimovKind = "postfit",
    uncapped: bool = False,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> DiscoveryResult:
    """Test the background alone: the significance of an excess, observed and expected.

    Where data have events that the background alone cannot make, significances are infinite.

    Parameters
    ----------
    uncapped : bool
        Give a deficit a negative significance instead of zero.
    asimov
        The Asimov set has a signal of one.
    model, data, fixed, bounds, init, options
        As in `hypotest`.

    Returns
    -------
    DiscoveryResult

    Raises
    ------
    InputError, MissingPOIError, FitError
        As `hypotest`.

    References
    ----------
    Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727, equations 12 and 52.
    """
    asked = AskedTest(
        data=data, test_stat="q0", asimov=asimov, fixed=fixed, bounds=bounds, init=init,
        options=options or FitOptions(),
    )  # fmt: skip
    test = asymptotic_test(model, asked)
    tested = test.at(np.zeros(1))
    deficit = bool(tested.data.cut[0])
    ratio = max(2.0 * float(tested.data.fits.fits.nll[0] - test.around.nll), 0.0)
    root = inf if _is_impossible(tested.data.fits) else ratio**0.5
    z = root if not deficit else (-root if uncapped and root else 0.0)
    expected = inf if _is_impossible(tested.asimov.fits) else float(tested.asimov.q[0]) ** 0.5
    bands = [expected + n for n in N_SIGMA]
    result = DiscoveryResult(
        mu_hat=test.mu_hat,
        nll_hat=test.around.nll,
        nll_mu0=float(tested.data.fits.fits.nll[0]),
        q0=0.0 if deficit else root * root,
        z0=z,
        p0=discovery_p(z),
        uncapped=uncapped,
        asimov=asimov,
        z_expected=expected,
        p_expected=discovery_p(expected),
        expected_z=np.array(bands),
        expected_p=np.array([discovery_p(band) for band in bands]),
        fits=fits_of(test, tested),
        warnings=test.warnings,
    )
    raise_if_failed(result, asked.options)
    return result


def _is_impossible(fits: ConditionalFits) -> bool:
    """Whether the data have events where none are expected: their likelihood is zero."""
    return bool(fits.fits.status[0] == Status.NON_POSITIVE_RATE)


def asymptotic_test(model: StatisticalModel, asked: AskedTest) -> AsymptoticTest:
    """The tests of one model and data set.

    Raises
    ------
    InputError
        If `asked` cannot be used.
    """
    target = target_of(model)
    if not isinstance(target, HistFactoryTarget):
        raise InputError(
            f"asymptotic tests need a HistFactory model; found a {type(model).__name__}"
        )
    if asked.asimov not in {"postfit", "prefit"}:
        raise InputError(f"`asimov` must be 'postfit' or 'prefit'; found {asked.asimov!r}")
    request = make_request(target, init=asked.init, fixed=asked.fixed, bounds=asked.bounds)
    statistic = statistic_of(asked.test_stat)
    notify("start", target, 1)
    data = target.data(asked.data)
    test = AsymptoticTest(target, request, data, statistic, asked.asimov, asked.options)
    notify("end", target, 1)
    return test


def finite_number(what: str, value: Any) -> float:
    """`value` as a finite float."""
    found = number(what, value)
    if not np.isfinite(found):
        raise InputError(f"`{what}` is {found}; expected a finite number")
    return found


def _result(test: AsymptoticTest, tested: Tested) -> HypotestResult:
    q, q_asimov = float(tested.data.q[0]), float(tested.asimov.q[0])
    s, a = q**0.5, q_asimov**0.5
    statistic = test.statistic
    common: dict[str, Any] = {
        "mu": float(tested.mu[0]),
        "test_stat": statistic.name,
        "asimov": test.kind,
        "q": q,
        "q_asimov": q_asimov,
        "mu_hat": test.mu_hat,
        "fits": fits_of(test, tested),
        "warnings": test.warnings,
    }
    if not statistic.gives_cls:
        two_sided = two_sided_p(s, a, bounded=statistic.bounded)
        return HypotestResult(p_value=discovery_p(s) if statistic.cut else two_sided, **common)
    tails = cls_tails(s, a, bounded=statistic.bounded, cut=bool(tested.data.cut[0]))
    return HypotestResult(
        p_value=tails.clsb,
        cls=tails.cls,
        clsb=tails.clsb,
        clb=tails.clb,
        expected_cls=np.array(expected_cls(a)),
        **common,
    )


def fits_of(test: AsymptoticTest, tested: Tested) -> dict[str, FitMinimumResult]:
    """All fits of a test of one value."""
    target = test.target
    fits = {
        "free": minimum_result(target, test.around.free),
        "conditional": row_result(target, tested.data.fits.fits, 0),
        "asimov_conditional": row_result(target, tested.asimov.fits.fits, 0),
    }
    if test.point is not None:
        fits["asimov_point"] = row_result(target, test.point.fits, 0)
    return fits


def raise_if_failed(result: HypotestResult | DiscoveryResult, options: FitOptions) -> None:
    """Raise `FitError` for a fit that did not converge, if that was asked for."""
    if options.on_failure == "return":
        return
    for name, fit in result.fits.items():
        if not fit.converged:
            raise FitError(
                f"the fit {name!r} of the test did not converge: {fit.message} after "
                f"{fit.n_iter} iterations, EDM {fit.edm:.3g}"
            )
