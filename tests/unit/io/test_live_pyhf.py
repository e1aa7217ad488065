"""Parameters and auxiliary data of generated workspaces against pyhf itself."""

import json
import random
from typing import Any

import pytest

from nextstat_core.io import read_pyhf
from nextstat_core.ir import (
    GaussianConstraint,
    PoissonConstraint,
    pyhf_auxdata_order,
    pyhf_parameter_order,
    with_nominal,
)

pyhf = pytest.importorskip("pyhf", reason="the reference of these tests")

# pyhf validates with an interface that jsonschema deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")


def _modifiers(rng: random.Random, channel: str, sample: str, nominal: list[float]) -> list[Any]:
    n_bins = len(nominal)
    scale = [rng.choice([0.0, 0.05, 0.2]) * max(value, 1.0) for value in nominal]
    up = {"lo": rng.uniform(0.7, 1.0), "hi": rng.uniform(1.0, 1.3)}
    shape = {
        "lo_data": [value * rng.uniform(0.8, 1.1) for value in nominal],
        "hi_data": [value * rng.uniform(0.9, 1.2) for value in nominal],
    }
    every = [
        {"name": f"k_{sample}", "type": "normfactor", "data": None},
        {"name": rng.choice(["b", "a"]), "type": "normsys", "data": up},
        {"name": rng.choice(["a", "c"]), "type": "histosys", "data": shape},
        {"name": "lumi", "type": "lumi", "data": None},
        {"name": f"free{n_bins}", "type": "shapefactor", "data": None},
        {"name": f"dd_{channel}_{sample}", "type": "shapesys", "data": scale},
    ]
    chosen = rng.sample(every, rng.randint(1, len(every)))
    # In the samples s0 and s1 of all channels, so that masks agree.
    if sample in ("s0", "s1"):
        chosen.append({"name": "stat", "type": "staterror", "data": scale})
        chosen.append({"name": f"stat_{channel}", "type": "staterror", "data": scale})
    rng.shuffle(chosen)
    return chosen


def _workspace(seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    channels: list[dict[str, Any]] = []
    for name in rng.sample(["SR", "CR", "VR", "A1"], rng.randint(1, 4)):
        n_bins = rng.randint(1, 5)
        samples: list[dict[str, Any]] = []
        for sample in rng.sample(["s0", "s1", "s2"], 3):
            nominal = [rng.choice([0.0, 3.5, 20.0, 177.25, -2.0]) for _ in range(n_bins)]
            modifiers = _modifiers(rng, name, sample, nominal)
            samples.append({"name": sample, "data": nominal, "modifiers": modifiers})
        signal = [{"name": "mu", "type": "normfactor", "data": None}]
        samples.append({"name": "zz", "data": [1.5] * n_bins, "modifiers": signal})
        channels.append({"name": name, "samples": samples})
    lumi = {"inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.017]}
    config = {"poi": "mu", "parameters": [{"name": "lumi", **lumi}, {"name": "a", "fixed": True}]}
    return {
        "channels": channels,
        "observations": [
            {"name": entry["name"], "data": [7.0] * len(entry["samples"][0]["data"])}
            for entry in channels
        ],
        "measurements": [{"name": "m", "config": config}],
        "version": "1.0.0",
    }


def _assert_equal(model: Any, reference: Any, observed: list[float]) -> None:
    ordered = [model.parameters[position] for position in pyhf_parameter_order(model)]
    config = reference.config
    assert [entry.name for entry in ordered] == config.par_names
    assert [entry.init for entry in ordered] == config.suggested_init()
    assert [(entry.lower, entry.upper) for entry in ordered] == [
        tuple(bounds) for bounds in config.suggested_bounds()
    ]
    assert [entry.fixed for entry in ordered] == config.suggested_fixed()
    main = [count for channel in model.sorted_channels() for count in channel.observed]
    constraints = [model.parameters[position].constraint for position in pyhf_auxdata_order(model)]
    centres = [
        entry.count if isinstance(entry, PoissonConstraint) else entry.center
        for entry in constraints
    ]
    assert main + centres == observed
    widths = [entry.width for entry in constraints if isinstance(entry, GaussianConstraint)]
    expected = [
        float(width)
        for name in config.auxdata_order
        if config.param_set(name).pdf_type == "normal"
        for width in config.param_set(name).width()
    ]
    assert widths == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("seed", range(40))
def test_generated_workspaces_have_pyhfs_parameters_and_data(seed: int) -> None:
    document = _workspace(seed)
    workspace = pyhf.Workspace(document)
    reference = workspace.model()
    _assert_equal(read_pyhf(document), reference, workspace.data(reference))


@pytest.mark.parametrize("seed", range(10))
def test_new_nominal_yields_equal_the_workspace_written_again(seed: int) -> None:
    document = _workspace(seed)
    channel = document["channels"][-1]
    sample = channel["samples"][0]
    nominal = [2.25 * (index + 1) for index in range(len(sample["data"]))]
    moved = with_nominal(read_pyhf(document), channel["name"], sample["name"], nominal)
    sample["data"] = nominal
    assert moved == read_pyhf(document)
    workspace = pyhf.Workspace(document)
    reference = workspace.model()
    _assert_equal(moved, reference, workspace.data(reference))


def test_a_pyhf_workspace_is_read_like_its_text() -> None:
    document = _workspace(1)
    assert read_pyhf(pyhf.Workspace(document)) == read_pyhf(json.dumps(document))
