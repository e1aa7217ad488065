"""The simplest workspace that is of use: one channel, a signal and a background."""

from collections.abc import Sequence
from typing import Any

from nextstat_core.errors import InputError

__all__ = ["simplemodel_uncorrelated"]


def simplemodel_uncorrelated(
    signal: Sequence[float], bkg: Sequence[float], bkg_uncertainty: Sequence[float]
) -> dict[str, Any]:
    """Workspace of one channel whose background has independent uncertainties in all bins.

    The signal is scaled by the parameter of interest ``mu``; the background has a ``shapesys``. The
    observed counts are the background.

    Parameters
    ----------
    signal, bkg : sequence of float, shape (n_bins,)
        Expected counts.
    bkg_uncertainty : sequence of float, shape (n_bins,)
        Absolute uncertainties of the background.

    Returns
    -------
    dict
        A decoded workspace, with the names of pyhf's `simplemodels.uncorrelated_background`.

    Raises
    ------
    InputError
        If the lists are no numbers, empty, or of different lengths.
    """
    columns = {"signal": signal, "bkg": bkg, "bkg_uncertainty": bkg_uncertainty}
    signal, bkg, bkg_uncertainty = (_numbers(name, values) for name, values in columns.items())
    for name, values in (("bkg", bkg), ("bkg_uncertainty", bkg_uncertainty)):
        if len(values) != len(signal):
            raise InputError.length(name, expected=len(signal), found=len(values))
    mu = {"name": "mu", "type": "normfactor", "data": None}
    uncertainty = {"name": "uncorr_bkguncrt", "type": "shapesys", "data": bkg_uncertainty}
    samples = [
        {"name": "signal", "data": signal, "modifiers": [mu]},
        {"name": "background", "data": bkg, "modifiers": [uncertainty]},
    ]
    return {
        "channels": [{"name": "singlechannel", "samples": samples}],
        "observations": [{"name": "singlechannel", "data": list(bkg)}],
        "measurements": [{"name": "Measurement", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }


def _numbers(name: str, values: Sequence[float]) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"`{name}` cannot be read as a list of numbers: {error}") from error
    if not numbers:
        raise InputError(f"`{name}` is empty; expected one entry per bin")
    return numbers
