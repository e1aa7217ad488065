"""From histograms and events to workspaces: templates, treatments, and what they did.

Names are loaded when they are first used, so that finding the plugin costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_histograms.collection import build_workspace, collect_templates
    from nextstat_histograms.conversion import as_histogram
    from nextstat_histograms.description import Description
    from nextstat_histograms.effects import Effects, Thresholds
    from nextstat_histograms.expressions import Expression, check_expression
    from nextstat_histograms.filling import Fill, Filled, fill
    from nextstat_histograms.histogram import Histogram
    from nextstat_histograms.locations import TemplateKey
    from nextstat_histograms.negative_bins import raise_bins
    from nextstat_histograms.normalisation import split
    from nextstat_histograms.preprocessing import (
        prune_workspace,
        smooth_workspace,
        symmetrise_workspace,
    )
    from nextstat_histograms.reading import read_description
    from nextstat_histograms.smoothing import limit_variation, smooth, smooth_353qh_twice
    from nextstat_histograms.steps import Change, Step
    from nextstat_histograms.symmetrisation import symmetrise
    from nextstat_histograms.templates import TemplateSet

__all__ = [
    "Change",
    "Description",
    "Effects",
    "Expression",
    "Fill",
    "Filled",
    "Histogram",
    "Step",
    "TemplateKey",
    "TemplateSet",
    "Thresholds",
    "as_histogram",
    "build_workspace",
    "check_expression",
    "collect_templates",
    "fill",
    "limit_variation",
    "prune_workspace",
    "raise_bins",
    "read_description",
    "smooth",
    "smooth_353qh_twice",
    "smooth_workspace",
    "split",
    "symmetrise",
    "symmetrise_workspace",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_histograms.collection": "build_workspace collect_templates",
    "nextstat_histograms.conversion": "as_histogram",
    "nextstat_histograms.description": "Description",
    "nextstat_histograms.effects": "Effects Thresholds",
    "nextstat_histograms.expressions": "Expression check_expression",
    "nextstat_histograms.filling": "Fill Filled fill",
    "nextstat_histograms.histogram": "Histogram",
    "nextstat_histograms.locations": "TemplateKey",
    "nextstat_histograms.negative_bins": "raise_bins",
    "nextstat_histograms.normalisation": "split",
    "nextstat_histograms.preprocessing": "prune_workspace smooth_workspace symmetrise_workspace",
    "nextstat_histograms.reading": "read_description",
    "nextstat_histograms.smoothing": "limit_variation smooth smooth_353qh_twice",
    "nextstat_histograms.steps": "Change Step",
    "nextstat_histograms.symmetrisation": "symmetrise",
    "nextstat_histograms.templates": "TemplateSet",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
