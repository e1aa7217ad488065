"""What fuzzing of files of events starts from: small good files, and how they are read."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import uproot
from pyarrow import parquet

from nextstat_histograms import Fill, fill
from nextstat_histograms.trees import read_histogram

__all__ = [
    "COLUMNS",
    "COMPRESSIONS",
    "SEEDS",
    "fill_from",
    "fill_parquet",
    "fill_tree",
    "parquet_file",
    "read_one_histogram",
    "root_file",
]

COLUMNS = {
    "pt": np.linspace(0.0, 5.0, 50),
    "n": np.arange(50, dtype=np.int32),
    "flag": np.arange(50) % 2 == 0,
}
COMPRESSIONS = ("none", "snappy", "zstd", "gzip", "lz4", "brotli")
_ROOT_COMPRESSIONS = (None, uproot.ZLIB(1), uproot.LZMA(1), uproot.LZ4(1), uproot.ZSTD(1))


def parquet_file(compression: str = "snappy") -> bytes:
    """Events in two groups of rows."""
    sink = io.BytesIO()
    parquet.write_table(pa.table(COLUMNS), sink, compression=compression, row_group_size=30)
    return sink.getvalue()


def root_file(compression: Any = None) -> bytes:
    """A tree ``folder/t`` of two baskets per branch, and a histogram ``h``."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.root"
        with uproot.recreate(path, compression=compression) as file:
            tree = file.mktree("folder/t", {name: each.dtype for name, each in COLUMNS.items()})
            for part in (slice(0, 30), slice(30, None)):
                tree.extend({name: values[part] for name, values in COLUMNS.items()})
            file["h"] = np.histogram(COLUMNS["pt"], 4)
        return path.read_bytes()


SEEDS = [
    *(b"p" + parquet_file(name) for name in COMPRESSIONS),
    *(kind + root_file(each) for each in _ROOT_COMPRESSIONS for kind in (b"t", b"h")),
]


def fill_from(name: str, tree: str | None, content: bytes) -> Any:
    """Fill a histogram from the columns of a file with this content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return fill([path], tree, [Fill("pt * 2", (0.0, 1.0, 2.0), "flag", "n")])


def fill_parquet(content: bytes) -> Any:
    """Fill a histogram from a Parquet file."""
    return fill_from("a.parquet", None, content)


def fill_tree(content: bytes) -> Any:
    """Fill a histogram from a ROOT file."""
    return fill_from("a.root", "folder/t", content)


def read_one_histogram(content: bytes) -> Any:
    """Read the histogram of a ROOT file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.root"
        path.write_bytes(content)
        return read_histogram(path, "h", "exclude")
