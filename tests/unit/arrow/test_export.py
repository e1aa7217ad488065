"""Tables of expected yields and of parameters."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import nextstat
from nextstat.arrow import to_arrow
from nextstat_core.errors import InputError
from nextstat_core.testing import generate_workspace


@pytest.fixture
def model():
    recipe = {"n_normsys": 1, "n_histosys": 1, "staterror": True, "custom_settings": True}
    return nextstat.from_pyhf(generate_workspace(4, **recipe))


@pytest.fixture
def params(model):
    return np.asarray(model.suggested_init()) + 0.125


def test_yields_are_the_totals_of_channels_by_name(model, params):
    table = nextstat.to_arrow(model, params=params)
    assert table.column_names == ["channel", "sample", "yields"]
    assert table.column("channel").to_pylist() == ["channel_0", "channel_1"]
    assert set(table.column("sample").to_pylist()) == {"total"}
    expected = model.expected_data(params, include_auxdata=False)
    assert [value for row in table.column("yields").to_pylist() for value in row] == expected


def test_yields_of_samples_add_up_to_the_totals(model, params):
    totals = pl.from_arrow(nextstat.to_arrow(model, params=params))
    samples = pl.from_arrow(nextstat.to_arrow(model, params=params, what="sample_yields"))
    assert samples.height == 6
    for channel, total in zip(totals["channel"], totals["yields"], strict=True):
        rows = samples.filter(pl.col("channel") == channel)["yields"].to_list()
        assert np.sum(rows, axis=0) == pytest.approx(total.to_list(), rel=1e-13)


def test_start_values_are_the_default(model):
    assert nextstat.to_arrow(model) == nextstat.to_arrow(model, params=model.suggested_init())


def test_parameters_have_values_and_bounds(model, params):
    table = nextstat.to_arrow(model, params=params, what="params")
    assert table.schema.types == [pa.string(), pa.uint32(), *[pa.float64()] * 4]
    columns = table.to_pydict()
    assert columns["name"] == model.parameter_names()
    assert columns["index"] == list(range(len(params)))
    assert columns["value"] == params.tolist()
    assert columns["init"] == model.suggested_init()
    bounds = list(zip(columns["bound_lo"], columns["bound_hi"], strict=True))
    assert bounds == model.suggested_bounds()


def test_no_column_is_nullable(model):
    for what in ("yields", "sample_yields", "params"):
        assert not any(field.nullable for field in to_arrow(model, what=what).schema)


def test_streams_hold_the_same_tables(model, params):
    yields = pa.ipc.open_stream(nextstat.to_arrow_yields_ipc(model, params)).read_all()
    assert yields == nextstat.to_arrow(model, params=params)
    parameters = pa.ipc.open_stream(nextstat.to_arrow_params_ipc(model, params)).read_all()
    assert parameters == nextstat.to_arrow(model, params=params, what="params")


def test_unknown_exports_and_wrong_parameters_are_refused(model):
    with pytest.raises(
        InputError, match="`what` is 'zz'; expected one of 'yields', 'sample_yields'"
    ):
        nextstat.to_arrow(model, what="zz")
    with pytest.raises(InputError, match=f"expected {len(model.parameter_names())}, got 2"):
        nextstat.to_arrow(model, params=[1.0, 2.0])
