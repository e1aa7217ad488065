"""Public names of the distribution nextstat-ranking; ``nextstat.ranking`` is its function."""

try:
    from nextstat_ranking import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("interpret", error, "ranking") from None
