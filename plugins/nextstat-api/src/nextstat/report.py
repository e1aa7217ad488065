"""Results for trackers of experiments: one document of metrics, or one flat row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._settings import threads_now
from nextstat_core import metrics as documents
from nextstat_core.infer.provenance import provenance_of
from nextstat_core.infer.target import target_of
from nextstat_core.metrics import metrics_schema, metrics_to_wandb_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.models import StatisticalModel

__all__ = ["metrics", "metrics_schema", "metrics_to_wandb_row"]


def metrics(
    result: object,
    *,
    model: StatisticalModel | None = None,
    timing: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a tracker logs about a result: the document that ``--json-metrics`` writes.

    Parameters
    ----------
    result : FitResult, FitMinimumResult, ...
        Whatever fits, tests, limits and scans return.
    model : StatisticalModel, optional
        Says where the result comes from, for results that do not say it themselves.
    timing : mapping, optional
        Seconds: ``wall_time_s``, and ``breakdown`` by part.
    provenance : mapping, optional
        More about where the result comes from, such as the name of a file.

    Returns
    -------
    dict
        As `metrics_schema` describes it: keys in the order of the alphabet, and null for what is
        not a number, with the reason in ``null_reasons``.

    Raises
    ------
    InputError
        For a result of a kind that has no metrics.
    """
    known = {} if model is None else provenance_of(target_of(model))
    origin = {**known, **(provenance or {})}
    return documents.metrics(result, timing=timing, threads=threads_now(), provenance=origin)
