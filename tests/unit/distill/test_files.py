"""Datasets go through files and other libraries without losing a bit, and without pickles."""

import json
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nextstat.distill import (
    SurrogateDataset,
    from_npz,
    generate_dataset,
    to_npz,
    to_numpy,
    to_parquet,
    to_torch_dataset,
)
from nextstat_core.errors import FormatError, InputError


@st.composite
def datasets(draw):
    rows, count = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    names = draw(st.lists(st.text(max_size=8), min_size=count, max_size=count, unique=True))
    any_float = st.floats(width=64)
    return SurrogateDataset(
        draw(arrays(float, (rows, count), elements=any_float)),
        draw(arrays(float, rows, elements=any_float)),
        draw(st.sampled_from([np.empty((0, 0)), np.ones((rows, count)) / 3.0])),
        names,
        np.array([[0.0, 1.0]] * count),
        {"seed": draw(st.integers()), "note": draw(st.text(max_size=5))},
    )


@given(datasets())
def test_npz_keeps_every_bit(tmp_path_factory, ds):
    path = tmp_path_factory.mktemp("npz") / "points.npz"
    to_npz(ds, path)
    again = from_npz(path)
    for name, array in to_numpy(ds).items():
        found = to_numpy(again)[name]
        assert (found.shape, found.tobytes()) == (array.shape, array.tobytes())
    assert again.parameter_names == ds.parameter_names
    assert again.metadata == ds.metadata | {"loaded_from": str(path)}


def test_npz_has_the_name_that_was_asked_for_and_opens_without_pickles(dataset, tmp_path):
    path = tmp_path / "points"
    to_npz(dataset, path)
    assert [each.name for each in tmp_path.iterdir()] == ["points"]
    with np.load(path, allow_pickle=False) as found:
        assert {name: found[name].dtype.kind for name in found.files} == {
            "parameters": "f", "nll": "f", "gradient": "f", "bounds": "f",
            "names": "u", "metadata": "u",
        }  # fmt: skip
        assert json.loads(found["names"].tobytes()) == dataset.parameter_names


