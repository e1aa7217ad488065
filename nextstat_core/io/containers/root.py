"""Directories of a ROOT file: which objects there are, and where.

uproot reads directories too, but believes every number in them: a damaged count or length makes it
loop through gigabytes of memory, and it allocates what an object's key promises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.errors import FormatError
from nextstat_core.io.containers.excess import refuse_excess
from nextstat_core.io.containers.root_keys import (
    Key,
    check_blocks,
    read_directory,
    read_header,
    read_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from mmap import mmap

__all__ = ["RootDirectories"]


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
        top, self._classes_at = read_header(data)
        self._folders: dict[tuple[str, ...], Mapping[str, Sequence[Key]]] = {
            (): read_directory(data, top)
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
            check_blocks(self._data, key)
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
        return read_key(self._data, position)

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
                self._folders[inside] = read_directory(self._data, key.start)
            found = self._folders[inside]
        return found


def _steps(name: str) -> tuple[str, ...]:
    return tuple(step for step in name.split("/") if step)
