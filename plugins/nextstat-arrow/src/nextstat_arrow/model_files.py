"""Models in folders of Parquet files, and histograms in single ones with a manifest."""

from __future__ import annotations

import json
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextstat_arrow.build import build_model
from nextstat_arrow.files import read_parquet_table, write_parquet_table
from nextstat_arrow.histograms import COLUMNS, HistogramTable
from nextstat_arrow.manifest import ModelPart, describe_file, digest, read_manifest, to_json
from nextstat_arrow.manifest_check import validate_histograms_parquet_manifest
from nextstat_arrow.modifiers import MODIFIER_COLUMNS, ModifierTable
from nextstat_arrow.observations import read_observations
from nextstat_arrow.settings import measurement_entry, read_measurement
from nextstat_arrow.sources import as_table
from nextstat_arrow.tables import (
    histogram_table,
    modifier_table,
    plain_histograms,
    refuse_inexpressible,
)
from nextstat_core.errors import InputError, ModelError
from nextstat_core.io import decode, read_text
from nextstat_core.models import HistFactoryModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nextstat_arrow.files import Source
    from nextstat_arrow.manifest import Source as ManifestSource
    from nextstat_core.ir import Model

__all__ = [
    "read_histograms",
    "read_modifiers",
    "read_parquet_model",
    "write_histograms_parquet",
    "write_parquet",
]

_HISTOGRAMS = "histograms.parquet"
_MODIFIERS = "modifiers.parquet"
_OBSERVATIONS = "observations.json"
_MANIFEST = "manifest.json"


def write_parquet(
    model: HistFactoryModel | Model, folder: str | PathLike[str], *, compression: str = "zstd"
) -> list[Path]:
    """Write a model into a folder, so that `read_parquet_model` gives the same model again.

    Parameters
    ----------
    model : HistFactoryModel or nextstat_core.ir.Model
    folder : str or path
        Made if it does not exist; files of the same names are replaced.
    compression : {"zstd", "snappy", "gzip", "lz4", "none"}

    Returns
    -------
    list of Path
        ``manifest.json``, ``histograms.parquet``, ``modifiers.parquet`` and ``observations.json``.

    Raises
    ------
    InputError
        If the tables cannot express the model, naming what is in the way, or files cannot be
        written.
    """
    model = model.ir if isinstance(model, HistFactoryModel) else model
    refuse_inexpressible(model)
    folder = _made(folder)
    histograms, modifiers = histogram_table(model), modifier_table(model)
    write_parquet_table(histograms, folder / _HISTOGRAMS, compression)
    write_parquet_table(modifiers, folder / _MODIFIERS, compression)
    _write_json({each.name: each.observed for each in model.channels}, folder / _OBSERVATIONS)
    measurement = measurement_entry(model)
    manifest = describe_file(
        folder / _HISTOGRAMS,
        _HISTOGRAMS,
        HistogramTable.from_arrow(histograms).stats(),
        compression,
        measurement.config.poi or None,
    )
    manifest.observations_path = _OBSERVATIONS
    manifest.model = ModelPart(
        measurement=measurement,
        modifiers_path=_MODIFIERS,
        modifiers_sha256=digest(folder / _MODIFIERS),
        observations_sha256=digest(folder / _OBSERVATIONS),
    )
    _write_json(to_json(manifest), folder / _MANIFEST)
    return [folder / name for name in (_MANIFEST, _HISTOGRAMS, _MODIFIERS, _OBSERVATIONS)]


