"""Public names of the distribution nextstat-gym."""

try:
    from nextstat_gym import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("gym", error) from None
