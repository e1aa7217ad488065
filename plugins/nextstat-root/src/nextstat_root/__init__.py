"""HistFactory XML and histograms in ROOT files.

Names are loaded when they are first used, so that finding the plugin costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_root.edges import histfactory_bin_edges_by_channel
    from nextstat_root.export import histfactory_files, write_histfactory
    from nextstat_root.histogram import Histogram
    from nextstat_root.reader import read_histfactory
    from nextstat_root.rootfile import RootFile, read_root_histogram

__all__ = [
    "Histogram",
    "RootFile",
    "histfactory_bin_edges_by_channel",
    "histfactory_files",
    "read_histfactory",
    "read_root_histogram",
    "write_histfactory",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_root.edges": "histfactory_bin_edges_by_channel",
    "nextstat_root.export": "histfactory_files write_histfactory",
    "nextstat_root.histogram": "Histogram",
    "nextstat_root.reader": "read_histfactory",
    "nextstat_root.rootfile": "RootFile read_root_histogram",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
