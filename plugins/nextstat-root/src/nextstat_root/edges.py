"""Edges of bins, which a model does not keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nextstat_core.errors import ModelError
from nextstat_root.findings import Findings
from nextstat_root.inputs import channel_elements
from nextstat_root.locate import Locator, find_combination
from nextstat_root.store import HistogramStore
from nextstat_root.xmlfile import read_xml

if TYPE_CHECKING:
    from os import PathLike
    from xml.etree.ElementTree import Element

    from nextstat_root.histogram import Histogram

__all__ = ["histfactory_bin_edges_by_channel"]


def histfactory_bin_edges_by_channel(
    xml_path: str | PathLike[str], *, base_dir: str | PathLike[str] | None = None
) -> dict[str, list[float]]:
    """Edges of the bins of each channel of a HistFactory XML model.

    They are those of the nominal histogram of the channel's first sample.

    Parameters
    ----------
    xml_path : path
        The file with the ``<Combination>``, or a folder that has one such file.
    base_dir : path, optional
        Folder that the paths in the XML are relative to; searched if left out, see
        `read_histfactory`.

    Returns
    -------
    dict
        Channel to n_bins + 1 numbers in the unit of the axis, channels in the order of the file.

    Raises
    ------
    InputError
        If the file does not exist.
    FormatError
        If it is no XML, or not a ``<Combination>``.
    ModelError
        If a channel or its histogram is missing, or has more than one axis.
    """
    file = find_combination(Path(xml_path))
    root = read_xml(file, "Combination")
    findings = Findings()
    locator = Locator(file, None if base_dir is None else Path(base_dir))
    edges: dict[str, list[float]] = {}
    with HistogramStore(locator, findings, top_level_first=False) as store:
        for _, channel in channel_elements(root, locator, findings):
            histogram = _first_histogram(channel, store)
            place = f"channel {channel.get('Name', '')!r}"
            if histogram is not None and len(histogram.axes) > 1:
                findings.refuse(place, f"has {len(histogram.axes)} axes; expected one")
            elif histogram is not None:
                edges[channel.get("Name", "")] = histogram.axes[0].edges().tolist()
    if findings.problems:
        raise ModelError(findings.problems)
    return edges


def _first_histogram(channel: Element, store: HistogramStore) -> Histogram | None:
    sample = channel.find("Sample")
    attributes: dict[str, str] = {} if sample is None else sample.attrib
    return store.histogram(
        f"channel {channel.get('Name', '')!r}",
        attributes.get("InputFile") or channel.get("InputFile") or "",
        attributes.get("HistoPath", channel.get("HistoPath") or ""),
        attributes.get("HistoName", ""),
    )
