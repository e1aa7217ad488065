"""How much memory an IPC stream asks for, from its messages alone.

Compressed buffers begin with their length after decompression, which Arrow allocates before it
looks any further. The messages are flatbuffers; this reads the few fields on the way to that
number, see https://arrow.apache.org/docs/format/Columnar.html (IPC) and
https://flatbuffers.dev/internals/.
"""

from __future__ import annotations

import struct
from struct import unpack_from
from typing import TYPE_CHECKING

import pyarrow as pa

from nextstat_core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["declared_bytes"]

# Positions of fields in the tables of Message.fbs, and members of its union of headers.
_HEADER_TYPE, _HEADER = 1, 2
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_DATA_OF_DICTIONARY = 1
_BUFFERS, _COMPRESSION = 2, 3
#: Bytes of one entry of `buffers`: offset and length.
_BUFFER = 16


def declared_bytes(stream: pa.Buffer) -> int:
    """Bytes of all buffers of a stream, as they are declared to be after decompression.

    Raises
    ------
    FormatError
        If a message has another structure.
    pyarrow.ArrowException
        If the stream does not consist of messages.
    """
    total = 0
    for message in pa.ipc.MessageReader.open_stream(stream):
        metadata, body = message.metadata.to_pybytes(), message.body
        try:
            total += sum(_lengths(metadata, memoryview(body) if body else memoryview(b"")))
        except (struct.error, OverflowError) as error:
            raise FormatError(f"a message of the IPC stream is damaged: {error}") from error
    return total


def _lengths(message: bytes, body: memoryview) -> Iterator[int]:
    batch = _batch(message)
    if batch is None:
        return
    buffers = _field(message, batch, _BUFFERS)
    if buffers is None:
        return
    compressed = _field(message, batch, _COMPRESSION) is not None
    start = _followed(message, buffers)
    (count,) = unpack_from("<I", message, start)
    for index in range(count):
        offset, length = unpack_from("<qq", message, start + 4 + _BUFFER * index)
        if compressed and length > 0:
            (declared,) = unpack_from("<q", body, offset)
            # -1 stands for a buffer that is not compressed after all.
            length = length if declared == -1 else declared
        yield max(length, 0)


def _batch(message: bytes) -> int | None:
    """Position of the record batch of a message, also of one with a dictionary; None without."""
    root = _followed(message, 0)
    kind = _field(message, root, _HEADER_TYPE)
    header = _field(message, root, _HEADER)
    if kind is None or header is None:
        return None
    table = _followed(message, header)
    if message[kind] == _RECORD_BATCH:
        return table
    data = _field(message, table, _DATA_OF_DICTIONARY)
    if message[kind] == _DICTIONARY_BATCH and data is not None:
        return _followed(message, data)
    return None


def _followed(message: bytes, position: int) -> int:
    """Where the offset at `position` points to."""
    (offset,) = unpack_from("<I", message, position)
    return position + int(offset)


def _field(message: bytes, table: int, index: int) -> int | None:
    """Position of a field of a table; None where the field is absent."""
    (back,) = unpack_from("<i", message, table)
    vtable = table - back
    (size,) = unpack_from("<H", message, vtable)
    at = 4 + 2 * index
    if at + 2 > size:
        return None
    (offset,) = unpack_from("<H", message, vtable + at)
    return table + int(offset) if offset else None
