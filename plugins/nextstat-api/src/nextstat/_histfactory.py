"""HistFactory XML and ROOT files, from the plugin nextstat-root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from nextstat._model import HistFactoryModel, log_warnings
from nextstat_core import io

if TYPE_CHECKING:
    from os import PathLike

    from nextstat_core.backend import Backend
    from nextstat_core.io import InterpolationChoice

__all__ = [
    "from_histfactory_xml",
    "histfactory_bin_edges_by_channel",
    "read_root_histogram",
    "workspace_to_xml",
]


def from_histfactory_xml(
    xml_path: str | PathLike[str],
    *,
    base_dir: str | PathLike[str] | None = None,
    measurement: str | None = None,
    poi: Any = io.DECLARED,
    interpolation: InterpolationChoice = None,
    conventions: Literal["root", "pyhf"] = "root",
    missing_data: Literal["error", "asimov"] = "error",
    backend: str | Backend | None = None,
    device: str | None = None,
) -> HistFactoryModel:
    """Create a model from HistFactory XML with its ROOT files.

    What is odd about the files is in ``model.warnings``, and logged once.

    Parameters
    ----------
    xml_path : path
        The file with the ``<Combination>``, or a folder that has one such file.
    base_dir : path, optional
        Folder that the paths in the XML are relative to. Left out, it is searched: the folder of
        the file, three above it, and the working directory.
    measurement : str, optional
        Name of the measurement; the first one of the file if left out.
    poi : str or None, optional
        Name of the parameter of interest, or None for a model without one. Left out, the
        measurement declares it.
    interpolation : str or mapping, optional
        As in `from_pyhf`.
    conventions : {"root", "pyhf"}
        Read as ROOT's ``hist2workspace`` does, or as ``pyhf.readxml``: they differ in the
        constraints of statistical errors, among others.
    missing_data : {"error", "asimov"}
        What becomes of a channel without data: an error, or the expected counts at the start values
        of all parameters, as in ROOT.
    backend, device
        As in `from_pyhf`.

    Returns
    -------
    HistFactoryModel

    Raises
    ------
    InputError
        If the plugin or the file is missing, or an argument cannot be used.
    FormatError
        If the file is no XML, or not a ``<Combination>``.
    ModelError
        If files, histograms or settings are missing or contradict each other; lists all problems of
        all files at once.
    """
    model = HistFactoryModel.from_xml(
        xml_path,
        base_dir=base_dir,
        measurement=measurement,
        poi=poi,
        interpolation=interpolation,
        conventions=conventions,
        missing_data=missing_data,
        backend=backend,
        device=device,
    )
    log_warnings(model)
    return model


def histfactory_bin_edges_by_channel(
    xml_path: str | PathLike[str], *, base_dir: str | PathLike[str] | None = None
) -> dict[str, list[float]]:
    """Edges of the bins of each channel of a HistFactory XML model.

    Arguments and errors are those of ``nextstat.root.histfactory_bin_edges_by_channel``.

    Returns
    -------
    dict
        Channel to n_bins + 1 numbers in the unit of the axis, channels in the order of the file.
    """
    from nextstat import root

    return root.histfactory_bin_edges_by_channel(xml_path, base_dir=base_dir)


def read_root_histogram(root_path: str | PathLike[str], hist_path: str) -> dict[str, Any]:
    """Read a one-dimensional histogram from a ROOT file.

    Arguments and errors are those of ``nextstat.root.read_root_histogram``.

    Returns
    -------
    dict
        ``name``, ``title``, ``bin_edges``, ``bin_content``, ``sumw2`` (None without squared
        weights), ``underflow``, ``overflow``, ``underflow_sumw2``, ``overflow_sumw2``.
    """
    from nextstat import root

    return root.read_root_histogram(root_path, hist_path)


def workspace_to_xml(
    workspace: Any, output_prefix: str = "output", *, measurement: str | None = None
) -> list[tuple[str, str]]:
    """HistFactory XML of a workspace, without its histograms.

    ``nextstat.root.write_histfactory`` writes both.

    Parameters
    ----------
    workspace : str, bytes, mapping or path
        As in `from_pyhf`.
    output_prefix : str
        Folder in the names of the files.
    measurement : str, optional
        Name of the measurement; the first one if left out.

    Returns
    -------
    list of (str, str)
        Names and texts; the first file holds the ``<Combination>``.

    Raises
    ------
    InputError
        If XML cannot express the workspace; lists all reasons at once.
    FormatError, ModelError
        As in `from_pyhf`.
    """
    from nextstat import root

    model = HistFactoryModel.from_workspace(workspace, measurement=measurement, poi=io.DECLARED)
    texts = root.histfactory_files(model.ir).texts
    return [(f"{output_prefix}/{name}", text) for name, text in texts.items()]
