"""What the metadata of a Parquet file say about its pages, read without Arrow.

The footer and each page's header hold sizes after decompression and numbers of values, which Arrow
allocates before it looks any further; and asked for the metadata of a damaged column, pyarrow 26
ends the process. So this is looked at first. See https://parquet.apache.org/docs/file-format/
"""

from __future__ import annotations

from dataclasses import dataclass
from os import SEEK_END
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import FormatError
from nextstat_core.io.containers.thrift import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from nextstat_core.io.containers.thrift import Fields, Wanted

__all__ = ["ColumnChunk", "column_chunks", "page_sizes"]

# Fields of the structs in parquet.thrift.
_ROW_GROUPS, _COLUMNS, _META_DATA = 4, 1, 3
_PATH, _CODEC, _NUM_VALUES, _PACKED_SIZE, _DATA_OFFSET, _DICTIONARY_OFFSET = 3, 4, 5, 7, 9, 11
_PAGE_SIZE, _PAGE_PACKED, _DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 2, 3, 5, 7, 8
_PAGE_VALUES = 1
_OF_COLUMN: Wanted = dict.fromkeys(
    (_PATH, _CODEC, _NUM_VALUES, _PACKED_SIZE, _DATA_OFFSET, _DICTIONARY_OFFSET)
)
_OF_FILE: Wanted = {_ROW_GROUPS: {_COLUMNS: {_META_DATA: _OF_COLUMN}}}
_OF_PAGE: Wanted = {
    _PAGE_SIZE: None,
    _PAGE_PACKED: None,
    **{page: {_PAGE_VALUES: None} for page in (_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2)},
}
_CODECS = ("none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4")
_MAGIC = b"PAR1"
#: Bytes that hold all but headers of pages with very long statistics, and those too.
_SHORT, _LONG = 2**10, 2**20


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """One column in one group of rows.

    Attributes
    ----------
    path : str
        Name of the column; entries of lists have several parts.
    compression : str
    num_values : int
        Entries of all pages, nulls too.
    start, stop : int
        Where its pages are.
    """

    path: str
    compression: str
    num_values: int
    start: int
    stop: int


def column_chunks(file: IO[bytes]) -> list[ColumnChunk]:
    """Read the footer of a file.

    Parameters
    ----------
    file : binary file
        Whatever has `seek` and `read`.

    Returns
    -------
    list of ColumnChunk
        In the order of the file.

    Raises
    ------
    FormatError
        If it is no Parquet file, is encrypted, or its footer is damaged.
    """
    end = file.seek(0, SEEK_END)
    tail = _read(file, max(end - 8, 0), 8)
    length = int.from_bytes(tail[:4], "little")
    if len(tail) < 8 or tail[4:] != _MAGIC or length > end - 12:
        raise FormatError("it does not end like a Parquet file that is complete and not encrypted")
    try:
        footer = Reader(_read(file, end - 8 - length, length)).struct(_OF_FILE)
        return [
            _chunk(column[_META_DATA], end)
            for group in footer[_ROW_GROUPS]
            for column in group[_COLUMNS]
        ]
    except IndexError as error:
        raise FormatError("its footer is damaged: it ends too early") from error
    except (KeyError, TypeError, AttributeError) as error:
        message = "its footer is damaged: a field is missing, or of another type"
        raise FormatError(message) from error
    except ValueError as error:
        raise FormatError(f"its footer is damaged: {error}") from error


def _chunk(fields: Fields, end: int) -> ColumnChunk:
    start, dictionary = fields[_DATA_OFFSET], fields.get(_DICTIONARY_OFFSET)
    # Some writers say 0 where there is no dictionary.
    start = min(start, dictionary) if dictionary else start
    stop = start + fields[_PACKED_SIZE]
    path = b".".join(fields[_PATH]).decode()
    if not 0 <= start <= stop <= end:
        raise ValueError(f"pages of {path!r} are from byte {start} to {stop} of {end}")
    if not 0 <= fields[_CODEC] < len(_CODECS):
        raise ValueError(f"{path!r} is compressed in an unknown way")
    return ColumnChunk(path, _CODECS[fields[_CODEC]], fields[_NUM_VALUES], start, stop)


def page_sizes(file: IO[bytes], chunk: ColumnChunk) -> Iterator[int]:
    """Read the headers of a column's pages.

    Parameters
    ----------
    file : binary file
    chunk : ColumnChunk
        One of `column_chunks`.

    Yields
    ------
    int
        Bytes of a page, as they are declared to be after decompression.

    Raises
    ------
    FormatError
        If a page's header is damaged, a dictionary has more values than bytes, or pages have more
        or fewer values than the footer says.
    """
    at, values = chunk.start, 0
    while at < chunk.stop:
        header, length = _page_header(file, chunk, at)
        size, packed = _number(header, _PAGE_SIZE), _number(header, _PAGE_PACKED)
        if size < 0 or not 0 <= packed <= chunk.stop - at - length:
            raise _damaged(chunk, f"a page has {packed} bytes, and {size} when it is unpacked")
        entries = _number(header.get(_DICTIONARY_PAGE), _PAGE_VALUES, 0)
        if not 0 <= entries <= size:
            raise _damaged(chunk, f"a dictionary has {entries} values in {size} bytes")
        for kind in (_DATA_PAGE, _DATA_PAGE_V2):
            values += _number(header.get(kind), _PAGE_VALUES, 0)
        yield size
        at += length + packed
    if values != chunk.num_values:
        raise _damaged(chunk, f"the footer says {chunk.num_values} values, its pages {values}")


def _page_header(file: IO[bytes], chunk: ColumnChunk, at: int) -> tuple[Fields, int]:
    """Fields of the header at a position, and its length."""
    for size in (_SHORT, _LONG):
        reader = Reader(_read(file, at, size))
        try:
            return reader.struct(_OF_PAGE), reader.at
        except IndexError:
            continue
        except ValueError as error:
            raise _damaged(chunk, str(error)) from error
    raise _damaged(chunk, "the header of a page has no end")


def _number(fields: Any, key: int, default: int = -1) -> int:
    value = fields.get(key) if isinstance(fields, dict) else None
    return value if isinstance(value, int) else default


def _read(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(at)
    return bytes(file.read(size))


def _damaged(chunk: ColumnChunk, message: str) -> FormatError:
    return FormatError(f"its column {chunk.path!r} is damaged: {message}")
