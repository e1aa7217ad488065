"""Named workspaces, each with one difficulty whose answer is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from nextstat_core.testing.draws import Draws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.testing.recipe import Workspace

__all__ = [
    "coupled_histosys",
    "degenerate_pair",
    "growth",
    "many_channels",
    "negative_rates",
    "one_sided_bin",
    "uncertain_signal",
    "uncorrelated",
    "unidentified_pair",
]


def one_sided_bin(kind: Literal["histosys", "normsys"] = "histosys") -> Workspace:
    """One bin with an exactly one-sided systematic: the start is a saddle.

    Nominal 100, 130 on both sides, 160 observed, no parameter of interest. At alpha = 0 the
    gradient and the Fisher estimate of the distance are 0, the second derivative is negative, and
    twice the NLL is 39.15 (histosys); the two minima at +-alpha have 12.17.
    """
    data: dict[str, Any] = {"hi_data": [130.0], "lo_data": [130.0]}
    if kind == "normsys":
        data = {"hi": 1.3, "lo": 1.3}
    background = _sample("background", [100.0], (kind, "one_sided", data))
    return _workspace({"bin": [background]}, {"bin": [160.0]}, poi="")


def coupled_histosys() -> Workspace:
    """Two channels, one histosys, two minima; downhill from the start lies the higher one.

    With alpha 'shared', no parameter of interest: a local minimum near alpha = 1.14, the global
    one near -1.87, lower by 1.61 in twice the NLL.
    """
    first = {"hi_data": [140.0], "lo_data": [125.0]}
    second = {"hi_data": [60.0], "lo_data": [52.0]}
    return _workspace(
        {
            "A": [_sample("background", [100.0], ("histosys", "shared", first))],
            "B": [_sample("background", [50.0], ("histosys", "shared", second))],
        },
        {"A": [160.0], "B": [44.0]},
        poi="",
    )


def degenerate_pair() -> Workspace:
    """Two normsys with the same effect: only their constraints tell them apart."""
    effect = {"hi": 1.1, "lo": 0.9}
    background = _sample(
        "background",
        [50.0, 60.0],
        ("normsys", "twin_a", effect),
        ("normsys", "twin_b", effect),
    )
    return _workspace(
        {"channel": [_signal([5.0, 10.0]), background]}, {"channel": [60.0, 65.0]}, poi="mu"
    )


def unidentified_pair() -> Workspace:
    """Two free factors on one sample: only their product is measured, a flat direction is left.

    The minimum has mu = 0.75 and k_a k_b = 1.125: both bins are met exactly.
    """
    background = _sample(
        "background", [50.0, 60.0], ("normfactor", "k_a", None), ("normfactor", "k_b", None)
    )
    return _workspace(
        {"channel": [_signal([5.0, 10.0]), background]}, {"channel": [60.0, 75.0]}, poi="mu"
    )


def negative_rates(observed: float = 1.0) -> Workspace:
    """Return a histosys that drives the first bin's rate below zero at alpha < -1/3, mu = 0.

    The few `observed` events of that bin pull there. With one event the minimum keeps a positive
    rate, with none the rate at the minimum is negative.
    """
    templates = {"hi_data": [40.0, 55.0], "lo_data": [-20.0, 45.0]}
    background = _sample("background", [10.0, 50.0], ("histosys", "shape", templates))
    return _workspace(
        {"channel": [_signal([2.0, 1.0]), background]}, {"channel": [observed, 40.0]}, poi="mu"
    )


def uncorrelated(
    signal: Sequence[float],
    bkg: Sequence[float],
    unc: Sequence[float],
    observed: Sequence[float] | None = None,
) -> Workspace:
    """Signal over a background with uncorrelated uncertainties, as `pyhf.simplemodels` has it.

    Parameters
    ----------
    signal, bkg, unc : sequence of float, shape (n_bins,)
        Expected events, and the absolute uncertainty of the background.
    observed : sequence of float, shape (n_bins,), optional
        Observed events; the background where absent.
    """
    background = _sample("background", list(bkg), ("shapesys", "uncorr_bkguncrt", list(unc)))
    data = list(bkg if observed is None else observed)
    return _workspace(
        {"singlechannel": [_signal(list(signal)), background]}, {"singlechannel": data}, poi="mu"
    )


def uncertain_signal(lower: float = -5.0) -> Workspace:
    """Three bins; the signal has a histosys, a shapesys and a staterror of both samples.

    `lower` is the lower bound of mu. With code 1 for the normsys and a negative bound, q0 is
    2.0953724686, the best mu 1.5358811259 with an uncertainty of 1.2928625125, and the gradient of
    q0 by the yields of the signal (0.05469373, 0.02837038, -0.18231386).
    """
    templates = {"hi_data": [6.2, 12.5, 4.0], "lo_data": [4.1, 8.5, 2.2]}
    effect = {"hi": math.exp(0.1), "lo": math.exp(-0.1)}
    signal = _sample(
        "s",
        [5.0, 10.0, 3.0],
        ("normfactor", "mu", None),
        ("histosys", "a", templates),
        ("shapesys", "ss", [1.0, 2.0, 0.8]),
        ("staterror", "st", [0.5, 0.7, 0.4]),
    )
    background = _sample(
        "b", [50.0, 60.0, 40.0], ("normsys", "a", effect), ("staterror", "st", [2.0, 2.5, 1.5])
    )
    workspace = _workspace({"c": [signal, background]}, {"c": [58.0, 75.0, 41.0]}, poi="mu")
    config = workspace["measurements"][0]["config"]
    config["parameters"] = [{"name": "mu", "bounds": [[lower, 20.0]]}]
    return workspace


def many_channels(n_channels: int = 50) -> Workspace:
    """Channels of four bins that share mu only: 1 + 4 `n_channels` parameters, Asimov data.

    With 50 channels, q-tilde of mu = 1 is 10.889822264078 (closed form in every gamma).
    """
    samples, observed = {}, {}
    for index in range(n_channels):
        name = f"ch{index:02d}"
        signal = [round(2.0 + 0.05 * (i_bin % 3), 2) for i_bin in range(4)]
        bkg = [round(50.0 + 0.25 * i_bin + 0.1 * (index % 5), 2) for i_bin in range(4)]
        modifier = ("shapesys", f"shapesys_{name}", [5.0] * 4)
        samples[name] = [_signal(signal), _sample("background", bkg, modifier)]
        observed[name] = bkg
    return _workspace(samples, observed, poi="mu")


def growth(
    n_bins: int,
    n_systematics: int = 10,
    *,
    staterror: bool = False,
    bins_per_channel: int = 100,
    seed: int = 0,
) -> Workspace:
    """Return a model for growth tables: systematics that act in every bin.

    One signal with mu, two backgrounds.

    Parameters
    ----------
    n_bins : int
        Bins in all channels together.
    n_systematics : int
        By turns normsys and histosys, each on one background in every channel. The model has
        1 + `n_systematics` parameters, and `n_bins` more with `staterror`.
    staterror : bool
        Whether each bin has its own Gaussian-constrained factor.
    bins_per_channel : int
        The last channel takes what is left over.
    seed : int
        Seed of the effects and of the data, Poisson draws at mu = 1.
    """
    draws = Draws(seed)
    samples, observed = {}, {}
    for index, first in enumerate(range(0, n_bins, bins_per_channel)):
        name = f"channel_{index:04d}"
        width = min(bins_per_channel, n_bins - first)
        samples[name] = _growth_samples(name, width, n_systematics, draws, staterror=staterror)
        rates = zip(*(sample["data"] for sample in samples[name]), strict=True)
        observed[name] = [float(draws.poisson(math.fsum(column))) for column in rates]
    return _workspace(samples, observed, poi="mu")


def _growth_samples(
    channel: str, n_bins: int, n_systematics: int, draws: Draws, *, staterror: bool
) -> list[dict[str, Any]]:
    yields = [[round(draws.uniform(30.0, 60.0), 3) for _ in range(n_bins)] for _ in range(2)]
    backgrounds = [_sample(f"bkg_{i}", nominal) for i, nominal in enumerate(yields)]
    for index in range(n_systematics):
        sample = backgrounds[index // 2 % 2]
        sample["modifiers"].append(_growth_systematic(index, sample["data"], draws))
    if staterror:
        for sample in backgrounds:
            data = [round(0.03 * value, 4) for value in sample["data"]]
            sample["modifiers"].append(_modifier("staterror", f"staterror_{channel}", data))
    signal = [round(draws.uniform(2.0, 10.0), 3) for _ in range(n_bins)]
    return [_signal(signal), *backgrounds]


def _growth_systematic(index: int, nominal: list[float], draws: Draws) -> dict[str, Any]:
    # Effects of size 2 % keep the sum of thousands of systematics inside the physical region.
    size = draws.uniform(0.005, 0.02)
    if index % 2 == 0:
        data: dict[str, Any] = {"hi": round(1.0 + size, 5), "lo": round(1.0 - size, 5)}
        return _modifier("normsys", f"normsys_{index}", data)
    shifts = [size * draws.uniform(-1.0, 1.0) for _ in nominal]
    sides = {
        "hi_data": [round(v * (1.0 + s), 4) for v, s in zip(nominal, shifts, strict=True)],
        "lo_data": [round(v * (1.0 - s), 4) for v, s in zip(nominal, shifts, strict=True)],
    }
    return _modifier("histosys", f"histosys_{index}", sides)


def _modifier(kind: str, name: str, data: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "data": data}


def _sample(name: str, data: list[float], *modifiers: tuple[str, str, Any]) -> dict[str, Any]:
    return {"name": name, "data": data, "modifiers": [_modifier(*each) for each in modifiers]}


def _signal(data: list[float]) -> dict[str, Any]:
    return _sample("signal", data, ("normfactor", "mu", None))


def _workspace(
    samples: dict[str, list[dict[str, Any]]], observed: dict[str, list[float]], *, poi: str
) -> Workspace:
    return {
        "channels": [{"name": name, "samples": group} for name, group in samples.items()],
        "observations": [{"name": name, "data": data} for name, data in observed.items()],
        "measurements": [{"name": "measurement", "config": {"poi": poi, "parameters": []}}],
        "version": "1.0.0",
    }
