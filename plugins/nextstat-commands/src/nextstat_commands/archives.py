"""Archives from others, unpacked within limits: plain files, below one folder, of bounded size.

Members are checked before anything of them is written: links, devices and paths that lead out of
the folder are refused, and declared sizes count before a byte is read.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from nextstat_core.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["unpack"]

#: Files in one archive.
_MOST_MEMBERS = 100_000
#: Bytes that one read may ask for: headers of an archive may declare any length.
_LONGEST_READ = 16 << 20
_CHUNK = 1 << 16
_ZIP = b"PK"
_COMPRESSIONS: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile),
    *(EOFError, OverflowError, UnicodeError),
)
_HINT = "raise the limit with --max-megabytes if that is expected"


@dataclass(frozen=True, slots=True)
class _Member:
    """One entry of an archive; `kind` is ``file``, ``folder`` or something to refuse."""

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes] | None]


def unpack(archive: IO[bytes], folder: Path, *, most: int) -> list[Path]:
    """Unpack a tar archive, compressed or not, or a zip archive, into an empty folder.

    Parameters
    ----------
    archive : binary file
        Open for reading, at its start.
    folder : Path
        Exists, and is empty.
    most : int
        Bytes that all files together may have.

    Returns
    -------
    list of Path
        The files that were written, in the order of the archive.

    Raises
    ------
    FormatError
        If it is no such archive, or damaged.
    InputError
        If it holds anything but files and folders, a path that leads elsewhere, two files of one
        name, or too much.
    """
    start = archive.read(6)
    archive.seek(0)
    written: dict[Path, None] = {}
    left = most
    try:
        for count, entry in enumerate(_entries(archive, start, most)):
            if count >= _MOST_MEMBERS:
                raise InputError(f"the archive has more than {_MOST_MEMBERS} files")
            target = folder / _relative(entry)
            if entry.kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            if entry.size > left:
                message = f"the archive holds more than {most} bytes ({entry.name!r})"
                raise InputError(message, hint=_HINT)
            if target in written:
                raise InputError(f"the archive holds two files called {entry.name!r}")
            left -= _write(entry, target)
            written[target] = None
    except _DAMAGE as error:
        raise FormatError(f"the archive is damaged: {error}") from error
    except (NotImplementedError, RuntimeError) as error:
        # Encrypted members, and compressions that zipfile does not know.
        raise FormatError(f"the archive cannot be read: {error}") from error
    if not written:
        raise FormatError("the archive holds no file")
    return list(written)


def _entries(archive: IO[bytes], start: bytes, most: int) -> Iterator[_Member]:
    if start.startswith(_ZIP):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                yield _Member(
                    info.filename, info.file_size, _zip_kind(info), partial(opened.open, info)
                )
        return
    plain: Any = archive
    for magic, decompress in _COMPRESSIONS.items():
        if start.startswith(magic):
            plain = decompress(archive)
    try:
        # Headers and padding come on top of the files themselves.
        bounded: Any = _Bounded(plain, 2 * most + _LONGEST_READ)
        with tarfile.open(fileobj=bounded, mode="r:") as opened_tar:
            for member in opened_tar:
                yield _Member(
                    *(member.name, member.size, _tar_kind(member)),
                    partial(opened_tar.extractfile, member),
                )
            # The end of the archive comes before that of its compression, which has a checksum.
            while bounded.read(_CHUNK):
                pass
    except tarfile.ReadError as error:
        reason = f"neither a tar nor a zip archive: {error}"
        raise FormatError(f"what was downloaded is {reason}") from error


class _Bounded:
    """A readable file that refuses to be read too far, or too much at once."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most = file, most

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_READ:
            raise InputError(f"a header of the archive declares a length of {size} bytes")
        self._check(self._file.tell() + size - _LONGEST_READ)
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._check(offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def _check(self, position: int) -> None:
        if position > self._most:
            raise InputError("the archive is too large when it is unpacked", hint=_HINT)


def _zip_kind(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if info.is_dir():
        return "folder"
    return "file" if stat.S_IFMT(mode) in {0, stat.S_IFREG} else "link or device"


def _tar_kind(member: tarfile.TarInfo) -> str:
    if member.isdir():
        return "folder"
    return "file" if member.isreg() else "link or device"


def _relative(entry: _Member) -> Path:
    """Path of a member below the folder; refuses every other."""
    path = PurePosixPath(entry.name)
    parts = [part for part in path.parts if part != "."]
    strange = "\\" in entry.name or ":" in entry.name or "\0" in entry.name
    if path.is_absolute() or ".." in parts or strange:
        raise InputError(f"the archive holds the path {entry.name!r}, which leads elsewhere")
    if entry.kind not in {"file", "folder"} or (not parts and entry.kind == "file"):
        raise InputError(f"the archive holds {entry.name!r}, a {entry.kind}; expected only files")
    return Path(*parts)


def _write(entry: _Member, target: Path) -> int:
    """Write a member, and no more of it than it declares; returns its length."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    source = entry.open()
    if source is None:
        raise FormatError(f"{entry.name!r} has no content")
    with source, target.open("xb") as file:
        while chunk := source.read(min(_CHUNK, entry.size - done + 1)):
            done += len(chunk)
            if done > entry.size:
                raise FormatError(f"{entry.name!r} is longer than the archive says")
            file.write(chunk)
    if done < entry.size:
        raise FormatError(f"{entry.name!r} ends after {done} of {entry.size} bytes")
    return done
