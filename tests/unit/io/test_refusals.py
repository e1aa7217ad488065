"""One test per refusal: the message names the place, what was found and what was expected."""

from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

from nextstat_core.errors import FormatError, ModelError
from nextstat_core.io import read_pyhf

Document = dict[str, Any]


def _sr(document: Document) -> Any:
    return document["channels"][0]


def _background(document: Document) -> Any:
    return _sr(document)["samples"][1]


def _modifier(document: Document, index: int) -> Any:
    return _background(document)["modifiers"][index]


def _config(document: Document) -> Any:
    return document["measurements"][0]["config"]


def _set(target: Callable[[Document], Any], key: Any, value: Any) -> Callable[[Document], None]:
    return lambda document: target(document).__setitem__(key, value)


def _add(target: Callable[[Document], Any], value: Any) -> Callable[[Document], None]:
    return lambda document: target(document).append(value)


def _remove(target: Callable[[Document], Any], key: str) -> Callable[[Document], None]:
    return lambda document: target(document).__delitem__(key)


def _zero_bin(document: Document) -> None:
    document["channels"][1]["samples"][0]["data"] = [0.0]


def _shared_shapesys(document: Document) -> None:
    modifier = {"name": "dd", "type": "shapesys", "data": [1.0, 1.0]}
    _sr(document)["samples"][0]["modifiers"].append(modifier)


def _different_masks(document: Document) -> None:
    document["channels"][1]["samples"][0]["modifiers"].append(
        {"name": "mc", "type": "staterror", "data": [1.0]}
    )
    _sr(document)["samples"][0]["modifiers"].append(
        {"name": "mc", "type": "staterror", "data": [1.0, 1.0]}
    )


def _parameter(**settings: Any) -> Callable[[Document], None]:
    return lambda document: _config(document)["parameters"].append(settings)


