"""The ranking of nuisance parameters as plain data."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_core.models import StatisticalModel

__all__ = ["ranking"]


def ranking(model: StatisticalModel, **options: Any) -> list[dict[str, Any]]:
    """Rank nuisance parameters by their impact on the parameter of interest (POI).

    Each parameter with a constraint is held one width above and below the *centre* of its
    constraint, not its best fit, while all others are fitted again. A lower bound >= 0 of the POI
    is opened meanwhile as far as rates stay positive; with ``open_poi_bound=False`` shifts of the
    POI are cut at its bound, as nextstat 0.10.1 does it.

    Parameters
    ----------
    model : StatisticalModel
    **options
        Those of `nextstat_core.infer.impacts`: ``convention="postfit"`` for the boxes that
        experiments show, `poi`, `parameters`, `data`, `fixed`, `bounds`.

    Returns
    -------
    list of dict
        ``name``, ``delta_mu_up``, ``delta_mu_down``, ``pull`` ((best fit - centre) / width),
        ``constraint`` (uncertainty after the fit / width); ordered by the larger of the two shifts,
        then by name. None stands for a pull or constraint that does not exist. Parameters whose
        refit failed are listed too; `nextstat_core.infer.impacts` says which.

    Raises
    ------
    MissingPOIError
        If the model has no POI and none is named.
    InputError
        For arguments that cannot be used.
    """
    from nextstat_core.infer import impacts

    return [
        {
            "name": entry.name,
            "delta_mu_up": entry.up,
            "delta_mu_down": entry.down,
            "pull": _known(entry.pull),
            "constraint": _known(entry.constraint),
        }
        for entry in impacts(model, **options)
    ]


def _known(value: float) -> float | None:
    return None if isnan(value) else value
