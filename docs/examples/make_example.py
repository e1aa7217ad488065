"""Write `example_workspace.json`: a search with one lepton, simulated, of realistic size.

Run it from anywhere: ``python docs/examples/make_example.py``. The output is the same on every
platform: all numbers come from `nextstat_core.testing.Draws` and are rounded.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from nextstat_core.testing.draws import Draws

SEED = 20240611
SIGNAL_STRENGTH = 1.1

#: Bins per channel.
CHANNELS = {
    "CR_ttbar": 6,
    "CR_Wjets": 6,
    "CR_singletop": 4,
    "CR_ttZ": 3,
    "SR_lowmass": 8,
    "SR_midmass": 6,
    "SR_highmass": 5,
    "SR_boosted": 4,
}

#: Expected events of each sample in the channels above.
YIELDS = {
    "signal": (2.0, 1.5, 1.0, 2.5, 28.0, 24.0, 17.0, 12.0),
    "ttbar": (2400.0, 310.0, 260.0, 60.0, 420.0, 160.0, 62.0, 31.0),
    "Wjets": (190.0, 1500.0, 120.0, 14.0, 180.0, 85.0, 40.0, 22.0),
    "singletop": (140.0, 95.0, 380.0, 11.0, 62.0, 30.0, 14.0, 8.0),
    "ttZ": (31.0, 6.0, 9.0, 120.0, 24.0, 17.0, 10.0, 6.0),
    "ttW": (18.0, 4.0, 6.0, 15.0, 12.0, 8.0, 4.2, 2.6),
    "ttH": (21.0, 3.0, 5.0, 9.0, 9.5, 5.1, 2.6, 1.7),
    "Zjets": (22.0, 84.0, 12.0, 21.0, 15.0, 7.5, 3.4, 1.9),
    "WW": (14.0, 66.0, 13.0, 2.4, 21.0, 12.0, 6.3, 3.8),
    "WZ": (9.0, 41.0, 7.0, 26.0, 14.0, 9.0, 4.6, 2.7),
    "tttt": (1.1, 0.2, 0.3, 1.4, 1.3, 0.9, 0.6, 0.4),
    "multijet": (45.0, 70.0, 21.0, 3.0, 19.0, 7.0, 3.1, 1.2),
}

#: Data-driven normalisations, each with a control region.
NORMALISATIONS = {"ttbar": "mu_ttbar", "Wjets": "mu_Wjets", "singletop": "mu_singletop"}
#: Samples whose luminosity is not fitted from data.
FROM_SIMULATION = tuple(name for name in YIELDS if name not in {*NORMALISATIONS, "multijet"})

#: Experimental systematics with shapes: stem, number of components, typical size.
SHAPES = (("JES", 27, 0.035), ("JER", 10, 0.02), ("FTAG_B", 9, 0.025), ("FTAG_C", 3, 0.02))
#: Experimental systematics on normalisations.
NORMS = (("FTAG_L", 4, 0.015), ("EL_ID", 3, 0.01), ("MU_ID", 4, 0.01), ("MET_SoftTrk", 3, 0.015))
#: Theory: each source acts on its own sample.
THEORY = {
    "ttbar": ("hdamp", "PS", "ISR", "FSR", "muR", "muF", "PDF", "HF"),
    "Wjets": ("muR", "muF", "CKKW", "QSF", "HF"),
    "singletop": ("interference", "PS", "ISR", "FSR"),
    "ttZ": ("xsec", "muR", "PS"),
    "ttW": ("xsec", "muR", "PS"),
    "ttH": ("xsec", "PS"),
    "Zjets": ("xsec", "HF"),
    "WW": ("xsec", "muR"),
    "WZ": ("xsec", "muR"),
    "tttt": ("xsec",),
    "signal": ("muR", "PDF", "PS", "ISR"),
    "multijet": ("closure", "fake_rate_el", "fake_rate_mu"),
}
THEORY_SHAPES = frozenset({"hdamp", "PS", "interference", "CKKW", "closure"})
TOTAL_THEORY_SIZE = {"xsec": 0.12, "closure": 0.25, "HF": 0.15}


def nominal_yields(draws: Draws) -> dict[str, dict[str, list[float]]]:
    """Falling spectra: yields per channel and sample, shape (n_bins,)."""
    spectra: dict[str, dict[str, list[float]]] = {}
    for position, (channel, n_bins) in enumerate(CHANNELS.items()):
        spectra[channel] = {}
        for sample, totals in YIELDS.items():
            slope = 0.05 if sample == "signal" else draws.uniform(0.25, 0.45)
            weights = [math.exp(-slope * i) * draws.uniform(0.9, 1.1) for i in range(n_bins)]
            scale = totals[position] / math.fsum(weights)
            spectra[channel][sample] = [round(scale * weight, 3) for weight in weights]
    return spectra


def shape(nominal: list[float], size: float, draws: Draws) -> dict[str, list[float]]:
    """Templates of a systematic with an offset and a slope over the bins."""
    offset, slope = size * draws.uniform(-1.0, 1.0), size * draws.uniform(-1.5, 1.5)
    asymmetry = draws.uniform(0.7, 1.2)
    width = max(len(nominal) - 1, 1)
    effects = [offset + slope * (i / width - 0.5) for i in range(len(nominal))]
    pairs = list(zip(nominal, effects, strict=True))
    return {
        "hi_data": [round(value * (1.0 + effect), 3) for value, effect in pairs],
        "lo_data": [round(value * (1.0 - asymmetry * effect), 3) for value, effect in pairs],
    }


def norm(size: float, draws: Draws) -> dict[str, float]:
    """Both sides of a systematic on a normalisation."""
    effect = size * draws.uniform(0.5, 1.5) * (1.0 if draws.chance(0.8) else -1.0)
    return {"hi": round(1.0 + effect, 4), "lo": round(1.0 - effect * draws.uniform(0.8, 1.1), 4)}


def modifiers(sample: str, nominal: list[float], channel: str, draws: Draws) -> list[Any]:
    """All modifiers of one sample in one channel."""
    found = normalisation(sample)
    if sample != "multijet":
        found += experimental(nominal, draws)
    for source in THEORY[sample]:
        name, size = f"{sample}_{source}", TOTAL_THEORY_SIZE.get(source, 0.05)
        if source in THEORY_SHAPES:
            found.append(modifier("histosys", name, shape(nominal, size, draws)))
        else:
            found.append(modifier("normsys", name, norm(size, draws)))
    if sample != "signal":
        relative = draws.uniform(0.02, 0.06)
        data = [round(relative * math.sqrt(value * max(nominal)), 4) for value in nominal]
        found.append(modifier("staterror", f"staterror_{channel}", data))
    return found


def normalisation(sample: str) -> list[Any]:
    """Signal strength, fitted normalisations, luminosity."""
    found = []
    if sample == "signal":
        found.append(modifier("normfactor", "mu_signal", None))
    if sample in NORMALISATIONS:
        found.append(modifier("normfactor", NORMALISATIONS[sample], None))
    if sample in FROM_SIMULATION:
        found.append(modifier("lumi", "lumi", None))
    return found


def experimental(nominal: list[float], draws: Draws) -> list[Any]:
    """Detector systematics; those below a few per mille are pruned, as analyses do."""
    found = []
    for stem, count, size in SHAPES:
        for index in range(1, count + 1):
            templates = shape(nominal, size / math.sqrt(index), draws)
            if draws.chance(0.6):
                found.append(modifier("histosys", f"{stem}_{index}", templates))
    for stem, count, size in NORMS:
        names = (f"{stem}_{index}" for index in range(1, count + 1))
        found += [modifier("normsys", name, norm(size, draws)) for name in names]
    return found


def modifier(kind: str, name: str, data: Any) -> dict[str, Any]:
    """One entry of a sample's list of modifiers."""
    return {"name": name, "type": kind, "data": data}


