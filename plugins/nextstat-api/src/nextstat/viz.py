"""Public names of the distribution nextstat-viz."""

try:
    from nextstat_viz import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("viz", error) from None
