"""Likelihood ratios of the data and of the Asimov set, for any number of tested values.

Two of the fits do not depend on the tested value: the free fit, and the fit to the data that
defines the Asimov set. The free fit to the Asimov set is that point itself, so K values take
2 + 2 K fits, and all of one kind are rows of one batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.conditional import Conditional, ConditionalFits
from nextstat_core.infer.minimise_one import minimise_one
from nextstat_core.infer.path import Path
from nextstat_core.infer.poi import lifted, poi_of
from nextstat_core.infer.target import BatchData, HistFactoryTarget

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.statistics import AsimovKind, Statistic

__all__ = ["AsymptoticTest", "Ratios", "Tested", "asimov_data_at"]

# A likelihood ratio below zero by less is rounding; by more, the free fit missed the minimum.
_NOISE = 1e-6
_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Ratios:
    """Test statistics of K values for one data set.

    Attributes
    ----------
    q, slope : float arrays, shape (K,)
        Statistics, and their derivatives with respect to the tested value; 0 where `cut`.
    cut : bool array, shape (K,)
        Whether the best fit lies on the side that does not count.
    fits : ConditionalFits
        With the POI held, one row per value.
    """

    q: NDArray[np.float64]
    slope: NDArray[np.float64]
    cut: NDArray[np.bool_]
    fits: ConditionalFits


@dataclass(frozen=True, slots=True)
class Tested:
    """Test statistics of the values `mu`, shape (K,), for the data and for the Asimov set."""

    mu: NDArray[np.float64]
    data: Ratios
    asimov: Ratios


class AsymptoticTest:
    """Tests of one data set.

    Parameters
    ----------
    request : Request
        What the user asked for; the statistic decides about the bounds of the POI.
    data : BatchData or None
        One data set; the model's own for None.
    asimov : {"postfit", "prefit"}
        Whether the Asimov set has the nuisance parameters of a fit to the data with its signal
        held, or their start values.

    Attributes
    ----------
    around : Conditional
        The free fit to the data, and fits around it.
    point : ConditionalFits or None
        The fit to the data that defines the Asimov set, once it was made; None before the fit.
    remarks : list of str
        What is odd about the fits.
    """

    def __init__(
        self,
        target: HistFactoryTarget,
        request: Request,
        data: BatchData | None,
        statistic: Statistic,
        asimov: AsimovKind,
        options: FitOptions,
    ) -> None:
        self.target, self.statistic, self.options = target, statistic, options
        self.kind = asimov
        self.poi = poi_of(target, request, "a hypothesis test")
        self.data = data
        self._wished = request
        self.remarks: list[str] = []
        self._lifted_from: float | None = None
        self.request = statistic.request(target, request, self.poi)
        self.around = Conditional.around_fit(target, self.request, data, options)
        self.point: ConditionalFits | None = None
        self._asimov: Conditional | None = None
        self._paths = Path(), Path()

    @property
    def mu_hat(self) -> float:
        return float(self.around.x[self.poi])

    def at(self, mu: NDArray[np.float64]) -> Tested:
        """Test the values `mu`, shape (K,); slopes are left out."""
        data = self.data_at(mu, slopes=False)
        return Tested(mu, data, self.asimov_at(mu, slopes=False))

    def data_at(
        self, mu: NDArray[np.float64], *, second_modes: bool = True, slopes: bool = True
    ) -> Ratios:
        """Statistics of the data; `second_modes` and `slopes` as in `Conditional.fit`."""
        self._lift(float(np.max(mu, initial=-np.inf)))
        fits = self._on_data(mu, second_modes=second_modes, slopes=slopes)
        q = self._ratio(fits)
        return self._ratios(mu, q, fits, self.mu_hat)

    def asimov_at(
        self, mu: NDArray[np.float64], *, second_modes: bool = True, slopes: bool = True
    ) -> Ratios:
        """Statistics of the Asimov set; the options are those of `Conditional.fit`."""
        asimov = self.asimov
        fits = self._fits(asimov, mu, self._paths[1], second_modes=second_modes, slopes=slopes)
        q = 2.0 * (fits.fits.nll - asimov.nll)
        if self._is_missed(q, fits):
            # Only where the Asimov set has rates that are not positive.
            self._asimov = self._lower(asimov, fits, "the Asimov set")
            q = 2.0 * (fits.fits.nll - self._asimov.nll)
        return self._ratios(mu, q, fits, self.statistic.asimov_poi)

    def _ratios(
        self, mu: NDArray[np.float64], q: NDArray[np.float64], fits: ConditionalFits, best: float
    ) -> Ratios:
        cut = np.array([self.statistic.is_cut(best, value) for value in mu], dtype=bool)
        q = np.where(cut, 0.0, np.maximum(q, 0.0))
        return Ratios(q, np.where(cut, 0.0, 2.0 * fits.slope[:, 0]), cut, fits)

    @property
    def asimov(self) -> Conditional:
        """The Asimov set, and fits around its minimum."""
        if self._asimov is None:
            if self.kind == "postfit" and self.point is None:
                values, path = self._asimov_value, self._paths[0]
                self.point = self._fits(self.around, values, path, second_modes=True, slopes=False)
            self._asimov = self._make_asimov()
        return self._asimov

    @property
    def _asimov_value(self) -> NDArray[np.float64]:
        return np.array([self.statistic.asimov_poi])

    def _on_data(
        self, mu: NDArray[np.float64], *, second_modes: bool, slopes: bool
    ) -> ConditionalFits:
        """Fits to the data; the first time that of the Asimov set is one row more."""
        first = self.kind == "postfit" and self.point is None
        if not first:
            return self._fits(
                self.around, mu, self._paths[0], second_modes=second_modes, slopes=slopes
            )
        values = np.concatenate([self._asimov_value, mu])
        both = self._fits(self.around, values, self._paths[0], second_modes=True, slopes=slopes)
        self.point = both.part(slice(0, 1))
        return both.part(slice(1, None))

    def _fits(
        self,
        around: Conditional,
        mu: NDArray[np.float64],
        path: Path,
        *,
        second_modes: bool,
        slopes: bool,
    ) -> ConditionalFits:
        held = np.full((len(mu), 1), self.poi)
        start = path.start(mu)
        fits = around.fit(held, mu[:, None], start=start, second_modes=second_modes, slopes=slopes)
        path.add(mu[fits.converged], fits.fits.values[fits.converged])
        return fits

    def _make_asimov(self) -> Conditional:
        if self.point is None:
            x = self._wished.start.copy()
            x[self.poi] = self.statistic.asimov_poi
        else:
            x = self.point.fits.values[0]
        data = asimov_data_at(self.target, x)
        # The metric of the data serves as well: as many steps, and no second derivatives. Where
        # there may be several minima, that of the Asimov set leads to its own.
        metric = None if len(self.target.compiled.bent) else self.around.metric
        return Conditional.at_minimum(self.target, self.request, x, data, self.options, metric)

    # -- the free fit -----------------------------------------------------------------------------

    def _ratio(self, fits: ConditionalFits) -> NDArray[np.float64]:
        """Likelihood ratios, with a better free fit where one of the rows lies lower."""
        for _ in range(_RESTARTS):
            q = 2.0 * (fits.fits.nll - self.around.nll)
            if not self._is_missed(q, fits):
                break
            self.around = self._lower(self.around, fits, "the data")
        return q

    def _is_missed(self, q: NDArray[np.float64], fits: ConditionalFits) -> bool:
        return bool(np.any((q < -_NOISE) & fits.converged))

    def _lower(self, around: Conditional, fits: ConditionalFits, what: str) -> Conditional:
        """Fits around the minimum that is reached from the lowest row."""
        row = int(np.argmin(np.where(fits.converged, fits.fits.nll, np.inf)))
        request = replace(self.request, start=fits.fits.values[row])
        better = minimise_one(self.target, request, around.data, self.options)
        self.remarks.append(
            f"the free fit to {what} was repeated from {self._name} = "
            f"{fits.fits.values[row, self.poi]:.6g}, where -log L is lower by "
            f"{around.nll - fits.fits.nll[row]:.3g}"
        )
        return Conditional(self.target, self.request, better, around.data, self.options)

    @property
    def _name(self) -> str:
        return self.target.names[self.poi]

    def _lift(self, highest: float) -> None:
        """Lift the upper bound of the POI to the highest tested value."""
        upper = float(self.request.upper[self.poi])
        if highest <= upper:
            return
        self._lifted_from = upper if self._lifted_from is None else self._lifted_from
        self.request = lifted(self.request, self.poi, highest)
        if self.mu_hat >= upper:
            request = replace(self.request, start=self.around.x)
            self.around = Conditional.around_fit(self.target, request, self.data, self.options)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What users should know, without repetition."""
        lifted_to = float(self.request.upper[self.poi])
        lift = [] if self._lifted_from is None else [
            f"{self._name} was tested up to {lifted_to:.6g}, above its upper bound "
            f"{self._lifted_from:.6g}, which was lifted"
        ]  # fmt: skip
        return tuple(dict.fromkeys([*lift, *self.remarks]))


def asimov_data_at(target: HistFactoryTarget, x: NDArray[np.float64]) -> BatchData:
    """Main and auxiliary data as they are expected at `x`, one set (arXiv:1007.1727, 3.2)."""
    compiled = target.compiled
    layout, backend = compiled.layout, compiled.backend
    main = backend.to_numpy(compiled.expected_main(backend.asarray(x[:, None])))
    count = layout.factor * x[layout.poisson]
    return BatchData(
        np.maximum(main.T, 0.0), x[layout.gaussian][None, :], np.maximum(count, 0.0)[None, :]
    )