def read_parquet_model(
    source: ManifestSource,
    *,
    signal: str | Sequence[str] = "signal",
    check_sha256: bool = True,
) -> Model:
    """Read the model that a manifest describes.

    Parameters
    ----------
    source : path, bytes or mapping
        A manifest, or a folder with a ``manifest.json``.
    signal : str or sequence of str
        Samples that the parameter of interest scales, where the manifest has no modifiers.
    check_sha256 : bool
        Whether files must have the digests in the manifest. What histograms the file holds is
        compared in any case.

    Raises
    ------
    InputError
        If there is no manifest, or no sample `signal`.
    FormatError
        If files are not as the manifest describes them; lists every difference.
    ModelError
        If no usable model comes out; lists all problems.
    """
    if isinstance(source, str | PathLike) and Path(source).is_dir():
        source = Path(source) / _MANIFEST
    validate_histograms_parquet_manifest(source, check_sha256=check_sha256)
    manifest, folder = read_manifest(source)
    histograms = read_histograms(folder / manifest.parquet_path)
    observations = None
    if manifest.observations_path is not None:
        observations = decode(read_text(folder / manifest.observations_path)).usable()
    if not manifest.model:
        return build_model(histograms, poi=manifest.poi, signal=signal, observations=observations)
    measurement = read_measurement(manifest.model.measurement)
    return build_model(
        histograms,
        read_modifiers(folder / manifest.model.modifiers_path),
        poi=measurement.poi,
        signal=None,
        observations=observations,
        settings=measurement.settings,
        measurement=measurement.name or "",
    )


def read_histograms(source: Source) -> HistogramTable:
    """Read and check a Parquet file of histograms; see `HistogramTable.from_arrow`."""
    table, others = read_parquet_table(source, COLUMNS, "table of histograms")
    return HistogramTable.from_arrow(table, others=others)


def read_modifiers(source: Source) -> ModifierTable:
    """Read and check a Parquet file of modifiers; see `ModifierTable.from_arrow`."""
    table, others = read_parquet_table(source, MODIFIER_COLUMNS, "table of modifiers")
    return ModifierTable.from_arrow(table, others=others)


def write_histograms_parquet(
    table: Any,
    path: str | PathLike[str],
    *,
    compression: str = "zstd",
    write_manifest: bool = True,
    manifest_path: str | PathLike[str] | None = None,
    poi: str | None = "mu",
    observations: Mapping[str, Any] | None = None,
    observations_path: str | PathLike[str] | None = None,
) -> dict[str, Any]:
    """Check a table of histograms and write it as Parquet, with a manifest beside it.

    Parameters
    ----------
    table : pyarrow.Table or object
        As in `from_arrow`. Columns that mean nothing here are written as they are.
    path : str or path
    compression : {"zstd", "snappy", "gzip", "lz4", "none"}
    write_manifest : bool
        Whether the manifest is written, or only returned.
    manifest_path : str or path, optional
        Where; `path` with ``.manifest.json`` appended if left out.
    poi : str or None
        What the manifest calls the parameter of interest.
    observations : mapping of str to list of float, optional
        Counts by channel, written as JSON.
    observations_path : str or path, optional
        Where; `path` with ``.observations.json`` appended if left out. Without `observations`, a
        file that is there already.

    Returns
    -------
    dict
        The manifest; its paths are absolute.

    Raises
    ------
    InputError, FormatError, ModelError
        As in `from_arrow`, or if files cannot be written.
    """
    source = as_table(table, "table of histograms")
    histograms = HistogramTable.from_arrow(source)
    path = Path(path).absolute()
    _made(path.parent)
    if observations is not None:
        observed = read_observations(observations, histograms)
        if observed.problems:
            raise ModelError(observed.problems)
        observations_path = observations_path or f"{path}.observations.json"
        _write_json({name: observed.counts[name] for name in observations}, observations_path)
    write_parquet_table(plain_histograms(histograms, source), path, compression)
    manifest = describe_file(path, str(path), histograms.stats(), compression, poi)
    if observations_path is not None:
        manifest.observations_path = str(Path(observations_path).absolute())
    document = to_json(manifest)
    if write_manifest:
        _write_json(document, manifest_path or f"{path}.manifest.json")
    return document


def _made(folder: str | PathLike[str]) -> Path:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {fspath(folder)!r}: {error}") from error
    return Path(folder)


def _write_json(value: Any, path: str | PathLike[str]) -> None:
    try:
        Path(path).write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {fspath(path)!r}: {error}") from error
