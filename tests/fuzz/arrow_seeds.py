"""What fuzzing of the Arrow formats starts from: good tables, and how much memory Arrow takes."""

from __future__ import annotations

import io
from collections import deque
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from fuzz_harness import MEMORY

from nextstat_arrow import write_parquet
from nextstat_core.io import read_pyhf
from nextstat_core.testing import generate_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COMPRESSIONS", "files", "histograms", "little_arrow_memory", "modifiers", "stream"]

COMPRESSIONS = ("none", "snappy", "zstd", "gzip", "lz4")
_RECIPE = {"n_normsys": 1, "n_histosys": 1, "staterror": True, "shapesys": True, "n_bins": 3}


def files() -> dict[str, bytes]:
    """Content of the files of a small model, by name."""
    with TemporaryDirectory() as folder:
        written = write_parquet(read_pyhf(generate_workspace(1, **_RECIPE)), folder)
        return {path.name: path.read_bytes() for path in written}


def _table(name: str) -> pa.Table:
    return pq.read_table(io.BytesIO(files()[name]))


def histograms(compression: str) -> bytes:
    """A Parquet file of histograms."""
    sink = io.BytesIO()
    pq.write_table(_table("histograms.parquet"), sink, compression=compression, row_group_size=4)
    return sink.getvalue()


def modifiers() -> bytes:
    """A Parquet file of modifiers."""
    return files()["modifiers.parquet"]


def stream(compression: str | None) -> bytes:
    """An IPC stream of histograms, with a dictionary."""
    table = _table("histograms.parquet")
    table = table.set_column(0, "channel", table.column("channel").dictionary_encode())
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


#: Arrow's threads may go on for a while after reading has failed, in the pool that they know.
_POOLS: deque[pa.MemoryPool] = deque(maxlen=1000)


@contextmanager
def little_arrow_memory(size: int) -> Iterator[None]:
    """Assert that Arrow, which tracemalloc does not see, keeps to the same bounds."""
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    _POOLS.append(pool)
    pa.set_memory_pool(pool)
    try:
        yield
    finally:
        pa.set_memory_pool(before)
    peak, allowed = pool.max_memory() or 0, MEMORY + 10 * size
    assert peak <= allowed, f"Arrow needs {peak} bytes; {allowed} are allowed"
