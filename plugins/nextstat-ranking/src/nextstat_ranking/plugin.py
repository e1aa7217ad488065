"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.hooks import AnalysisSpec, hookimpl

if TYPE_CHECKING:
    from nextstat_core.models import StatisticalModel

__all__ = ["nextstat_register_analyses"]


def _ranking(model: StatisticalModel, **options: Any) -> list[dict[str, Any]]:
    from nextstat_ranking.ranking import ranking

    return ranking(model, **options)


@hookimpl
def nextstat_register_analyses() -> list[AnalysisSpec]:
    """The analysis ``ranking``: a model to a list of dictionaries, the largest impact first."""
    return [AnalysisSpec("ranking", _ranking, "Impacts of nuisance parameters")]
