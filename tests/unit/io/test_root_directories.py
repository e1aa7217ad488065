"""Directories of ROOT files are those that uproot reads; what leaves the file is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import uproot

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io.containers import RootDirectories, mapped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with uproot.recreate(tmp_path / "a.root", compression=uproot.ZLIB(1)) as file:
        for value in (1.0, 2.0):
            file["folder/inner/h"] = np.histogram([value], 3, (0.0, 3.0))
        file["large"] = (np.zeros(5000), np.arange(5001.0))
        file["t"] = {"x": np.arange(5.0)}
    return tmp_path / "a.root"


def test_keys_are_those_that_uproot_finds(path) -> None:
    directories = RootDirectories(mapped(path))
    with uproot.open(path) as file:
        for name in file.keys(filter_classname=lambda kind: not kind.startswith("TDir")):
            expected, found = file.key(name), directories.find(name)
            assert found is not None
            assert found.class_name == expected.fClassName
            assert found.length == expected.fObjlen
            assert found.start == expected.fSeekKey + expected.fKeylen
            assert len(directories.stored(found)) == expected.fNbytes - expected.fKeylen


def test_the_highest_cycle_is_taken_where_none_is_named(path) -> None:
    directories = RootDirectories(mapped(path))
    assert directories.names("folder/inner") == ["h"]
    first, second = (directories.find(f"folder/inner/h;{cycle}") for cycle in (1, 2))
    assert first != second
    assert directories.find("folder/inner/h") == second
    assert directories.find("/folder//inner/h") == second


@pytest.mark.parametrize("name", ["", "h", "folder/h", "folder/inner/h;3", "large/h", "large;x"])
def test_what_is_not_there_is_not_found(path, name: str) -> None:
    assert RootDirectories(mapped(path)).find(name) is None


def test_key_that_is_shorter_than_its_texts_is_refused(path) -> None:
    content = bytearray(path.read_bytes())
    with uproot.open(path) as file:
        at = file._fSeekKeys if hasattr(file, "_fSeekKeys") else file.fSeekKeys
    # The length of a key follows 4 + 2 + 4 + 4 bytes; uproot goes on reading where it points to.
    content[at + 14 : at + 16] = b"\0\0"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="bytes or more declares 0"):
        RootDirectories(mapped(path))


def test_classes_that_are_elsewhere_are_refused(path) -> None:
    content = path.read_bytes()
    with uproot.open(path) as file:
        at = file.file.fSeekInfo.to_bytes(4, "big")
    RootDirectories(mapped(path)).check_classes()
    for position, message in ((len(content) + 1, "begins at byte"), (len(content) - 3, "leaves")):
        damaged = content[:100].replace(at, position.to_bytes(4, "big")) + content[100:]
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match=message):
            RootDirectories(mapped(path)).check_classes()


def test_files_that_cannot_be_mapped_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no file"):
        mapped(tmp_path / "missing.root")
    with pytest.raises(InputError, match="cannot read"):
        mapped(tmp_path)
    (tmp_path / "empty.root").touch()
    with pytest.raises(FormatError, match="is empty"):
        mapped(tmp_path / "empty.root")
