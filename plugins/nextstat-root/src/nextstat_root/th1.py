"""Decoder of one-dimensional ROOT histograms.

uproot reads any object by the description of its class that the file carries. The layout of
one-dimensional histograms has been the same for decades, so that a few dozen lines read it ten
times faster, decompression included. What is not known here is left to uproot.

The layout is that of ``TH1::Streamer`` for class versions 7 and 8, see
https://root.cern/doc/master/classTH1.html: each part of an object starts with its length and its
version, numbers are big-endian.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nextstat_core.errors import FormatError
from nextstat_root.histogram import Axis, Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_th1"]

#: Type of the contents by class of histogram.
_CONTENTS = {"TH1C": ">i1", "TH1S": ">i2", "TH1I": ">i4", "TH1F": ">f4", "TH1D": ">f8"}
_VERSIONS = (7, 8)
_AXIS_VERSIONS = (9, 10)

_FRAME = struct.Struct(">IH")
_HAS_LENGTH = 0x4000_0000
_OBJECT = struct.Struct(">HII")
_IS_REFERENCED = 1 << 4
_COUNT = struct.Struct(">i")
_RANGE = struct.Struct(">idd")
#: fBarOffset, fBarWidth and eight statistics, between the axes and the arrays.
_STATISTICS = 2 * 2 + 8 * 8


def decode_th1(data: bytes, class_name: str) -> Histogram | None:
    """Decode the bytes of a TH1F, TH1D, TH1I, TH1S or TH1C.

    Parameters
    ----------
    data : bytes
        The uncompressed object, without its key.
    class_name : str
        Class of the object.

    Returns
    -------
    Histogram or None
        None where class or version are not known here.

    Raises
    ------
    FormatError
        If lengths contradict each other or the data end too early.
    """
    dtype = _CONTENTS.get(class_name)
    if dtype is None:
        return None
    try:
        return _decode(data, dtype)
    except struct.error as error:
        raise FormatError(f"the {class_name} ends too early: {error}") from error


class _Frame(NamedTuple):
    """A part of an object: its version, where its content starts and where it ends."""

    version: int
    start: int
    end: int


def _decode(data: bytes, dtype: str) -> Histogram | None:
    whole = _frame(data, 0)
    base = _frame(data, whole.start) if whole else None
    if base is None or base.version not in _VERSIONS:
        return None
    named = _frame(data, base.start)
    if named is None:
        return None
    name, title = _name_and_title(data, named.start)
    at: int | None = named.end
    for _ in ("line", "fill", "marker"):
        at = _after(data, at)
    if at is None:
        return None
    (n_cells,) = _COUNT.unpack_from(data, at)
    axis = _frame(data, at + 4)
    if axis is None or axis.version not in _AXIS_VERSIONS:
        return None
    bins = _bins(data, axis, n_cells)
    at = _after(data, _after(data, axis.end))  # the two axes that it does not have
    if bins is None or at is None:
        return None
    _, at = _array(data, at + _STATISTICS, ">f8")  # contours
    sumw2, _ = _array(data, at, ">f8")
    cells, _ = _array(data, base.end, dtype)
    if len(cells) != n_cells or len(sumw2) not in (0, n_cells):
        raise FormatError(
            f"the histogram {name!r} says that it has {n_cells} cells; its contents have "
            f"{len(cells)}, its squared weights {len(sumw2)}"
        )
    return Histogram(
        name=name,
        title=title,
        axes=(bins,),
        cells=cells.astype(float),
        sumw2=sumw2.astype(float) if len(sumw2) else None,
        stored=dtype,
    )


def _frame(data: bytes, at: int | None) -> _Frame | None:
    """The part of the object at `at`; None where it does not say how long it is."""
    if at is None:
        return None
    word, version = _FRAME.unpack_from(data, at)
    if not word & _HAS_LENGTH:
        return None
    end = at + 4 + (word & ~_HAS_LENGTH)
    if not at + _FRAME.size <= end <= len(data):
        raise FormatError(f"a part of the histogram ends at byte {end} of {len(data)}")
    return _Frame(version, at + _FRAME.size, end)


def _after(data: bytes, at: int | None) -> int | None:
    frame = _frame(data, at)
    return frame.end if frame else None


def _name_and_title(data: bytes, at: int) -> tuple[str, str]:
    _, _, bits = _OBJECT.unpack_from(data, at)
    at += _OBJECT.size + (2 if bits & _IS_REFERENCED else 0)
    name, at = _string(data, at)
    title, _ = _string(data, at)
    return name, title


def _string(data: bytes, at: int) -> tuple[str, int]:
    length, start = data[at] if at < len(data) else 0, at + 1
    if length == 255:
        (length,) = _COUNT.unpack_from(data, start)
        start += 4
    if not 0 <= length <= len(data) - start:
        raise FormatError(f"a text of the histogram has {length} bytes; {len(data) - start} follow")
    return data[start : start + length].decode("utf-8", "surrogateescape"), start + length


def _bins(data: bytes, axis: _Frame, n_cells: int) -> Axis | None:
    at = _after(data, _after(data, axis.start))  # name and title, appearance
    if at is None:
        return None
    n_bins, low, high = _RANGE.unpack_from(data, at)
    if n_bins < 1 or n_bins + 2 != n_cells:
        raise FormatError(f"the histogram has {n_cells} cells and {n_bins} bins; expected 2 less")
    edges, _ = _array(data, at + _RANGE.size, ">f8")
    if len(edges) not in (0, n_bins + 1):
        raise FormatError(f"the histogram has {n_bins} bins and {len(edges)} edges of bins")
    return Axis(n_bins, low, high, edges.astype(float) if len(edges) else None)


def _array(data: bytes, at: int, dtype: str) -> tuple[NDArray[np.float64], int]:
    """A counted array and where it ends."""
    (n_entries,) = _COUNT.unpack_from(data, at)
    start = at + _COUNT.size
    end = start + n_entries * np.dtype(dtype).itemsize
    if n_entries < 0 or end > len(data):
        raise FormatError(
            f"an array of the histogram has {n_entries} entries; {len(data) - start} bytes follow"
        )
    return np.frombuffer(data, dtype=dtype, count=n_entries, offset=start), end
