"""Directories of a ROOT file: which objects there are, and where.

uproot reads directories too, but believes every number in them: a damaged count or length makes it
loop through gigabytes of memory, and it allocates what an object's key promises. Here each step is
checked against the size of the file first. The layout is that of
https://root.cern/doc/master/classTFile.html, TDirectoryFile and TKey.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from nextstat_core.errors import FormatError
from nextstat_core.io.containers.excess import refuse_excess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from mmap import mmap

__all__ = ["Key", "RootDirectories"]

_DIRECTORIES = ("TDirectory", "TDirectoryFile")

_MAGIC = b"root"
#: Magic, version, start of the first record, bytes of its key and name, position of the
#: descriptions of classes; then those of larger files.
_HEADER = (struct.Struct(">4sii16xi5xi"), struct.Struct(">4sii24xi5xq"))
_LARGE_FILE = 1_000_000
#: Version, dates, bytes of keys and name, positions of the directory, its parent and its keys.
_DIRECTORY = (struct.Struct(">hIIiiiii"), struct.Struct(">hIIiiqqq"))
#: Bytes, version, length of the object, date, length of the key, cycle, positions.
_KEY = (struct.Struct(">ihiIhhii"), struct.Struct(">ihiIhhqq"))
_LARGE = 1000
_COUNT = struct.Struct(">i")
#: Header of a compressed block: algorithm, method, and two lengths of three bytes each.
_BLOCK = struct.Struct("<2sB3s3s")


class Key(NamedTuple):
    """One object of a directory.

    Attributes
    ----------
    name, class_name : str
        As stored.
    cycle : int
        Version of the object; the highest one counts.
    start : int
        Position of the object's bytes in the file.
    stored, length : int
        Their number in the file, and once decompressed.
    """

    name: str
    class_name: str
    cycle: int
    start: int
    stored: int
    length: int

    @property
    def is_directory(self) -> bool:
        """Whether it holds further keys."""
        return self.class_name in _DIRECTORIES


class RootDirectories:
    """Objects of a ROOT file; each directory is read once, when something in it is asked for.

    Parameters
    ----------
    data : mmap
        Content of the file, which stays open as long as anything is asked for.

    Raises
    ------
    FormatError
        If `data` is no ROOT file, or damaged at the top.
    """

    def __init__(self, data: mmap) -> None:
        self._data = data
        top, self._classes_at = _header(data)
        self._folders: dict[tuple[str, ...], Mapping[str, Sequence[Key]]] = {
            (): _directory(data, top)
        }

    def names(self, folder: str = "") -> list[str]:
        """Names of the objects in a directory, empty where there is no such directory.

        Raises
        ------
        FormatError
            If the directory is damaged.
        """
        return list(self._folder(_steps(folder)))

    def find(self, name: str) -> Key | None:
        """Look for an object.

        Parameters
        ----------
        name : str
            With directories, ``nominal/SR/signal``. The highest cycle is taken if none is named,
            as in ``events;2``.

        Returns
        -------
        Key or None
            None where there is no such object.

        Raises
        ------
        FormatError
            If a directory on the way is damaged.
        """
        *folder, last = _steps(name) or ("",)
        keys = self._folder(tuple(folder))
        if last in keys:
            return keys[last][0]
        last, _, cycle = last.rpartition(";")
        return next((key for key in keys.get(last, ()) if str(key.cycle) == cycle), None)

    def check(self, key: Key) -> None:
        """Check the place and size of an object.

        Raises
        ------
        FormatError
            If its bytes are not in the file, or hold, decompressed, another number of bytes than
            the key promises, or very many for the size of the file.
        """
        end = key.start + key.stored
        if not (0 <= key.start <= end <= len(self._data) and key.length >= 0):
            raise FormatError(f"the object is at bytes {key.start} to {end} of {len(self._data)}")
        if key.stored != key.length:
            _check_blocks(self._data, key)
        refuse_excess(key.length, len(self._data))

    def stored(self, key: Key) -> bytes:
        """Bytes of an object as they are in the file.

        Raises
        ------
        FormatError
            As `check` does.
        """
        self.check(key)
        return self._data[key.start : key.start + key.stored]

    def key_at(self, position: int) -> Key:
        """Read the key that begins at a byte of the file.

        Raises
        ------
        FormatError
            If it leaves the file.
        """
        if not 0 <= position < len(self._data):
            raise FormatError(f"a key begins at byte {position} of {len(self._data)}")
        try:
            return _key(self._data, position)[0]
        except struct.error as error:
            raise FormatError(f"a key leaves the file: {error}") from error

    def check_classes(self) -> None:
        """Check the place and size of the descriptions of classes.

        Raises
        ------
        FormatError
            As `check` and `key_at` do.
        """
        if self._classes_at:
            self.check(self.key_at(self._classes_at))

    def _folder(self, steps: tuple[str, ...]) -> Mapping[str, Sequence[Key]]:
        """Keys of a directory by name; empty where there is none."""
        found = self._folders[()]
        for depth, step in enumerate(steps):
            inside = steps[: depth + 1]
            if inside not in self._folders:
                key = found[step][0] if step in found else None
                if key is None or not key.is_directory:
                    return {}
                self._folders[inside] = _directory(self._data, key.start)
            found = self._folders[inside]
        return found


def _steps(name: str) -> tuple[str, ...]:
    return tuple(step for step in name.split("/") if step)


def _header(data: mmap) -> tuple[int, int]:
    """Positions of the directory at the top, and of the descriptions of classes."""
    if data[:4] != _MAGIC:
        raise FormatError("it is no ROOT file: it does not begin with 'root'")
    try:
        _, version, begin, name_length, classes_at = _HEADER[0].unpack_from(data)
        if version >= _LARGE_FILE:
            _, version, begin, name_length, classes_at = _HEADER[1].unpack_from(data)
    except struct.error as error:
        raise FormatError("the file ends in its header") from error
    return begin + name_length, classes_at


def _directory(data: mmap, at: int) -> dict[str, list[Key]]:
    """Objects of the directory at `at`, by name, of each the highest cycle first."""
    try:
        return _directory_keys(data, at)
    except struct.error as error:
        raise FormatError(f"a directory leaves the file: {error}") from error


def _directory_keys(data: mmap, at: int) -> dict[str, list[Key]]:
    if at < 0:
        raise FormatError(f"a directory begins at byte {at}")
    fields = _DIRECTORY[0].unpack_from(data, at)
    if fields[0] > _LARGE:
        fields = _DIRECTORY[1].unpack_from(data, at)
    position = fields[-1]
    if position == 0:
        return {}
    if not 0 < position < len(data):
        raise FormatError(f"the keys of a directory begin at byte {position} of {len(data)}")
    _, position = _key(data, position)  # of the list itself
    (count,) = _COUNT.unpack_from(data, position)
    position += _COUNT.size
    if not 0 <= count <= (len(data) - position) // _KEY[0].size:
        raise FormatError(f"a directory says that it has {count} keys")
    keys: dict[str, list[Key]] = {}
    for _ in range(count):
        key, position = _key(data, position)
        keys.setdefault(key.name, []).append(key)
    for cycles in keys.values():
        cycles.sort(key=lambda key: abs(key.cycle), reverse=True)
    return keys


def _key(data: mmap, at: int) -> tuple[Key, int]:
    """The key at `at`, and where it ends."""
    layout = _KEY[0]
    fields = layout.unpack_from(data, at)
    if fields[1] > _LARGE:
        layout = _KEY[1]
        fields = layout.unpack_from(data, at)
    n_bytes, _, length, _, key_length, cycle, seek, _ = fields
    position = at + layout.size
    texts = []
    for _ in ("class", "name", "title"):
        text, position = _text(data, position)
        texts.append(text)
    if key_length < position - at:
        raise FormatError(f"a key of {position - at} bytes or more declares {key_length}")
    return Key(texts[1], texts[0], cycle, seek + key_length, n_bytes - key_length, length), position


def _text(data: mmap, at: int) -> tuple[str, int]:
    (length,) = data[at : at + 1] or b"\0"
    start = at + 1
    if length == 255:
        (length,) = _COUNT.unpack_from(data, start)
        start += _COUNT.size
    if not 0 <= length <= len(data) - start:
        raise FormatError(f"a name in a directory has {length} bytes; {len(data) - start} follow")
    return data[start : start + length].decode("utf-8", "surrogateescape"), start + length


def _check_blocks(data: mmap, key: Key) -> None:
    """Refuse an object whose key promises another length than its compressed blocks do."""
    at, end, found = key.start, key.start + key.stored, 0
    while at < end:
        if end - at < _BLOCK.size:
            raise FormatError(f"an object ends {end - at} bytes after its last compressed block")
        _, _, packed, unpacked = _BLOCK.unpack_from(data, at)
        at += _BLOCK.size + int.from_bytes(packed, "little")
        found += int.from_bytes(unpacked, "little")
    if found != key.length:
        raise FormatError(f"the object has {key.length} bytes; its compressed blocks hold {found}")
