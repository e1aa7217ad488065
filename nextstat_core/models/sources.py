"""What a user may pass as a workspace: text, a decoded document, or a path."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from nextstat_core.errors import InputError
from nextstat_core.io import read_text

__all__ = ["document_of"]

_LONGEST_PATH = 4096


def document_of(source: Any) -> str | bytes | Mapping[str, Any]:
    """JSON text or decoded document of a workspace.

    Parameters
    ----------
    source : str, bytes, mapping or path
        JSON text; a decoded workspace (a `pyhf.Workspace` is one); or a path, also as a string if
        the file exists. Files may be gzipped.

    Raises
    ------
    InputError
        If `source` is neither, or the file cannot be read.
    """
    if isinstance(source, Mapping | bytes | bytearray | memoryview):
        return source if isinstance(source, Mapping) else bytes(source)
    if isinstance(source, PathLike):
        return read_text(source)
    if not isinstance(source, str):
        raise InputError(
            f"a workspace cannot be read from a {type(source).__name__}; "
            "expected JSON text, bytes, a mapping or a path"
        )
    if _may_be_path(source):
        # The error for a missing file suggests files with similar names.
        return read_text(Path(source))
    return source


def _may_be_path(text: str) -> bool:
    start = text.lstrip("\ufeff \t\r\n")[:1]
    return start not in {"", "{", "["} and len(text) < _LONGEST_PATH and "\n" not in text
