"""Public names of the distribution nextstat-mlops."""

try:
    from nextstat_mlops import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("mlops", error) from None
