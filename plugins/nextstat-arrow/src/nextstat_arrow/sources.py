"""Whatever holds a table in Arrow's memory format, as a validated `pyarrow.Table`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nextstat_core.errors import FormatError, InputError

__all__ = ["as_table", "validated"]


def as_table(source: Any, what: str) -> pa.Table:
    """Take a table from any library that speaks Arrow.

    Parameters
    ----------
    source : pyarrow.Table, RecordBatch, RecordBatchReader or object
        Or anything with the Arrow PyCapsule interface (``__arrow_c_stream__`` or
        ``__arrow_c_array__``): data frames of polars and pandas, relations of DuckDB. A reader is
        read to its end.
    what : str
        What the table is, for messages.

    Raises
    ------
    InputError
        If `source` is something else.
    FormatError
        If its content is damaged or cannot be read.
    """
    try:
        if isinstance(source, pa.Table):
            table = source
        elif isinstance(source, pa.RecordBatchReader):
            table = source.read_all()
        elif isinstance(source, pa.RecordBatch):
            table = pa.Table.from_batches([source])
        elif hasattr(source, "__arrow_c_stream__"):
            table = pa.RecordBatchReader.from_stream(source).read_all()
        elif hasattr(source, "__arrow_c_array__"):
            table = pa.Table.from_batches([pa.record_batch(source)])
        else:
            raise InputError(
                f"a {what} cannot be read from a {type(source).__name__}; expected a pyarrow.Table "
                "or an object with __arrow_c_stream__",
                hint=_hint(source),
            )
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise FormatError(f"the {what} cannot be read: {error}") from error
    return validated(table, what)


def validated(table: pa.Table, what: str) -> pa.Table:
    """Return `table` after a look at all of it: names, offsets, text, indices of dictionaries.

    Raises
    ------
    FormatError
        If it is damaged: reading on might leave its memory.
    """
    try:
        str(table.schema)  # names are decoded only when they are asked for
        table.validate(full=True)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise FormatError(f"the {what} is damaged: {error}") from error
    return table


def _hint(source: Any) -> str:
    if hasattr(source, "collect"):
        return "collect() a lazy frame first"
    if isinstance(source, dict | list):
        return "pyarrow.table(...) makes a table from a dict of lists"
    if isinstance(source, str | bytes):
        return "from_parquet reads files, from_arrow_ipc reads bytes"
    return ""
