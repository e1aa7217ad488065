"""Parquet files and IPC streams: what is read, and what is refused in bounded memory."""

import io
import struct

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import nextstat
from nextstat.arrow import read_arrow, read_arrow_ipc, read_parquet
from nextstat_arrow import ipc_lengths
from nextstat_arrow.files import COMPRESSIONS, read_ipc, read_parquet_table, to_ipc
from nextstat_arrow.histograms import COLUMNS
from nextstat_core.errors import FormatError, InputError, NextstatError
from nextstat_core.io.containers import column_chunks, page_sizes

WHAT = "table of histograms"


def stream(table, compression=None):
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_files_of_all_compressions_are_read(compression, table, observations, tmp_path):
    path = tmp_path / "histograms.parquet"
    pq.write_table(table, path, compression=compression)
    expected = read_arrow(table, observations=observations)
    assert read_parquet(path, observations=observations) == expected
    assert read_parquet(path.read_bytes(), observations=observations) == expected


@pytest.mark.parametrize("library", ["polars", "duckdb"])
def test_files_of_other_libraries_are_read(library, table, observations, tmp_path):
    path = tmp_path / "histograms.parquet"
    if library == "polars":
        pl.from_arrow(table).write_parquet(path)
    else:
        duckdb.from_arrow(table).write_parquet(str(path))
    expected = read_arrow(table, observations=observations)
    assert read_parquet(path, observations=observations) == expected


def test_files_of_several_row_groups_are_read(table, observations, tmp_path):
    path = tmp_path / "histograms.parquet"
    pq.write_table(table, path, row_group_size=1)
    assert read_parquet(path, observations=observations) == read_arrow(
        table, observations=observations
    )


def test_columns_that_are_not_read_are_reported(table, observations, tmp_path):
    path = tmp_path / "histograms.parquet"
    pq.write_table(table.append_column("note", pa.array(["a", "b", "c"])), path)
    (warning,) = nextstat.from_parquet(path, observations=observations).warnings
    assert "ignored: 'note'" in warning


def test_a_missing_file_is_named_with_similar_ones(table, tmp_path):
    pq.write_table(table, tmp_path / "histograms.parquet")
    with pytest.raises(InputError, match=r"did you mean 'histograms\.parquet'"):
        nextstat.from_parquet(tmp_path / "histogram.parquet")
    with pytest.raises(InputError, match="is a folder; expected a Parquet file"):
        nextstat.from_parquet(tmp_path)
    with pytest.raises(InputError, match="found a int"):
        nextstat.from_parquet(7)
    with pytest.raises(InputError, match="cannot read"):
        nextstat.from_parquet("a\0b")


def test_missing_columns_of_files_are_named(table, tmp_path):
    path = tmp_path / "histograms.parquet"
    pq.write_table(table.drop_columns(["channel", "sample"]), path)
    with pytest.raises(FormatError, match=r"(?s)column: 'channel' \(utf8\).*column: 'sample'"):
        nextstat.from_parquet(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"{}", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_no_parquet_file_is_refused(content, tmp_path):
    path = tmp_path / "other.parquet"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"'.*other.parquet' \(.*\) is no readable Parquet file"):
        nextstat.from_parquet(path)


def test_a_truncated_file_is_refused(table, tmp_path):
    path = tmp_path / "histograms.parquet"
    pq.write_table(table, path)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        with pytest.raises(FormatError):
            read_parquet(content[:length])


