"""What a result says about how it came about."""

from __future__ import annotations

import importlib.metadata
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_core.infer.target import Target

__all__ = ["provenance_of"]


@cache
def _version() -> str:
    return importlib.metadata.version("nextstat-core")


def provenance_of(target: Target) -> dict[str, Any]:
    """Version, backend, device, number format and evaluation mode; where minima were polished."""
    compiled = target.compiled
    backend = (target.coarse or target).backend
    return {
        "nextstat_core": _version(),
        "backend": backend.name,
        "device": str(backend.device),
        "dtype": str(backend.dtype).rsplit(".", 1)[-1],
        "polished_on": None if target.coarse is None else target.backend.name,
        "eval_mode": "parity" if compiled is not None and compiled.precise else "fast",
        "model": type(target.model).__name__,
        "measurement": getattr(target.model, "measurement", ""),
    }
