"""Public names of the distribution nextstat-tools."""

try:
    from nextstat_tools import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("tools", error) from None
