"""Yields, goodness of fit and simplified likelihoods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._fit import on_device
from nextstat._settings import threads_now
from nextstat_core import infer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal

    from nextstat_core.infer import FitOptions
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FitResult, GoodnessOfFit, SimplifiedLikelihood, Yields
    from nextstat_core.typing import ArrayLike

__all__ = ["goodness_of_fit", "simplified_likelihood", "yields"]


def yields(
    model: HistFactoryModel,
    fit: FitResult | None = None,
    *,
    params: ArrayLike | Mapping[str, float] | None = None,
    covariance: ArrayLike | None = None,
    method: Literal["linear", "variation"] = "linear",
) -> Yields:
    """Predict the yields of all samples and bins, and their sums, with uncertainties.

    Pre-fit without a fit, post-fit with one; the fit may be one of some channels only
    (``model.restricted``). They are evaluated on the host, in float64.

    Parameters
    ----------
    fit, params, covariance, method : optional
        As in `nextstat_core.infer.yields`.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    """
    return infer.yields(model, fit, params=params, covariance=covariance, method=method)


def goodness_of_fit(
    model: HistFactoryModel,
    fit: FitResult | None = None,
    *,
    n_toys: int = 0,
    seed: int = 42,
    device: str | None = None,
    **options: Any,
) -> GoodnessOfFit:
    """Test a model against the saturated one, constraints included.

    Parameters
    ----------
    fit : FitResult, optional
        Best fit of this model to its data; made here if left out.
    n_toys, seed : int
        Toys for a p-value without an asymptotic distribution.
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    **options
        Those of `nextstat_core.infer.goodness_of_fit`.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    BackendUnavailableError
        If no installed backend can use the device.
    """
    settings = {"threads": threads_now(), **options}
    moved = on_device(model, device)
    return infer.goodness_of_fit(moved, fit, n_toys=n_toys, seed=seed, **settings)


def simplified_likelihood(
    model: HistFactoryModel,
    fit: FitResult | None = None,
    *,
    stage: Literal["postfit", "prefit"] = "postfit",
    channels: Iterable[str] | None = None,
    options: FitOptions | None = None,
    device: str | None = None,
) -> SimplifiedLikelihood:
    """Reduce a model to the yields of all backgrounds together and their covariance.

    Parameters
    ----------
    fit, stage, channels, options : optional
        As in `nextstat_core.infer.simplified_likelihood`, which says what is kept and what is lost.
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    BackendUnavailableError
        If no installed backend can use the device.
    """
    return infer.simplified_likelihood(
        on_device(model, device), fit, stage=stage, channels=channels, options=options
    )
