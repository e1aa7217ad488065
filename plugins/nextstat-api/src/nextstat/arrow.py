"""Public names of the distribution nextstat-arrow."""

try:
    from nextstat_arrow import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("arrow", error) from None
