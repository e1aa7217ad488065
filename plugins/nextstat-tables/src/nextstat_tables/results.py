"""Which tables a result has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.results import FitResult, Yields
from nextstat_tables.limits import limits_table
from nextstat_tables.parameters import parameters_table
from nextstat_tables.yields import channel_table, yields_table

if TYPE_CHECKING:
    from nextstat_tables.data import DataTable

__all__ = ["tables_of"]


def tables_of(result: Any) -> list[DataTable]:
    """List the tables of a result: parameters of a fit, yields, or limits.

    Raises
    ------
    InputError
        If the result is of another kind.
    """
    if isinstance(result, FitResult):
        return [parameters_table(result)]
    if isinstance(result, Yields):
        channels = [channel_table(result, each.channel) for each in result.channels]
        return [yields_table(result), *channels]
    if hasattr(result, "observed") and hasattr(result, "expected"):
        return [limits_table(result)]
    raise InputError(
        f"a {type(result).__name__} has no tables; expected a fit, yields or limits",
        hint="build a DataTable from columns",
    )
