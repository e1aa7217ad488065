"""Damaged Parquet files, IPC streams and manifests, and tables of anything."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from arrow_seeds import COMPRESSIONS, files, histograms, little_arrow_memory, modifiers, stream
from fuzz_harness import many, survives
from hypothesis import given
from hypothesis import strategies as st

from nextstat_arrow import read_arrow, read_arrow_ipc, read_parquet, read_parquet_model

FILES = files()
PARQUET = {name: histograms(name) for name in COMPRESSIONS}
MODIFIERS = modifiers()
STREAMS = {name: stream(name) for name in (None, "lz4", "zstd")}

#: Places in a file, from its end too: that is where Parquet's metadata are.
PLACES = st.integers(-4000, 4000)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), PLACES, st.binary(min_size=1, max_size=9)),
        st.tuples(st.just("insert"), PLACES, st.binary(min_size=1, max_size=9)),
        st.tuples(st.just("cut"), PLACES, st.integers(1, 64)),
    ),
    min_size=1,
    max_size=6,
)


def damaged(content, edits):
    result = bytearray(content)
    for kind, place, what in edits:
        at = place % (len(result) or 1)
        if kind == "set":
            result[at : at + len(what)] = what
        elif kind == "insert":
            result[at:at] = what
        else:
            del result[at : at + what]
    return bytes(result)


def bounded(read, content):
    with little_arrow_memory(len(content)):
        return survives(read, content)


@many
@given(name=st.sampled_from(COMPRESSIONS), edits=EDITS)
def test_damaged_parquet_files(name, edits):
    bounded(read_parquet, damaged(PARQUET[name], edits))


@many
@given(edits=EDITS)
def test_damaged_modifiers(edits):
    def read(content):
        return read_parquet(PARQUET["none"], modifiers=content)

    bounded(read, damaged(MODIFIERS, edits))


@many
@given(name=st.sampled_from([None, "lz4", "zstd"]), edits=EDITS)
def test_damaged_streams(name, edits):
    bounded(read_arrow_ipc, damaged(STREAMS[name], edits))


@many
@given(content=st.binary(max_size=300))
@pytest.mark.parametrize("read", [read_parquet, read_arrow_ipc, read_parquet_model])
def test_any_bytes(read, content):
    bounded(read, content)


@many
@given(edits=EDITS)
def test_damaged_manifests(edits, tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "manifest.json").write_bytes(damaged(FILES["manifest.json"], edits))
    survives(read_parquet_model, tmp_path, size=10_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@many
@given(data=st.data(), value=JSON)
def test_manifests_with_other_values(data, value, tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    manifest = json.loads(FILES["manifest.json"])
    node = manifest
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = value
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    survives(read_parquet_model, tmp_path, size=10_000)


@many
@given(observed=JSON)
def test_observations_of_anything(observed, tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "observations.json").write_text(json.dumps(observed))

    def read(folder):
        return read_parquet_model(folder, check_sha256=False)

    survives(read, tmp_path, size=10_000)


NAMES = ("channel", "sample", "yields", "stat_error", "other")
NUMBERS = st.one_of(st.floats(), st.floats(width=32), st.integers(-(2**63), 2**63 - 1))
COLUMNS = st.one_of(
    st.lists(st.sampled_from(["SR", "CR", "signal"]) | st.none(), min_size=3, max_size=3).map(
        lambda values: pa.array(values, pa.string())
    ),
    st.lists(st.integers(0, 5) | st.none(), min_size=3, max_size=3).map(pa.array),
    st.lists(st.lists(st.floats(), max_size=3) | st.none(), min_size=3, max_size=3).map(
        lambda values: pa.array(values, pa.list_(pa.float64()))
    ),
    st.lists(st.lists(st.floats(width=32), min_size=2, max_size=2), min_size=3, max_size=3).map(
        lambda values: pa.array(values, pa.list_(pa.float32(), 2))
    ),
    st.lists(st.lists(st.integers(-(2**62), 2**62), max_size=2), min_size=3, max_size=3).map(
        lambda values: pa.array(values, pa.large_list(pa.int64()))
    ),
    st.sampled_from(
        [
            pa.nulls(3),
            pa.array(["SR", "CR", "SR"]).dictionary_encode(),
            pa.array([b"a", b"b", b"c"]),
            pa.array([[["a"]], None, [[]]]),
            pa.array([{"a": 1}, None, {"a": 2}]),
            pa.array([["a", "b"], None, [None]]),
        ]
    ),
)


@many
@given(
    columns=st.lists(st.tuples(st.sampled_from(NAMES), COLUMNS), max_size=6),
    start=st.integers(0, 3),
)
def test_tables_of_anything(columns, start):
    names, arrays = [name for name, _ in columns], [array for _, array in columns]
    table = pa.Table.from_arrays(arrays, names=names) if columns else pa.table({})
    survives(read_arrow, table.slice(start), size=10_000)


@many
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["channel_0", "channel_1", "else"]),
            st.sampled_from(["signal", "bkg_1", "else"]),
            st.sampled_from(["mu", "k", "lumi", ""]),
            st.sampled_from(
                [
                    "normfactor",
                    "normsys",
                    "histosys",
                    "staterror",
                    "shapesys",
                    "shapefactor",
                    "lumi",
                    "x",
                ]
            ),
            *[st.lists(NUMBERS.map(float), max_size=4) | st.none() for _ in range(3)],
        ),
        max_size=5,
    )
)
def test_modifiers_of_anything(rows):
    names = ("channel", "sample", "modifier_name", "modifier_type", "data_hi", "data_lo", "data")
    types = [pa.string()] * 4 + [pa.list_(pa.float64())] * 3
    schema = pa.schema(zip(names, types, strict=True))
    entries = [dict(zip(names, row, strict=True)) for row in rows]
    table = pa.ipc.open_stream(STREAMS[None]).read_all()

    def read(listed):
        return read_arrow(table, modifiers=listed)

    survives(read, pa.Table.from_pylist(entries, schema=schema), size=10_000)
