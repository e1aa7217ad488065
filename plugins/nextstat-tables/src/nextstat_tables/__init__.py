"""Results as tables: text, Markdown, LaTeX, CSV and HEPData's YAML.

Names are loaded when they are first used, so that finding the plugin costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_tables.data import Column, DataTable, Uncertainty
    from nextstat_tables.hepdata import write_hepdata
    from nextstat_tables.limits import limits_table
    from nextstat_tables.parameters import parameters_table
    from nextstat_tables.rendering import FORMATS, render
    from nextstat_tables.results import tables_of
    from nextstat_tables.yields import channel_table, covariance_table, yields_table

__all__ = [
    "FORMATS",
    "Column",
    "DataTable",
    "Uncertainty",
    "channel_table",
    "covariance_table",
    "limits_table",
    "parameters_table",
    "render",
    "tables_of",
    "write_hepdata",
    "yields_table",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_tables.data": "Column DataTable Uncertainty",
    "nextstat_tables.hepdata": "write_hepdata",
    "nextstat_tables.limits": "limits_table",
    "nextstat_tables.parameters": "parameters_table",
    "nextstat_tables.rendering": "FORMATS render",
    "nextstat_tables.results": "tables_of",
    "nextstat_tables.yields": "channel_table covariance_table yields_table",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
