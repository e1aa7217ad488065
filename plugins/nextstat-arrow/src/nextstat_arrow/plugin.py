"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.hooks import ReaderSpec, WriterSpec, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from nextstat_core.ir import Model

__all__ = ["nextstat_register_readers", "nextstat_register_writers"]

_MAGIC = b"PAR1"
_MANIFEST = b"nextstat.histograms_parquet_manifest.v1"
_SIGNAL = "sample that the parameter of interest scales (signal)"
_POI = "name of the parameter of interest, none for a model without one (mu)"
_MODIFIERS = "Parquet file with the modifiers"
_OPTIONS = {"signal": _SIGNAL, "poi": _POI, "modifiers": _MODIFIERS}
_COMPRESSION = "zstd, snappy, gzip, lz4 or none (zstd)"


def _detect(text: str | bytes) -> bool:
    """Whether it is a manifest, or the content of a Parquet file."""
    content = text.encode(errors="replace") if isinstance(text, str) else text
    return content.startswith(_MAGIC) or _MANIFEST in content


def _read(text: str | bytes, **options: Any) -> Model:
    """The model of a file's content; paths of a manifest are relative to the current folder."""
    from nextstat_arrow.model_files import read_parquet_model
    from nextstat_arrow.reading import read_parquet

    content = text.encode() if isinstance(text, str) else text
    if content.startswith(_MAGIC):
        return read_parquet(content, **_plain(options))
    return read_parquet_model(content, **_of_manifest(options))


def _read_file(path: str | Path, **options: Any) -> Model:
    """The model of a folder, a manifest, or a Parquet file of histograms."""
    from pathlib import Path

    from nextstat_arrow.model_files import read_parquet_model
    from nextstat_arrow.reading import read_parquet

    path = Path(path)
    if path.is_dir() or path.suffix == ".json":
        return read_parquet_model(path, **_of_manifest(options))
    return read_parquet(path, **_plain(options))


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options of a single file; on a command line, a model without a poi is asked for by name."""
    _refuse_others(options)
    none = str(options.get("poi", "")).lower() == "none"
    return options | {"poi": None} if none else options


def _refuse_others(options: dict[str, Any]) -> None:
    for name in options:
        if name not in _OPTIONS:
            raise InputError.unknown("option of a Parquet file", name, list(_OPTIONS))


def _of_manifest(options: dict[str, Any]) -> dict[str, Any]:
    _refuse_others(options)
    for name in ("poi", "modifiers"):
        if options.get(name) is not None:
            raise InputError(f"`{name}` is in the manifest; expected it for single files only")
    return {name: value for name, value in options.items() if name not in ("poi", "modifiers")}


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
            options=_OPTIONS,
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
