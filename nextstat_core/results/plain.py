"""Parts of results as plain JSON values."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_core.results.minimum import FitMinimumResult

__all__ = ["finite_or_none", "plain"]


def finite_or_none(value: float) -> float | None:
    """`value`, or None where JSON has no number for it."""
    return float(value) if isfinite(value) else None


def plain(fit: FitMinimumResult) -> dict[str, Any]:
    """A minimum by parameter."""
    return {
        "parameters": {
            name: finite_or_none(value)
            for name, value in zip(fit.parameter_names, fit.parameters, strict=True)
        },
        "nll": finite_or_none(fit.nll),
        "converged": fit.converged,
        "message": fit.message,
        "n_iter": fit.n_iter,
        "edm": finite_or_none(fit.edm),
    }
