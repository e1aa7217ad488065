"""Tables in Parquet files and in Arrow's IPC streams.

Both formats say how much memory their content needs before they bring it, and may lie. What they
declare is therefore added up before anything is allocated, and Parquet is read in batches of rows,
since few bytes may stand for many equal entries. What unpacks to very much more than its size is
refused.
"""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from nextstat_arrow import ipc_lengths
from nextstat_arrow.sources import validated
from nextstat_core.errors import FormatError, InputError, closest
from nextstat_core.io.containers import column_chunks, page_sizes, refuse_excess

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_arrow.columns import Column

__all__ = [
    "COMPRESSIONS",
    "Source",
    "read_ipc",
    "read_parquet_table",
    "to_ipc",
    "write_parquet_table",
]

#: A path, or the content of a file.
Source: TypeAlias = str | PathLike[str] | bytes

#: Ways to compress a Parquet file.
COMPRESSIONS = ("zstd", "snappy", "gzip", "lz4", "none")
#: Rows that are read at once: what a file can make us allocate by its word alone.
_BATCH = 65536
_ESCAPE = "if that is right, read it with pyarrow and pass the table to from_arrow"
_FILE_MAGIC = b"ARROW1"


def read_parquet_table(
    source: Source, columns: Iterable[Column], what: str
) -> tuple[pa.Table, tuple[str, ...]]:
    """Read the columns that a Parquet file has of `columns`.

    Parameters
    ----------
    source : str, path or bytes
        A path, or the content of a file.
    columns : iterable of Column
    what : str
        What the file holds, for messages.

    Returns
    -------
    table : pyarrow.Table
        Validated in full.
    others : tuple of str
        Names of the columns that were left out.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be opened.
    FormatError
        If it is no Parquet file, is damaged, or unpacks to too much.
    """
    wanted = {column.name: column.type for column in columns}
    file = _opened(source)
    name = "the content" if isinstance(source, bytes) else repr(fspath(source))
    name = f"{name} ({what})"
    try:
        with file, _parquet(file, wanted, name) as parquet:
            names = parquet.schema_arrow.names
            kept = [each for each in names if each in wanted]
            batches, size = [], 0
            for batch in parquet.iter_batches(_BATCH, columns=kept):
                size += batch.nbytes
                refuse_excess(size, file.size(), name, hint=_ESCAPE)
                batches.append(batch)
            table = pa.Table.from_batches(batches, None if batches else _schema(parquet, kept))
            if kept and len(table) != parquet.metadata.num_rows:
                rows = f"it declares {parquet.metadata.num_rows} rows and has {len(table)}"
                raise FormatError(f"{name} is damaged: {rows}")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{name} is no readable Parquet file: {error}") from error
    return validated(table, what), tuple(each for each in names if each not in wanted)


def _opened(source: Source) -> Any:
    if isinstance(source, bytes):
        return pa.BufferReader(source)
    if not isinstance(source, str | PathLike):
        raise InputError(f"a Parquet file is a path or bytes; found a {type(source).__name__}")
    name = fspath(source)
    if Path(name).is_dir():
        hint = "from_parquet_manifest reads a folder that write_parquet has written"
        raise InputError(f"{name!r} is a folder; expected a Parquet file", hint=hint)
    try:
        return pa.OSFile(name)
    except FileNotFoundError as error:
        folder = Path(name).parent
        similar = [each.name for each in folder.iterdir()] if folder.is_dir() else []
        raise InputError(f"no file {name!r}", hint=closest(Path(name).name, similar)) from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {name!r}: {error}") from error


def _parquet(file: Any, wanted: dict[str, str], what: str) -> pq.ParquetFile:
    try:
        declared = sum(size for chunk in column_chunks(file) for size in page_sizes(file, chunk))
    except FormatError as error:
        raise FormatError(f"{what} is no readable Parquet file: {error}") from error
    refuse_excess(declared, file.size(), what, hint=_ESCAPE)
    metadata = pq.read_metadata(file)
    leaves = {metadata.schema.column(i).path for i in range(metadata.num_columns)}
    text = [name for name, kind in wanted.items() if kind == "utf8" and name in leaves]
    return pq.ParquetFile(file, metadata=metadata, read_dictionary=text)


def _schema(parquet: pq.ParquetFile, names: list[str]) -> pa.Schema:
    return pa.schema([field for field in parquet.schema_arrow if field.name in names])


def write_parquet_table(table: pa.Table, path: str | PathLike[str], compression: str) -> None:
    """Write a Parquet file; one that exists is replaced.

    Raises
    ------
    InputError
        If the compression is unknown, or the file cannot be written.
    """
    if compression not in COMPRESSIONS:
        raise InputError.unknown("compression", compression, COMPRESSIONS)
    try:
        pq.write_table(table, fspath(path), compression=compression)
    except OSError as error:
        raise InputError(f"cannot write {fspath(path)!r}: {error}") from error


def read_ipc(data: Any, what: str) -> pa.Table:
    """Read a table from an IPC stream.

    Parameters
    ----------
    data : bytes-like
    what : str
        What it holds, for messages.

    Raises
    ------
    InputError
        If `data` is not bytes.
    FormatError
        If it is no IPC stream, is damaged, or unpacks to too much.
    """
    if not isinstance(data, bytes | bytearray | memoryview | pa.Buffer):
        raise InputError(f"an IPC stream is bytes; found a {type(data).__name__}")
    buffer = pa.py_buffer(data)
    if bytes(memoryview(buffer)[: len(_FILE_MAGIC)]) == _FILE_MAGIC:
        raise FormatError(
            "this is Arrow's file format; expected an IPC stream",
            hint="pyarrow.ipc.open_file(...).read_all() gives a table for from_arrow",
        )
    try:
        declared = ipc_lengths.declared_bytes(buffer)
        refuse_excess(declared, len(buffer), f"the IPC stream of a {what}", hint=_ESCAPE)
        with pa.ipc.open_stream(buffer) as reader:
            table = reader.read_all()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        message = f"these {len(buffer)} bytes are no readable IPC stream of a {what}: {error}"
        raise FormatError(message) from error
    return validated(table, what)


def to_ipc(table: pa.Table) -> bytes:
    """Write a table as an IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