def _damaged(path, **changes):
    """The same archive with other members; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            new = changes.get(name.removesuffix(".npy"), content)
            if new is not None:
                archive.writestr(name, new)


def _header(shape, dtype="<f8"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nll": None}, "has no 'nll.npy'; it has parameters.npy"),
        ({"nll": b"nothing"}, "'nll' .* is damaged"),
        ({"nll": _header("(1000000000000,)")}, "has 0 bytes; its shape .* needs 8000000000000"),
        ({"nll": _header("(-1, -1)") + bytes(8)}, "has 8 bytes; its shape"),
        ({"nll": _header("(2,)", "<f4") + bytes(8)}, "dtype float32; expected float64"),
        ({"nll": _header("(1,)", "|O") + bytes(8)}, "dtype object; expected float64"),
        ({"nll": _header("(1,)") + bytes(8)}, r"`parameters` has shape \(2048, 5\); expected \(1"),
        ({"nll": bytes(5_000_000)}, "claims to unpack|is damaged"),
        ({"names": _header("(2,)", "|u1") + b"[1"}, "'names' .* is no JSON"),
        ({"names": _header("(3,)", "|u1") + b"[1]"}, "is no list of names"),
        ({"metadata": _header("(2,)", "|u1") + b"[]"}, "'metadata' .* is a list"),
    ],
)
def test_damaged_files_are_refused(dataset, tmp_path, changes, message):
    path = tmp_path / "points.npz"
    to_npz(dataset, path)
    _damaged(path, **changes)
    with pytest.raises(FormatError, match=message):
        from_npz(path)


def test_cut_and_foreign_files_are_refused(dataset, tmp_path):
    path = tmp_path / "points.npz"
    to_npz(dataset, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FormatError, match="no dataset of to_npz"):
        from_npz(path)
    with pytest.raises(InputError, match="cannot read"):
        from_npz(tmp_path / "absent.npz")


def test_files_that_cannot_be_written_are_named(dataset, tmp_path):
    for write in (to_npz, to_parquet):
        with pytest.raises(InputError, match=r"cannot write .*absent"):
            write(dataset, tmp_path / "absent" / "points")
    dataset = SurrogateDataset(np.ones((1, 1)), np.ones(1), np.ones((1, 1)), ["a"], np.ones((1, 2)))
    dataset.metadata["set"] = {1}
    with pytest.raises(InputError, match="`metadata` cannot be written as JSON"):
        to_npz(dataset, tmp_path / "points")


@pytest.mark.parametrize("include_gradient", [True, False])
def test_parquet_has_a_column_for_each_array(model, box, tmp_path, include_gradient):
    # More rows than a row group.
    ds = generate_dataset(model, 20_000, bounds=box, include_gradient=include_gradient)
    to_parquet(ds, tmp_path / "points.parquet")
    table = pq.read_table(tmp_path / "points.parquet")
    slopes = [f"_grad_{name}" for name in ds.parameter_names] if include_gradient else []
    assert table.column_names == [*ds.parameter_names, "_nll", *slopes]
    assert (table["_nll"].to_numpy() == ds.nll).all()
    for position, name in enumerate(ds.parameter_names):
        assert (table[name].to_numpy() == ds.parameters[:, position]).all()
        if include_gradient:
            assert (table[f"_grad_{name}"].to_numpy() == ds.gradient[:, position]).all()
    about = json.loads(table.schema.metadata[b"nextstat_distill"])
    assert about == {"names": ds.parameter_names, "bounds": ds.parameter_bounds.tolist()}
    kept = pq.ParquetFile(tmp_path / "points.parquet").metadata.row_group(0).column(0)
    assert kept.compression == "ZSTD"


def test_parquet_refuses_a_parameter_with_the_name_of_a_column(tmp_path):
    one = np.ones((1, 1))
    ds = SurrogateDataset(one, np.ones(1), one, ["_nll"], np.array([[0.0, 1.0]]))
    with pytest.raises(InputError, match="'_nll' has the name of a column"):
        to_parquet(ds, tmp_path / "points.parquet")


def test_torch_gets_float32_or_what_is_asked_for(dataset):
    torch = pytest.importorskip("torch")
    parameters, nll, gradient = to_torch_dataset(dataset).tensors
    assert {each.dtype for each in (parameters, nll, gradient)} == {torch.float32}
    assert (nll.numpy() == dataset.nll.astype(np.float32)).all()
    wide = to_torch_dataset(dataset, dtype=torch.float64).tensors
    for tensor, array in zip(wide, [*to_numpy(dataset).values()][:3], strict=True):
        assert (tensor.numpy() == array).all()


def test_torch_gets_zeros_where_gradients_are_missing(model, box):
    pytest.importorskip("torch")
    ds = generate_dataset(model, 8, bounds=box, include_gradient=False)
    assert not to_torch_dataset(ds).tensors[2].any()
    assert to_torch_dataset(ds).tensors[2].shape == (8, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nll": np.ones((3, 1))}, r"`nll` has shape \(3, 1\); expected \(3,\)"),
        ({"parameters": np.ones((3, 1))}, r"`parameters` has shape \(3, 1\); expected \(3, 2\)"),
        ({"gradient": np.ones((2, 2))}, r"`gradient` .* expected \(3, 2\) or \(0, 0\)"),
        ({"parameter_names": ["a", "a"]}, "`parameter_names` has 'a' more than once"),
        ({"parameter_bounds": np.ones((1, 2))}, "`bounds` has shape"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(changes, message):
    good = {
        "parameters": np.ones((3, 2)),
        "nll": np.ones(3),
        "gradient": np.ones((3, 2)),
        "parameter_names": ["a", "b"],
        "parameter_bounds": np.ones((2, 2)),
    }
    with pytest.raises(InputError, match=message):
        SurrogateDataset(**good | changes)
