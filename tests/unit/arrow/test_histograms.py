"""What a table of histograms must fulfil: every problem is named, with its place."""

import numpy as np
import pyarrow as pa
import pytest

from nextstat_arrow import HistogramTable
from nextstat_core.errors import ModelError

NUMBERS = pa.list_(pa.float64())


def problems(rows):
    names = ("channel", "sample", "yields", "stat_error")
    columns = dict(zip(names, zip(*rows, strict=True), strict=False))
    arrays = {
        name: pa.array(list(values), NUMBERS if name in names[2:] else pa.string())
        for name, values in columns.items()
    }
    with pytest.raises(ModelError) as caught:
        HistogramTable.from_arrow(pa.table(arrays))
    return [str(problem) for problem in caught.value.problems]


def test_an_empty_table_is_refused(table):
    with pytest.raises(ModelError, match="no rows; expected at least one"):
        HistogramTable.from_arrow(table.slice(0, 0))


def test_a_sample_occurs_once_per_channel():
    found = problems([("SR", "a", [1.0]), ("CR", "a", [1.0]), ("SR", "a", [2.0])])
    assert found == ["channel 'SR', sample 'a': 2 rows have this name; expected one"]


def test_duplicates_are_found_among_many_names():
    rows = [(f"c{i}", f"s{i}", [1.0]) for i in range(50)]
    assert problems([*rows, ("c7", "s7", [1.0])]) == [
        "channel 'c7', sample 's7': 2 rows have this name; expected one"
    ]


def test_bins_agree_within_a_channel():
    found = problems([("SR", "a", [1.0]), ("SR", "b", [1.0, 2.0]), ("CR", "b", [1.0, 2.0])])
    assert found == [
        "channel 'SR', sample 'b': inconsistent bin count: expected 1, as sample 'a' of the "
        "channel, found 2"
    ]


def test_a_histogram_has_bins():
    assert problems([("SR", "a", [])]) == [
        "channel 'SR', sample 'a': has no bins; expected at least one"
    ]


def test_yields_are_finite():
    assert problems([("SR", "a", [1.0, np.nan]), ("CR", "a", [-np.inf])]) == [
        "channel 'SR', sample 'a', bin 1: yield is nan; expected a finite number",
        "channel 'CR', sample 'a', bin 0: yield is -inf; expected a finite number",
    ]


def test_large_yields_whose_sum_overflows_are_fine():
    table = pa.table({"channel": ["SR"], "sample": ["a"], "yields": [[1e308, 1e308]]})
    assert len(HistogramTable.from_arrow(table)) == 1


def test_uncertainties_fit_the_yields_and_are_not_negative():
    found = problems(
        [
            ("SR", "a", [1.0, 2.0], [0.1]),
            ("SR", "b", [1.0, 2.0], None),
            ("SR", "c", [1.0, 2.0], [0.1, -0.5]),
            ("SR", "d", [1.0, 2.0], [np.nan, 0.1]),
        ]
    )
    assert found == [
        "channel 'SR', sample 'a': `stat_error` has 1 entries; expected 2, one per bin",
        "channel 'SR', sample 'd', bin 0: `stat_error` is nan; expected a finite number",
        "channel 'SR', sample 'c', bin 1: `stat_error` is -0.5; expected 0 or more",
    ]


def test_many_problems_of_one_kind_are_counted():
    found = problems([("SR", f"s{i}", [np.nan]) for i in range(1000)])
    assert len(found) == 11
    assert "990 more problems" in found[-1]


def test_rows_are_found_by_channel_and_sample(table):
    histograms = HistogramTable.from_arrow(table)
    other = HistogramTable.from_arrow(table.take([2, 0]))
    assert histograms.rows_of(other.channels, other.samples).tolist() == [2, 0]
    stranger = table.slice(0, 1).set_column(1, "sample", pa.array(["data"]))
    unknown = HistogramTable.from_arrow(stranger)
    assert histograms.rows_of(unknown.channels, unknown.samples).tolist() == [-1]
