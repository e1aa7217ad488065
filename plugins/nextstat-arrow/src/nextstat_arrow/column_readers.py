"""Columns of Arrow tables to columns of arrays.

Nothing is copied where Arrow's memory can be looked at as it is: float64 values without nulls, in
one chunk. Everything else that float64 and text hold without loss is converted; the rest is
refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nextstat_arrow.columns import Column, Lists, NameLists, Names
from nextstat_core.errors import FormatError, closest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = ["read_columns"]

#: Columns of a refused table that are listed.
_SHOWN = 10
_NO_CODES: NDArray[np.int64] = np.zeros(0, dtype=np.int64)


def read_columns(
    table: pa.Table, columns: Iterable[Column], what: str
) -> tuple[dict[str, Names | Lists | NameLists], tuple[str, ...]]:
    """Read the columns that `table` has of `columns`.

    Parameters
    ----------
    table : pyarrow.Table
        Validated in full.
    columns : iterable of Column
    what : str
        What the table is, for messages: ``table of histograms``.

    Returns
    -------
    found : dict
        `Names`, `Lists` or tuples by name of the column.
    others : tuple of str
        Columns that are not asked for.

    Raises
    ------
    FormatError
        If a required column is missing, a name occurs twice, or columns have types that cannot be
        converted without loss; lists all of these.
    """
    columns = tuple(columns)
    problems: list[str] = []
    found: dict[str, Names | Lists | NameLists] = {}
    for column in columns:
        count = table.column_names.count(column.name)
        if count > 1:
            problems.append(f"{count} columns are called {column.name!r}; expected one")
        elif count == 1 and not _is_absent(table.column(column.name), column):
            try:
                found[column.name] = _READERS[column.type](table.column(column.name), column)
            except FormatError as error:
                problems.append(str(error))
            except pa.ArrowException as error:  # too large for its type, or not yet implemented
                problems.append(f"column {column.name!r} cannot be read: {error}")
        elif count == 0 and column.required:
            similar = closest(column.name, table.column_names)
            message = f"missing required column: {column.name!r} ({column.type})"
            problems.append(f"{message}; {similar}" if similar else message)
    if problems:
        fields = [f"{field.name} ({field.type})" for field in table.schema]
        has = ", ".join([*fields[:_SHOWN], *(["..."] if fields[_SHOWN:] else [])]) or "none"
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise FormatError(f"the {what} cannot be used:{lines}", hint=f"its columns are: {has}")
    wanted = {column.name for column in columns}
    return found, tuple(name for name in table.column_names if name not in wanted)


def _read_names(data: pa.ChunkedArray, column: Column) -> Names:
    """Encode a column of text.

    Raises
    ------
    FormatError
        If it holds something else, or null where a value is required.
    """
    kind = data.type
    if pa.types.is_run_end_encoded(kind):
        kind = kind.value_type
        data = pa.chunked_array([pc.run_end_decode(chunk) for chunk in data.chunks], type=kind)
    if not _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
        raise FormatError(_wrong_type(column, data.type))
    if pa.types.is_string_view(kind):
        data = data.cast(pa.large_string())
    if not pa.types.is_dictionary(kind):
        data = data.dictionary_encode()
    known: dict[str, int] = {}
    codes = np.concatenate([_codes(chunk, known) for chunk in data.chunks] or [_NO_CODES])
    if column.required:
        _refuse_null(codes >= 0, column, "text")
    return Names(tuple(known), codes)


def _codes(chunk: pa.DictionaryArray, known: dict[str, int]) -> NDArray[np.int64]:
    """Codes in `known`, which grows; dictionaries may differ, repeat texts and hold null."""
    values = chunk.dictionary.to_pylist()
    table = [-1 if value is None else known.setdefault(value, len(known)) for value in values]
    indices = pc.fill_null(pc.cast(chunk.indices, pa.int64()), -1).to_numpy()
    return np.asarray([*table, -1], dtype=np.int64)[indices]


def _read_lists(data: pa.ChunkedArray, column: Column) -> Lists:
    """Read a column of lists of numbers.

    Raises
    ------
    FormatError
        If it holds something else, numbers that float64 does not hold exactly, null instead of a
        number, or null instead of a list where one is required.
    """
    if not _is_list(data.type):
        raise FormatError(_wrong_type(column, data.type))
    # One chunk of several copies; a table may also have no chunk at all.
    array = data.chunk(0) if data.num_chunks == 1 else pa.concat_arrays(_chunks(data))
    present = array.is_valid().to_numpy(zero_copy_only=False)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(array) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if column.required:
        _refuse_null(present, column, "a list")
    return Lists(_numbers(array.flatten(), offsets, column, data.type), offsets, present)


def _chunks(data: pa.ChunkedArray) -> list[pa.Array]:
    return data.chunks or [pa.array([], data.type)]


def _refuse_null(present: NDArray[np.bool_], column: Column, expected: str) -> None:
    if not present.all():
        row = int(np.flatnonzero(~present)[0])
        raise FormatError(f"column {column.name!r} is null in row {row}; expected {expected}")


def _numbers(
    values: pa.Array, offsets: NDArray[np.int64], column: Column, kind: pa.DataType
) -> NDArray[np.float64]:
    if values.null_count:
        position = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
        row = int(np.searchsorted(offsets, position, side="right")) - 1
        message = f"column {column.name!r}, row {row}, entry {position - offsets[row]} is null"
        raise FormatError(f"{message}; expected a number")
    if pa.types.is_null(values.type) and not len(values):
        return np.zeros(0)
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise FormatError(_wrong_type(column, kind))
    if values.type != pa.float64():
        try:
            values = values.cast(pa.float64())
        except pa.ArrowInvalid as error:
            message = f"column {column.name!r} has integers that float64 does not hold exactly"
            raise FormatError(f"{message}: {error}") from error
    return values.to_numpy(zero_copy_only=True)


def _read_name_lists(data: pa.ChunkedArray, column: Column) -> NameLists:
    """Read a column of lists of text; None where it is null.

    Raises
    ------
    FormatError
        If it holds something else, or null instead of text.
    """
    if not (_is_list(data.type) and _is_text(data.type.value_type)):
        raise FormatError(_wrong_type(column, data.type))
    lists = tuple(None if names is None else tuple(names) for names in data.to_pylist())
    for row, names in enumerate(lists):
        if names is not None and None in names:
            message = f"column {column.name!r}, row {row}, entry {names.index(None)} is null"
            raise FormatError(f"{message}; expected text")
    return lists


def _is_absent(data: pa.ChunkedArray, column: Column) -> bool:
    """Whether an optional column is null throughout: what Python's None alone becomes."""
    return pa.types.is_null(data.type) and not column.required


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _wrong_type(column: Column, found: pa.DataType) -> str:
    return f"column {column.name!r} has the wrong type: expected {column.type}, found {found}"


_READERS: dict[str, Callable[[pa.ChunkedArray, Column], Names | Lists | NameLists]] = {
    "utf8": _read_names,
    "list<float64>": _read_lists,
    "list<utf8>": _read_name_lists,
}
