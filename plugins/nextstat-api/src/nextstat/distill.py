"""Public names of the distribution nextstat-distill."""

try:
    from nextstat_distill import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("distill", error) from None
