"""Models from Arrow tables and Parquet files, from the plugin nextstat-arrow, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat._model import HistFactoryModel, log_warnings

if TYPE_CHECKING:
    from os import PathLike

    import pyarrow as pa

    from nextstat_core.backend import Backend
    from nextstat_core.ir import Model
    from nextstat_core.typing import ArrayLike

__all__ = [
    "from_arrow",
    "from_arrow_ipc",
    "from_parquet",
    "from_parquet_manifest",
    "from_parquet_with_modifiers",
    "to_arrow",
    "to_arrow_params_ipc",
    "to_arrow_yields_ipc",
]


def from_arrow(
    table: Any,
    *,
    poi: str | None = "mu",
    observations: Any = None,
    backend: str | Backend | None = None,
    device: str | None = None,
    **options: Any,
) -> HistFactoryModel:
    """Create a model from a table of histograms.

    What is odd about the table is in ``model.warnings``, and logged once.

    Parameters
    ----------
    table : pyarrow.Table or object
        One row per channel and sample, with the columns ``channel``, ``sample``, ``yields`` and
        perhaps ``stat_error``. Tables, record batches and readers of pyarrow, or anything with
        ``__arrow_c_stream__``: data frames of polars and pandas, relations of DuckDB.
    poi : str or None
        Name of the parameter of interest: a free factor on the sample ``signal``. None makes a
        model without one.
    observations : mapping of str to list of float, or table, optional
        Counts by channel, or a table with the columns ``channel`` and ``observed``. Channels
        without any get the sums of their nominal yields (Asimov data).
    backend : str or Backend, optional
        Where the model is evaluated, see `from_pyhf`.
    device : str, optional
        Device, see `from_pyhf`.
    **options
        ``signal``, ``modifiers`` and ``parameters`` of `nextstat.arrow.read_arrow`: other names of
        signal samples, a table of modifiers, and settings of parameters.

    Raises
    ------
    InputError
        If an argument is of no known form, or there is no sample ``signal``.
    FormatError
        If columns are missing, or have types that cannot be converted without loss.
    ModelError
        If no usable model comes out; lists all problems.
    ModuleNotFoundError
        If the plugin nextstat-arrow is not installed; says how to install it.
    """
    from nextstat.arrow import read_arrow

    model = read_arrow(table, poi=poi, observations=observations, **options)
    return _evaluated(model, backend, device)


def from_arrow_ipc(
    ipc_bytes: Any,
    poi: str | None = "mu",
    observations: Any = None,
    *,
    backend: str | Backend | None = None,
    device: str | None = None,
    **options: Any,
) -> HistFactoryModel:
    """Create a model from histograms in an Arrow IPC stream; the rest is as in `from_arrow`."""
    from nextstat.arrow import read_arrow_ipc

    model = read_arrow_ipc(ipc_bytes, poi=poi, observations=observations, **options)
    return _evaluated(model, backend, device)


def from_parquet(
    path: str | PathLike[str],
    *,
    poi: str | None = "mu",
    observations: Any = None,
    backend: str | Backend | None = None,
    device: str | None = None,
    **options: Any,
) -> HistFactoryModel:
    """Create a model from a Parquet file of histograms; the rest is as in `from_arrow`.

    Files may be compressed with zstd, snappy, gzip or lz4. The option ``modifiers`` is a path.
    """
    from nextstat.arrow import read_parquet

    model = read_parquet(path, poi=poi, observations=observations, **options)
    return _evaluated(model, backend, device)


def from_parquet_with_modifiers(
    yields_path: str | PathLike[str],
    modifiers_path: str | PathLike[str],
    *,
    poi: str | None = "mu",
    observations: Any = None,
    backend: str | Backend | None = None,
    device: str | None = None,
    **options: Any,
) -> HistFactoryModel:
    """Create a model from Parquet files of histograms and of modifiers.

    If no modifier is called `poi`, it is a free factor on the sample ``signal``. The rest is as in
    `from_arrow`.
    """
    from nextstat.arrow import read_parquet

    options = {"poi": poi, "observations": observations, **options}
    return _evaluated(
        read_parquet(yields_path, modifiers=modifiers_path, **options), backend, device
    )


def from_parquet_manifest(
    path: str | PathLike[str],
    *,
    check_sha256: bool = True,
    backend: str | Backend | None = None,
    device: str | None = None,
    **options: Any,
) -> HistFactoryModel:
    """Create the model that a manifest describes, as `nextstat.arrow.write_parquet` writes it.

    Parameters
    ----------
    path : str or path
        A manifest, or a folder with a ``manifest.json``.
    check_sha256 : bool
        Whether files must have the digests in the manifest.
    backend : str or Backend, optional
        Where the model is evaluated, see `from_pyhf`.
    device : str, optional
        Device, see `from_pyhf`.
    **options
        ``signal``: name of the signal sample, where the manifest has no modifiers.

    Raises
    ------
    FormatError
        If files are not as the manifest describes them; lists every difference.
    InputError, ModelError
        As in `from_arrow`.
    """
    from nextstat.arrow import read_parquet_model

    model = read_parquet_model(path, check_sha256=check_sha256, **options)
    return _evaluated(model, backend, device)


def to_arrow(
    model: HistFactoryModel, *, params: ArrayLike | None = None, what: str = "yields"
) -> pa.Table:
    """Export expected yields or parameters; see `nextstat.arrow.to_arrow`."""
    from nextstat.arrow import to_arrow as export

    return export(model, params=params, what=what)


def to_arrow_yields_ipc(model: HistFactoryModel, params: ArrayLike | None = None) -> bytes:
    """Export expected yields per channel as an Arrow IPC stream."""
    from nextstat.arrow import to_arrow_yields_ipc as export

    return export(model, params)


def to_arrow_params_ipc(model: HistFactoryModel, params: ArrayLike | None = None) -> bytes:
    """Export names, values and bounds of parameters as an Arrow IPC stream."""
    from nextstat.arrow import to_arrow_params_ipc as export

    return export(model, params)


def _evaluated(model: Model, backend: str | Backend | None, device: str | None) -> HistFactoryModel:
    created = HistFactoryModel(model, backend=backend, device=device)
    log_warnings(created)
    return created
