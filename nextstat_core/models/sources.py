"""What a user may pass as a workspace: text, a decoded document, or a path."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager, hint_for_missing
from nextstat_core.io import read_text
from nextstat_core.ir import Model

__all__ = ["document_of", "read_files", "read_other_format"]

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


def read_files(
    format_name: str, path: str | PathLike[str], *, distribution: str, **options: Any
) -> Model:
    """Read a model from a format of several files that a plugin understands.

    Parameters
    ----------
    format_name : str
        Name under which the plugin registers its reader.
    distribution : str
        What to install where none does.
    **options
        Those of the reader.

    Raises
    ------
    InputError
        If no plugin reads the format; and what the reader raises.
    """
    readers = get_manager().readers
    spec = readers.get(format_name)
    if spec is None or spec.read_file is None:
        hint = hint_for_missing(format_name, (), readers) or f"python -m pip install {distribution}"
        message = f"the format {format_name!r} needs the plugin {distribution}"
        raise InputError(f"{message}, which is not installed", hint=hint)
    model: Model = spec.read_file(Path(path), **options)
    return model


def read_other_format(source: Any, **options: Any) -> Model | None:
    """The model of a file in a format that a plugin recognises; None for JSON and all else.

    Parameters
    ----------
    source : path, or a string that may be one
    **options
        Those of the reader.

    Raises
    ------
    InputError, FormatError, ModelError
        If the file cannot be read.
    """
    if not (isinstance(source, PathLike) or (isinstance(source, str) and _may_be_path(source))):
        return None
    path = Path(source)
    if not path.is_file():
        return None
    content = read_text(path)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"", b"{", b"["}:
        return None
    readers = get_manager().readers
    for name in sorted(readers.keys() - readers.clashes.keys()):
        spec = readers[name]
        if spec.read_file is not None and spec.detect(content):
            model: Model = spec.read_file(path, **options)
            return model
    return None


def _may_be_path(text: str) -> bool:
    start = text.lstrip("\ufeff \t\r\n")[:1]
    return start not in {"", "{", "["} and len(text) < _LONGEST_PATH and "\n" not in text
