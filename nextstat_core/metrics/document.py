"""The document: the same top level and groups for every kind of result."""

from __future__ import annotations

import json
import time
from functools import cache
from importlib.metadata import distribution
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from nextstat_core.metrics.plain import Absent, plain
from nextstat_core.metrics.summaries import summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCHEMA_VERSION", "metrics", "metrics_schema"]

SCHEMA_VERSION = "nextstat_metrics_v0"

_UNRECORDED = Absent("not recorded")


def metrics(
    result: object,
    *,
    timing: Mapping[str, Any] | None = None,
    threads: int = 1,
    provenance: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a tracker of experiments logs about a result.

    Parameters
    ----------
    result : FitResult, HypotestResult, LimitResult, ...
        Whatever `summarise` knows.
    timing : mapping, optional
        ``wall_time_s`` and parts of it, in seconds.
    threads : int
        How many were used.
    provenance : mapping, optional
        More than the result itself says about how it came about.

    Returns
    -------
    dict
        As `metrics_schema` describes it: keys in the order of the alphabet at all levels, and every
        null with its reason in ``null_reasons``.

    Raises
    ------
    InputError
        For a result of a kind that has no summary.
    """
    summary = summarise(result)
    origin = {**getattr(result, "provenance", {}), **(provenance or {})}
    timing = {"wall_time_s": Absent("not measured"), **(timing or {})}
    status = {
        "ok": summary.converged,
        "converged": summary.converged,
        "warnings": summary.warnings,
        "degraded_flags": summary.degraded_flags,
        **({} if summary.converged else {"reason": summary.reason}),
    }
    document, reasons = plain(
        {
            "schema_version": SCHEMA_VERSION,
            "tool": "nextstat",
            "tool_version": _core().version,
            "command": summary.command,
            "created_unix_ms": time.time_ns() // 1_000_000,
            "backend": origin.get("backend", _UNRECORDED),
            "device": origin.get("device", _UNRECORDED),
            "threads": threads,
            "parity": origin.get("eval_mode") == "parity",
            "status": status,
            "warnings": summary.warnings,
            "degraded_flags": summary.degraded_flags,
            "timing": timing,
            "metrics": summary.metrics,
            "metric": summary.metric,
            "uncertainty": summary.uncertainty,
            "provenance": {
                "version": _core().version,
                "commit": _commit() or Absent("not recorded by the installation"),
                "threads": threads,
                **{key: value for key, value in origin.items() if value is not None},
            },
            "null_reasons": {},
        },
        sort_keys=True,
    )
    return {**document, "null_reasons": reasons}


@cache
def metrics_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every document follows."""
    text = files("nextstat_core.metrics").joinpath(f"{SCHEMA_VERSION}.schema.json").read_text()
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _core() -> Any:
    return distribution("nextstat-core")


@cache
def _commit() -> str:
    """Commit from which pip installed the core, where it came from a repository."""
    origin = json.loads(_core().read_text("direct_url.json") or "{}")
    commit: str = origin.get("vcs_info", {}).get("commit_id", "")
    return commit
