"""Smoothing, symmetrisation and pruning of workspaces that exist.

A function takes the decoded workspace and returns another one, with a record of what it did. The
formulas are those of the treatments of templates; a histosys stands for its whole variation, in
which normalisation and shape are told apart as in `split`. A variation that a formula cannot be
applied to is kept, and the record says why.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager
from nextstat_core.io import decode, read_pyhf
from nextstat_histograms.effects import Effects, Thresholds
from nextstat_histograms.histogram import Histogram
from nextstat_histograms.normalisation import split
from nextstat_histograms.smoothing import limit_variation, smooth
from nextstat_histograms.steps import Change, Step
from nextstat_histograms.symmetrisation import same_sided_bins, symmetrise

if TYPE_CHECKING:
    from nextstat_histograms.smoothing import SmoothingAlgorithm
    from nextstat_histograms.symmetrisation import SymmetrisationMethod

__all__ = ["prune_workspace", "smooth_workspace", "symmetrise_workspace"]

_Json: TypeAlias = dict[str, Any]
#: Takes the nominal histogram and the variations up and down; returns the latter, changed.
_Treatment: TypeAlias = Callable[[Histogram, Histogram, Histogram], tuple[Histogram, Histogram]]


def smooth_workspace(
    workspace: Any,
    algorithm: SmoothingAlgorithm = "353QH, twice",
    *,
    bandwidth: float = 1.0,
    max_variation: float = 0.0,
) -> tuple[_Json, Step]:
    """Smooth the variations of all histosys; see `smooth`.

    Parameters
    ----------
    workspace : str, bytes or mapping
        In pyhf's JSON format.
    algorithm : {"353QH, twice", "kernel"}
    bandwidth : float
        Of the kernel, in bins.
    max_variation : float
        Largest variation that is left, relative to the nominal yield of a bin; 0 for any. See
        `limit_variation`.

    Returns
    -------
    workspace : dict
    step : Step

    Raises
    ------
    ModelError
        If `workspace` describes no usable model.
    """

    def treat(nominal: Histogram, *variations: Histogram) -> tuple[Histogram, Histogram]:
        done = [smooth(nominal, each, algorithm, bandwidth=bandwidth) for each in variations]
        if max_variation > 0.0:
            done = [limit_variation(nominal, each, max_variation) for each in done]
        return done[0], done[1]

    options: _Json = {"algorithm": algorithm}
    options |= {"bandwidth": bandwidth} if algorithm == "kernel" else {}
    options |= {"max_variation": max_variation} if max_variation > 0.0 else {}
    return _treated(workspace, Step("smooth", options), "smoothed", treat, ("histosys",))


def symmetrise_workspace(workspace: Any, method: SymmetrisationMethod) -> tuple[_Json, Step]:
    """Make the variations of all histosys and normsys symmetric; see `symmetrise`.

    A normsys is a variation of one bin with the nominal yield 1.

    Parameters
    ----------
    workspace : str, bytes or mapping
        In pyhf's JSON format.
    method : {"onesided", "twosided", "absmean", "maximum", "split"}

    Returns
    -------
    workspace : dict
    step : Step

    Raises
    ------
    ModelError
        If `workspace` describes no usable model.
    """

    def treat(nominal: Histogram, up: Histogram, down: Histogram) -> tuple[Histogram, Histogram]:
        return symmetrise(nominal, up, down, method)

    step = Step("symmetrise", {"method": method})
    return _treated(workspace, step, "symmetrised", treat, ("histosys", "normsys"))


def prune_workspace(
    workspace: Any, *, normalisation: float = 0.005, shape: float = 0.005
) -> tuple[_Json, Step]:
    """Remove effects that are below thresholds; see `Effects`.

    A normsys is removed if its effect is below `normalisation`. Of a histosys, the parts are
    removed that are below: what is left of v = f s is f n without the shape and s without the
    normalisation; without both, the histosys is removed. Modifiers of a parameter of interest are
    kept. Settings of parameters that no longer exist are removed, too.

    Parameters
    ----------
    workspace : str, bytes or mapping
        In pyhf's JSON format.
    normalisation, shape : float
        Relative effects; what is smaller is removed. 0 removes nothing.

    Returns
    -------
    workspace : dict
    step : Step

    Raises
    ------
    ModelError
        If `workspace` describes no usable model.
    """
    thresholds = Thresholds(normalisation, shape)
    document = _document(workspace)
    pois = {measurement["config"]["poi"] for measurement in document["measurements"]}
    changes = []
    for channel, sample in _samples(document):
        kept = []
        for modifier in sample["modifiers"]:
            if modifier["type"] in ("histosys", "normsys"):
                action, details = _pruned(sample, modifier, thresholds, pois)
                changes.append(Change(_place(channel, sample, modifier), action, details))
                if action == "removed":
                    continue
            kept.append(modifier)
        sample["modifiers"] = kept
    changes += _without_dead_settings(document)
    options = {"normalisation": normalisation, "shape": shape}
    return document, Step("prune", options, tuple(changes))


def _document(workspace: Any) -> _Json:
    document: _Json = deepcopy(decode(workspace).usable())
    read_pyhf(document, modifier_types=get_manager().modifiers)  # refuses what is no workspace
    return document


def _samples(document: _Json) -> list[tuple[_Json, _Json]]:
    return [(channel, sample) for channel in document["channels"] for sample in channel["samples"]]


def _place(channel: _Json, sample: _Json, modifier: _Json) -> str:
    return (
        f"channel {channel['name']!r}, sample {sample['name']!r}, "
        f"modifier {modifier['name']!r} ({modifier['type']})"
    )


def _treated(
    workspace: Any, step: Step, action: str, treat: _Treatment, kinds: tuple[str, ...]
) -> tuple[_Json, Step]:
    document = _document(workspace)
    changes: list[Change] = []
    for channel, sample in _samples(document):
        for modifier in sample["modifiers"]:
            if modifier["type"] not in kinds:
                continue
            nominal, up, down = _histograms(sample, modifier)
            place = _place(channel, sample, modifier)
            try:
                new_up, new_down = treat(nominal, up, down)
            except InputError as error:
                changes.append(Change(place, "kept", {"reason": _reason(error)}))
                continue
            details = {"same_sided_bins": same_sided_bins(nominal, up, down)}
            for name, old, new in (("hi", up, new_up), ("lo", down, new_down)):
                if not np.array_equal(old.values, new.values):
                    before, after = old.values.tolist(), new.values.tolist()
                    change = {"before": before, "after": after, **details}
                    changes.append(Change(f"{place}, {name}", action, change))
            _write(modifier, new_up, new_down)
    return document, Step(step.name, step.options, tuple(changes))


def _reason(error: InputError) -> str:
    return str(error).partition("\n")[0]


def _histograms(sample: _Json, modifier: _Json) -> tuple[Histogram, Histogram, Histogram]:
    """Nominal yields and variations; a normsys varies one bin with the yield 1."""
    data = modifier["data"]
    if modifier["type"] == "normsys":
        rows = ([1.0], [data["hi"]], [data["lo"]])
    else:
        rows = (sample["data"], data["hi_data"], data["lo_data"])
    edges = np.arange(len(rows[0]) + 1.0)
    unknown = np.zeros(len(rows[0]))
    nominal, up, down = (Histogram(edges, np.asarray(row), unknown) for row in rows)
    return nominal, up, down


def _write(modifier: _Json, up: Histogram, down: Histogram) -> None:
    if modifier["type"] == "normsys":
        modifier["data"] = {"hi": float(up.values[0]), "lo": float(down.values[0])}
    else:
        modifier["data"] = {"hi_data": up.values.tolist(), "lo_data": down.values.tolist()}


def _pruned(
    sample: _Json, modifier: _Json, thresholds: Thresholds, pois: set[str]
) -> tuple[str, _Json]:
    """Prune one modifier in place; what was done, and the numbers because of which."""
    nominal, up, down = _histograms(sample, modifier)
    try:
        effects = Effects.of(nominal, up, down)
    except InputError as error:
        return "kept", {"reason": _reason(error)}
    details: _Json = {"normalisation": effects.normalisation, "shape": effects.shape}
    if modifier["name"] in pois:
        return "kept", {**details, "reason": "parameter of interest"}
    parts = effects.pruned(thresholds)
    one_bin = nominal.n_bins == 1  # no shape to be pruned, or to be kept
    if "normalisation" in parts and (one_bin or "shape" in parts):
        return "removed", details
    if not parts or one_bin:
        return "kept", details
    (factor_up, shape_up), (factor_down, shape_down) = split(nominal, up), split(nominal, down)
    if "shape" in parts:
        shape_up, shape_down = factor_up * nominal.values, factor_down * nominal.values
    _write(modifier, up.with_values(shape_up), down.with_values(shape_down))
    return f"without {next(iter(parts))}", details


def _without_dead_settings(document: _Json) -> list[Change]:
    """Remove settings of parameters that no modifier has any more."""
    alive = {
        modifier["name"] for _, sample in _samples(document) for modifier in sample["modifiers"]
    }
    changes = []
    for measurement in document["measurements"]:
        config = measurement["config"]
        dead = [entry for entry in config["parameters"] if entry["name"] not in alive]
        config["parameters"] = [entry for entry in config["parameters"] if entry not in dead]
        place = f"measurement {measurement['name']!r}"
        changes += [Change(f"{place}, parameter {entry['name']!r}", "removed") for entry in dead]
    return changes
