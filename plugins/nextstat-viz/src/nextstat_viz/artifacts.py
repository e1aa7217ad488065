"""Results as plain dictionaries and columns for other renderers, with the reference's keys."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

from nextstat_core import infer
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.typing import ArrayLike

__all__ = ["cls_curve", "profile_curve", "ranking_arrays", "ranking_artifact"]

_COLUMNS = ("name", "delta_mu_up", "delta_mu_down", "pull", "constraint")


def cls_curve(
    model: HistFactoryModel, scan: ArrayLike, *, alpha: float = 0.05, data: ArrayLike | None = None
) -> dict[str, Any]:
    """CLs at the values of `scan`, observed and expected, with limits by interpolation.

    Returns
    -------
    dict
        `nextstat_core.results.ClsScan.to_dict`.
    """
    return infer.cls_scan(model, scan, alpha=alpha, data=data).to_dict()


def profile_curve(
    model: HistFactoryModel, mu_values: ArrayLike, *, data: ArrayLike | None = None
) -> dict[str, Any]:
    """Profile likelihood at values of the parameter of interest, as points and as columns.

    Returns
    -------
    dict
        `nextstat_core.results.ProfileScan.to_dict` with its columns.
    """
    return infer.profile_scan(model, mu_values, data=data).to_dict(curve=True)


def ranking_artifact(
    model: HistFactoryModel, top_n: int | None = None, **options: Any
) -> dict[str, Any]:
    """The largest impacts on the parameter of interest, as `nextstat.ranking` has them.

    Parameters
    ----------
    model : HistFactoryModel
    top_n : int, optional
        How many; all if left out.
    **options
        Those of `nextstat_core.infer.impacts`.

    Returns
    -------
    dict
        ``entries`` (``name``, ``delta_mu_up``, ``delta_mu_down``, ``pull``, ``constraint``),
        ``n_total`` and ``n_returned``. None stands for a pull or constraint that does not exist.

    Raises
    ------
    InputError
        If `top_n` is negative.
    MissingPOIError
        If the model has no parameter of interest.
    """
    if top_n is not None and top_n < 0:
        raise InputError(f"`top_n` is {top_n}; expected 0 or more, or None for all")
    rows = infer.impacts(model, **options).to_rows()
    entries = [{column: _known(row[column]) for column in _COLUMNS} for row in rows[:top_n]]
    return {"entries": entries, "n_total": len(rows), "n_returned": len(entries)}


def ranking_arrays(
    model: HistFactoryModel, top_n: int | None = None, **options: Any
) -> dict[str, list[Any]]:
    """The entries of `ranking_artifact` as columns, one list by name."""
    entries = ranking_artifact(model, top_n, **options)["entries"]
    return {column: [entry[column] for entry in entries] for column in _COLUMNS}


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value
