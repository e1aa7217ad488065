"""Descriptions: cabinetry's files are read, and all that is wrong is said at once."""

from __future__ import annotations

import copy
import json
from typing import Any

import cabinetry
import pytest
import yaml

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_histograms import read_description
from nextstat_histograms.yaml_text import read_yaml

MINIMAL: dict[str, Any] = {
    "General": {"Measurement": "m", "POI": "mu", "InputPath": "", "HistogramFolder": "h"},
    "Regions": [{"Name": "SR"}],
    "Samples": [{"Name": "data", "Data": True}, {"Name": "signal"}, {"Name": "bkg"}],
    "NormFactors": [{"Name": "mu", "Samples": "signal"}],
    "Systematics": [
        {"Name": "jes", "Type": "NormPlusShape", "Up": {}, "Down": {}, "Samples": "bkg"},
        {
            "Name": "lumi",
            "Type": "Normalization",
            "Up": {"Normalization": 0.1},
            "Down": {"Normalization": -0.1},
        },
    ],
}


def test_a_configuration_of_cabinetry_is_read(config) -> None:
    assert cabinetry.configuration.validate(config)
    found = read_description(config)
    assert found.general.poi == "mu"
    assert found.regions[0].binning == (0, 20, 50, 90, 150, 400, 2000)
    assert found.samples[2].sample_path == ("background", "other")
    assert found.systematics[1].smoothing.algorithm == "353QH, twice"
    assert found.systematics[2].modifier == "weights"
    assert found.systematics[2].down.symmetrize


def test_yaml_and_json_are_the_same(tmp_path) -> None:
    (tmp_path / "a.yml").write_text(yaml.safe_dump(MINIMAL))
    (tmp_path / "a.json").write_text(json.dumps(MINIMAL))
    expected = read_description(MINIMAL)
    assert read_description(tmp_path / "a.yml") == read_description(str(tmp_path / "a.json"))
    assert read_description(tmp_path / "a.yml") == expected
    assert read_description(expected) is expected


def _changed(path: str, value: Any) -> dict[str, Any]:
    """MINIMAL with one entry changed: ``Regions.0.Name``."""
    document = copy.deepcopy(MINIMAL)
    *parents, last = path.split(".")
    node: Any = document
    for key in parents:
        node = node[int(key) if key.isdigit() else key]
    node[int(last) if last.isdigit() else last] = value
    return document


