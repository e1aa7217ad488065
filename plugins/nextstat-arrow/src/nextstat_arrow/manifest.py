"""Manifests: what a Parquet file of histograms holds, so that a pipeline can tell when it changed.

The keys are those of ``nextstat.histograms_parquet_manifest.v1``. A manifest of a whole model has
one more, ``model``, with the modifiers, the measurement and the digests of all files. Paths are
relative to the folder of the manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import UNSET, UnsetType

from nextstat_arrow.files import read_parquet_table
from nextstat_arrow.histograms import COLUMNS, HistogramTable, HistogramTableStats
from nextstat_core.errors import FormatError, InputError, NextstatError, closest
from nextstat_core.io import decode, read_text
from nextstat_core.io.document import MeasurementEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SCHEMA_VERSION",
    "Manifest",
    "ModelPart",
    "describe_file",
    "digest",
    "read_manifest",
    "to_json",
    "validate_histograms_parquet_manifest",
]

SCHEMA_VERSION = "nextstat.histograms_parquet_manifest.v1"
_CHUNK = 2**20


class _Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An object of the manifest; unknown keys are refused, since they would be lost."""


class ColumnEntry(_Entry):
    """One column of the table."""

    name: str
    type: str
    required: bool


class SchemaEntry(_Entry):
    """Columns, and the file's Arrow schema as text with its digest."""

    columns: tuple[ColumnEntry, ...]
    arrow_schema_str: str
    arrow_schema_sha256: str


class ChannelEntry(_Entry):
    """A channel and its number of bins."""

    name: str
    n_bins: int


class StatsEntry(_Entry):
    """What the table holds; channels by name."""

    n_rows: int
    has_stat_error: bool
    channels: tuple[ChannelEntry, ...]


class ModelPart(_Entry):
    """What makes a model of the histograms."""

    measurement: MeasurementEntry
    modifiers_path: str
    modifiers_sha256: str
    observations_sha256: str


class Manifest(_Entry):
    """A manifest; see the module."""

    schema_version: Literal["nextstat.histograms_parquet_manifest.v1"]
    created_at_utc: str
    poi: str | None
    parquet_path: str
    parquet_sha256: str
    parquet_compression: str
    table_schema: SchemaEntry
    stats: StatsEntry
    observations_path: str | None
    model: ModelPart | UnsetType = UNSET


def to_json(manifest: Manifest) -> dict[str, Any]:
    """The manifest as dicts and lists."""
    encoded: dict[str, Any] = msgspec.to_builtins(manifest)
    return encoded


def read_manifest(
    source: str | PathLike[str] | bytes | Mapping[str, Any],
) -> tuple[Manifest, Path]:
    """Read a manifest, and the folder that its paths are relative to.

    Parameters
    ----------
    source : path, bytes or mapping
        A path; JSON text as bytes, or the decoded manifest, whose folder is the current one.

    Raises
    ------
    InputError
        If the file cannot be read.
    FormatError
        If it is no manifest, or a key is missing, unknown or of another type.
    """
    folder = Path()
    if isinstance(source, Mapping | bytes):
        document = decode(source).usable()
    else:
        folder = Path(fspath(source)).parent
        document = decode(read_text(source)).usable()
    version = document.get("schema_version") if isinstance(document, Mapping) else None
    if version != SCHEMA_VERSION:
        raise FormatError(
            f"this is no manifest: `schema_version` is {version!r}; expected {SCHEMA_VERSION!r}"
        )
    try:
        return msgspec.convert(document, Manifest), folder
    except msgspec.ValidationError as error:
        raise FormatError(f"the manifest cannot be used: {error}") from error


def describe_file(
    path: Path, written_as: str, stats: HistogramTableStats, compression: str, poi: str | None
) -> Manifest:
    """The manifest of a Parquet file of histograms.

    Parameters
    ----------
    path : Path
        Where the file is.
    written_as : str
        What the manifest calls it.
    stats : HistogramTableStats
    compression : str
    poi : str or None
    """
    return Manifest(
        schema_version=SCHEMA_VERSION,
        created_at_utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        poi=poi,
        parquet_path=written_as,
        parquet_sha256=digest(path),
        parquet_compression=compression,
        table_schema=_schema_entry(pq.read_schema(path)),
        stats=_stats_entry(stats),
        observations_path=None,
    )