def make_workspace() -> dict[str, Any]:
    """Build the whole workspace, with data drawn at a signal strength of 1.1."""
    draws = Draws(SEED)
    channels, observations = [], []
    for channel, spectra in nominal_yields(draws).items():
        samples = [
            {"name": sample, "data": data, "modifiers": modifiers(sample, data, channel, draws)}
            for sample, data in spectra.items()
        ]
        channels.append({"name": channel, "samples": samples})
        strengths = [SIGNAL_STRENGTH if sample == "signal" else 1.0 for sample in spectra]
        counts = [
            draws.poisson(
                math.fsum(mu * value for mu, value in zip(strengths, column, strict=True))
            )
            for column in zip(*spectra.values(), strict=True)
        ]
        observations.append({"name": channel, "data": counts})
    lumi = {"name": "lumi", "inits": [1.0], "bounds": [[0.9, 1.1]]}
    config = {
        "poi": "mu_signal",
        "parameters": [{**lumi, "auxdata": [1.0], "sigmas": [0.0083]}],
    }
    return {
        "channels": channels,
        "observations": observations,
        "measurements": [{"name": "search", "config": config}],
        "version": "1.0.0",
    }


if __name__ == "__main__":
    target = Path(__file__).with_name("example_workspace.json")
    text = json.dumps(make_workspace(), separators=(",", ":"))
    # One line per modifier, so that a change of the script shows as a readable difference.
    text = text.replace('{"name":', '\n{"name":')
    target.write_text(text.lstrip() + "\n", encoding="utf-8")
