"""Histograms are found by name, and what cannot be read is named."""

import numpy as np
import pytest
import uproot

import nextstat
from nextstat_core.errors import FormatError, InputError
from nextstat_root import RootFile, read_root_histogram


@pytest.fixture
def path(tmp_path, th1):
    path = tmp_path / "a:b.root"  # a colon must not be taken for a directory in the file
    with uproot.recreate(path) as file:
        file["top"] = th1([1.0, 2.0], [0.5, 0.25], edges=[0.0, 1.0, 5.0], title="Title")
        file["folder/inner/deep"] = th1([3.0])
        file["plane"] = (np.ones((2, 2)), np.arange(3.0), np.arange(3.0))
        file.mktree("tree", {"x": np.dtype("f8")}).extend({"x": np.arange(3.0)})
    return path


def test_a_histogram_is_a_dictionary_with_flow_bins(path):
    assert read_root_histogram(path, "top") == {
        "name": "top",
        "title": "Title",
        "bin_edges": [0.0, 1.0, 5.0],
        "bin_content": [1.0, 2.0],
        "sumw2": [0.5, 0.25],
        "underflow": 0.0,
        "overflow": 0.0,
        "underflow_sumw2": 0.0,
        "overflow_sumw2": 0.0,
    }


def test_without_weights_there_are_no_squares(path):
    found = nextstat.read_root_histogram(str(path), "/folder/inner/deep")
    assert found["bin_content"] == [3.0]
    assert found["sumw2"] is found["underflow_sumw2"] is found["overflow_sumw2"] is None


def test_flow_bins_are_read(tmp_path, th1):
    with uproot.recreate(tmp_path / "flow.root") as file:
        file["h"] = th1([1.0, 2.0], [1.0, 4.0], flow=(5.0, 7.0))
    found = read_root_histogram(tmp_path / "flow.root", "h")
    assert (found["underflow"], found["overflow"]) == (5.0, 7.0)
    assert (found["underflow_sumw2"], found["overflow_sumw2"]) == (5.0, 7.0)
    assert found["bin_content"] == [1.0, 2.0]


def test_the_highest_cycle_is_taken(tmp_path, th1):
    with uproot.recreate(tmp_path / "cycles.root") as file:
        file["h"] = th1([1.0])
        file["h"] = th1([2.0])
    assert read_root_histogram(tmp_path / "cycles.root", "h")["bin_content"] == [2.0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("topp", "did you mean 'top'"),
        ("folder/iner/deep", "no object in 'folder/iner'"),
        ("top/deep", "no object in 'top'"),
        ("", "no object in"),
        ("folder", "TDirectory; expected a histogram"),
        ("tree", "TTree; expected a histogram"),
        ("plane", "has 2 axes"),
    ],
)
def test_what_is_no_histogram_with_one_axis_is_named(path, name, message):
    with pytest.raises(InputError, match=message):
        read_root_histogram(path, name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no file .*nothing\.root"):
        read_root_histogram(tmp_path / "nothing.root", "h")
    for name in ("a" * 5000, "a\0b", "."):
        with pytest.raises(InputError, match="cannot read"):
            read_root_histogram(tmp_path / name, "h")


@pytest.mark.parametrize("content", [b"", b"root", b"PK\x03\x04" + bytes(400)])
def test_a_file_that_is_no_root_file_is_named(tmp_path, content):
    (tmp_path / "odd.root").write_bytes(content)
    with pytest.raises(FormatError, match=r"odd\.root"):
        read_root_histogram(tmp_path / "odd.root", "h")


def test_a_length_that_blocks_do_not_hold_is_refused_before_it_is_allocated(tmp_path, th1):
    path = tmp_path / "large.root"
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        file["h"] = th1(np.zeros(200_000))
    with uproot.open(path) as file:
        key = file.key("h")
        length, stored = key.fObjlen, key.fNbytes
    content = path.read_bytes()
    old, new = length.to_bytes(4, "big"), (2**31 - 1).to_bytes(4, "big")
    assert content.count(stored.to_bytes(4, "big") + b"\x00\x04" + old) == 2
    path.write_bytes(content.replace(b"\x00\x04" + old, b"\x00\x04" + new))
    with pytest.raises(FormatError, match="2147483647 bytes; its compressed blocks hold"):
        read_root_histogram(path, "h")


@pytest.mark.parametrize("count", [-1, 2**31 - 1])
def test_a_directory_that_promises_too_much_is_refused(tmp_path, th1, count):
    path = tmp_path / "keys.root"
    with uproot.recreate(path) as file:
        file["h"] = th1([1.0])
    with uproot.open(path) as file:
        at = file.fSeekKeys
    content = bytearray(path.read_bytes())
    # The key of the list: 26 bytes and three texts; then the number of keys.
    position = at + 26
    for _ in range(3):
        position += 1 + content[position]
    assert int.from_bytes(content[position : position + 4], "big") == 1
    content[position : position + 4] = count.to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    with pytest.raises(FormatError, match=f"says that it has {count} keys"):
        RootFile(path)


def test_directories_may_not_contain_themselves(tmp_path, th1):
    path = tmp_path / "loop.root"
    with uproot.recreate(path) as file:
        file["folder/inner/h"] = th1([1.0])
    with RootFile(path) as file:
        deep = "/".join(["folder"] * 5000)
        assert file.names(deep) == []


def test_directories_are_read_once(path, monkeypatch):
    from nextstat_core.io.containers import root

    read = []

    def counted(data, at):
        read.append(at)
        return keys(data, at)

    keys = root.read_directory
    monkeypatch.setattr(root, "read_directory", counted)
    with RootFile(path) as file:
        for _ in range(3):
            assert "folder/inner/deep" in file
            file.histogram("folder/inner/deep")
    assert len(read) == len(set(read)) == 3
