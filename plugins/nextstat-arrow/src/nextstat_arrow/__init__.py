"""Models from Arrow tables, IPC streams and Parquet files, and back.

Names are loaded when they are first used, so that finding the plugin costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_arrow.export import to_arrow, to_arrow_params_ipc, to_arrow_yields_ipc
    from nextstat_arrow.histograms import (
        HistogramTable,
        HistogramTableStats,
        validate_histogram_table,
    )
    from nextstat_arrow.manifest_check import validate_histograms_parquet_manifest
    from nextstat_arrow.model_files import (
        read_parquet_model,
        write_histograms_parquet,
        write_parquet,
    )
    from nextstat_arrow.modifiers import (
        ModifiersTableStats,
        ModifierTable,
        validate_modifiers_table,
    )
    from nextstat_arrow.reading import read_arrow, read_arrow_ipc, read_parquet

__all__ = [
    "HistogramTable",
    "HistogramTableStats",
    "ModifierTable",
    "ModifiersTableStats",
    "read_arrow",
    "read_arrow_ipc",
    "read_parquet",
    "read_parquet_model",
    "to_arrow",
    "to_arrow_params_ipc",
    "to_arrow_yields_ipc",
    "validate_histogram_table",
    "validate_histograms_parquet_manifest",
    "validate_modifiers_table",
    "write_histograms_parquet",
    "write_parquet",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_arrow.export": "to_arrow to_arrow_params_ipc to_arrow_yields_ipc",
    "nextstat_arrow.histograms": "HistogramTable HistogramTableStats validate_histogram_table",
    "nextstat_arrow.manifest_check": "validate_histograms_parquet_manifest",
    "nextstat_arrow.model_files": "read_parquet_model write_histograms_parquet write_parquet",
    "nextstat_arrow.modifiers": "ModifierTable ModifiersTableStats validate_modifiers_table",
    "nextstat_arrow.reading": "read_arrow read_arrow_ipc read_parquet",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
