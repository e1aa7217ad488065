"""Damaged ROOT files: an error of ours or a histogram, soon, in little memory."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
import uproot
from fuzz_harness import many, survives
from hypothesis import given
from hypothesis import strategies as st

from nextstat_root import RootFile
from nextstat_root.decode import decode_histogram

COMPRESSIONS = ("none", "ZLIB", "LZMA", "LZ4", "ZSTD")
NAMES = ("h", "folder/inner/g", "plane", "tree")


@cache
def original(compression: str) -> bytes:
    """A small file with histograms, a directory and a tree."""
    path = Path(mkdtemp(prefix="nextstat-fuzz-")) / "original.root"
    chosen = None if compression == "none" else getattr(uproot, compression)(1)
    with uproot.recreate(path, compression=chosen) as file:
        file["h"] = (np.arange(20.0), np.arange(21.0))
        file["folder/inner/g"] = (np.ones(3), np.array([0.0, 1.0, 2.0, 5.0]))
        file["plane"] = (np.ones((2, 2)), np.arange(3.0), np.arange(3.0))
        file.mktree("tree", {"x": np.dtype("f8")}).extend({"x": np.arange(3.0)})
    return path.read_bytes()


def read_all(path):
    def read(content: bytes) -> int:
        path.write_bytes(content)
        with RootFile(path) as file:
            found = [file.histogram(name) for name in NAMES if name in file]
        return len(found)

    return read


#: Bytes that change, as (position from 0 to 1, new bytes).
CHANGES = st.lists(
    st.tuples(
        st.floats(0.0, 1.0, exclude_max=True),
        st.one_of(
            st.binary(min_size=1, max_size=8),
            st.sampled_from(
                [
                    b"\xff" * 4,
                    b"\x7f\xff\xff\xff",
                    b"\x00" * 4,
                    b"\x80\x00\x00\x00",
                    b"\x00\x00\x00\x01",
                ]
            ),
        ),
    ),
    max_size=6,
)


@many
@given(st.sampled_from(COMPRESSIONS), CHANGES, st.floats(0.0, 1.0))
def test_damaged_files_survive(tmp_path, compression, changes, kept):
    content = bytearray(original(compression))
    for position, new in changes:
        at = int(position * len(content))
        content[at : at + len(new)] = new
    if kept < 0.3:
        content = content[: int(len(content) * kept / 0.3)]
    survives(read_all(tmp_path / "damaged.root"), bytes(content))


@many
@given(st.binary(max_size=400))
def test_arbitrary_bytes_survive(tmp_path, content):
    survives(read_all(tmp_path / "odd.root"), b"root" + content)


@cache
def payload() -> bytes:
    path = Path(mkdtemp(prefix="nextstat-fuzz-")) / "original.root"
    path.write_bytes(original("none"))
    with uproot.open(path) as file:
        return file.key("h").get_uncompressed_chunk_cursor()[0].raw_data.tobytes()


@many
@given(CHANGES, st.sampled_from(["TH1D", "TH1F", "TH1C"]))
def test_damaged_histograms_survive(changes, kind):
    content = bytearray(payload())
    for position, new in changes:
        at = int(position * len(content))
        content[at : at + len(new)] = new
    survives(lambda data: decode_histogram(data, kind), bytes(content))


def test_the_undamaged_file_is_read(tmp_path):
    for compression in COMPRESSIONS:
        content = original(compression)
        path = tmp_path / "good.root"
        path.write_bytes(content)
        with RootFile(path) as file:
            assert file.histogram("h").contents().tolist() == list(range(20))
            assert file.histogram("folder/inner/g").n_bins == 3
            with pytest.raises(ValueError, match="expected a histogram"):
                file.histogram("tree")
