"""From descriptions to workspaces: as cabinetry does it, and step by step."""

from __future__ import annotations

import copy
import json
from typing import Any

import cabinetry
import hist
import numpy as np
import pyhf
import pytest

import nextstat
from nextstat_core.errors import InputError, ModelError
from nextstat_histograms import TemplateKey, build_workspace, collect_templates

# cabinetry and pyhf need a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

EDGES = [0.0, 1.0, 2.0, 3.0]
DESCRIPTION: dict[str, Any] = {
    "General": {"Measurement": "m", "POI": "mu"},
    "Regions": [{"Name": "SR"}],
    "Samples": [{"Name": "data", "Data": True}, {"Name": "signal"}, {"Name": "bkg"}],
    "NormFactors": [{"Name": "mu", "Samples": "signal"}],
    "Systematics": [
        {"Name": "jes", "Type": "NormPlusShape", "Up": {}, "Down": {}, "Samples": "bkg"},
    ],
}
HISTOGRAMS: dict[tuple[str, ...], Any] = {
    ("SR", "data"): ([12, 22, 41], EDGES),
    ("SR", "signal"): ([1.0, 2.0, 4.0], EDGES, [0.1, 0.2, 0.4]),
    ("SR", "bkg"): ([10.0, 20.0, 40.0], EDGES, [1.0, 4.0, 4.0]),
    ("SR", "bkg", "jes", "Up"): ([13.0, 19.0, 44.0], EDGES, [1.0, 4.0, 4.0]),
    ("SR", "bkg", "jes", "Down"): ([8.0, 18.0, 38.0], EDGES, [1.0, 4.0, 4.0]),
}


def _description(**changes: Any) -> dict[str, Any]:
    description = copy.deepcopy(DESCRIPTION)
    description["Systematics"][0] |= changes
    return description


