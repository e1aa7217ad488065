"""Whether a manifest describes its files as they are."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from nextstat_arrow.files import read_parquet_table
from nextstat_arrow.histograms import COLUMNS, HistogramTable
from nextstat_arrow.manifest import digest, read_manifest, schema_entry, stats_entry
from nextstat_core.errors import FormatError, NextstatError, closest
from nextstat_core.io.containers import column_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from nextstat_arrow.manifest import ColumnEntry, Manifest, Source, StatsEntry

__all__ = ["validate_histograms_parquet_manifest"]


def validate_histograms_parquet_manifest(manifest: Source, *, check_sha256: bool = True) -> None:
    """Check that a manifest describes its files as they are.

    Parameters
    ----------
    manifest : path, bytes or mapping
        Paths in it are relative to its folder; without one, to the current folder.
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
        schema = schema_entry(pq.read_schema(path))
        with pa.OSFile(str(path)) as file:
            used = {chunk.compression for chunk in column_chunks(file)}
    except NextstatError as error:
        yield f"parquet_path: {error}"
        return
    declared = manifest.table_schema
    text, sha256 = declared.arrow_schema_str, declared.arrow_schema_sha256
    compression = manifest.parquet_compression.lower()
    yield from _compared("parquet_compression", compression, ", ".join(sorted(used)))
    yield from _compared("table_schema.arrow_schema_str", text, schema.arrow_schema_str)
    yield from _compared(
        "table_schema.arrow_schema_sha256",
        sha256,
        hashlib.sha256(text.encode()).hexdigest(),
        "text",
    )
    yield from _compared("table_schema.columns", _types(declared.columns), _types(schema.columns))
    yield from _other_stats(manifest.stats, stats_entry(stats))


def _other_stats(declared: StatsEntry, found: StatsEntry) -> Iterator[str]:
    yield from _compared("stats.n_rows", declared.n_rows, found.n_rows)
    yield from _compared("stats.has_stat_error", declared.has_stat_error, found.has_stat_error)
    expected = {entry.name: entry.n_bins for entry in declared.channels}
    actual = {entry.name: entry.n_bins for entry in found.channels}
    for name, n_bins in expected.items():
        if name not in actual:
            similar = closest(name, actual)
            yield f"stats.channels: the file has no channel {name!r}" + f"; {similar}" * bool(
                similar
            )
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
