"""Public names of the distribution nextstat-tables."""

try:
    from nextstat_tables import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("tables", error) from None
