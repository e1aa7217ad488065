"""Toys and Asimov data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._fit import on_device
from nextstat._settings import threads_now
from nextstat_core import infer

if TYPE_CHECKING:
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import ToyResults
    from nextstat_core.typing import ArrayLike

__all__ = ["asimov_data", "fit_toys", "fit_toys_batch", "fit_toys_batch_gpu", "poisson_toys"]


def asimov_data(model: HistFactoryModel, params: ArrayLike) -> list[float]:
    """Return the expected main data at `params`, channels by name."""
    return model.expected_data(params, include_auxdata=False)


def poisson_toys(
    model: HistFactoryModel, params: ArrayLike, *, n_toys: int = 1000, seed: int = 42
) -> list[list[float]]:
    """Draw main data at `params`, one list per toy; `nextstat_core.infer` has them as an array."""
    return infer.poisson_toys(model, params, n_toys=n_toys, seed=seed).tolist()


def fit_toys(
    model: HistFactoryModel,
    params: ArrayLike,
    *,
    n_toys: int = 1000,
    seed: int = 42,
    **options: Any,
) -> ToyResults:
    """Draw toys at `params`, main and auxiliary data, and fit each.

    Parameters
    ----------
    params : array-like, shape (n_params,)
        Where toys are drawn; fits start there.
    **options
        Those of `nextstat_core.infer.fit_toys`: ``aux="fixed"`` keeps the auxiliary data,
        ``compute_uncertainties=True`` keeps standard uncertainties.

    Returns
    -------
    ToyResults
        A sequence of `FitResult` over columns. Fits that fail are kept, with their reason.
    """
    settings = {"threads": threads_now(), **options}
    return infer.fit_toys(model, params, n_toys=n_toys, seed=seed, **settings)


def fit_toys_batch(
    model: HistFactoryModel,
    params: ArrayLike,
    *,
    n_toys: int = 1000,
    seed: int = 42,
    **options: Any,
) -> ToyResults:
    """Draw toys and fit them; the same as `fit_toys`, which works in batches anyway."""
    return fit_toys(model, params, n_toys=n_toys, seed=seed, **options)


def fit_toys_batch_gpu(
    model: HistFactoryModel,
    params: ArrayLike,
    *,
    n_toys: int = 1000,
    seed: int = 42,
    device: str | None = None,
    **options: Any,
) -> ToyResults:
    """Draw toys and fit them on an accelerator.

    Parameters
    ----------
    device : {"cpu", "cuda", "metal"}, optional
        Where the model is if left out.

    Raises
    ------
    BackendUnavailableError
        If no installed backend can use the device.
    """
    return fit_toys(on_device(model, device), params, n_toys=n_toys, seed=seed, **options)
