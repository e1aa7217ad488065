"""Decoder of ROOT histograms with one to three axes.

uproot reads any object by the description of its class that the file carries. The layout of
histograms has been the same for decades, so that a few dozen lines read them ten times faster,
decompression included. What is not known here is left to uproot.

The layout is that of ``TH1::Streamer`` for class versions 7 and 8, and of its heirs, see
https://root.cern/doc/master/classTH1.html: each part of an object starts with its length and its
version, numbers are big-endian.
"""

from __future__ import annotations

import struct
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nextstat_core.errors import FormatError
from nextstat_root.histogram import Axis, Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_histogram"]

#: Type of the contents by the last letter of the class.
_CONTENTS = {"C": ">i1", "S": ">i2", "I": ">i4", "F": ">f4", "D": ">f8"}
_AXES = {"TH1": 1, "TH2": 2, "TH3": 3}
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


class _UnknownLayoutError(Exception):
    """A version, or a part without its length, that is not known here."""


def decode_histogram(data: bytes, class_name: str) -> Histogram | None:
    """Decode the bytes of a TH1, TH2 or TH3 of type C, S, I, F or D.

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
    n_axes, dtype = _AXES.get(class_name[:-1]), _CONTENTS.get(class_name[-1:])
    if n_axes is None or dtype is None:
        return None
    try:
        return _decode(data, n_axes, dtype)
    except _UnknownLayoutError:
        return None
    except struct.error as error:
        raise FormatError(f"the {class_name} ends too early: {error}") from error


class _Frame(NamedTuple):
    """A part of an object: its version, where its content starts and where it ends."""

    version: int
    start: int
    end: int


def _decode(data: bytes, n_axes: int, dtype: str) -> Histogram:
    outer = _frame(data, 0)
    base = outer
    for _ in range(1 if n_axes == 1 else 2):  # a TH2F is a TH2, which is a TH1
        outer, base = base, _frame(data, base.start)
    contents_at = base.end if n_axes == 1 else outer.end
    if base.version not in _VERSIONS:
        raise _UnknownLayoutError
    named = _frame(data, base.start)
    name, title = _name_and_title(data, named.start)
    at = named.end
    for _ in ("line", "fill", "marker"):
        at = _frame(data, at).end
    (n_cells,) = _COUNT.unpack_from(data, at)
    at += _COUNT.size
    axes: list[Axis] = []
    for index in range(3):
        frame = _frame(data, at)
        if index < n_axes:
            axes.append(_axis(data, frame))
        at = frame.end
    _, at = _array(data, at + _STATISTICS, ">f8")  # contours
    sumw2, _ = _array(data, at, ">f8")
    cells, _ = _array(data, contents_at, dtype)
    expected = prod([axis.n_bins + 2 for axis in axes])
    if not n_cells == expected == len(cells) or len(sumw2) not in (0, n_cells):
        raise FormatError(
            f"the histogram {name!r} says that it has {n_cells} cells; its axes have {expected}, "
            f"its contents {len(cells)}, its squared weights {len(sumw2)}"
        )
    return Histogram(
        name=name,
        title=title,
        axes=tuple(axes),
        cells=cells.astype(float),
        sumw2=sumw2.astype(float) if len(sumw2) else None,
        stored=dtype,
    )


def _frame(data: bytes, at: int) -> _Frame:
    """The part of the object at `at`."""
    word, version = _FRAME.unpack_from(data, at)
    if not word & _HAS_LENGTH:
        raise _UnknownLayoutError
    end = at + 4 + (word & ~_HAS_LENGTH)
    if not at + _FRAME.size <= end <= len(data):
        raise FormatError(f"a part of the histogram ends at byte {end} of {len(data)}")
    return _Frame(version, at + _FRAME.size, end)


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


def _axis(data: bytes, frame: _Frame) -> Axis:
    if frame.version not in _AXIS_VERSIONS:
        raise _UnknownLayoutError
    at = _frame(data, _frame(data, frame.start).end).end  # name and title, appearance
    n_bins, low, high = _RANGE.unpack_from(data, at)
    edges, _ = _array(data, at + _RANGE.size, ">f8")
    if n_bins < 1 or len(edges) not in (0, n_bins + 1):
        raise FormatError(f"an axis has {n_bins} bins and {len(edges)} edges of bins")
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
