"""Histograms of one ROOT file: opened once, directories read once."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import uproot

from nextstat_core.errors import FormatError, InputError, NextstatError
from nextstat_core.io.containers import RootDirectories, mapped
from nextstat_root.decode import decode_histogram
from nextstat_root.histogram import Axis, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from nextstat_core.io.containers import Key

__all__ = ["RootFile", "read_root_histogram"]

_MOST_AXES = 3


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
        self._data = mapped(path)
        with self._damage_named():
            self._directories = RootDirectories(self._data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; histograms that were read stay usable."""
        self._data.close()

    def __contains__(self, name: str) -> bool:
        with self._damage_named():
            return self._directories.find(name) is not None

    def names(self, folder: str = "") -> list[str]:
        """Names of the objects in a directory, empty where there is no such directory."""
        with self._damage_named():
            return self._directories.names(folder)

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
        with self._damage_named():
            key = self._directories.find(name)
        if key is None:
            folder, _, last = name.strip("/").rpartition("/")
            where = f"{folder!r} of " if folder else ""
            raise InputError.unknown(
                f"object in {where}{self.path.name!r}", last, self.names(folder)
            )
        if not key.class_name.startswith(("TH1", "TH2", "TH3")):
            raise InputError(
                f"{name!r} is a {key.class_name}; expected a histogram: TH1, TH2 or TH3"
            )
        with self._damage_named(name):
            histogram = decode_histogram(self._object(key), key.class_name)
            return self._by_uproot(name) if histogram is None else histogram

    def _object(self, key: Key) -> bytes:
        """Bytes of an object, decompressed."""
        stored = self._directories.stored(key)
        if key.stored == key.length:
            return stored
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

    @contextmanager
    def _damage_named(self, name: str = "") -> Iterator[None]:
        """Add the place to errors, and turn whatever damage makes uproot trip over into ours."""
        place = f"{str(self.path)!r}, {name!r}" if name else str(self.path)
        try:
            yield
        except FormatError as error:
            raise FormatError(f"{place} is damaged: {error}") from error
        except NextstatError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise FormatError(f"{place} cannot be read as ROOT; is it damaged? {reason}") from error


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


def _axis(found: Any) -> Axis:
    edges = np.asarray(found.edges(flow=False), dtype=float)
    return Axis(len(edges) - 1, float(edges[0]), float(edges[-1]), edges)
