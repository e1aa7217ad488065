"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.hooks import ReaderSpec, WriterSpec, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from nextstat_core.ir import Model

__all__ = ["nextstat_register_readers", "nextstat_register_writers"]

_MANIFEST = "nextstat.histograms_parquet_manifest.v1"
_SIGNAL = "sample that the parameter of interest scales (signal)"
_POI = "name of the parameter of interest, none for a model without one (mu)"
_MODIFIERS = "Parquet file with the modifiers"
_COMPRESSION = "zstd, snappy, gzip, lz4 or none (zstd)"


def _detect(text: str | bytes) -> bool:
    """Whether a text is a manifest; Parquet files themselves are no text."""
    return _MANIFEST in text if isinstance(text, str) else _MANIFEST.encode() in text


def _read(text: str | bytes, **options: Any) -> Model:
    """The model of a manifest whose paths are relative to the current folder."""
    from nextstat_arrow.model_files import read_parquet_model

    content = text.encode() if isinstance(text, str) else text
    return read_parquet_model(content, **options)


def _read_file(path: str | Path, **options: Any) -> Model:
    """The model of a folder, a manifest, or a Parquet file of histograms."""
    from pathlib import Path

    from nextstat_arrow.model_files import read_parquet_model
    from nextstat_arrow.reading import read_parquet

    path = Path(path)
    if not (path.is_dir() or path.suffix == ".json"):
        if str(options.get("poi", "")).lower() == "none":
            options["poi"] = None
        return read_parquet(path, **options)
    for name in ("poi", "modifiers"):
        if options.pop(name, None) is not None:
            raise InputError(f"`{name}` is in the manifest; expected it for single files only")
    return read_parquet_model(path, **options)


def _write(model: Model, **options: Any) -> str:
    del model, options
    raise InputError(
        "Parquet is no text; expected a folder to write to", hint="write_parquet(model, folder)"
    )


def _write_files(model: Model, folder: Path, **options: Any) -> list[Path]:
    from nextstat_arrow.model_files import write_parquet

    return write_parquet(model, folder, **options)


@hookimpl
def nextstat_register_readers() -> list[ReaderSpec]:
    """The format ``parquet``: folders with a manifest, or single files of histograms."""
    return [
        ReaderSpec(
            "parquet",
            _detect,
            _read,
            "Parquet files of histograms and modifiers, with a manifest",
            read_file=_read_file,
            options={"signal": _SIGNAL, "poi": _POI, "modifiers": _MODIFIERS},
        )
    ]


@hookimpl
def nextstat_register_writers() -> list[WriterSpec]:
    """The format ``parquet``: a folder of Parquet files with a manifest."""
    return [
        WriterSpec(
            "parquet",
            _write,
            "Parquet files of histograms and modifiers, with a manifest",
            write_files=_write_files,
            options={"compression": _COMPRESSION},
        )
    ]
