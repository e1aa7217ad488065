"""How plugins plug in: the hooks, their markers, and the manager that finds plugins."""

from nextstat_core.hooks._markers import hookimpl, hookspec
from nextstat_core.hooks.contributions import (
    AnalysisSpec,
    Contribution,
    Contributions,
    FitEvent,
    ReaderSpec,
    ToolSpec,
    WriterSpec,
    hint_for_missing,
)
from nextstat_core.hooks.loading import GROUP
from nextstat_core.hooks.manager import PluginInfo, PluginManager, get_manager

__all__ = [
    "GROUP",
    "AnalysisSpec",
    "Contribution",
    "Contributions",
    "FitEvent",
    "PluginInfo",
    "PluginManager",
    "ReaderSpec",
    "ToolSpec",
    "WriterSpec",
    "get_manager",
    "hint_for_missing",
    "hookimpl",
    "hookspec",
]
