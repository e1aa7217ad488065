"""Which tables are accepted: everything that float64 and text hold without loss."""

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from nextstat_arrow import HistogramTable, validate_histogram_table
from nextstat_core.errors import FormatError, InputError

VALUES = [5.0, 10.0, 15.0, 100.0, 200.0, 150.0, 500.0, 600.0]


def read(source):
    return HistogramTable.from_arrow(source)


def with_yields(table, kind):
    return table.set_column(2, "yields", pa.array(table.column("yields").to_pylist(), kind))


class Capsules:
    """A table of some other library."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class OneBatch:
    """A single batch of some other library."""

    def __init__(self, table):
        (self._batch,) = table.combine_chunks().to_batches()

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


@pytest.mark.parametrize(
    "convert",
    [
        lambda table: table,
        lambda table: table.to_batches()[0],
        lambda table: table.to_reader(),
        Capsules,
        OneBatch,
        pl.from_arrow,
        lambda table: pl.from_arrow(table).with_columns(pl.col("channel").cast(pl.Categorical)),
        lambda table: pl.from_arrow(table).with_columns(
            pl.col("channel").cast(pl.Enum(["CR", "SR"]))
        ),
        duckdb.from_arrow,
        lambda table: table.to_pandas(),
        lambda table: pa.concat_tables([table.slice(0, 1), table.slice(1)]),
        lambda table: pa.concat_tables([table, table]).slice(3),
    ],
    ids=[
        "Table",
        "RecordBatch",
        "RecordBatchReader",
        "__arrow_c_stream__",
        "__arrow_c_array__",
        "polars",
        "polars categories",
        "polars enum",
        "duckdb",
        "pandas",
        "chunks",
        "slice",
    ],
)
def test_tables_of_many_libraries_are_read(convert, table):
    histograms = read(convert(table))
    assert histograms.yields.values.tolist() == VALUES
    assert histograms.channels.used() == ["SR", "CR"]
    assert histograms.stat_error.present.tolist() == [False, True, True]
    assert histograms.stat_error.values.tolist() == [10.0, 0.0, 15.0, 20.0, 25.0]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float16()),
        pa.list_(pa.int64()),
        pa.list_(pa.uint16()),
        pa.large_list(pa.float64()),
        pa.list_view(pa.float64()),
        pa.large_list_view(pa.float32()),
    ],
    ids=str,
)
def test_lists_of_other_numbers_are_converted_without_loss(kind, table):
    assert read(with_yields(table, kind)).yields.values.tolist() == VALUES


def test_lists_of_fixed_size_are_read(table):
    table = table.slice(0, 2)
    assert read(with_yields(table, pa.list_(pa.float64(), 3))).yields.values.tolist() == VALUES[:6]


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.uint32(), pa.large_string()),
    ],
    ids=str,
)
def test_names_of_other_types_are_read(kind, table):
    table = table.set_column(0, "channel", pa.array(["SR", "SR", "CR"]).cast(kind))
    assert read(table).stats().channels == {"SR": 3, "CR": 2}


def test_runs_of_names_are_read(table):
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["SR", "CR"]))
    assert read(table.set_column(0, "channel", runs)).stats().channels == {"SR": 3, "CR": 2}


def test_dictionaries_may_differ_between_chunks_and_repeat_names(table):
    def encoded(codes, names):
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(names))

    chunks = [encoded([1, 0], ["SR", "SR", "unused"]), encoded([0], ["CR"])]
    table = table.set_column(0, "channel", pa.chunked_array(chunks))
    assert read(table).stats().channels == {"SR": 3, "CR": 2}


def test_values_are_not_copied_where_arrow_has_them_as_they_are_needed(table):
    ours = read(table.combine_chunks()).yields.values
    theirs = table.combine_chunks().column("yields").chunk(0).flatten().to_numpy()
    assert np.shares_memory(ours, theirs)


def test_a_null_column_is_no_statistical_error(table):
    table = table.set_column(3, "stat_error", pa.nulls(3))
    stats = validate_histogram_table(table)
    assert not stats.has_stat_error
    assert (stats.n_rows, stats.channels) == (3, {"SR": 3, "CR": 2})


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("yields", [[True], [False], [True]], "expected list<float64>, found list<item: bool>"),
        ("yields", [["1"], ["2"], ["3"]], "expected list<float64>, found list<item: string>"),
        ("yields", [1.0, 2.0, 3.0], "expected list<float64>, found double"),
        ("yields", [[[1.0]], [[2.0]], [[3.0]]], "expected list<float64>, found list"),
        ("yields", [[2**53 + 1], [1], [1]], "integers that float64 does not hold exactly"),
        ("yields", [[1.0], None, [1.0]], "'yields' is null in row 1; expected a list"),
        ("yields", [[1.0], [1.0, None], [1.0]], "row 1, entry 1 is null; expected a number"),
        ("yields", [None, None, None], "expected list<float64>, found null"),
        ("channel", [1, 2, 3], "'channel' has the wrong type: expected utf8, found int64"),
        ("channel", ["SR", None, "CR"], "'channel' is null in row 1; expected text"),
        ("sample", [b"a", b"b", b"c"], "expected utf8, found binary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_lose_something_is_refused(column, values, message, table):
    position = table.column_names.index(column)
    with pytest.raises(FormatError) as caught:
        read(table.set_column(position, column, pa.array(values)))
    assert message in str(caught.value)


def test_all_columns_are_complained_about_at_once(table):
    table = table.rename_columns(["channel", "Sample", "yield", "stat_error"])
    with pytest.raises(FormatError) as caught:
        read(table)
    text = str(caught.value)
    assert "missing required column: 'sample' (utf8); did you mean 'Sample'?" in text
    assert "missing required column: 'yields' (list<float64>)" in text
    assert "channel (string)" in text


def test_a_repeated_column_is_refused(table):
    with pytest.raises(FormatError, match="2 columns are called 'sample'; expected one"):
        read(table.append_column("sample", table.column("sample")))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"channel": ["SR"]}, "pyarrow.table"),
        ("histograms.parquet", "from_parquet reads files"),
        (pl.LazyFrame({"channel": ["SR"]}), "collect"),
        (7, "cannot be read from a int"),
    ],
    ids=["dict", "path", "lazy frame", "number"],
)
def test_what_is_no_table_is_refused(source, message):
    with pytest.raises(InputError, match=message):
        read(source)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.float64()),
        pa.large_list(pa.float32()),
        pa.list_(pa.float64(), 2),
        pa.list_view(pa.float64()),
        pa.large_list_view(pa.float64()),
    ],
    ids=str,
)
@pytest.mark.parametrize("start", [0, 1, 2])
def test_nulls_are_no_lists_in_slices_of_any_kind_too(kind, start):
    rows = [[1.0, 2.0], None, [3.0, 4.0], None, [5.0, 6.0]]
    table = pa.table(
        {
            "channel": ["SR"] * 5,
            "sample": list("abcde"),
            "yields": [[1.0, 1.0]] * 5,
            "stat_error": pa.array(rows, kind),
        }
    )
    errors = read(table.slice(start)).stat_error
    assert errors.present.tolist() == [row is not None for row in rows[start:]]
    assert [errors[row].tolist() for row in range(5 - start)] == [row or [] for row in rows[start:]]


def test_what_is_hidden_under_a_null_stays_hidden(table):
    offsets = pa.array([0, 3, 6, 8], pa.int32())
    mask = pa.array([False, True, False])
    lists = pa.ListArray.from_arrays(offsets, pa.array(VALUES), mask=mask)
    errors = read(table.set_column(3, "stat_error", lists)).stat_error
    assert errors.values.tolist() == [5.0, 10.0, 15.0, 500.0, 600.0]
    assert errors.lengths.tolist() == [3, 0, 2]


def test_damaged_tables_are_refused(table):
    offsets = pa.py_buffer(np.array([0, 3, 99, 8], dtype=np.int32))
    child = pa.array(VALUES)
    lists = pa.Array.from_buffers(pa.list_(pa.float64()), 3, [None, offsets], children=[child])
    with pytest.raises(FormatError, match="is damaged"):
        read(table.set_column(2, "yields", lists))
