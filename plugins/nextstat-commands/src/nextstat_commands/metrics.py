"""The envelope of ``--json-metrics``: the same keys for every command."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Stopwatch", "envelope", "finite"]


@dataclass(slots=True)
class Stopwatch:
    """Wall-clock time of a command, and of its parts."""

    started: float = field(default_factory=time.perf_counter)
    parts: dict[str, float] = field(default_factory=dict)

    def lap(self, name: str) -> None:
        """End the part `name`, which began where the last one ended."""
        elapsed = time.perf_counter() - self.started
        self.parts[name] = elapsed - sum(self.parts.values())

    def timing(self) -> dict[str, Any]:
        """Return seconds in total and by part."""
        return {
            "wall_time_s": time.perf_counter() - self.started,
            "breakdown": {f"{name}_s": seconds for name, seconds in self.parts.items()},
        }


def finite(value: float) -> float | None:
    """`value`, or None where JSON has no number for it."""
    return value if isfinite(value) else None


def envelope(
    command: str,
    metrics: Mapping[str, Any],
    *,
    ok: bool,
    reason: str = "",
    backend: str,
    device: str,
    threads: int,
    parity: bool,
    warnings: Sequence[str],
    degraded_flags: Sequence[str],
    timing: Mapping[str, Any],
) -> dict[str, Any]:
    """What ``--json-metrics`` writes; keys are those of ``nextstat_metrics_v0``.

    `backend` and `device` are those that were used, whatever was asked for.
    """
    return {
        "schema_version": "nextstat_metrics_v0",
        "tool": "nextstat",
        "tool_version": version("nextstat-commands"),
        "command": command,
        "created_unix_ms": time.time_ns() // 1_000_000,
        "backend": backend,
        "device": device,
        "threads": threads,
        "parity": parity,
        "status": {"ok": ok, **({"reason": reason} if reason else {})},
        "warnings": list(warnings),
        "degraded_flags": list(degraded_flags),
        "timing": dict(timing),
        "metrics": dict(metrics),
    }
