"""Which systematic uncertainties matter: a ranking, its importance table, its plot."""

from nextstat_ranking.importance import plot_rank_impact, rank_impact, rank_impact_df
from nextstat_ranking.ranking import ranking

__all__ = ["plot_rank_impact", "rank_impact", "rank_impact_df", "ranking"]
