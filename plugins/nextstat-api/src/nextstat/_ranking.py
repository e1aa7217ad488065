"""The ranking of nuisance parameters, from the plugin nextstat-ranking, and what is beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._fit import on_device
from nextstat_core import infer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import Breakdown, GroupedImpacts, Impacts

__all__ = ["breakdown", "grouped_impacts", "impacts", "ranking"]


def ranking(
    model: StatisticalModel, *, device: str | None = None, **options: Any
) -> list[dict[str, Any]]:
    """Rank nuisance parameters by their impact on the parameter of interest (POI).

    Each parameter with a constraint is held one width above and below the centre of its constraint.
    A lower bound >= 0 of the POI is opened meanwhile, unless ``open_poi_bound=False`` asks for
    shifts that are cut at the bound.

    Parameters
    ----------
    model : StatisticalModel
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    **options
        Those of `impacts`.

    Returns
    -------
    list of dict
        ``name``, ``delta_mu_up``, ``delta_mu_down``, ``pull``, ``constraint``; the largest first.

    Raises
    ------
    ModuleNotFoundError
        If the plugin nextstat-ranking is not installed; says how to install it.
    MissingPOIError, InputError
        As in `impacts`.
    """
    from nextstat.interpret import ranking as run

    found: list[dict[str, Any]] = run(on_device(model, device), **options)
    return found


def impacts(model: StatisticalModel, *, device: str | None = None, **options: Any) -> Impacts:
    """Rank nuisance parameters in one of five conventions, as columns.

    Parameters
    ----------
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    **options
        Those of `nextstat_core.infer.impacts`, which says what they mean.
    """
    return infer.impacts(on_device(model, device), **options)


def grouped_impacts(
    model: StatisticalModel,
    groups: str | Mapping[str, str | Iterable[str]] = "modifier",
    *,
    device: str | None = None,
    **options: Any,
) -> GroupedImpacts:
    """Split an uncertainty by groups of parameters.

    Parameters
    ----------
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    groups, **options
        Those of `nextstat_core.infer.grouped_impacts`, which says what they mean.
    """
    return infer.grouped_impacts(on_device(model, device), groups, **options)


def breakdown(
    model: StatisticalModel,
    groups: str | Mapping[str, str | Iterable[str]] = "modifier",
    *,
    device: str | None = None,
    **options: Any,
) -> Breakdown:
    """Split an uncertainty into its statistical and systematic parts.

    Parameters
    ----------
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out.
    groups, **options
        Those of `nextstat_core.infer.breakdown`, which says what they mean.
    """
    return infer.breakdown(on_device(model, device), groups, **options)
