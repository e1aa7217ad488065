"""Histograms of one ROOT file: opened once, directories read once."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import uproot

from nextstat_core.errors import FormatError, InputError, NextstatError
from nextstat_root.histogram import Axis, Histogram
from nextstat_root.th1 import decode_th1

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike


__all__ = ["RootFile", "read_root_histogram"]

_DIRECTORIES = ("TDirectory", "TDirectoryFile")
_MOST_AXES = 3

#: Header of a compressed block: algorithm, method, and two lengths of three bytes each.
_BLOCK = struct.Struct("<2sB3s3s")
#: Objects whose declared length is below this are decompressed without a look at their blocks.
_HARMLESS = 1 << 20


class RootFile:
    """A ROOT file that is open for reading.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        If there is no such file.
    FormatError
        If it is no ROOT file, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"no file {str(path)!r}")
        with _damage_named(str(path)):
            # A Path, not a string: uproot would split a string at a colon, or fetch it from a host.
            self._file = uproot.open(
                path, handler=uproot.MemmapSource, object_cache=None, array_cache=None
            )
        self._folders: dict[tuple[str, ...], Mapping[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; histograms that were read stay usable."""
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return self._key(name) is not None

    def names(self, folder: str = "") -> list[str]:
        """Names of the objects in a directory, empty where there is no such directory."""
        return list(self._folder(_steps(folder)))

    def histogram(self, name: str) -> Histogram:
        """Read a histogram.

        Parameters
        ----------
        name : str
            Name in the file, with directories: ``nominal/SR/signal``. The highest cycle is taken.

        Raises
        ------
        InputError
            If there is no such object, or it is no histogram.
        FormatError
            If it is damaged.
        """
        key = self._key(name)
        if key is None:
            *folder, last = _steps(name) or [""]
            where = f"{'/'.join(folder)!r} of " if folder else ""
            names = self.names("/".join(folder))
            raise InputError.unknown(f"object in {where}{self.path.name!r}", last, names)
        with _damage_named(f"{str(self.path)!r}, {name!r}"):
            return _read(key)

    def _key(self, name: str) -> Any:
        *folder, last = _steps(name) or [""]
        return self._folder(tuple(folder)).get(last)

    def _folder(self, steps: tuple[str, ...] | list[str]) -> Mapping[str, Any]:
        """Keys of a directory by name; empty where there is none."""
        steps = tuple(steps)
        if steps not in self._folders:
            with _damage_named(str(self.path)):
                self._folders[steps] = _keys(self._directory(steps))
        return self._folders[steps]

    def _directory(self, steps: tuple[str, ...]) -> Any:
        if not steps:
            return self._file
        key = self._folder(steps[:-1]).get(steps[-1])
        return key.get() if key is not None and key.fClassName in _DIRECTORIES else None


def read_root_histogram(root_path: str | PathLike[str], hist_path: str) -> dict[str, Any]:
    """Read a one-dimensional histogram from a ROOT file.

    Parameters
    ----------
    root_path : str or path
        The file; ZLIB, LZMA, LZ4 and ZSTD compression are understood.
    hist_path : str
        Name of the histogram, with directories: ``nominal/SR/signal``.

    Returns
    -------
    dict
        ``name`` and ``title``; ``bin_edges`` (n_bins + 1 numbers, in the unit of the axis),
        ``bin_content`` (n_bins numbers), ``sumw2`` (n_bins numbers, or None where the histogram has
        no sums of squared weights); the flow bins ``underflow``, ``overflow``,
        ``underflow_sumw2`` and ``overflow_sumw2`` (None like ``sumw2``).

    Raises
    ------
    InputError
        If file or histogram do not exist, or the object is no histogram with one axis.
    FormatError
        If the file is no ROOT file, or damaged.
    """
    with RootFile(Path(root_path)) as file:
        histogram = file.histogram(hist_path)
    if len(histogram.axes) > 1:
        raise InputError(
            f"{hist_path!r} has {len(histogram.axes)} axes; expected a histogram with one"
        )
    cells, sumw2 = histogram.cells, histogram.sumw2
    return {
        "name": histogram.name,
        "title": histogram.title,
        "bin_edges": histogram.axes[0].edges().tolist(),
        "bin_content": cells[1:-1].tolist(),
        "sumw2": None if sumw2 is None else sumw2[1:-1].tolist(),
        "underflow": float(cells[0]),
        "overflow": float(cells[-1]),
        "underflow_sumw2": None if sumw2 is None else float(sumw2[0]),
        "overflow_sumw2": None if sumw2 is None else float(sumw2[-1]),
    }


def _steps(name: str) -> list[str]:
    return [step for step in name.split("/") if step]


def _keys(directory: Any) -> dict[str, Any]:
    if directory is None:
        return {}
    # Not recursive: directories of a damaged file may contain each other.
    names = directory.keys(recursive=False, cycle=False)
    return {name: directory.key(f"{name}") for name in names}


def _read(key: Any) -> Histogram:
    kind = key.fClassName
    if not kind.startswith(("TH1", "TH2", "TH3")):
        raise InputError(f"{key.fName!r} is a {kind}; expected a histogram: TH1, TH2 or TH3")
    _check_lengths(key)
    chunk, _ = key.get_uncompressed_chunk_cursor()
    histogram = decode_th1(chunk.raw_data.tobytes(), kind)
    return _converted(key.get()) if histogram is None else histogram


def _converted(found: Any) -> Histogram:
    """A histogram that uproot has read: several axes, or a version that is not known here."""
    names = ("fXaxis", "fYaxis", "fZaxis")[: len(found.axes)]
    if not 1 <= len(names) <= _MOST_AXES:
        raise InputError(f"{found.name!r} has {len(found.axes)} axes; expected one to three")
    values = np.asarray(found.values(flow=True))
    cells = values.astype(float).ravel(order="F")
    sumw2 = np.asarray(found.member("fSumw2"), dtype=float)
    return Histogram(
        name=found.name,
        title=found.title,
        axes=tuple(_axis(axis) for axis in found.axes),
        cells=cells,
        sumw2=sumw2 if len(sumw2) == len(cells) else None,
        stored=values.dtype.str,
    )


def _axis(found: Any) -> Axis:
    edges = np.asarray(found.edges(flow=False), dtype=float)
    return Axis(len(edges) - 1, float(edges[0]), float(edges[-1]), edges)


def _check_lengths(key: Any) -> None:
    """Refuse an object whose key promises another length than its compressed blocks do.

    uproot allocates what the key promises.
    """
    length, stored = key.data_uncompressed_bytes, key.data_compressed_bytes
    if length < 0 or stored < 0:
        raise FormatError(f"the object has {length} bytes, stored in {stored}")
    if length <= _HARMLESS or not key.is_compressed:
        return
    start = key.data_cursor.index
    data = key.file.chunk(start, start + stored).raw_data.tobytes()
    at = found = 0
    while at < len(data):
        _, _, packed, unpacked = _BLOCK.unpack_from(data, at)
        at += _BLOCK.size + int.from_bytes(packed, "little")
        found += int.from_bytes(unpacked, "little")
    if found != length:
        raise FormatError(f"the object has {length} bytes; its compressed blocks hold {found}")


@contextmanager
def _damage_named(place: str) -> Iterator[None]:
    """Turn whatever a damaged file makes uproot trip over into an error that names the file."""
    try:
        yield
    except NextstatError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise FormatError(f"{place} cannot be read as ROOT; is it damaged? {reason}") from error