def digest(path: str | PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    state = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def _schema_entry(schema: pa.Schema) -> SchemaEntry:
    text = schema.to_string(show_field_metadata=False, show_schema_metadata=False)
    return SchemaEntry(
        columns=tuple(
            ColumnEntry(name=column.name, type=column.type, required=column.required)
            for column in COLUMNS
            if column.name in schema.names
        ),
        arrow_schema_str=text,
        arrow_schema_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _stats_entry(stats: HistogramTableStats) -> StatsEntry:
    return StatsEntry(
        n_rows=stats.n_rows,
        has_stat_error=stats.has_stat_error,
        channels=tuple(
            ChannelEntry(name=name, n_bins=count) for name, count in sorted(stats.channels.items())
        ),
    )


def validate_histograms_parquet_manifest(
    manifest: Mapping[str, Any] | str | PathLike[str], *, check_sha256: bool = True
) -> None:
    """Check that a manifest describes its files as they are.

    Parameters
    ----------
    manifest : mapping or path
        Paths in it are relative to its folder; those of a mapping to the current one.
    check_sha256 : bool
        Whether digests of files are compared. What the file holds is compared in any case.

    Raises
    ------
    InputError
        If the manifest cannot be read.
    FormatError
        If it is no manifest, or files are missing, unreadable or not as described; lists every
        difference.
    """
    checked, folder = read_manifest(manifest)
    differences = [*_differences(checked, folder, check_sha256=check_sha256)]
    if differences:
        lines = "".join(f"\n  - {difference}" for difference in differences)
        raise FormatError(f"the manifest does not describe its files:{lines}")


def _differences(manifest: Manifest, folder: Path, *, check_sha256: bool) -> Iterator[str]:
    path = folder / manifest.parquet_path
    if (missing := _missing("parquet_path", path)) is not None:
        yield missing
    else:
        if check_sha256:
            yield from _compared("parquet_sha256", manifest.parquet_sha256, digest(path))
        yield from _other_content(manifest, path)
    part, files = manifest.model, []
    if manifest.observations_path is not None:
        expected = part.observations_sha256 if part else None
        files.append(("observations", manifest.observations_path, expected))
    if part:
        files.append(("modifiers", part.modifiers_path, part.modifiers_sha256))
        yield from _compared("poi", manifest.poi or "", part.measurement.config.poi, "measurement")
    for what, name, expected in files:
        if (missing := _missing(f"{what}_path", folder / name)) is not None:
            yield missing
        elif check_sha256 and expected is not None:
            yield from _compared(f"{what}_sha256", expected, digest(folder / name))


def _other_content(manifest: Manifest, path: Path) -> Iterator[str]:
    try:
        table, _ = read_parquet_table(path, COLUMNS, "table of histograms")
        stats = HistogramTable.from_arrow(table).stats()
        with pq.ParquetFile(path) as file:
            schema, metadata = _schema_entry(file.schema_arrow), file.metadata
            used = {
                metadata.row_group(i).column(j).compression.lower()
                for i in range(metadata.num_row_groups)
                for j in range(metadata.num_columns)
            }
    except NextstatError as error:
        yield f"parquet_path: {error}"
        return
    declared = manifest.table_schema
    text, sha256 = declared.arrow_schema_str, declared.arrow_schema_sha256
    compression = manifest.parquet_compression.lower()
    used = {"none" if each == "uncompressed" else each.replace("_raw", "") for each in used}
    yield from _compared("parquet_compression", compression, ", ".join(sorted(used)))
    yield from _compared("table_schema.arrow_schema_str", text, schema.arrow_schema_str)
    yield from _compared(
        "table_schema.arrow_schema_sha256", sha256, hashlib.sha256(text.encode()).hexdigest(), "text"
    )
    yield from _compared("table_schema.columns", _types(declared.columns), _types(schema.columns))
    yield from _other_stats(manifest.stats, _stats_entry(stats))


def _other_stats(declared: StatsEntry, found: StatsEntry) -> Iterator[str]:
    yield from _compared("stats.n_rows", declared.n_rows, found.n_rows)
    yield from _compared("stats.has_stat_error", declared.has_stat_error, found.has_stat_error)
    expected = {entry.name: entry.n_bins for entry in declared.channels}
    actual = {entry.name: entry.n_bins for entry in found.channels}
    for name, n_bins in expected.items():
        if name not in actual:
            similar = closest(name, actual)
            yield f"stats.channels: the file has no channel {name!r}" + f"; {similar}" * bool(similar)
        else:
            yield from _compared(f"stats.channels, n_bins of {name!r}", n_bins, actual[name])
    for name in actual.keys() - expected.keys():
        yield f"stats.channels: the manifest has no channel {name!r}, and the file does"


def _types(columns: Sequence[ColumnEntry]) -> str:
    return ", ".join(
        f"{each.name}: {each.type}" + (" (required)" if each.required else "") for each in columns
    )


def _compared(key: str, declared: object, found: object, what: str = "file") -> Iterator[str]:
    if declared != found:
        yield f"{key}: the manifest says {declared!r}; the {what} has {found!r}"


def _missing(key: str, path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except (OSError, ValueError) as error:
        return f"{key}: cannot read {str(path)!r}: {error}"
