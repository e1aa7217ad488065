"""The decoder of one-dimensional histograms agrees with uproot, and survives damage."""

import numpy as np
import pytest
import uproot

from nextstat_core.errors import FormatError
from nextstat_root import RootFile
from nextstat_root.decode import decode_histogram

TYPES = {"TH1C": "i1", "TH1S": "i2", "TH1I": "i4", "TH1F": "f4", "TH1D": "f8"}
COMPRESSIONS = {
    "ZLIB": uproot.ZLIB(4),
    "LZMA": uproot.LZMA(4),
    "LZ4": uproot.LZ4(4),
    "ZSTD": uproot.ZSTD(4),
    "none": None,
}


def payload(path, name="h"):
    with uproot.open(path) as file:
        key = file.key(name)
        return key.get_uncompressed_chunk_cursor()[0].raw_data.tobytes(), key.fClassName


@pytest.fixture
def written(tmp_path):
    """Write one histogram and read it with ours and with uproot."""

    def write(histogram, compression=None):
        path = tmp_path / "one.root"
        with uproot.recreate(path, compression=compression) as file:
            file["h"] = histogram
        with RootFile(path) as file:
            return file.histogram("h"), uproot.open(path)["h"]

    return write


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_read_as_uproot_reads_it(written, kind, th1):
    ours, theirs = written(th1(np.array([3, 0, 7], TYPES[kind]), [9.0, 0.5, 4.0], name="x"))
    assert theirs.classname == kind
    np.testing.assert_array_equal(ours.cells, theirs.values(flow=True))
    np.testing.assert_array_equal(ours.sumw2, theirs.variances(flow=True))
    np.testing.assert_array_equal(ours.axes[0].edges(), theirs.axis().edges())
    assert (ours.name, ours.title) == (theirs.name, theirs.title)
    assert ours.stored == f">{TYPES[kind]}"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_compression_is_understood(written, compression, th1):
    contents = np.arange(500.0)
    ours, _ = written(th1(contents), COMPRESSIONS[compression])
    np.testing.assert_array_equal(ours.contents(), contents)


def test_variable_bins_titles_and_long_names_are_kept(written, th1):
    edges = [-1.0, 0.5, 0.75, 10.0]
    ours, _ = written(th1([1.0, 2.0, 3.0], edges=edges, name="n" * 300, title="Masse in µm"))
    np.testing.assert_array_equal(ours.axes[0].edges(), edges)
    assert ours.name == "h"  # uproot names objects like their keys
    assert ours.title == "Masse in µm"


def test_errors_are_roots_of_weights_or_of_contents(written, th1):
    weighted, _ = written(th1([4.0, 9.0], [16.0, 0.25]))
    np.testing.assert_array_equal(weighted.errors(), [4.0, 0.5])
    plain, _ = written(th1([4.0, -9.0]))
    np.testing.assert_array_equal(plain.errors(), [2.0, 3.0])


def test_roots_may_be_rounded_like_the_contents(written, th1):
    single, _ = written(th1(np.array([2.0], "f4")))
    assert single.errors()[0] == np.sqrt(2.0)
    assert single.errors(as_stored=True)[0] == float(np.sqrt(np.float32(2.0)))


SHAPES = {"TH2D": (2, 3), "TH3D": (2, 3, 4)}


@pytest.mark.parametrize("kind", SHAPES)
def test_several_axes_come_in_the_order_of_root(written, kind):
    shape = SHAPES[kind]
    contents = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)
    edges = [np.arange(float(count + 1)) ** 2 for count in shape]
    ours, theirs = written((contents, *edges))
    assert theirs.classname == kind
    assert ours.shape == shape
    np.testing.assert_array_equal(ours.contents(), contents.ravel(order="F"))
    np.testing.assert_array_equal(ours.cells, theirs.values(flow=True).ravel(order="F"))
    for axis, expected in zip(ours.axes, edges, strict=True):
        np.testing.assert_array_equal(axis.edges(), expected)


def test_versions_that_uproot_has_to_read_give_the_same(written, monkeypatch, th1):
    first, _ = written(th1([1.0, 2.0], [0.5, 4.0], edges=[0.0, 1.0, 3.0], title="t"))
    monkeypatch.setattr("nextstat_root.rootfile.decode_histogram", lambda *_: None)
    second, _ = written(th1([1.0, 2.0], [0.5, 4.0], edges=[0.0, 1.0, 3.0], title="t"))
    for each in ("name", "title"):
        assert getattr(first, each) == getattr(second, each)
    for each in ("cells", "sumw2"):
        np.testing.assert_array_equal(getattr(first, each), getattr(second, each))
    np.testing.assert_array_equal(first.axes[0].edges(), second.axes[0].edges())


def test_versions_that_are_not_known_are_left_to_uproot(tmp_path, th1):
    with uproot.recreate(tmp_path / "one.root") as file:
        file["h"] = th1([1.0, 2.0])
    data, kind = payload(tmp_path / "one.root")
    assert decode_histogram(data, kind) is not None
    for at, new in ((6 + 4, b"\x00\x05"), (6, b"\x00\x00")):  # version, no length of the base
        changed = data[:at] + new + data[at + 2 :]
        assert decode_histogram(changed, kind) is None
    assert decode_histogram(data, "TH1K") is None


def test_a_histogram_that_ends_too_early_is_refused(tmp_path, th1):
    with uproot.recreate(tmp_path / "one.root") as file:
        file["h"] = th1([1.0, 2.0], [1.0, 2.0])
    data, kind = payload(tmp_path / "one.root")
    for end in range(len(data)):
        with pytest.raises(FormatError):
            decode_histogram(data[:end], kind)


@pytest.mark.parametrize("number", [-1, 0, 2**31 - 1])
def test_damaged_lengths_allocate_nothing(tmp_path, number, th1):
    with uproot.recreate(tmp_path / "one.root") as file:
        file["h"] = th1([1.0, 2.0])
    data, kind = payload(tmp_path / "one.root")
    damage = number.to_bytes(4, "big", signed=True)
    refused = 0
    for at in range(len(data) - 4):
        try:
            decode_histogram(data[:at] + damage + data[at + 4 :], kind)
        except FormatError:
            refused += 1
    assert refused > 0