def test_every_setting_that_contradicts_itself_is_refused() -> None:
    cases = [
        ("General.POI", "muu", r"General, POI: no parameter 'muu' \(did you mean 'mu'"),
        ("General.Measurment", "m", "did you mean 'Measurement'"),
        ("General", None, "General: is missing"),
        ("General.Fixed", [{"Name": "muu", "Value": 1}], "no parameter 'muu'"),
        ("General.Fixed", [{"Name": "mu", "Value": float("inf")}], "no finite value"),
        ("General.Fixed", [{"Name": "mu", "Value": 1}] * 2, "occurs 2 times"),
        ("Regions", [], "`Regions` must be a list of one or more"),
        ("Regions.0.Name", "", "length >= 1"),
        ("Regions.0.Variable", "pt", "one of Variable and Binning"),
        ("Regions.0.Binning", [0, 1], "one of Variable and Binning"),
        ("Regions.0", {"Name": "SR", "Variable": "pt", "Binning": [1, 0]}, "ascending"),
        ("Regions.0", {"Name": "SR", "Variable": "a b", "Binning": [0, 1]}, "SR', Variable: .* r"),
        ("Regions.0", {"Name": "SR", "Filter": "a.__class__"}, "two underscores"),
        ("Regions", [{"Name": "SR"}] * 2, "2 entries are region 'SR'"),
        ("Regions", [{"Name": "S R"}, {"Name": "S-R"}], "2 regions are called 'S-R'"),
        ("Regions", "SR", "`Regions` must be a list"),
        ("Regions.0", "SR", "region 0: is missing, or no mapping"),
        ("Samples.0.Data", False, "exactly one sample must have `Data: true`; found none"),
        ("Samples.1.Data", True, "found 'data', 'signal'"),
        ("Samples.1.Regions", "SRR", r"no such region \(did you mean 'SR'"),
        ("Samples.1.Weight", "f(x)", "sample 'signal', Weight: .* no function 'f'"),
        ("Samples.1.Weight", [1], "Expected"),
        ("NormFactors.0.Samples", "sginal", "did you mean 'signal'"),
        ("NormFactors.0.Bounds", [3, 1], "the bounds 3 and 1"),
        ("NormFactors.0.Nominal", 11, "starts at 11, outside of 0 to 10"),
        ("NormFactors.0.Samples", "data", "acts on no sample in any region"),
        ("NormFactors.0.Name", "jes", "'jes' is both"),
        ("Systematics.0.Samples", "data", "systematic 'jes': acts on no sample in any region"),
        ("Systematics.0.Type", "Shape", "Invalid enum value"),
        ("Systematics.0.Up", {"Normalization": 0.1}, "belongs to `Type: Normalization`"),
        ("Systematics.0.Up", {"Weihgt": "w"}, "jes', Up: the key 'Weihgt' .* 'Weight'"),
        ("Systematics.0.Up", {"Weight": "import"}, "jes', Up, Weight: .* refused"),
        ("Systematics.0.Smoothing", {"Algorithm": "353QH"}, "Invalid enum value"),
        ("Systematics.0.Smoothing", {"Algorithm": "kernel", "Samples": "bkgg"}, "'bkg'"),
        ("Systematics.0.Symmetrisation", "both", "Invalid enum value"),
        ("Systematics.0.ModifierName", "lumi", "2 systematics have modifiers named 'lumi'"),
        ("Systematics.1.Up", {}, "lumi', Up: the key 'Normalization' is missing"),
        ("Systematics.1.Down", {"Normalization": -1.0}, "expected more than -1"),
        ("Systematics.1.Symmetrisation", "twosided", "neither smoothed nor symmetrised"),
        ("Sytematics", [], "the key 'Sytematics' is not known .did you mean 'Systematics'"),
    ]
    for path, value, message in cases:
        with pytest.raises(ModelError, match=message):
            read_description(_changed(path, value))


def test_symmetrize_needs_one_variation() -> None:
    both = {"Name": "jes", "Type": "NormPlusShape"}
    both |= {"Up": {"Symmetrize": True}, "Down": {"Symmetrize": True}}
    with pytest.raises(ModelError, match="none to be mirrored"):
        read_description(_changed("Systematics.0", both))
    one = {**both, "Up": {}, "Symmetrisation": "twosided"}
    with pytest.raises(ModelError, match="twosided needs both variations"):
        read_description(_changed("Systematics.0", one))


def test_all_problems_are_said_at_once() -> None:
    document = copy.deepcopy(MINIMAL)
    document["General"]["POI"] = "nu"
    document["Samples"][1]["Regions"] = ["CR"]
    document["Systematics"][1]["Up"] = {}
    with pytest.raises(ModelError) as caught:
        read_description(document)
    # Without its region, the signal is nowhere, and mu acts on nothing.
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "in line 2, column 1"),
        ("a: 1\na: 2", "the key 'a' occurs more than once, in line 2"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: 2026-13-45", "not what it looks like"),
        ("&a [*a]", "contain themselves"),
        ("? [1]\n: 2", "unhashable"),
        ("a: \t- b: \0", "not usable YAML"),
        (b"\xff\xfe\xff", "not usable YAML"),
        ("[" * 1000, "nested"),
        ("- " * 1000, "nested"),
    ],
)
def test_unusable_yaml_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_yaml(text)


def test_references_cannot_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(FormatError, match="references make it huge"):
        read_yaml("\n".join(lines))
    assert read_yaml("a: &a [1, 2]\nb: *a") == {"a": [1, 2], "b": [1, 2]}


def test_what_is_no_description_is_refused(tmp_path) -> None:
    with pytest.raises(FormatError, match="a description is a mapping; found a list"):
        read_description([1])
    (tmp_path / "a.yml").write_text("just text")
    with pytest.raises(FormatError, match="found a str"):
        read_description(tmp_path / "a.yml")
    with pytest.raises(InputError, match="no file"):
        read_description(tmp_path / "b.yml")