JES = "channel 'SR', sample 'background', modifier 'jes'"
REFUSALS: dict[str, tuple[Callable[[Document], None], tuple[str, ...]]] = {
    "unknown modifier type": (
        _set(lambda d: _modifier(d, 0), "type", "normsy"),
        (f"{JES} (normsy)", "unknown modifier type 'normsy'", "expected", "did you mean 'normsys'"),
    ),
    "sample with other bins": (
        _set(_background, "data", [50.0]),
        ("channel 'SR', sample 'background'", "2 expected, 1 found"),
    ),
    "histosys with other bins": (
        _set(lambda d: _modifier(d, 1)["data"], "hi_data", [1.0, 2.0, 3.0]),
        (f"{JES} (histosys)", "`hi_data` has 3 entries", "expected 2"),
    ),
    "shapesys with other bins": (
        _set(lambda d: _modifier(d, 3), "data", [1.0]),
        ("modifier 'dd' (shapesys)", "`data` has 1 entries", "expected 2"),
    ),
    "staterror with other bins": (
        _set(lambda d: _modifier(d, 2), "data", [1.0]),
        ("modifier 'mc' (staterror)", "`data` has 1 entries", "expected 2"),
    ),
    "observations with other bins": (
        _set(lambda d: d["observations"][0], "data", [1.0]),
        ("channel 'SR', observations", "2 expected, 1 found"),
    ),
    "NaN yield": (
        _set(lambda d: _background(d)["data"], 1, nan),
        ("channel 'SR', sample 'background', bin 1", "yield is nan", "expected a finite number"),
    ),
    "infinite template": (
        _set(lambda d: _modifier(d, 1)["data"]["lo_data"], 0, -inf),
        (f"{JES} (histosys), bin 0", "`lo_data` is -inf", "expected a finite number"),
    ),
    "NaN uncertainty": (
        _set(lambda d: _modifier(d, 3)["data"], 0, nan),
        ("modifier 'dd' (shapesys), bin 0", "`data` is nan", "expected a finite number"),
    ),
    "NaN observation": (
        _set(lambda d: d["observations"][0]["data"], 0, nan),
        ("channel 'SR', bin 0", "observed count is nan", "expected a finite number"),
    ),
    "missing observations": (
        lambda d: d["observations"].pop(0),
        ("channel 'SR'", "has no observations"),
    ),
    "negative observation": (
        _set(lambda d: d["observations"][0]["data"], 1, -3.0),
        ("channel 'SR', bin 1", "observed count is -3", "expected 0 or more"),
    ),
    "non-positive normsys": (
        _set(lambda d: _modifier(d, 0)["data"], "lo", -0.5),
        (f"{JES} (normsys)", "`lo` is -0.5", "expected a finite factor above 0"),
    ),
    "infinite normsys": (
        _set(lambda d: _modifier(d, 0)["data"], "hi", inf),
        (f"{JES} (normsys)", "`hi` is inf", "expected a finite factor above 0"),
    ),
    "duplicate channel": (
        lambda d: d["channels"].append(d["channels"][1]),
        ("channel 'CR'", "2 channels have this name", "expected one"),
    ),
    "duplicate sample": (
        lambda d: _sr(d)["samples"].append(_sr(d)["samples"][0]),
        ("channel 'SR', sample 'signal'", "2 samples have this name", "expected one"),
    ),
    "duplicate modifier": (
        lambda d: _background(d)["modifiers"].append(_modifier(d, 0)),
        (f"{JES} (normsys)", "occurs 2 times on this sample", "expected once"),
    ),
    "duplicate measurement": (
        lambda d: d["measurements"].append(d["measurements"][0]),
        ("measurement 'main'", "2 have this name", "expected one"),
    ),
    "duplicate observation": (
        lambda d: d["observations"].append(d["observations"][0]),
        ("channel 'SR'", "2 observations for this channel", "expected one"),
    ),
    "duplicate parameter settings": (
        lambda d: _config(d)["parameters"].append(_config(d)["parameters"][0]),
        ("measurement 'main', parameter 'lumi'", "configured twice", "expected once"),
    ),
    "shapesys on two samples": (
        _shared_shapesys,
        (
            "channel 'SR', sample 'background', modifier 'dd' (shapesys)",
            "channel 'SR', sample 'signal', modifier 'dd' (shapesys) has this name too",
            "shapefactor or a histosys",
        ),
    ),
    "staterror with different masks": (
        _different_masks,
        (
            "sample 'signal', modifier 'mc' (staterror)",
            "acts in 'SR'",
            "expected 'CR', 'SR'",
        ),
    ),
    "one name for kinds that cannot share it": (
        _set(lambda d: _modifier(d, 0), "name", "mu"),
        ("parameter 'mu'", "normfactor and normsys", "unique names"),
    ),
    "structural zero": (
        _zero_bin,
        ("channel 'CR', bin 0", "every sample is zero", "104 events", "expected some prediction"),
    ),
    "wrong version": (
        _set(lambda d: d, "version", "2.0.0"),
        ("version", "found the string '2.0.0'", "expected '1.0.0'"),
    ),
    "missing version": (_remove(lambda d: d, "version"), ("the key 'version' is missing",)),
    "missing sample data": (
        _remove(_background, "data"),
        ("channel 'SR', sample 'background'", "the key 'data' is missing"),
    ),
    "missing modifier data": (
        _remove(lambda d: _modifier(d, 1), "data"),
        (f"{JES} (histosys)", "the key 'data' is missing"),
    ),
    "extra key of a parameter": (
        _parameter(name="mu", widths=[1.0]),
        ("measurement 'main', parameter 'mu'", "the key 'widths' is not allowed", "expected"),
    ),
    "unknown constraint": (
        _parameter(name="mu", constraint={"type": "Laplace"}),
        ("measurement 'main', parameter 'mu'", "'Laplace'", "one of Gaussian, Poisson, Gamma"),
    ),
    "gamma term without its width": (
        _parameter(name="mu", constraint={"type": "Gaussian"}),
        ("parameter 'mu'", "`sigmas` is nan", "expected"),
    ),
    "negative relative uncertainty": (
        _parameter(name="mu", constraint={"type": "Gaussian", "rel_uncertainty": -0.1}),
        ("parameter 'mu'", "relative uncertainty is -0.1", "expected one of 1e-9 to 1e9"),
    ),
    "extra key of the workspace": (
        _set(lambda d: d, "chanels", []),
        ("the key 'chanels' is not allowed here", "did you mean 'channels'"),
    ),
    "wrong JSON type of a yield": (
        _set(lambda d: _background(d)["data"], 0, "50"),
        ("channel 'SR', sample 'background', bin 0", "the string '50'", "expected a number"),
    ),
    "boolean for a number": (
        _set(lambda d: _modifier(d, 0)["data"], "hi", True),
        (f"{JES} (normsys), hi", "found true", "expected a number"),
    ),
    "data of a normfactor": (
        _set(lambda d: _sr(d)["samples"][0]["modifiers"][0], "data", [1.0]),
        ("modifier 'mu' (normfactor), data", "found a list of 1", "expected null"),
    ),
    "lumi with another name": (
        _set(lambda d: _sr(d)["samples"][0]["modifiers"][1], "name", "luminosity"),
        ("modifier 'luminosity' (lumi), name", "the string 'luminosity'", "expected 'lumi'"),
    ),
    "no channels": (
        _set(lambda d: d, "channels", []),
        ("channels", "found 0 entries", "expected at least 1"),
    ),
    "no samples": (
        _set(_sr, "samples", []),
        ("channel 'SR', samples", "found 0 entries", "expected at least 1"),
    ),
    "no bins": (
        _set(_background, "data", []),
        ("channel 'SR', sample 'background', data", "found 0 entries", "expected at least 1"),
    ),
    "no measurements": (
        _set(lambda d: d, "measurements", []),
        ("measurements", "found 0 entries", "expected at least 1"),
    ),
    "init outside its bounds": (
        _parameter(name="mu", inits=[11.0]),
        ("parameter 'mu'", "init 11 is outside its bounds (0, 10)"),
    ),
    "default init outside new bounds": (
        _parameter(name="mu", bounds=[[2.0, 3.0]]),
        ("parameter 'mu'", "init 1 is outside its bounds (2, 3)"),
    ),
    "crossed bounds": (
        _parameter(name="mu", bounds=[[3.0, 0.0]]),
        ("parameter 'mu'", "bounds are (3, 0)", "expected finite lower <= upper"),
    ),
    "NaN bounds": (
        _parameter(name="mu", bounds=[[nan, 3.0]]),
        ("parameter 'mu'", "bounds are (nan, 3)", "expected finite lower <= upper"),
    ),
    "bounds with three entries": (
        _parameter(name="mu", bounds=[[0.0, 1.0, 3.0]]),
        ("parameter 'mu', bounds[0]", "found 3 entries", "expected 2"),
    ),
    "sigma of zero": (
        _parameter(name="mc", sigmas=[0.1, 0.0]),
        ("parameter 'mc[1]'", "`sigmas` is 0", "expected a finite number above 0"),
    ),
    "negative factor": (
        _parameter(name="dd", factors=[-1.0, 1.0]),
        ("parameter 'dd[0]'", "`factors` is -1", "expected a finite number above 0"),
    ),
    "negative auxiliary count": (
        _parameter(name="dd", auxdata=[-1.0, 1.0]),
        ("parameter 'dd[0]'", "`auxdata` is -1", "expected a count of 0 or more"),
    ),
    "wrong number of settings": (
        _parameter(name="mc", inits=[1.0]),
        ("parameter 'mc'", "`inits` has 1 entries", "expected 2"),
    ),
    "sigmas of a normsys": (
        _parameter(name="jes", sigmas=[1.0]),
        ("parameter 'jes'", "has no `sigmas`", "expected only inits, bounds, auxdata or fixed"),
    ),
    "auxdata of a normfactor": (
        _parameter(name="mu", auxdata=[1.0]),
        ("parameter 'mu'", "has no `auxdata`", "expected only inits, bounds or fixed"),
    ),
    "sigmas of a shapesys": (
        _parameter(name="dd", sigmas=[1.0, 1.0]),
        ("parameter 'dd'", "has no `sigmas`", "auxdata, factors or fixed"),
    ),
    "factors of a staterror": (
        _parameter(name="mc", factors=[1.0, 1.0]),
        ("parameter 'mc'", "has no `factors`", "auxdata, sigmas or fixed"),
    ),
    "lumi without settings": (
        _set(_config, "parameters", []),
        ("parameter 'lumi'", "gives no inits, bounds, auxdata, sigmas"),
    ),
    "lumi without sigmas": (
        _remove(lambda d: _config(d)["parameters"][0], "sigmas"),
        ("parameter 'lumi'", "gives no sigmas"),
    ),
    "absent parameter of interest": (
        _set(_config, "poi", "lum"),
        ("'lum'", "no modifier has this name", "did you mean 'lumi'?", "poi=None", "--poi none"),
    ),
    "parameter of interest with several components": (
        _set(_config, "poi", "mc"),
        ("'mc'", "has 2 components", "expected one"),
    ),
    "uncertainty without a finite auxiliary count": (
        _set(lambda d: _modifier(d, 3), "data", [1e-320, 1.0]),
        ("modifier 'dd' (shapesys), bin 0", "the auxiliary count inf", "expected a finite one"),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_names_place_finding_and_expectation(case: str, workspace: Document) -> None:
    change, parts = REFUSALS[case]
    read_pyhf(workspace)
    change(workspace)
    with pytest.raises(ModelError) as caught:
        read_pyhf(workspace)
    for part in parts:
        assert part in str(caught.value)
    assert len(caught.value.problems) == 1, caught.value


def test_an_unknown_measurement_is_refused_with_the_closest_name(workspace: Document) -> None:
    with pytest.raises(ModelError, match=r"measurement 'maine'.*'main'.*did you mean 'main'"):
        read_pyhf(workspace, measurement="maine")


def test_a_workspace_without_modifiers_is_refused(workspace: Document) -> None:
    for channel in workspace["channels"]:
        for sample in channel["samples"]:
            sample["modifiers"] = []
    with pytest.raises(ModelError, match="expected at least one parameter"):
        read_pyhf(workspace, poi=None)


def test_all_problems_are_reported_at_once(workspace: Document) -> None:
    _set(lambda d: _modifier(d, 0), "type", "weird")(workspace)
    _set(lambda d: d, "version", "0")(workspace)
    _set(lambda d: d["observations"][0]["data"], 1, -3.0)(workspace)
    _set(lambda d: _sr(d)["samples"][0], "data", [1.0, "x"])(workspace)
    _parameter(name="mc", inits=[1.0])(workspace)
    _set(_config, "poi", "nothing")(workspace)
    with pytest.raises(ModelError, match="6 problems") as caught:
        read_pyhf(workspace)
    for part in ("'weird'", "version", "-3", "bin 1: found the string", "`inits`", "'nothing'"):
        assert part in str(caught.value)


def test_an_unreadable_modifier_causes_no_second_problem(workspace: Document) -> None:
    _set(lambda d: _sr(d)["samples"][0]["modifiers"][0], "data", 1.0)(workspace)
    _set(lambda d: _config(d)["parameters"][0], "sigmas", "0.02")(workspace)
    with pytest.raises(ModelError) as caught:
        read_pyhf(workspace)
    assert [problem.place for problem in caught.value.problems] == [
        "channel 'SR', sample 'signal', modifier 'mu' (normfactor), data",
        "measurement 'main', parameter 'lumi', sigmas",
    ]


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({"distributions": [], "metadata": {}}, "this looks like an HS3 document"),
        ({"patches": [], "metadata": {}, "version": "1.0.0"}, "this is a patch set"),
    ],
)
def test_other_formats_are_recognised(document: Document, hint: str) -> None:
    with pytest.raises(ModelError, match=hint):
        read_pyhf(document)


@pytest.mark.parametrize("text", ["[]", "3", '"workspace"', "null"])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="a workspace is a JSON object; found"):
        read_pyhf(text)
