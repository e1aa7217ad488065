"""Fits of nextstat on a cluster of dask.distributed."""

from nextstat_dask.executor import DaskExecutor

__all__ = ["DaskExecutor"]
