"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.hooks import ReaderSpec, WriterSpec, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from nextstat_core.ir import Model

__all__ = ["nextstat_register_readers", "nextstat_register_writers"]

_READ_OPTIONS = {
    "base_dir": "folder that the paths in the XML are relative to",
    "conventions": "read like 'root' (the default) or like 'pyhf'",
    "missing_data": "channels without data: 'error' (the default) or 'asimov'",
}


def _detect(text: str | bytes) -> bool:
    return b"<Combination" in text if isinstance(text, bytes) else "<Combination" in text


def _read(text: str, **options: Any) -> Model:
    del text, options
    raise InputError(
        "HistFactory XML is a set of files; the text of one of them is not enough",
        hint="give the path of the file with <Combination>",
    )


def _read_file(path: Path, **options: Any) -> Model:
    from nextstat_root.reader import read_histfactory

    return read_histfactory(path, **options)


def _write(model: Model, **options: Any) -> str:
    del model, options
    raise InputError(
        "HistFactory XML is a set of files; it cannot be written as one text",
        hint="give a folder to write them to",
    )


def _write_files(model: Model, folder: Path, **options: Any) -> list[Path]:
    from nextstat_root.export import write_histfactory

    return write_histfactory(model, folder, **options)


@hookimpl
def nextstat_register_readers() -> list[ReaderSpec]:
    """The format ``histfactory``: XML with histograms in ROOT files."""
    return [
        ReaderSpec(
            "histfactory",
            _detect,
            _read,
            "HistFactory XML with ROOT files",
            read_file=_read_file,
            options=_READ_OPTIONS,
        )
    ]


@hookimpl
def nextstat_register_writers() -> list[WriterSpec]:
    """The format ``histfactory``: XML with histograms in one ROOT file."""
    return [
        WriterSpec(
            "histfactory",
            _write,
            "HistFactory XML with a ROOT file",
            write_files=_write_files,
        )
    ]
