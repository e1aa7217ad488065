"""Histograms to a ROOT file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import uproot
from uproot.writing.identify import to_TAxis, to_TH1x

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["write_histograms"]


def write_histograms(
    path: Path, histograms: Mapping[str, tuple[Sequence[float], Sequence[float] | None]]
) -> None:
    """Write histograms of type TH1D with bins of width 1.

    Parameters
    ----------
    path : Path
        The file, replaced if it exists.
    histograms : mapping of str to tuple
        By name: contents, and their uncertainties or None. Both have one entry for each bin.
    """
    with uproot.recreate(path) as file:
        for name, (values, errors) in histograms.items():
            file[name] = _histogram(name, values, errors)


def _histogram(name: str, values: Sequence[float], errors: Sequence[float] | None) -> Any:
    n_bins = len(values)
    contents = np.asarray(values, dtype=float)
    return to_TH1x(
        fName=name,
        fTitle="",
        data=_with_flow(contents),
        fEntries=float(n_bins),
        fTsumw=float(contents.sum()),
        fTsumw2=0.0,
        fTsumwx=0.0,
        fTsumwx2=0.0,
        fSumw2=np.zeros(0) if errors is None else _with_flow(np.asarray(errors, float) ** 2),
        fXaxis=to_TAxis(fName="xaxis", fTitle="", fNbins=n_bins, fXmin=0.0, fXmax=float(n_bins)),
    )


def _with_flow(values: Any) -> Any:
    return np.concatenate([[0.0], values, [0.0]])
