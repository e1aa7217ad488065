"""Seeded generator of pyhf workspaces, valid for pyhf 0.7.6, to test on."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from nextstat_core.testing.draws import Draws
from nextstat_core.testing.modifiers import MODIFIERS, Document, last_background
from nextstat_core.testing.recipe import Recipe, Workspace

__all__ = ["generate_workspace"]


def generate_workspace(seed: int, recipe: Recipe | None = None, **changes: Any) -> Workspace:
    """Draw a workspace.

    Parameters
    ----------
    seed : int
        Same seed and recipe, same workspace, on every platform.
    recipe : Recipe, optional
        What it holds; the default recipe has two channels and no systematics.
    **changes
        Fields of the recipe to replace.

    Returns
    -------
    dict
        A workspace that pyhf 0.7.6 loads.

    Raises
    ------
    TypeError
        If `changes` has a name that is no field of `Recipe`.

    Examples
    --------
    >>> workspace = generate_workspace(1, n_channels=2, n_bins=3, staterror=True)
    >>> [len(channel["samples"][0]["data"]) for channel in workspace["channels"]]
    [3, 3]
    """
    recipe = replace(recipe or Recipe(), **changes)
    draws = Draws(seed)
    channels = [_channel(index, recipe, draws) for index in range(recipe.n_channels)]
    _shape_yields(channels, recipe)
    for add in MODIFIERS:
        add(channels, recipe, draws)
    return {
        "channels": channels,
        "observations": _observations(channels, recipe, draws),
        "measurements": [_measurement(channels, recipe)],
        "version": "1.0.0",
    }


def _channel(index: int, recipe: Recipe, draws: Draws) -> Document:
    names = ["signal", *(f"bkg_{number}" for number in range(1, recipe.n_samples))]
    samples = [_sample(name, recipe, draws) for name in names]
    if recipe.negative_sample:
        weights = [round(-0.02 * value, 4) for value in samples[-1]["data"]]
        samples.append({"name": "negative", "data": weights, "modifiers": []})
    return {"name": f"channel_{index}", "samples": samples}


def _sample(name: str, recipe: Recipe, draws: Draws) -> Document:
    signal = name == "signal"
    share = 0.1 if signal else 1.0 / max(recipe.n_samples - 1, 1)
    slope = draws.uniform(-0.5, 0.8 if signal else 0.0) / recipe.n_bins
    data = [
        round(recipe.yields * share * (1.0 + slope * i_bin) * draws.uniform(0.7, 1.3), 4)
        for i_bin in range(recipe.n_bins)
    ]
    modifiers = [{"name": "mu", "type": "normfactor", "data": None}] if signal else []
    return {"name": name, "data": data, "modifiers": modifiers}


def _cells(channels: list[Document], first: int, count: int) -> list[tuple[Document, int]]:
    """`count` different bins, taken from all channels by turns, after the `first` ones."""
    n_bins = len(channels[0]["samples"][0]["data"])
    order = [(channel, i_bin) for i_bin in range(n_bins) for channel in channels]
    if first + count > len(order):
        raise ValueError(
            f"the recipe asks for {first + count} special bins, there are {len(order)}"
        )
    return order[first : first + count]


def _shape_yields(channels: list[Document], recipe: Recipe) -> None:
    for channel, i_bin in _cells(channels, 0, recipe.n_empty_bins):
        for sample in channel["samples"]:
            sample["data"][i_bin] = 0.0
    for channel, i_bin in _cells(channels, recipe.n_empty_bins, recipe.n_zero_bins):
        for sample in channel["samples"][:1] + channel["samples"][2:]:
            sample["data"][i_bin] = 0.0
    done = recipe.n_empty_bins + recipe.n_zero_bins
    for channel, i_bin in _cells(channels, done, recipe.n_negative_bins):
        last = last_background(channel, recipe)["data"]
        last[i_bin] = round(-0.02 * abs(last[i_bin]), 4)


def _rates(channel: Document, mu: float) -> list[float]:
    """Rates of a channel with every systematic at its nominal value."""
    columns = zip(*(sample["data"] for sample in channel["samples"]), strict=True)
    return [mu * column[0] + math.fsum(column[1:]) for column in columns]


def _observations(channels: list[Document], recipe: Recipe, draws: Draws) -> list[Document]:
    toy = recipe.data == "toy"
    observed = {
        channel["name"]: [
            float(draws.poisson(rate)) if toy else round(rate, 6)
            for rate in _rates(channel, recipe.mu)
        ]
        for channel in channels
    }
    done = recipe.n_empty_bins + recipe.n_zero_bins + recipe.n_negative_bins
    for channel, i_bin in _cells(channels, done, recipe.n_unobserved_bins):
        observed[channel["name"]][i_bin] = 0.0
    return [{"name": name, "data": data} for name, data in observed.items()]


def _measurement(channels: list[Document], recipe: Recipe) -> Document:
    parameters: list[Document] = []
    if recipe.lumi:
        lumi = {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02]}
        parameters.append({**lumi, "inits": [1.0], "bounds": [[0.5, 1.5]]})
    if recipe.custom_settings:
        parameters += _custom_settings(channels)
    config = {"poi": "mu", "parameters": parameters}
    return {"name": "measurement", "config": config}


def _custom_settings(channels: list[Document]) -> list[Document]:
    kinds = ("normsys", "histosys")
    names = sorted(
        {
            modifier["name"]
            for channel in channels
            for sample in channel["samples"]
            for modifier in sample["modifiers"]
            if modifier["type"] in kinds
        }
    )
    settings: list[Document] = [{"name": "mu", "inits": [0.7], "bounds": [[-2.0, 5.0]]}]
    if names:
        settings.append({"name": names[0], "inits": [0.25], "bounds": [[-3.0, 3.5]]})
    if len(names) > 1:
        settings.append({"name": names[-1], "inits": [-0.5], "fixed": True})
    return settings
