"""Public names of the distribution nextstat-torch."""

try:
    from nextstat_torch import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("torch", error) from None
