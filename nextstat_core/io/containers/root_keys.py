"""Keys of a ROOT file, decoded: each step is checked against the size of the file first.

The layout is that of https://root.cern/doc/master/classTFile.html, TDirectoryFile and TKey.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from nextstat_core.errors import FormatError

if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["Key", "check_blocks", "read_directory", "read_header", "read_key"]

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


def read_header(data: mmap) -> tuple[int, int]:
    """Positions of the directory at the top, and of the descriptions of classes.

    Raises
    ------
    FormatError
        If `data` is no ROOT file.
    """
    if data[:4] != _MAGIC:
        raise FormatError("it is no ROOT file: it does not begin with 'root'")
    try:
        _, version, begin, name_length, classes_at = _HEADER[0].unpack_from(data)
        if version >= _LARGE_FILE:
            _, version, begin, name_length, classes_at = _HEADER[1].unpack_from(data)
    except struct.error as error:
        raise FormatError("the file ends in its header") from error
    return begin + name_length, classes_at


def read_directory(data: mmap, at: int) -> dict[str, list[Key]]:
    """Objects of the directory at `at`, by name, of each the highest cycle first.

    Raises
    ------
    FormatError
        If a number points out of the file.
    """
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


def read_key(data: mmap, at: int) -> Key:
    """The key at `at`.

    Raises
    ------
    FormatError
        If it leaves the file.
    """
    if not 0 <= at < len(data):
        raise FormatError(f"a key begins at byte {at} of {len(data)}")
    try:
        return _key(data, at)[0]
    except struct.error as error:
        raise FormatError(f"a key leaves the file: {error}") from error


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


def check_blocks(data: mmap, key: Key) -> None:
    """Refuse an object whose key promises another length than its compressed blocks do.

    Raises
    ------
    FormatError
        Says both lengths.
    """
    at, end, found = key.start, key.start + key.stored, 0
    while at < end:
        if end - at < _BLOCK.size:
            raise FormatError(f"an object ends {end - at} bytes after its last compressed block")
        _, _, packed, unpacked = _BLOCK.unpack_from(data, at)
        at += _BLOCK.size + int.from_bytes(packed, "little")
        found += int.from_bytes(unpacked, "little")
    if found != key.length:
        raise FormatError(f"the object has {key.length} bytes; its compressed blocks hold {found}")