def test_no_bit_of_a_footer_ends_the_process(table):
    # Some of these make pyarrow 26 abort when it is asked for the metadata of a column.
    sink = io.BytesIO()
    pq.write_table(table.slice(0, 2), sink)
    content = sink.getvalue()
    (length,) = struct.unpack("<I", content[-8:-4])
    refused = 0
    for place in range(len(content) - 8 - length, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        try:
            read_parquet(bytes(changed))
        except NextstatError:
            refused += 1
    assert refused > length // 4


def test_content_that_unpacks_to_very_much_more_is_refused():
    # One run says that 400 million entries are equal: 3 GB.
    zeros = pa.ListArray.from_arrays(
        np.arange(0, 20_000_001, 10_000, dtype=np.int32), np.zeros(20_000_000)
    )
    table = pa.table({"channel": ["c"] * 2000, "sample": ["s"] * 2000, "yields": zeros})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue()
    assert len(content) < 50_000
    with pytest.raises(FormatError, match=f"unpacks from {len(content)} to"):
        read_parquet_table(content, COLUMNS, WHAT)


def test_declared_lengths_of_pages_are_those_of_the_metadata(table):
    for options in (
        {},
        {"use_dictionary": False},
        {"data_page_version": "2.0"},
        {"data_page_size": 8},
    ):
        sink = io.BytesIO()
        pq.write_table(pa.concat_tables([table] * 50), sink, **options)
        file = pa.BufferReader(sink.getvalue())
        metadata = pq.read_metadata(file)
        columns = [metadata.row_group(0).column(i) for i in range(metadata.num_columns)]
        # The metadata count headers too: a few dozen bytes per page.
        total = sum(column.total_uncompressed_size for column in columns)
        declared = sum(sum(page_sizes(file, chunk)) for chunk in column_chunks(file))
        assert 0 < declared < total


def number(value):
    """In Thrift's compact protocol: zigzag, then seven bits per byte."""
    value, found = value << 1, b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def damaged(table, true, false, part, options):
    """A file in which a number of the footer or of the headers of pages is another one."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    content = sink.getvalue()
    (length,) = struct.unpack("<I", content[-8:-4])
    parts = {"pages": content[: -8 - length], "footer": content[-8 - length : -8]}
    assert number(true) in parts[part]
    parts[part] = parts[part].replace(number(true), number(false))
    return b"".join([*parts.values(), struct.pack("<I", len(parts["footer"])), b"PAR1"])


ROWS = 12345
LARGE = pa.table(
    {
        "channel": [f"c{index}" for index in range(ROWS)],
        "sample": ["signal"] * ROWS,
        "yields": [[1.0]] * ROWS,
    }
)


@pytest.mark.parametrize(
    ("part", "options"),
    [("footer", {}), ("pages", {}), ("pages", {"use_dictionary": False, "compression": "none"})],
    ids=["rows", "values of a dictionary", "values of a page"],
)
@pytest.mark.parametrize("false", [10**6, 10**9, 2**31 - 1, 2**62])
def test_numbers_that_lie_are_refused_before_memory_is_taken(part, options, false):
    content = damaged(LARGE, ROWS, false, part, options)
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(FormatError):
            read_parquet(content)
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 20e6


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_streams_are_read(compression, table, observations):
    expected = read_arrow(table, observations=observations)
    content = stream(table, compression)
    assert read_arrow_ipc(content, observations=observations) == expected
    assert read_arrow_ipc(memoryview(content), observations=observations) == expected
    model = nextstat.from_arrow_ipc(content, "mu", observations)
    assert model.ir == expected


def test_what_is_written_can_be_read(table):
    assert read_ipc(to_ipc(table), WHAT) == table


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_declared_lengths_are_those_of_the_table(compression, table):
    table = table.set_column(0, "channel", table.column("channel").dictionary_encode())
    declared = ipc_lengths.declared_bytes(pa.py_buffer(stream(table, compression)))
    padding = 64 * 16
    assert table.nbytes <= declared <= table.nbytes + padding


@pytest.mark.parametrize("length", [2**33, 2**62, -5])
def test_declared_lengths_that_lie_are_refused(length):
    values = pa.table({"channel": ["c"], "sample": ["s"], "yields": [[1.0] * 1000]})
    content = stream(values, "zstd")
    true = struct.pack("<q", 8000)
    assert content.count(true) > 0
    with pytest.raises(FormatError):
        read_ipc(content.replace(true, struct.pack("<q", length)), WHAT)


def test_the_file_format_comes_with_the_remedy(table):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(FormatError, match=r"pyarrow.ipc.open_file"):
        nextstat.from_arrow_ipc(sink.getvalue())


@pytest.mark.parametrize("content", [b"", b"\xff" * 16, b"hello"])
def test_what_is_no_stream_is_refused(content):
    with pytest.raises(FormatError, match="no readable IPC stream"):
        nextstat.from_arrow_ipc(content)


def test_a_truncated_stream_is_refused(table):
    content = stream(table)
    for length in range(0, len(content) - 8, 41):
        with pytest.raises(FormatError):
            read_arrow_ipc(content[:length])


def test_names_that_are_no_text_are_refused(table):
    content = stream(table).replace(b"stat_error", b"stat_\xecrror")
    with pytest.raises(FormatError, match="is damaged: 'utf-8' codec"):
        read_arrow_ipc(content)


def test_a_stream_is_bytes():
    with pytest.raises(InputError, match="an IPC stream is bytes; found a str"):
        nextstat.from_arrow_ipc("histograms")
