"""A small model as XML and ROOT, that tests change in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from uproot.writing.identify import to_TAxis, to_TH1x

from nextstat_core.models import HistFactoryModel
from nextstat_root import read_histfactory

COMBINATION = """\
<!DOCTYPE Combination SYSTEM 'HistFactorySchema.dtd'>
<Combination OutputFilePrefix="results/model">
  {functions}
  <Input>SR.xml</Input>
  {measurements}
</Combination>
"""
MEASUREMENT = """\
<Measurement Name="search" Lumi="{lumi}" LumiRelErr="{error}" ExportOnly="True">
  {inside}
</Measurement>
"""
CHANNEL = """\
<!DOCTYPE Channel SYSTEM 'HistFactorySchema.dtd'>
<Channel Name="SR" InputFile="data.root" {channel}>
  {data}
  {statistics}
  <Sample Name="signal" HistoName="signal" NormalizeByTheory="True">
    <NormFactor Name="mu" Val="1" Low="0" High="5" />
  </Sample>
  <Sample Name="background" HistoName="background" {theory}>
    {systematics}
  </Sample>
</Channel>
"""
HISTOGRAMS = {
    "data": [11.0, 24.0, 32.0],
    "signal": [1.0, 4.0, 2.0],
    "background": [10.0, 20.0, 30.0],
    "up": [11.0, 23.0, 33.0],
    "down": [9.0, 18.0, 28.0],
    "relative": [0.02, 0.1, 0.2],
}


def histogram(
    values: Any,
    sumw2: Any = (),
    edges: Any = None,
    name: str = "h",
    title: str = "",
    flow: tuple[float, float] = (0.0, 0.0),
) -> Any:
    """A histogram for uproot to write; the type of `values` decides between TH1D, TH1F, ..."""
    values = np.asarray(values)
    n_bins = len(values)
    axis = to_TAxis(
        fName="xaxis",
        fTitle="",
        fNbins=n_bins,
        fXmin=0.0 if edges is None else edges[0],
        fXmax=float(n_bins) if edges is None else edges[-1],
        fXbins=None if edges is None else np.asarray(edges, dtype=float),
    )
    under, over = np.asarray(flow, values.dtype)
    return to_TH1x(
        name,
        title,
        np.concatenate([[under], values, [over]]),
        *(0.0,) * 5,
        np.concatenate([[flow[0]], sumw2, [flow[1]]]) if len(sumw2) else np.zeros(0),
        axis,
    )


@pytest.fixture(scope="session")
def th1() -> Callable[..., Any]:
    return histogram


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write the model; arguments replace parts of the XML, or histograms."""

    def write(
        *,
        poi: str | None = "mu",
        settings: str = "",
        measurements: str | None = None,
        lumi: float = 1.0,
        error: float = 0.1,
        data: str = '<Data HistoName="data" />',
        histograms: Mapping[str, Any] | None = None,
        **parts: str,
    ) -> Path:
        inside = ("" if poi is None else f"<POI>{poi}</POI>") + settings
        if measurements is None:
            measurements = MEASUREMENT.format(lumi=lumi, error=error, inside=inside)
        functions = parts.pop("functions", "")
        defaults = dict.fromkeys(("channel", "statistics", "systematics"), "")
        defaults["theory"] = 'NormalizeByTheory="True"'
        path = tmp_path / "combination.xml"
        path.write_text(COMBINATION.format(functions=functions, measurements=measurements))
        (tmp_path / "SR.xml").write_text(CHANNEL.format(data=data, **defaults | parts))
        with uproot.recreate(tmp_path / "data.root") as file:
            for name, values in {**HISTOGRAMS, **(histograms or {})}.items():
                file[name] = (
                    histogram(np.asarray(values, float)) if isinstance(values, list) else values
                )
        return path

    return write


@pytest.fixture
def load(make: Make) -> Callable[..., HistFactoryModel]:
    """Write the model and read it; `read` holds the arguments of the reader."""

    def loaded(*, read: Mapping[str, Any] | None = None, **parts: Any) -> HistFactoryModel:
        return HistFactoryModel(read_histfactory(make(**parts), **(read or {})))

    return loaded
