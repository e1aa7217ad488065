"""The part of a document of metrics that depends on what was computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nextstat_core.metrics.plain import Absent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results import FitMinimumResult

__all__ = ["Summary", "failure_of", "present"]

_NO_ERRORS = {"cov_available": False, "mu_sigma": Absent("not computed")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The part of a document that differs between kinds of results.

    Attributes
    ----------
    command : str
        Name of the computation.
    metrics : mapping
        Its results, under the names of the reference.
    metric : mapping
        The most important ones, under names that all computations share.
    uncertainty : mapping
        How well they are known: ``cov_available`` and ``mu_sigma`` always, more where there is.
    converged : bool
        Whether all fits that count did.
    reason : str
        Why not.
    warnings, degraded_flags : tuple of str
        In words, and in names that do not change.
    """

    command: str
    metrics: Mapping[str, Any]
    metric: Mapping[str, Any]
    uncertainty: Mapping[str, Any] = field(default_factory=lambda: _NO_ERRORS)
    converged: bool = True
    reason: str = ""
    warnings: tuple[str, ...] = ()
    degraded_flags: tuple[str, ...] = ()


def present(value: Any, reason: str) -> Any:
    """`value`, or why there is none."""
    return Absent(reason) if value is None else value


def failure_of(fits: Mapping[str, FitMinimumResult]) -> str:
    """Which fits did not converge, and why; empty if all did."""
    return ", ".join(f"{name} ({fit.message})" for name, fit in fits.items() if not fit.converged)
