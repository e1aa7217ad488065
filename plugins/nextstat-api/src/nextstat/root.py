"""Public names of the distribution nextstat-root."""

try:
    from nextstat_root import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("root", error) from None
