"""Models from tables, IPC streams and Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_arrow.build import build_model
from nextstat_arrow.files import read_ipc
from nextstat_arrow.histograms import HistogramTable
from nextstat_arrow.model_files import read_histograms, read_modifiers
from nextstat_arrow.modifiers import ModifierTable
from nextstat_arrow.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from nextstat_arrow.files import Source
    from nextstat_core.ir import Model

__all__ = ["read_arrow", "read_arrow_ipc", "read_parquet"]


def read_arrow(
    table: Any,
    *,
    poi: str | None = "mu",
    observations: Any = None,
    signal: str | Sequence[str] = "signal",
    modifiers: Any = None,
    parameters: Sequence[Mapping[str, Any]] = (),
) -> Model:
    """Read a model from tables in memory.

    Parameters
    ----------
    table : pyarrow.Table or object
        Histograms: one row per channel and sample, with the columns ``channel``, ``sample``,
        ``yields`` and perhaps ``stat_error``. Tables, record batches and readers of pyarrow, or
        anything with ``__arrow_c_stream__``.
    poi : str or None
        Name of the parameter of interest; None for a model without one.
    observations : mapping of str to list of float, or table, optional
        Counts by channel, or a table with the columns ``channel`` and ``observed``. Channels
        without any get the sums of their nominal yields (Asimov data); `warnings` lists them.
    signal : str or sequence of str
        Samples that the parameter of interest scales, unless `modifiers` has one of its name.
    modifiers : pyarrow.Table or object, optional
        One row per modifier of a sample, with the columns ``channel``, ``sample``,
        ``modifier_name``, ``modifier_type`` and perhaps ``data_hi``, ``data_lo``, ``data``,
        ``interpolation`` and ``parameters``.
    parameters : sequence of mapping
        Settings of parameters, as in ``config.parameters`` of a pyhf workspace.

    Raises
    ------
    InputError
        If an argument is of no known form, or there is no sample `signal`.
    FormatError
        If columns are missing, or have types that cannot be converted without loss.
    ModelError
        If no usable model comes out; lists all problems.
    """
    return build_model(
        HistogramTable.from_arrow(table),
        None if modifiers is None else ModifierTable.from_arrow(modifiers),
        poi=poi,
        signal=signal,
        observations=observations,
        settings=read_settings(parameters),
    )


def read_arrow_ipc(data: Any, **options: Any) -> Model:
    """Read a model from an IPC stream of histograms.

    Parameters
    ----------
    data : bytes-like
    **options
        Those of `read_arrow`.

    Raises
    ------
    InputError, FormatError, ModelError
        As in `read_arrow`, and if `data` is no IPC stream.
    """
    return read_arrow(read_ipc(data, "table of histograms"), **options)


def read_parquet(
    source: Source,
    *,
    modifiers: str | PathLike[str] | bytes | None = None,
    poi: str | None = "mu",
    observations: Any = None,
    signal: str | Sequence[str] = "signal",
    parameters: Sequence[Mapping[str, Any]] = (),
) -> Model:
    """Read a model from Parquet files.

    Parameters
    ----------
    source : str, path or bytes
        Histograms: a path, or the content of a file.
    modifiers : str, path or bytes, optional
        A file of modifiers.
    poi, observations, signal, parameters
        As in `read_arrow`.

    Raises
    ------
    InputError, FormatError, ModelError
        As in `read_arrow`, and if a file cannot be read.
    """
    return build_model(
        read_histograms(source),
        None if modifiers is None else read_modifiers(modifiers),
        poi=poi,
        signal=signal,
        observations=observations,
        settings=read_settings(parameters),
    )
