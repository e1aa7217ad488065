"""Files that agents may name: inside allowed directories only, links followed first."""

from __future__ import annotations

import os
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nextstat_core.errors import FormatError, InputError, closest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LARGEST_FILE", "allowed_path", "read_file"]

#: Largest workspace, after decompression, bytes.
LARGEST_FILE: Final = 256 * 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_HEADER = 16 + zlib.MAX_WBITS
_CLOSED = "no directory is allowed"


def allowed_path(name: str, folders: Sequence[Path]) -> Path:
    """Find the file that an agent means.

    Parameters
    ----------
    name : str
        An absolute path, or one relative to any of `folders`.
    folders : sequence of Path
        Directories that may be read, with all that is below them.

    Returns
    -------
    Path
        Absolute, without links.

    Raises
    ------
    InputError
        If it is outside, which is said in the same way whether the file exists or not; if there is
        no such file.
    """
    if not folders:
        raise InputError(
            f"the file {name!r} cannot be read: {_CLOSED}",
            hint="servers are started with --allow-dir, a Toolbox has allowed_dirs",
        )
    roots = [_resolved(str(folder)) for folder in folders]
    # An absolute `name` replaces the root in front of it.
    inside = [
        path
        for root in roots
        if any((path := _resolved(str(root / name))).is_relative_to(each) for each in roots)
    ]
    if not inside:
        listed = ", ".join(map(str, roots))
        raise InputError(f"the file {name!r} is outside of the allowed directories: {listed}")
    for path in inside:
        if path.is_file():
            return path
    hint = closest(inside[0].name, _siblings(inside[0]))
    raise InputError(f"there is no file {name!r} in the allowed directories", hint=hint)


def _resolved(name: str) -> Path:
    try:
        return Path(name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null character
        raise InputError(f"the path {name!r} cannot be used: {error}") from error


def _siblings(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []


def read_file(path: Path) -> str:
    """Text of a file without links in its path, plain or gzipped.

    Raises
    ------
    InputError
        If it is no regular file, cannot be read, or is larger than `LARGEST_FILE`.
    FormatError
        If it is damaged gzip data or no UTF-8.
    """
    try:
        content = _content(path)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from error
    if content.startswith(_GZIP_MAGIC):
        content = _uncompressed(path, content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path.name!r} is no UTF-8 text: {error}") from error


def _content(path: Path) -> bytes:
    # A link that took the file's place in the meantime is not followed, and no pipe is waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor, not a path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{str(path)!r} is no regular file")
        if status.st_size > LARGEST_FILE:
            raise _too_large(path)
        return file.read(LARGEST_FILE)


def _uncompressed(path: Path, content: bytes) -> bytes:
    decoder = zlib.decompressobj(_GZIP_HEADER)
    try:
        text = decoder.decompress(content, LARGEST_FILE)
    except zlib.error as error:
        raise FormatError(f"{path.name!r} is damaged gzip data: {error}") from error
    if decoder.unconsumed_tail:
        raise _too_large(path)
    if not decoder.eof:
        raise FormatError(f"{path.name!r} is damaged gzip data: it ends too early")
    return text


def _too_large(path: Path) -> InputError:
    return InputError(f"{path.name!r} is larger than {LARGEST_FILE // 2**20} MiB")
