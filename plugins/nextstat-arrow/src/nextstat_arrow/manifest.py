"""Manifests: what a Parquet file of histograms holds, so that a pipeline can tell when it changed.

The keys are those of ``nextstat.histograms_parquet_manifest.v1``. A manifest of a whole model has
one more, ``model``, with the modifiers, the measurement and the digests of all files. Paths are
relative to the folder of the manifest.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import UNSET, UnsetType

from nextstat_arrow.histograms import COLUMNS, HistogramTableStats
from nextstat_core.errors import FormatError
from nextstat_core.io import decode, read_text
from nextstat_core.io.document import MeasurementEntry

__all__ = [
    "SCHEMA_VERSION",
    "ChannelEntry",
    "ColumnEntry",
    "Manifest",
    "ModelPart",
    "SchemaEntry",
    "Source",
    "StatsEntry",
    "describe_file",
    "digest",
    "read_manifest",
    "schema_entry",
    "stats_entry",
    "to_json",
]

#: A path; JSON text as bytes, or the decoded manifest.
Source: TypeAlias = str | PathLike[str] | bytes | Mapping[str, Any]

SCHEMA_VERSION: Final = "nextstat.histograms_parquet_manifest.v1"
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
    encoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(manifest))
    return encoded


def read_manifest(source: Source) -> tuple[Manifest, Path]:
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
        table_schema=schema_entry(pq.read_schema(path)),
        stats=stats_entry(stats),
        observations_path=None,
    )


def digest(path: str | PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    state = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def schema_entry(schema: pa.Schema) -> SchemaEntry:
    """Describe the schema of a file."""
    plain = pa.schema([field.with_type(_plain_type(field.type)) for field in schema])
    text = plain.to_string(show_field_metadata=False, show_schema_metadata=False)
    return SchemaEntry(
        columns=tuple(
            ColumnEntry(name=column.name, type=column.type, required=column.required)
            for column in COLUMNS
            if column.name in schema.names
        ),
        arrow_schema_str=text,
        arrow_schema_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _plain_type(kind: pa.DataType) -> pa.DataType:
    # Entries of lists are called `item` or `element`, depending on the version that reads the file.
    return pa.list_(kind.value_type) if pa.types.is_list(kind) else kind


def stats_entry(stats: HistogramTableStats) -> StatsEntry:
    """Describe what a file holds."""
    return StatsEntry(
        n_rows=stats.n_rows,
        has_stat_error=stats.has_stat_error,
        channels=tuple(
            ChannelEntry(name=name, n_bins=count) for name, count in sorted(stats.channels.items())
        ),
    )
