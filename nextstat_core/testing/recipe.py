"""What a generated workspace holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["Recipe", "Workspace"]

#: A pyhf workspace: the dictionary that `json.dumps` turns into the document.
Workspace: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a generated workspace holds.

    The first sample, 'signal', is scaled by the parameter of interest 'mu'; the others are
    backgrounds ('bkg_1', 'bkg_2', ...). With one sample the systematics act on the signal. Counts
    of systematics are counts of parameters when `correlated`; else each channel gets parameters of
    its own.

    Attributes
    ----------
    n_channels, n_bins, n_samples : int
        Channels, bins per channel, samples per channel with the signal, all >= 1.
    n_normfactors : int
        Free factors on backgrounds, beside mu.
    n_normsys, n_histosys : int
        Systematics, each on one or more samples.
    n_coupled : int
        Systematics with a histosys and a normsys of one name on one sample.
    n_one_sided : int
        Systematics with hi == lo exactly, by turns histosys and normsys.
    n_degenerate : int
        Normsys under two names with the same effect on the same samples.
    n_large_normsys : int
        Normsys with, by turns, hi = 41 at lo = 1 and hi = 3 at lo = 0.2.
    correlated : bool
        Whether channels share the parameters of their systematics.
    staterror : bool
        One staterror per channel, over all samples but the signal.
    shared_staterror : bool
        One staterror name for all channels instead; implies `staterror`.
    shapesys : bool
        One shapesys per channel, on the last background.
    shapefactor : bool
        A shapefactor on the last background of the first channel.
    shared_shapefactor : bool
        The shapefactor also on the second channel, with the same parameters.
    lumi : bool
        A luminosity uncertainty of 2 % on all samples.
    n_zero_bins : int
        Cells where the signal and all backgrounds but one yield exactly zero.
    n_empty_bins : int
        Bins where every sample and every template is zero and nothing is observed.
    n_negative_bins : int
        Cells where the last background is negative; with two backgrounds or more the bin stays
        positive.
    negative_sample : bool
        An additional sample of negative weights in every channel: its yields are -2 % of the last
        background.
    n_unobserved_bins : int
        Bins with positive rates and no observed event.
    custom_settings : bool
        Settings of the measurement that differ from the defaults: bounds and init of mu, init and
        bounds of the first systematic, the last one fixed.
    data : {'toy', 'asimov'}
        Poisson draws of the nominal rates, or these rates rounded to 6 digits.
    mu : float
        Signal strength of the data.
    yields : float
        Typical total of the backgrounds in a bin.
    """

    n_channels: int = 2
    n_bins: int = 4
    n_samples: int = 3
    n_normfactors: int = 0
    n_normsys: int = 0
    n_histosys: int = 0
    n_coupled: int = 0
    n_one_sided: int = 0
    n_degenerate: int = 0
    n_large_normsys: int = 0
    correlated: bool = True
    staterror: bool = False
    shared_staterror: bool = False
    shapesys: bool = False
    shapefactor: bool = False
    shared_shapefactor: bool = False
    lumi: bool = False
    n_zero_bins: int = 0
    n_empty_bins: int = 0
    n_negative_bins: int = 0
    negative_sample: bool = False
    n_unobserved_bins: int = 0
    custom_settings: bool = False
    data: Literal["toy", "asimov"] = "toy"
    mu: float = 1.0
    yields: float = 100.0
