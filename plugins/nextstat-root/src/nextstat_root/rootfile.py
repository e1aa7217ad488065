"""Histograms of one ROOT file: opened once, directories read once."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from os import SEEK_END
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import uproot

from nextstat_core.errors import FormatError, InputError, NextstatError
from nextstat_root.decode import decode_histogram
from nextstat_root.histogram import Axis, Histogram
from nextstat_root.tkeys import Key, directory_keys, top_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike

__all__ = ["RootFile", "read_root_histogram"]

_MOST_AXES = 3

#: Header of a compressed block: algorithm, method, and two lengths of three bytes each.
_BLOCK = struct.Struct("<2sB3s3s")


class RootFile:
    """A ROOT file that is open for reading.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    FormatError
        If it is no ROOT file, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = _mapped(path)
        self._folders: dict[tuple[str, ...], Mapping[str, Key]] = {}
        with _damage_named(str(path)):
            self._folders[()] = directory_keys(self._data, top_directory(self._data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; histograms that were read stay usable."""
        self._data.close()

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
            *folder, last = _steps(name) or ("",)
            where = f"{'/'.join(folder)!r} of " if folder else ""
            names = self.names("/".join(folder))
            raise InputError.unknown(f"object in {where}{self.path.name!r}", last, names)
        if not key.class_name.startswith(("TH1", "TH2", "TH3")):
            raise InputError(
                f"{name!r} is a {key.class_name}; expected a histogram: TH1, TH2 or TH3"
            )
        with _damage_named(f"{str(self.path)!r}, {name!r}"):
            histogram = decode_histogram(self._object(key), key.class_name)
            return self._by_uproot(name) if histogram is None else histogram

    def _key(self, name: str) -> Key | None:
        *folder, last = _steps(name) or ("",)
        return self._folder(tuple(folder)).get(last)

    def _folder(self, steps: tuple[str, ...]) -> Mapping[str, Key]:
        """Keys of a directory by name; empty where there is none."""
        found = self._folders[()]
        for depth, step in enumerate(steps):
            inside = steps[: depth + 1]
            if inside not in self._folders:
                key = found.get(step)
                if key is None or not key.is_directory:
                    return {}
                with _damage_named(str(self.path)):
                    self._folders[inside] = directory_keys(self._data, key.start)
            found = self._folders[inside]
        return found

    def _object(self, key: Key) -> bytes:
        """Bytes of an object, decompressed."""
        end = key.start + key.stored
        if not (0 <= key.start <= end <= len(self._data) and key.length >= 0):
            raise FormatError(f"the object is at bytes {key.start} to {end} of {len(self._data)}")
        stored = self._data[key.start : end]
        if key.stored == key.length:
            return stored
        _check_blocks(stored, key.length)
        source = SimpleNamespace(file_path=str(self.path))
        chunk = uproot.source.chunk.Chunk.wrap(source, np.frombuffer(stored, np.uint8))
        cursor = uproot.source.cursor.Cursor(0)
        unpacked = uproot.compression.decompress(chunk, cursor, {}, key.stored, key.length)
        return bytes(unpacked.raw_data.tobytes())

    def _by_uproot(self, name: str) -> Histogram:
        """A version of a histogram that is not known here."""
        # A Path, not a string: uproot would split a string at a colon, or fetch it from a host.
        with uproot.open(self.path, object_cache=None, array_cache=None) as file:
            found = file[name]
        axes = found.axes
        if not 1 <= len(axes) <= _MOST_AXES:
            raise InputError(f"{name!r} has {len(axes)} axes; expected one to three")
        values = np.asarray(found.values(flow=True))
        cells = values.astype(float).ravel(order="F")
        sumw2 = np.asarray(found.member("fSumw2"), dtype=float)
        return Histogram(
            name=found.name,
            title=found.title,
            axes=tuple(_axis(axis) for axis in axes),
            cells=cells,
            sumw2=sumw2 if len(sumw2) == len(cells) else None,
            stored=values.dtype.str,
        )


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


def _mapped(path: Path) -> mmap:
    try:
        with path.open("rb") as file:
            if file.seek(0, SEEK_END):
                return mmap(file.fileno(), 0, access=ACCESS_READ)
    except FileNotFoundError as error:
        raise InputError(f"no file {str(path)!r}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}") from error
    raise FormatError(f"{str(path)!r} is empty")


def _steps(name: str) -> tuple[str, ...]:
    return tuple(step for step in name.split("/") if step)


def _axis(found: Any) -> Axis:
    edges = np.asarray(found.edges(flow=False), dtype=float)
    return Axis(len(edges) - 1, float(edges[0]), float(edges[-1]), edges)


def _check_blocks(stored: bytes, length: int) -> None:
    """Refuse an object whose key promises another length than its compressed blocks do.

    uproot allocates what the key promises.
    """
    at = found = 0
    while at < len(stored):
        _, _, packed, unpacked = _BLOCK.unpack_from(stored, at)
        at += _BLOCK.size + int.from_bytes(packed, "little")
        found += int.from_bytes(unpacked, "little")
    if found != length:
        raise FormatError(f"the object has {length} bytes; its compressed blocks hold {found}")


@contextmanager
def _damage_named(place: str) -> Iterator[None]:
    """Add the place to errors, and turn whatever damage makes uproot trip over into ours."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{place} is damaged: {error}") from error
    except NextstatError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise FormatError(f"{place} cannot be read as ROOT; is it damaged? {reason}") from error
