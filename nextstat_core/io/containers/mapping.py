"""The content of a file, mapped into memory."""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from os import SEEK_END
from typing import TYPE_CHECKING

from nextstat_core.errors import FormatError, InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["mapped"]


def mapped(path: Path) -> mmap:
    """Map a file into memory, for reading.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    FormatError
        If it is empty.
    """
    try:
        with path.open("rb") as file:
            if file.seek(0, SEEK_END):
                return mmap(file.fileno(), 0, access=ACCESS_READ)
    except FileNotFoundError as error:
        raise InputError(f"no file {str(path)!r}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}") from error
    raise FormatError(f"{str(path)!r} is empty")
