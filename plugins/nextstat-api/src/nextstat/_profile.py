"""Scans of the profile likelihood, with the reference's names and dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._fit import on_device
from nextstat_core import infer

if TYPE_CHECKING:
    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import ArrayLike

__all__ = ["profile_curve", "profile_scan"]


def profile_scan(
    model: StatisticalModel,
    mu_values: ArrayLike,
    *,
    data: ArrayLike | None = None,
    return_params: bool = False,
    return_curve: bool = False,
    device: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Scan the profile likelihood along the parameter of interest, or another one.

    Parameters
    ----------
    mu_values : array-like, shape (n,)
        Values of the parameter, in any order.
    data : array-like, shape (n_main,), optional
        Observed counts instead of the model's own.
    return_params : bool
        Add all parameters of each point, and how its fit went.
    return_curve : bool
        Add the columns of `profile_curve`.
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    **options
        Those of `nextstat_core.infer.profile_scan`, which returns more: ``parameter="NAME"``,
        `fixed`, `bounds`, `init`, `options`, `progress`.

    Returns
    -------
    dict
        ``parameter``, ``poi_index`` (its position), ``mu_hat``, ``nll_hat``, ``points`` with
        ``mu``, ``q_mu`` (one-sided: 0 below the best fit), ``nll_mu``, ``converged`` and
        ``n_iter``, and ``warnings``.
    """
    scan = infer.profile_scan(on_device(model, device), mu_values, data=data, **options)
    return scan.to_dict(params=return_params, curve=return_curve)


def profile_curve(
    model: StatisticalModel,
    mu_values: ArrayLike,
    *,
    data: ArrayLike | None = None,
    device: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Return `profile_scan` with columns for plots.

    They are ``mu_values``, ``q_mu_values`` and ``twice_delta_nll``, which is two-sided.
    """
    return profile_scan(model, mu_values, data=data, return_curve=True, device=device, **options)
