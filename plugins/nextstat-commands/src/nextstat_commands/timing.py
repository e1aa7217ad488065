"""How long a command and its parts took."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Stopwatch"]


@dataclass(slots=True)
class Stopwatch:
    """Wall-clock time of a command, and of its parts."""

    started: float = field(default_factory=time.perf_counter)
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.perf_counter() - self.started

    def lap(self, name: str) -> None:
        """End the part `name`, which began where the last one ended."""
        self.parts[name] = self.elapsed - sum(self.parts.values())

    def timing(self) -> dict[str, Any]:
        """Return seconds in total and by part; fits have a name of their own."""
        return {
            "wall_time_s": self.elapsed,
            "fit_time_s": self.parts.get("fit", 0.0),
            "breakdown": {f"{name}_s": seconds for name, seconds in self.parts.items()},
        }
