"""Datasets in files: ``.npz`` without pickles, and Parquet."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import FormatError, InputError
from nextstat_distill.dataset import SurrogateDataset
from nextstat_distill.extras import needed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["from_npz", "to_npz", "to_parquet"]

_ARRAYS = ("parameters", "nll", "gradient", "bounds")
_TEXTS = ("names", "metadata")
#: More than deflate can pack into a byte: what claims to unpack to more is no archive of ours.
_RATIO = 1100
#: Rows of a Parquet file that are written at once.
_ROW_GROUP = 2**14


def to_npz(ds: SurrogateDataset, path: str | PathLike[str]) -> None:
    """Write a compressed ``.npz`` file that is read without pickles; `from_npz` returns every bit.

    It has the arrays ``parameters``, ``nll``, ``gradient`` and ``bounds``, and the texts ``names``
    and ``metadata`` in JSON.

    Raises
    ------
    InputError
        If the metadata has values that JSON has not, or the file cannot be written.
    """
    try:
        texts = {"names": json.dumps(ds.parameter_names), "metadata": json.dumps(ds.metadata)}
    except (TypeError, ValueError) as error:
        raise InputError(f"`metadata` cannot be written as JSON: {error}") from error
    arrays = {
        "parameters": ds.parameters,
        "nll": ds.nll,
        "gradient": ds.gradient,
        "bounds": ds.parameter_bounds,
    } | {name: np.frombuffer(text.encode(), dtype=np.uint8) for name, text in texts.items()}
    try:
        # An open file: given a name, NumPy would add an ending to it.
        with Path(path).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise InputError(f"cannot write {fspath(path)!r}: {error}") from error


def from_npz(path: str | PathLike[str]) -> SurrogateDataset:
    """Read a dataset that `to_npz` has written.

    ``metadata["loaded_from"]`` is the path. Lengths that the file declares are checked before
    anything is allocated, and nothing in it is executed.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be opened.
    FormatError
        If it is no such dataset, or is damaged.
    """
    name = fspath(path)
    try:
        with zipfile.ZipFile(name) as archive:
            arrays = {each: _member(archive, each, name) for each in (*_ARRAYS, *_TEXTS)}
    except zipfile.BadZipFile as error:
        raise FormatError(f"{name!r} is no dataset of to_npz: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read {name!r}: {error}") from error
    names, metadata = (_json(arrays[each], each, name) for each in _TEXTS)
    if not (isinstance(names, list) and all(isinstance(each, str) for each in names)):
        raise FormatError(f"'names' of {name!r} is no list of names")
    if not isinstance(metadata, dict):
        raise FormatError(f"'metadata' of {name!r} is a {type(metadata).__name__}, not a mapping")
    parameters, nll, gradient, bounds = (arrays[each] for each in _ARRAYS)
    metadata["loaded_from"] = name
    try:
        return SurrogateDataset(parameters, nll, gradient, names, bounds, metadata)
    except InputError as error:
        raise FormatError(f"{name!r} is no dataset of to_npz: {error}") from error


def _member(archive: zipfile.ZipFile, what: str, path: str) -> NDArray[Any]:
    """One array, whose declared length is that of the bytes that are there."""
    expected = np.dtype(np.uint8 if what in _TEXTS else np.float64)
    try:
        entry = archive.getinfo(f"{what}.npy")
    except KeyError:
        listed = ", ".join(archive.namelist()[:12]) or "nothing"
        raise FormatError(f"{path!r} has no '{what}.npy'; it has {listed}") from None
    if entry.file_size > _RATIO * max(entry.compress_size, 1):
        raise FormatError(
            f"{what!r} of {path!r} claims to unpack from {entry.compress_size} to "
            f"{entry.file_size} bytes"
        )
    try:
        with archive.open(entry) as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise ValueError(f"format {version} of the array; expected (1, 0)")
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
            content = file.read(entry.file_size)
    except (
        zipfile.BadZipFile,  # a wrong checksum, for example
        zlib.error,
        ValueError,
        EOFError,
        NotImplementedError,  # a way to compress that zipfile has not
        RuntimeError,  # encrypted
        OSError,
    ) as error:
        raise FormatError(f"{what!r} of {path!r} is damaged: {error}") from error
    if dtype != expected:
        raise FormatError(f"{what!r} of {path!r} has the dtype {dtype}; expected {expected}")
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or len(content) != size:
        raise FormatError(
            f"{what!r} of {path!r} has {len(content)} bytes; its shape {shape} needs {size}"
        )
    flat: NDArray[Any] = np.frombuffer(content, dtype).copy()
    return flat.reshape(shape, order="F" if by_column else "C")


def _json(array: NDArray[np.uint8], what: str, path: str) -> Any:
    try:
        return json.loads(array.tobytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what!r} of {path!r} is no JSON: {error}") from error


def to_parquet(ds: SurrogateDataset, path: str | PathLike[str]) -> None:
    """Write a Parquet file, compressed with zstd.

    One column for each parameter, ``_nll``, and with gradients ``_grad_NAME`` for each; names and
    bounds of the parameters are in the metadata of the schema.

    Raises
    ------
    InputError
        If a parameter has the name of another column, or the file cannot be written.
    ModuleNotFoundError
        If pyarrow is not installed; says how to install it.
    """
    pa = needed("pyarrow", "parquet", "to_parquet")
    pq = needed("pyarrow.parquet", "parquet", "to_parquet")
    slopes = [f"_grad_{name}" for name in ds.parameter_names] if ds.has_gradient else []
    taken = {"_nll", *slopes}.intersection(ds.parameter_names)
    if taken:
        raise InputError(f"the parameter {min(taken)!r} has the name of a column that is added")
    columns = [*ds.parameter_names, "_nll", *slopes]
    about = {"names": ds.parameter_names, "bounds": ds.parameter_bounds.tolist()}
    schema = pa.schema([(name, pa.float64()) for name in columns])
    schema = schema.with_metadata({"nextstat_distill": json.dumps(about)})
    try:
        with pq.ParquetWriter(fspath(path), schema, compression="zstd") as writer:
            for start in range(0, ds.n_samples, _ROW_GROUP):
                rows = slice(start, start + _ROW_GROUP)
                found = [*ds.parameters[rows].T, ds.nll[rows]]
                found += [*ds.gradient[rows].T] if slopes else []
                arrays = [pa.array(np.ascontiguousarray(each)) for each in found]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    except OSError as error:
        raise InputError(f"cannot write {fspath(path)!r}: {error}") from error
