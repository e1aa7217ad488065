"""Text from a path: plain or gzipped files, and standard input."""

import gzip
import sys
import zlib
from os import PathLike, fspath
from pathlib import Path

from nextstat_core.errors import FormatError, InputError, closest

__all__ = ["read_text"]

_GZIP_MAGIC = b"\x1f\x8b"


def read_text(path: str | PathLike[str]) -> bytes:
    """Content of a file as undecoded text; ``-`` is standard input.

    Gzipped content is recognised by its first bytes, whatever the file is called.

    Raises
    ------
    InputError
        If the file does not exist or cannot be read.
    FormatError
        If gzipped content is damaged.
    """
    name = fspath(path)
    if name == "-":
        return _uncompressed(name, sys.stdin.buffer.read())
    try:
        content = Path(name).read_bytes()
    except FileNotFoundError as error:
        hint = closest(Path(name).name, _siblings(Path(name)))
        raise InputError(f"no file {name!r}", hint=hint) from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {name!r}: {error}") from error
    return _uncompressed(name, content)


def _uncompressed(name: str, content: bytes) -> bytes:
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FormatError(f"{name!r} is damaged gzip data: {error}") from error


def _siblings(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
