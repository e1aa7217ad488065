"""Maximum likelihood with settings that are given once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._fit import fit, fit_batch, on_device
from nextstat._ranking import ranking
from nextstat._toys import fit_toys
from nextstat_core import infer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nextstat_core.models import HistFactoryModel, StatisticalModel
    from nextstat_core.results import FitMinimumResult, FitResult, ToyResults
    from nextstat_core.typing import ArrayLike

__all__ = ["MaximumLikelihoodEstimator"]


class MaximumLikelihoodEstimator:
    """Fits with common settings.

    Parameters
    ----------
    max_iter : int
        Newton steps after which a fit gives up.
    tol : float, optional
        Estimated distance to the minimum at which a fit stops. A value above the default 1e-8 has
        no effect: a fit is never less accurate than without it.
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where each model is if left out.
    m, smooth_bounds
        Accepted because other minimisers need them; without effect.
    """

    def __init__(
        self,
        *,
        max_iter: int = 1000,
        tol: float | None = None,
        device: str | None = None,
        m: int | None = None,
        smooth_bounds: bool = False,
    ) -> None:
        del m, smooth_bounds
        default = infer.FitOptions().tolerance
        tolerance = default if tol is None else min(tol, default)
        self._device = device
        self._options = infer.FitOptions(max_iterations=max_iter, tolerance=tolerance)

    def fit(self, model: StatisticalModel, **request: Any) -> FitResult:
        """Maximise the likelihood; arguments as in `nextstat.fit`."""
        return fit(model, **{"options": self._options, "device": self._device, **request})

    def fit_batch(
        self,
        models_or_model: StatisticalModel | Sequence[StatisticalModel],
        datasets: ArrayLike | None = None,
    ) -> Sequence[FitResult]:
        """Fit a list of models, or one model to several data sets."""
        return fit_batch(models_or_model, datasets, options=self._options, device=self._device)

    def fit_minimum(
        self,
        model: StatisticalModel,
        *,
        data: ArrayLike | None = None,
        init_pars: ArrayLike | None = None,
        bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
        **request: Any,
    ) -> FitMinimumResult:
        """Minimise without uncertainties, for scans and conditional fits.

        `bounds` are one pair per parameter, or pairs by name; equal bounds fix a parameter.
        """
        moved = on_device(model, self._device)
        settings = {"options": self._options, **request}
        return infer.fit_minimum(moved, data=data, init_pars=init_pars, bounds=bounds, **settings)

    def fit_toys(
        self,
        model: HistFactoryModel,
        params: ArrayLike,
        *,
        n_toys: int = 1000,
        seed: int = 42,
        **options: Any,
    ) -> ToyResults:
        """Draw toys at `params` and fit each; see `nextstat.fit_toys`."""
        settings = {"options": self._options, **options}
        model = on_device(model, self._device)
        return fit_toys(model, params, n_toys=n_toys, seed=seed, **settings)

    def ranking(self, model: StatisticalModel, **options: Any) -> list[dict[str, Any]]:
        """Rank nuisance parameters by their impact; see `nextstat.ranking`."""
        return ranking(model, **{"options": self._options, "device": self._device, **options})

    def q0_like_loss_and_grad_nominal(
        self, model: HistFactoryModel, *, channel: str, sample: str, nominal: ArrayLike
    ) -> tuple[float, list[float]]:
        """Give a sample new yields; q0 of the model's data and its gradient by these yields.

        See `nextstat_core.infer.q0_and_gradient`. The model keeps the yields.
        """
        moved = on_device(model, self._device)
        found = infer.q0_and_gradient(
            moved, channel=channel, sample=sample, nominal=nominal, options=self._options
        )
        _follow(model, moved, channel, sample, nominal)
        return found

    def qmu_like_loss_and_grad_nominal(
        self,
        model: HistFactoryModel,
        *,
        mu_test: float,
        channel: str,
        sample: str,
        nominal: ArrayLike,
    ) -> tuple[float, list[float]]:
        """Give a sample new yields; q-tilde at `mu_test` and its gradient by these yields.

        See `nextstat_core.infer.qmu_and_gradient`. The model keeps the yields.
        """
        moved = on_device(model, self._device)
        found = infer.qmu_and_gradient(
            moved,
            mu_test=mu_test,
            channel=channel,
            sample=sample,
            nominal=nominal,
            options=self._options,
        )
        _follow(model, moved, channel, sample, nominal)
        return found


def _follow(
    model: HistFactoryModel,
    moved: HistFactoryModel,
    channel: str,
    sample: str,
    nominal: ArrayLike,
) -> None:
    """Give the caller's model the yields that its copy on another device got."""
    if moved is not model:
        model.set_sample_nominal(channel=channel, sample=sample, nominal=nominal)
