"""A document of metrics as one flat row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nextstat_core.errors import InputError
from nextstat_core.metrics.document import SCHEMA_VERSION

__all__ = ["metrics_to_wandb_row"]

#: Explains nulls, which a row does not have.
_LEFT_OUT = "null_reasons"


def metrics_to_wandb_row(metrics: Mapping[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """Flatten a document of metrics to one row, as Weights & Biases and other trackers log it.

    Numbers and booleans become floats under their path, entries of lists under their index:
    ``metric/mu_hat``, ``status/ok``, ``metrics/exp_limits/0``. Text goes under ``config/``:
    ``config/provenance/backend``. What is null is left out. Needs no library of the tracker.

    Parameters
    ----------
    metrics : mapping
        From `metrics`, or read from the file that ``--json-metrics`` wrote.
    prefix : str
        In front of every key.

    Returns
    -------
    dict
        Float or str by key; keys keep the order of the document.

    Raises
    ------
    InputError
        If this is no such document.
    """
    found = metrics.get("schema_version") if isinstance(metrics, Mapping) else None
    if found != SCHEMA_VERSION:
        raise InputError(
            f"`metrics` is no document of metrics: schema_version is {found!r}; "
            f"expected {SCHEMA_VERSION!r}",
            hint="make one with nextstat.report.metrics(result), or --json-metrics FILE",
        )
    row: dict[str, Any] = {}
    for path, value in _leaves(metrics):
        if isinstance(value, str):
            row[f"{prefix}config/{path}"] = value
        elif value is not None:
            row[f"{prefix}{path}"] = float(value)
    return row


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        entries = ((key, entry) for key, entry in value.items() if key != _LEFT_OUT)
    elif isinstance(value, list):
        entries = ((str(i), entry) for i, entry in enumerate(value))
    else:
        yield path, value
        return
    for key, entry in entries:
        yield from _leaves(entry, f"{path}/{key}" if path else key)
