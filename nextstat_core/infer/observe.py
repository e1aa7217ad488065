"""Telling observers about fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nextstat_core.hooks import FitEvent, get_manager

if TYPE_CHECKING:
    from nextstat_core.infer.target import Target

__all__ = ["notify"]


def notify(kind: Literal["start", "end"], target: Target, rows: int, result: object = None) -> None:
    """Tell all plugins that observe fits that `rows` fits start or have ended."""
    manager = get_manager()
    if manager.has_fit_observers:
        name = type(target.model).__name__
        manager.notify_fit(FitEvent(kind, rows, len(target.names), name, result, target.model))