def _difference(one: Any, other: Any, place: str = "") -> float:
    """Largest relative difference of numbers; everything else has to be equal."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        return max((_difference(one[key], other[key], f"{place}/{key}") for key in one), default=0)
    if isinstance(one, list):
        assert len(one) == len(other), place
        pairs = enumerate(zip(one, other, strict=True))
        return max((_difference(*pair, f"{place}/{index}") for index, pair in pairs), default=0)
    if isinstance(one, float):
        return abs(one - other) / max(1.0, abs(one))
    assert one == other, place
    return 0.0


@pytest.fixture
def of_cabinetry(config) -> dict[str, Any]:
    cabinetry.templates.build(config, method="uproot")
    cabinetry.templates.postprocess(config)
    return cabinetry.workspace.build(config, with_validation=False)


def test_the_workspace_is_that_of_cabinetry(config, of_cabinetry) -> None:
    found = build_workspace(config)
    assert _difference(of_cabinetry, found) < 1e-12


def test_saved_templates_are_those_of_cabinetry(config, of_cabinetry, tmp_path) -> None:
    del of_cabinetry  # its files are compared
    templates = collect_templates(config).treated()
    written = {path.name for path in templates.save(tmp_path / "ours")}
    expected = {path.name for path in (tmp_path / "histograms").glob("*.npz")}
    # We also keep what symmetrisation made.
    assert expected < written
    for name in expected:
        theirs, ours = np.load(tmp_path / "histograms" / name), np.load(tmp_path / "ours" / name)
        for key in ("yields", "stdev", "bins"):
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-12, atol=1e-12)


def test_workspaces_load_with_equal_likelihood(config) -> None:
    document = build_workspace(config)
    theirs = pyhf.Workspace(document)
    model, ours = theirs.model(), nextstat.from_pyhf(document)
    rng = np.random.default_rng(1)
    bounds = np.array(model.config.suggested_bounds())
    for _ in range(5):
        start = np.array(model.config.suggested_init())
        point = np.clip(start + rng.normal(0.0, 0.1, start.size), bounds[:, 0], bounds[:, 1])
        by_name = dict(zip(model.config.par_names, point, strict=True))
        expected = -model.logpdf(point, theirs.data(model)).item()
        found = ours.nll([by_name[name] for name in ours.parameter_names()])
        assert found == pytest.approx(expected, rel=1e-12)


def test_histograms_in_files_are_those_of_cabinetry(config, of_cabinetry, files, tmp_path) -> None:
    """The same templates, this time from a file of histograms."""
    import uproot

    del of_cabinetry
    path = tmp_path / "histograms.root"
    with uproot.recreate(path) as file:
        for template in (tmp_path / "histograms").glob("*.npz"):
            if not template.stem.endswith("_modified"):
                content = np.load(template)
                filled = hist.Hist(hist.axis.Variable(content["bins"]), storage="weight")
                filled[...] = np.stack([content["yields"], content["stdev"] ** 2], axis=-1)
                file[template.stem.replace("_", "/", 1)] = filled
    description = copy.deepcopy(config)
    name = "{RegionPath}/{SamplePath}{VariationPath}"
    description["General"]["InputPath"] = f"{path}:{name}"
    for region in description["Regions"]:
        del region["Variable"], region["Binning"]
        region["RegionPath"] = region["Name"].replace(" ", "-")
    for sample in description["Samples"]:
        sample["SamplePath"] = sample["Name"]
    for systematic in description["Systematics"][1:]:
        for direction in ("Up", "Down"):
            if "Symmetrize" not in systematic[direction]:
                variation = f"_{systematic['Name']}_{direction}"
                systematic[direction] = {"VariationPath": variation}
    assert _difference(build_workspace(config), build_workspace(description)) < 1e-12


def test_histograms_in_memory() -> None:
    document = build_workspace(DESCRIPTION, histograms=HISTOGRAMS)
    (channel,) = document["channels"]
    signal, background = channel["samples"]
    assert signal == {
        "name": "signal",
        "data": [1.0, 2.0, 4.0],
        "modifiers": [
            {"name": "staterror_SR", "type": "staterror", "data": list(np.sqrt([0.1, 0.2, 0.4]))},
            {"name": "mu", "type": "normfactor", "data": None},
        ],
    }
    staterror, norm, shape = background["modifiers"]
    assert staterror["data"] == [1.0, 2.0, 2.0]
    assert norm["data"] == {"hi": 76 / 70, "lo": 64 / 70}
    np.testing.assert_allclose(shape["data"]["hi_data"], np.array([13, 19, 44]) * 70 / 76)
    np.testing.assert_allclose(shape["data"]["lo_data"], np.array([8, 18, 38]) * 70 / 64)
    assert document["observations"] == [{"name": "SR", "data": [12.0, 22.0, 41.0]}]


def test_flow_follows_the_region() -> None:
    filled = hist.Hist(hist.axis.Variable(EDGES)).fill([-1.0, 0.5, 1.5, 2.5, 2.6, 7.0, 7.0])
    histograms = {**HISTOGRAMS, ("SR", "data"): filled}
    description = _description()
    description["Regions"][0]["Flow"] = "include"
    data = collect_templates(description, histograms=histograms)["SR", "data"]
    assert data.values.tolist() == [2.0, 1.0, 4.0]
    description["Regions"][0]["Flow"] = "refuse"
    with pytest.raises(InputError, match="channel 'SR', sample 'data': 1 below the first edge"):
        collect_templates(description, histograms=histograms)


def test_steps_can_be_looked_at() -> None:
    raw = collect_templates(DESCRIPTION, histograms=HISTOGRAMS)
    treated = raw.smoothed("kernel").symmetrised("twosided").pruned_below(shape=0.5)
    assert [step.name for step in treated.steps] == ["collect", "smooth", "symmetrise", "prune"]
    assert treated.before.before.before is raw
    assert raw["SR", "bkg", "jes", "Up"].values.tolist() == [13.0, 19.0, 44.0]
    smoothed, symmetrised = treated.before.before, treated.before
    up = symmetrised["SR", "bkg", "jes", "Up"].values
    down = symmetrised["SR", "bkg", "jes", "Down"].values
    np.testing.assert_allclose(up + down, [20.0, 40.0, 80.0], rtol=1e-14)
    report = json.loads(json.dumps(treated.report(), allow_nan=False))
    assert report[0]["changes"][0]["action"] == "given"
    first = report[1]["changes"][0]
    assert first["place"] == "channel 'SR', sample 'bkg', systematic 'jes', Up"
    assert first["before"] == [13.0, 19.0, 44.0]
    assert first["after"] == smoothed["SR", "bkg", "jes", "Up"].values.tolist()
    assert report[3]["changes"][0]["action"] == "pruned: shape"
    assert "symmetrise(method='twosided'): 2 symmetrised" in repr(treated)


def test_bins_in_which_variations_cancel_are_reported() -> None:
    templates = collect_templates(DESCRIPTION, histograms=HISTOGRAMS).symmetrised("twosided")
    (up, _) = templates.step.changes
    assert up.details["same_sided_bins"] == [1]  # 19 and 18, with 20 nominal


@pytest.mark.parametrize(
    ("thresholds", "left"),
    [
        # Effects: 6/70 = 0.086 and, in the first bin, 13 / (76/70) / 10 - 1 = 0.197.
        ({"normalisation": 0.08, "shape": 0.19}, ["normsys", "histosys"]),
        ({"normalisation": 0.09, "shape": 0.19}, ["histosys"]),
        ({"normalisation": 0.08, "shape": 0.20}, ["normsys"]),
        ({"normalisation": 0.09, "shape": 0.20}, []),
    ],
)
def test_pruning_leaves_out_parts(thresholds: dict[str, float], left: list[str]) -> None:
    templates = collect_templates(DESCRIPTION, histograms=HISTOGRAMS).pruned_below(**thresholds)
    modifiers = templates.workspace()["channels"][0]["samples"][1]["modifiers"]
    assert [modifier["type"] for modifier in modifiers[1:]] == left


def test_descriptions_ask_for_treatments() -> None:
    description = _description(
        Smoothing={"Algorithm": "kernel", "Bandwidth": 0.5}, Symmetrisation="absmean"
    )
    description["General"] |= {
        "NegativeBins": {"Floor": 0.01, "KeepSum": True},
        "Pruning": {"Shape": 0.01},
    }
    histograms = {**HISTOGRAMS, ("SR", "signal"): ([-1.0, 2.0, 4.0], EDGES, [0.1, 0.2, 0.4])}
    found = collect_templates(description, histograms=histograms).treated()
    by_hand = (
        collect_templates(description, histograms=histograms)
        .without_negative_bins(0.01, keep_sum=True)
        .smoothed("kernel", bandwidth=0.5)
        .symmetrised("absmean")
        .pruned_below(shape=0.01)
    )
    assert found.workspace() == by_hand.workspace()
    assert found["SR", "signal"].sum == pytest.approx(5.0)
    names = ["collect", "negative bins", "smooth", "symmetrise", "prune"]
    assert [step.name for step in found.steps] == names


def test_normalisations_are_not_symmetrised() -> None:
    description = _description()
    sizes = {"Up": {"Normalization": 0.1}, "Down": {"Normalization": -0.05}}
    description["Systematics"].append({"Name": "lumi", "Type": "Normalization", **sizes})
    templates = collect_templates(description, histograms=HISTOGRAMS).symmetrised("twosided")
    assert [change.place.split("'")[5] for change in templates.step.changes] == ["jes", "jes"]
    (lumi,) = [
        modifier["data"]
        for modifier in templates.workspace()["channels"][0]["samples"][0]["modifiers"]
        if modifier["name"] == "lumi"
    ]
    assert lumi == {"hi": 1.1, "lo": 0.95}


def test_pruned_normalisations_are_left_out() -> None:
    description = _description()
    description["Systematics"].append(
        {
            "Name": "small",
            "Type": "Normalization",
            "Up": {"Normalization": 0.001},
            "Down": {"Normalization": -0.002},
        }
    )
    description["General"]["Fixed"] = [{"Name": "small", "Value": 0.0}]
    templates = collect_templates(description, histograms=HISTOGRAMS)
    kept = templates.pruned_below(normalisation=0.002).workspace()
    pruned = templates.pruned_below(normalisation=0.0021).workspace()
    assert "small" in json.dumps(kept)
    assert "small" not in json.dumps(pruned)  # not even its setting


def test_unknown_templates_are_named() -> None:
    with pytest.raises(InputError, match="no template named"):
        collect_templates(DESCRIPTION, histograms={**HISTOGRAMS, ("SR", "bgk"): ([1], [0, 1])})
    templates = collect_templates(DESCRIPTION, histograms=HISTOGRAMS)
    assert templates[TemplateKey("SR", "bkg")] is templates["SR", "bkg"]
    for key in (("SR", "nope"), "SR", ("SR", "bkg", "jes")):
        with pytest.raises(InputError, match="no template named"):
            templates[key]
    with pytest.raises(InputError, match="no systematic named 'jer'"):
        templates.smoothed("kernel", systematics=("jer",))


def test_what_is_neither_given_nor_described_is_an_error() -> None:
    incomplete = {key: value for key, value in HISTOGRAMS.items() if key != ("SR", "bkg")}
    with pytest.raises(InputError, match="channel 'SR', sample 'bkg': '' names no histogram"):
        collect_templates(DESCRIPTION, histograms=incomplete)


@pytest.mark.parametrize(
    ("path", "changes", "message"),
    [
        ("{SamplePath}.root:{RegionPath}", {}, "needs RegionPath, which is not given"),
        ("a.root:h", {"SamplePath": "x"}, "InputPath 'a.root:h' has no {SamplePath}"),
        ("{SamplePath}:h", {"SamplePath": ["x", "y"]}, "2 paths; a histogram is in one file"),
        ("{SamplePath}.root:h", {"SamplePath": "x"}, "no file 'x.root'"),
    ],
)
def test_paths_that_cannot_be_built_are_refused(path, changes, message: str) -> None:
    description = _description()
    description["General"]["InputPath"] = path
    description["Samples"][1] |= changes
    histograms = {key: value for key, value in HISTOGRAMS.items() if key != ("SR", "signal")}
    with pytest.raises(InputError, match=message):
        collect_templates(description, histograms=histograms)


def test_templates_of_a_region_need_the_same_edges() -> None:
    other = ([1.0, 2.0, 4.0], [0.0, 1.0, 2.0, 4.0], [0.1, 0.2, 0.4])
    with pytest.raises(ModelError, match="sample 'bkg': its edges are not those of channel 'SR'"):
        collect_templates(DESCRIPTION, histograms={**HISTOGRAMS, ("SR", "bkg"): other})


def test_missing_variations_ask_for_symmetrisation() -> None:
    description = _description(Down={"Symmetrize": True})
    histograms = {key: value for key, value in HISTOGRAMS.items() if "Down" not in key}
    templates = collect_templates(description, histograms=histograms)
    with pytest.raises(ModelError, match="symmetrise the templates first"):
        templates.workspace()
    assert templates.treated().workspace()["version"] == "1.0.0"


def test_normalisations_that_cannot_be_split_are_all_named() -> None:
    zero = ([0.0, 0.0, 0.0], EDGES, [0.0, 0.0, 0.0])
    histograms = {**HISTOGRAMS, ("SR", "bkg", "jes", "Up"): zero}
    with pytest.raises(ModelError, match="systematic 'jes': the yields of the variation sum to 0"):
        build_workspace(DESCRIPTION, histograms=histograms)
    with pytest.raises(ModelError, match="sum to 0"):
        collect_templates(DESCRIPTION, histograms=histograms).pruned_below(shape=0.1)


def test_fixed_values_win_over_nominal_ones() -> None:
    description = _description()
    description["NormFactors"][0]["Nominal"] = 2.0
    description["General"]["Fixed"] = [{"Name": "mu", "Value": 3.0}, {"Name": "jes", "Value": 0.5}]
    document = build_workspace(description, histograms=HISTOGRAMS)
    assert document["measurements"][0]["config"]["parameters"] == [
        {"name": "mu", "inits": [3.0], "fixed": True},
        {"name": "jes", "inits": [0.5], "fixed": True},
    ]


def test_parquet_gives_the_workspace_of_cabinetry(config, of_cabinetry, write_parquet) -> None:
    """Trees of the ROOT files become files of their own; everything else stays."""
    import uproot

    root = config["General"]["InputPath"]
    for name in ("signal", "background", "other", "data"):
        with uproot.open(root.replace("{SamplePath}", name)) as file:
            for tree in file.keys(cycle=False):
                write_parquet(f"{name}_{tree}.parquet", file[tree].arrays(library="np"))
    description = copy.deepcopy(config)
    description["General"]["InputPath"] = root.replace(".root", ".parquet")
    for sample in description["Samples"]:
        paths = sample["SamplePath"]
        sample["SamplePath"] = (
            [f"{path}_nominal" for path in paths]
            if isinstance(paths, list)
            else f"{paths}_{sample['Tree']}"
        )
        del sample["Tree"]
    for systematic in description["Systematics"]:
        for direction in ("Up", "Down"):
            variation = systematic[direction]
            if "Tree" in variation:
                variation["SamplePath"] = f"signal_{variation.pop('Tree')}"
            elif "SamplePath" in variation:
                variation["SamplePath"] += "_nominal"
    assert _difference(of_cabinetry, build_workspace(description)) < 1e-12


def test_infinite_effects_can_be_written() -> None:
    histograms = {
        **HISTOGRAMS,
        ("SR", "bkg"): ([10.0, 0.0, 40.0], EDGES, [1.0, 0.0, 4.0]),
    }
    pruned = collect_templates(DESCRIPTION, histograms=histograms).pruned_below(shape=0.5)
    (change,) = json.loads(json.dumps(pruned.report(), allow_nan=False))[1]["changes"]
    assert change["shape"] == "infinite"
    assert change["action"] == "kept"


def test_symmetrisation_may_keep_the_variation_down() -> None:
    description = _description(Up={"Symmetrize": True})
    histograms = {key: value for key, value in HISTOGRAMS.items() if "Up" not in key}
    treated = collect_templates(description, histograms=histograms).treated()
    # f = 64/70 of the variation down: its mirror image is 2 - f times 2n - s.
    shape = np.array([8.0, 18.0, 38.0]) * 70 / 64
    expected = (2 - 64 / 70) * (np.array([20.0, 40.0, 80.0]) - shape)
    np.testing.assert_allclose(treated["SR", "bkg", "jes", "Up"].values, expected, rtol=1e-14)
