"""A split parameter is what one gets by writing the workspace with other names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nextstat_core.errors import InputError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import channels_of, decorrelate, with_auxiliary, with_nominal

if TYPE_CHECKING:
    from collections.abc import Mapping


def _document() -> dict[str, Any]:
    def modifier(name: str, kind: str, data: Any = None) -> dict[str, Any]:
        return {"name": name, "type": kind, "data": data}

    def sample(name: str, yields: list[float], *modifiers: Any) -> dict[str, Any]:
        return {"name": name, "data": yields, "modifiers": list(modifiers)}

    jes = [
        modifier("jes", "normsys", {"hi": 1.1, "lo": 0.9}),
        modifier("jes", "histosys", {"hi_data": [52.0, 61.0], "lo_data": [48.0, 58.0]}),
    ]
    channels = {
        name: [
            sample("signal", [5.0, 10.0], modifier("mu", "normfactor"), modifier("lumi", "lumi")),
            sample("bkg", [50.0, 60.0], *jes, modifier(f"ss_{name}", "shapesys", [5.0, 6.0])),
            sample("free", [20.0, 20.0], modifier("shape", "shapefactor")),
        ]
        for name in ("A", "B", "C")
    }
    settings = [
        {
            "name": "lumi",
            "auxdata": [1.0],
            "sigmas": [0.02],
            "inits": [1.0],
            "bounds": [[0.9, 1.1]],
        },
        {"name": "mu", "inits": [2.0], "bounds": [[-5.0, 5.0]]},
    ]
    return {
        "channels": [{"name": name, "samples": samples} for name, samples in channels.items()],
        "observations": [{"name": name, "data": [75.0, 90.0]} for name in channels],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": settings}}],
        "version": "1.0.0",
    }


def _rewritten(modifier: str, names: Mapping[str, str], *, poi: str) -> dict[str, Any]:
    """The document with another name of the modifier in each channel of `names`."""
    document = json.loads(json.dumps(_document()))
    for channel in document["channels"]:
        for sample in channel["samples"]:
            for entry in sample["modifiers"]:
                if entry["name"] == modifier and channel["name"] in names:
                    entry["name"] = names[channel["name"]]
    config = document["measurements"][0]["config"]
    config["poi"] = poi
    for entry in list(config["parameters"]):
        if entry["name"] == modifier:
            config["parameters"] += [{**entry, "name": n} for n in dict.fromkeys(names.values())]
            if len(names) == 3:
                config["parameters"].remove(entry)
    return document


@pytest.mark.parametrize("modifier", ["jes", "shape"])
def test_same_as_written_with_other_names(modifier: str) -> None:
    split = decorrelate(read_pyhf(_document()), modifier, {"first": ["A", "C"], "other": "B"})
    names = {"A": "first", "C": "first", "B": "other"}
    assert split == read_pyhf(_rewritten(modifier, names, poi="mu"))


def test_a_split_parameter_of_interest_leaves_none() -> None:
    split = decorrelate(read_pyhf(_document()), "mu", {"a": ["A"], "b": ["B", "C"]})
    assert split.poi is None
    names = {"A": "a", "B": "b", "C": "b"}
    assert split == read_pyhf(_rewritten("mu", names, poi="a"), poi=None)
    by_name = {entry.name: entry for entry in split.parameters}
    assert (by_name["b"].init, by_name["b"].lower, by_name["b"].upper) == (2.0, -5.0, 5.0)


def test_channels_in_no_group_keep_the_name() -> None:
    split = decorrelate(read_pyhf(_document()), "mu", {"mu_A": ["A"]})
    assert split == read_pyhf(_rewritten("mu", {"A": "mu_A"}, poi="mu"))
    assert split.poi == "mu"
    assert channels_of(split, "mu") == ("B", "C")


@pytest.mark.parametrize(
    ("modifier", "groups", "message"),
    [
        ("nu", {"a": ["A"]}, "no modifier named 'nu'"),
        ("mu", {"a": ["D"]}, "no channel with 'mu' named 'D'"),
        ("mu", {"a": ["A"], "b": ["A"]}, "'A' is in the groups 'a' and 'b'"),
        ("mu", {"jes": ["A"]}, "'jes' is in use"),
        ("mu", {"a": []}, "'a' has no channels"),
        ("lumi", {"a": ["A"]}, "modifier 'lumi' is a lumi; expected a normfactor"),
        ("ss_A", {"a": ["A"]}, "sample 'bkg', modifier 'ss_A' is a shapesys"),
    ],
)
def test_refused_groups(modifier: str, groups: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decorrelate(read_pyhf(_document()), modifier, groups)


def test_auxiliary_data_are_those_that_settings_would_give() -> None:
    model = read_pyhf(_document())
    changed = with_auxiliary(model, {"jes": 0.4, "ss_B[1]": 81.0, "lumi": 1.01})
    document = _document()
    settings = document["measurements"][0]["config"]["parameters"]
    settings[0]["auxdata"] = [1.01]
    settings.append({"name": "jes", "auxdata": [0.4]})
    # The other bin keeps its count, (50 / 5)^2.
    settings.append({"name": "ss_B", "auxdata": [100.0, 81.0]})
    assert changed.parameters == read_pyhf(document).parameters
    # It stays when parameters are derived again.
    again = with_nominal(changed, "A", "signal", [5.0, 11.0])
    assert again.parameters == changed.parameters
    for name, message in {"mu": "'mu' has no constraint", "nu": "no parameter named"}.items():
        with pytest.raises(InputError, match=message):
            with_auxiliary(model, {name: 1.0})
