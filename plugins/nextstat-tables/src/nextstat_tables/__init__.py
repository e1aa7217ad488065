"""Results as tables: text, Markdown, LaTeX, CSV and HEPData's YAML."""

from nextstat_tables.data import Column, DataTable, Uncertainty
from nextstat_tables.hepdata import write_hepdata
from nextstat_tables.limits import limits_table
from nextstat_tables.parameters import parameters_table
from nextstat_tables.render import FORMATS, render
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
