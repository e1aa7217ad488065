r"""Upper limits: observed, and expected from the background.

Expected limits need no p-value: CLs is `alpha` where the root of the Asimov set's statistic is
:math:`c_N = N + \Phi^{-1}(1 - \alpha\Phi(N))` (arXiv:1007.1727, equations 88 and 89). The
derivative of a likelihood ratio with respect to the tested value is that of the likelihood at the
conditional minimum, so that all six limits are found by Newton's method, together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite, log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.crossing import MOST_ROUNDS, Crossing
from nextstat_core.infer.fit_results import minimum_result
from nextstat_core.infer.hypotest import AskedTest, asymptotic_test
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.row_fits import row_result
from nextstat_core.results import LimitResult
from nextstat_core.stats.asymptotics import (
    N_SIGMA,
    Tails,
    cls_tails,
    critical_value,
    log_density,
    normal_quantile,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextstat_core.infer.asymptotic import AsymptoticTest, Ratios
    from nextstat_core.infer.statistics import AsimovKind, TestStatistic
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitMinimumResult
    from nextstat_core.typing import ArrayLike

__all__ = ["check_alpha", "distance_to_limit", "limit_of_parabolas", "limits_of", "upper_limits"]


def upper_limits(
    model: StatisticalModel,
    *,
    alpha: float = 0.05,
    data: ArrayLike | None = None,
    expected: bool = True,
    test_stat: TestStatistic = "qtilde",
    asimov: AsimovKind = "postfit",
    rtol: float = 1e-4,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
) -> LimitResult:
    """Find the value of the parameter of interest at which CLs is `alpha`.

    Parameters
    ----------
    model : HistFactoryModel
        With a parameter of interest.
    alpha : float
        One minus the confidence level.
    expected : bool
        Find the five limits expected from the background, too.
    test_stat : {"qtilde", "q"}
        See `hypotest`; the other statistics have no CLs.
    rtol : float
        Relative length of a Newton step at which a search ends, after that step: the error is
        far smaller.
    data, asimov, fixed, bounds, init, options
        As in `hypotest`. The upper bound of the parameter does not limit the search.

    Returns
    -------
    LimitResult
        A limit that does not exist, as for a signal without events, is infinite, and a warning
        says so.

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
    Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727; Read, J. Phys. G 28 (2002) 2693 (CLs).
    """
    asked = AskedTest(
        data=data, test_stat=test_stat, asimov=asimov, fixed=fixed, bounds=bounds, init=init,
        options=options or FitOptions(),
    )  # fmt: skip
    check_alpha(alpha)
    if not 0.0 < rtol < 1.0:
        raise InputError(f"`rtol` must lie between 0 and 1; found {rtol!r}")
    if test_stat not in {"qtilde", "q"}:
        raise InputError(
            f"limits need a statistic that has CLs, 'qtilde' or 'q'; found {test_stat!r}",
            hint="two-sided statistics give intervals",
        )
    return limits_of(asymptotic_test(model, asked), alpha, expected=expected, rtol=rtol)


def check_alpha(alpha: float) -> None:
    """Refuse what is no probability."""
    if not 0.0 < alpha < 1.0:
        raise InputError(f"`alpha` must lie between 0 and 1; found {alpha!r}")


def limit_of_parabolas(best: float, sigma: float, alpha: float, *, bounded: bool) -> float:
    """The observed limit if both likelihood ratios were parabolas of one width."""
    low, high = max(best, 0.0), max(best, 0.0) + 20.0 * sigma
    for _ in range(30):
        middle = 0.5 * (low + high)
        s = max(middle - best, 0.0) / sigma
        tails = cls_tails(s, middle / sigma, bounded=bounded)
        low, high = (middle, high) if tails.log_cls > log(alpha) else (low, middle)
    return high


def distance_to_limit(
    tails: Tails, q: tuple[float, float], slope: tuple[float, float], alpha: float
) -> tuple[float, float]:
    """CLs against `alpha` as normal quantiles, which are nearly linear in the POI, and its slope.

    Parameters
    ----------
    q, slope : pairs of float
        Statistics of the data and of the Asimov set, and their derivatives with respect to the POI.
    """
    quantile = -normal_quantile(tails.cls)
    if not isfinite(quantile):
        return quantile, 0.0
    by_mu = sum(
        by_root * by_poi / (2.0 * sqrt(value))
        for by_root, value, by_poi in zip(tails.cls_by, q, slope, strict=True)
        if value
    )
    stretch = np.exp(tails.log_cls - log_density(quantile))
    return quantile + normal_quantile(alpha), float(-by_mu * stretch)


def limits_of(
    test: AsymptoticTest, alpha: float, *, expected: bool = True, rtol: float = 1e-4
) -> LimitResult:
    """Limits of one test, see `upper_limits`."""
    search = _Search(test, alpha, rtol, expected=expected)
    search.go_on()
    search.careful = False
    search.run()
    search.check()
    return search.result()


@dataclass(slots=True)
class _Search:
    """The searches for one observed and perhaps five expected limits."""

    test: AsymptoticTest
    alpha: float
    rtol: float
    expected: bool
    observed: Crossing = field(init=False)
    bands: list[Crossing] = field(init=False)
    rounds: int = 0
    careful: bool = True
    data: Ratios | None = None
    asimov: Ratios | None = None

    def __post_init__(self) -> None:
        sigma = self._sigma()
        self.bands = []
        if self.expected:
            critical = [critical_value(self.alpha, n) for n in N_SIGMA]
            self.bands = [Crossing(c * sigma, self.rtol) for c in critical]
        self.observed = Crossing(self._guess(sigma), self.rtol)

    @property
    def done(self) -> bool:
        return all(each.done for each in (self.observed, *self.bands))

    def check(self) -> None:
        """Look at all ends again, now also for second modes; go on where that made a difference.

        Rounds in between follow the solutions of the first one, which spares that look.
        """
        if not len(self.test.target.compiled.bent):
            return
        self.careful = True
        for each in (self.observed, *self.bands):
            each.reopen()
        self.run()

    def run(self) -> None:
        """Search until all are at their end."""
        while not self.done and self.rounds < MOST_ROUNDS:
            self.go_on()

    def go_on(self) -> None:
        """One more point of every search that is not at its end: one batch for each data set."""
        test, careful = self.test, self.careful
        self.rounds += 1
        bands = [(i, band) for i, band in enumerate(self.bands) if not band.done]
        points = [band.at for _, band in bands]
        if self.observed.done:
            asimov = test.asimov_at(np.array(points), second_modes=careful)
        else:
            here = self.observed.at
            # The fit to the data may move the Asimov set, so it comes first.
            self.data = test.data_at(np.array([here]), second_modes=careful)
            asimov = test.asimov_at(np.array([*points, here]), second_modes=careful)
            self.asimov = asimov
            self._tell_observed(self.data, asimov)
        for row, (i, band) in enumerate(bands):
            root = sqrt(asimov.q[row])
            slope = asimov.slope[row] / (2.0 * root) if root else 0.0
            band.tell(root - critical_value(self.alpha, N_SIGMA[i]), slope)

    def _tell_observed(self, data: Ratios, asimov: Ratios) -> None:
        bounded = self.test.statistic.bounded
        tails = cls_tails(
            sqrt(data.q[0]), sqrt(asimov.q[-1]), bounded=bounded, cut=bool(data.cut[0])
        )
        found = distance_to_limit(
            tails, (data.q[0], asimov.q[-1]), (data.slope[0], asimov.slope[-1]), self.alpha
        )
        self.observed.tell(*found)

    # -- where to start ---------------------------------------------------------------------------

    def _sigma(self) -> float:
        """Uncertainty of the POI at the free fit, which sets the scale; 1 where there is none."""
        test, metric = self.test, self.test.around.metric
        if metric is None or metric.inverse is None:
            return 1.0
        sigma = float(np.sqrt(metric.columns(np.array([test.poi]))[0, test.poi]))
        return sigma if 0.0 < sigma < inf else 1.0

    def _guess(self, sigma: float) -> float:
        """The limit if both likelihood ratios were parabolas."""
        return limit_of_parabolas(
            self.test.mu_hat, sigma, self.alpha, bounded=self.test.statistic.bounded
        )

    # -- the end ----------------------------------------------------------------------------------

    def result(self) -> LimitResult:
        test = self.test
        bands = [self._value(band, i) for i, band in enumerate(self.bands)]
        result = LimitResult(
            alpha=self.alpha,
            observed=self._value(self.observed, None),
            expected=np.array(bands) if self.expected else None,
            test_stat=test.statistic.name,
            asimov=test.kind,
            mu_hat=test.mu_hat,
            n_trials=sum(each.trials for each in (self.observed, *self.bands)),
            n_rounds=self.rounds,
            fits=self._fits(),
            warnings=test.warnings,
        )
        if test.options.on_failure == "raise" and not result.converged:
            failed = next(name for name, fit in result.fits.items() if not fit.converged)
            raise FitError(
                f"the fit {failed!r} of the limit did not converge: {result.fits[failed].message}"
            )
        return result

    def _value(self, search: Crossing, band: int | None) -> float:
        what = (
            "the observed CLs" if band is None else f"the CLs expected at {N_SIGMA[band]:+d} sigma"
        )
        if not search.done:
            self.test.remarks.append(
                f"{what} was not brought to {self.alpha:g} in {self.rounds} rounds: the limit lies "
                f"between {search.lower:.6g} and {search.upper:.6g}"
            )
            return search.at
        if search.jumps:
            self.test.remarks.append(
                f"{what} jumps over {self.alpha:g} at {search.at:.6g}: fits on both sides end in "
                "different minima, or not at all"
            )
        if search.at == inf:
            self.test.remarks.append(
                f"{what} stays above {self.alpha:g} up to {search.lower:.3g}: there is no limit"
            )
        return search.at

    def _fits(self) -> dict[str, FitMinimumResult]:
        test = self.test
        fits = {"free": minimum_result(test.target, test.around.free)}
        if test.point is not None:
            fits["asimov_point"] = row_result(test.target, test.point.fits, 0)
        if self.data is not None and self.asimov is not None:
            fits["conditional"] = row_result(test.target, self.data.fits.fits, 0)
            last = len(self.asimov.q) - 1
            fits["asimov_conditional"] = row_result(test.target, self.asimov.fits.fits, last)
        return fits
