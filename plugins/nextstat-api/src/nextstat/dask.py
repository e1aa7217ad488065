"""Public names of the distribution nextstat-dask."""

try:
    from nextstat_dask import *  # noqa: F403
except ModuleNotFoundError as error:
    from nextstat._missing import missing_plugin

    raise missing_plugin("dask", error) from None
