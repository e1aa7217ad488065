"""Public names of the distribution nextstat-histograms."""

try:
    from nextstat_histograms import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("histograms", error) from None
