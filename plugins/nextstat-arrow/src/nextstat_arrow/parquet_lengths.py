"""How much memory the pages of a Parquet file ask for, from their headers alone.

Each page begins with a header in Thrift's compact protocol, with its size after decompression and
the number of its values. Arrow allocates both before it looks any further. See
https://parquet.apache.org/docs/file-format/ and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from nextstat_core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["declared_bytes"]

# Fields of PageHeader and of the headers in it, from parquet.thrift.
_UNCOMPRESSED, _COMPRESSED = 2, 3
_DATA, _DICTIONARY, _DATA_V2 = 5, 7, 8
_NUM_VALUES = 1
#: Bytes that hold all but headers with very long statistics, and those too.
_SHORT, _LONG = 2**10, 2**20
#: Levels of nesting in a header: pages, their headers, statistics.
_DEPTH = 8

_Fields: TypeAlias = "dict[int, Any]"


def declared_bytes(file: pa.NativeFile, metadata: pq.FileMetaData) -> int:
    """Bytes of all pages of a file, as they are declared to be after decompression.

    Parameters
    ----------
    file : pyarrow.NativeFile
        Can be searched.
    metadata : pyarrow.parquet.FileMetaData

    Raises
    ------
    FormatError
        If pages are not where the metadata say, a header is damaged, or a dictionary has more
        values than bytes.
    """
    end, total = file.size(), 0
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            total += sum(_pages(file, metadata.row_group(group).column(index), end))
    return total


def _pages(file: pa.NativeFile, column: pq.ColumnChunkMetaData, end: int) -> Iterator[int]:
    at = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset is not None:
        at = min(at, column.dictionary_page_offset)
    stop = at + column.total_compressed_size
    if not 0 <= at <= stop <= end:
        raise _damaged(column, f"its pages are from byte {at} to {stop} of {end}")
    entries = 0
    while at < stop:
        header, length = _header(file, column, at)
        size, packed = (header.get(key) for key in (_UNCOMPRESSED, _COMPRESSED))
        if not (isinstance(size, int) and isinstance(packed, int)):
            raise _damaged(column, "a page does not say how many bytes it has")
        if size < 0 or not 0 <= packed <= stop - at - length:
            raise _damaged(column, f"a page has {packed} bytes, and {size} when it is unpacked")
        values = _field(header, _DICTIONARY)
        if not 0 <= values <= size:
            raise _damaged(column, f"a dictionary has {values} values in {size} bytes")
        entries += _field(header, _DATA) + _field(header, _DATA_V2)
        yield size
        at += length + packed
    if entries != column.num_values:
        raise _damaged(column, f"it declares {column.num_values} values, its pages {entries}")


def _field(header: _Fields, kind: int) -> int:
    """Number of values in the header of one kind of page; 0 without one."""
    inner = header.get(kind)
    values = inner.get(_NUM_VALUES) if isinstance(inner, dict) else None
    return values if isinstance(values, int) else 0


def _header(file: pa.NativeFile, column: pq.ColumnChunkMetaData, at: int) -> tuple[_Fields, int]:
    """Fields of the header at a position, and its length."""
    for size in (_SHORT, _LONG):
        file.seek(at)
        reader = _Reader(file.read(size))
        try:
            return reader.struct(), reader.at
        except IndexError:
            continue
        except ValueError as error:
            raise _damaged(column, str(error)) from error
    raise _damaged(column, "the header of a page has no end")


def _damaged(column: pq.ColumnChunkMetaData, message: str) -> FormatError:
    return FormatError(
        f"column {column.path_in_schema!r} of the Parquet file is damaged: {message}"
    )


class _Reader:
    """Thrift's compact protocol; raises IndexError at the end of the content."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def struct(self, depth: int = 0) -> _Fields:
        """Numbers and structs by the number of their field; anything else is skipped."""
        if depth > _DEPTH:
            raise ValueError("the header of a page is nested too deeply")
        found: _Fields = {}
        field = 0
        while (byte := self._byte()) != 0:
            delta, kind = byte >> 4, byte & 0x0F
            field = field + delta if delta else self._signed()
            found[field] = self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        value: Any = None
        match kind:
            case 1 | 2:  # true, false
                value = kind == 1
            case 3:
                value = self._byte()
            case 4 | 5 | 6:
                value = self._signed()
            case 7:
                self._skip(8)
            case 8:
                self._skip(self._unsigned())
            case 9 | 10:
                self._list(depth)
            case 12:
                value = self.struct(depth + 1)
            case _:
                raise ValueError(f"the header of a page has a field of the unknown type {kind}")
        return value

    def _list(self, depth: int) -> None:
        head = self._byte()
        count, kind = head >> 4, head & 0x0F
        count = self._unsigned() if count == 15 else count
        if count > len(self._content):
            raise IndexError
        for _ in range(count):
            # In lists a truth value takes a byte of its own.
            self._value(3 if kind in (1, 2) else kind, depth + 1)

    def _byte(self) -> int:
        self.at += 1
        return self._content[self.at - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("the header of a page has a number of more than 64 bits")
        return value | byte << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._content):
            raise IndexError
