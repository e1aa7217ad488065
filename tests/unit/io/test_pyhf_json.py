"""What is accepted, and what the model then holds."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from nextstat_core.errors import FormatError, InputError, ModelError, PluginError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import GaussianConstraint, HistoSys, NormSys, Parameter, PluginModifier

Document = dict[str, Any]


def _codes(document: Document, interpolation: Any) -> dict[str, str]:
    model = read_pyhf(document, interpolation=interpolation)
    return {
        f"{modifier.kind}/{modifier.name}": modifier.interpolation
        for channel in model.channels
        for sample in channel.samples
        for modifier in sample.modifiers
        if isinstance(modifier, NormSys | HistoSys)
    }


def test_text_bytes_and_mappings_give_one_model(workspace: Document) -> None:
    model = read_pyhf(workspace)
    assert read_pyhf(json.dumps(workspace)) == model
    assert read_pyhf(json.dumps(workspace).encode()) == model
    assert read_pyhf(MappingProxyType(workspace)) == model


def test_parameters_are_the_poi_then_first_appearance(workspace: Document) -> None:
    workspace["measurements"][0]["config"]["poi"] = "jes"
    names = [parameter.name for parameter in read_pyhf(workspace).parameters]
    assert names == ["jes", "mu", "lumi", "mc[0]", "mc[1]", "dd[0]", "dd[1]", "free[0]"]


def test_channels_stay_as_written_and_data_are_sorted(workspace: Document) -> None:
    model = read_pyhf(workspace)
    assert [channel.name for channel in model.channels] == ["SR", "CR"]
    assert [channel.name for channel in model.sorted_channels()] == ["CR", "SR"]


def test_integers_are_numbers(workspace: Document) -> None:
    as_floats = read_pyhf(workspace)
    text = json.dumps(workspace).replace(".0,", ",").replace(".0]", "]")
    assert read_pyhf(text) == as_floats
    assert all(type(count) is float for count in read_pyhf(text).channels[0].observed)


@pytest.mark.parametrize("poi", [None, ""])
def test_a_model_may_have_no_parameter_of_interest(workspace: Document, poi: str | None) -> None:
    model = read_pyhf(workspace, poi=poi)
    assert model.poi is None
    workspace["measurements"][0]["config"]["poi"] = ""
    assert read_pyhf(workspace).poi is None


@pytest.mark.parametrize("poi", ["mu", "lumi", "jes"])
def test_any_scalar_modifier_may_be_the_poi(workspace: Document, poi: str) -> None:
    model = read_pyhf(workspace, poi=poi)
    assert model.poi == model.parameters[0].name == poi


@pytest.mark.parametrize("kind", ["shapesys", "staterror", "shapefactor"])
def test_a_modifier_with_one_bin_may_be_the_poi(workspace: Document, kind: str) -> None:
    data = None if kind == "shapefactor" else [10.0]
    workspace["channels"][1]["samples"][0]["modifiers"] = [
        {"name": "one", "type": kind, "data": data}
    ]
    model = read_pyhf(workspace, poi="one")
    assert model.poi == model.parameters[0].name == "one[0]"


def test_a_poi_that_is_no_name_is_an_input_error(workspace: Document) -> None:
    with pytest.raises(InputError, match="expected the name of a modifier, or None"):
        read_pyhf(workspace, poi=3)  # type: ignore[arg-type]


def test_the_chosen_measurement_is_read(workspace: Document) -> None:
    other = json.loads(json.dumps(workspace["measurements"][0]))
    other["name"], other["config"]["poi"] = "other", "jes"
    workspace["measurements"].append(other)
    model = read_pyhf(workspace, measurement="other")
    assert (model.measurement, model.poi, model.warnings) == ("other", "jes", ())


def test_the_first_of_several_measurements_is_used_with_a_warning(workspace: Document) -> None:
    workspace["measurements"].append({**workspace["measurements"][0], "name": "other"})
    model = read_pyhf(workspace)
    assert model.measurement == "main"
    assert [str(warning) for warning in model.warnings] == [
        "measurements: there are 'main', 'other' and none was chosen; the first is used"
    ]


def test_observations_of_an_absent_channel_are_a_warning(workspace: Document) -> None:
    workspace["observations"].append({"name": "SRR", "data": [1.0]})
    (warning,) = read_pyhf(workspace).warnings
    assert warning.place == "channel 'SRR'"
    assert "no such channel" in warning.message


def test_settings_of_an_absent_parameter_are_a_warning(workspace: Document) -> None:
    settings = {"name": "mu_SIG", "bounds": [[0, 5]]}
    workspace["measurements"][0]["config"]["parameters"].append(settings)
    (warning,) = read_pyhf(workspace).warnings
    assert warning.place == "parameter 'mu_SIG'"
    assert "no modifier has this name" in warning.message


def test_fixed_false_leaves_a_gamma_without_effect_fixed_and_says_so(workspace: Document) -> None:
    settings = {"name": "mc", "fixed": False}
    workspace["measurements"][0]["config"]["parameters"].append(settings)
    model = read_pyhf(workspace)
    fixed = [parameter.name for parameter in model.parameters if parameter.fixed]
    assert fixed == ["mc[1]", "dd[1]"]
    (warning,) = model.warnings
    assert warning.place == "parameter 'mc'"
    assert "mc[1] has no effect" in warning.message


def test_equal_bounds_fix_a_parameter(workspace: Document) -> None:
    settings = {"name": "mu", "bounds": [[1.0, 1.0]]}
    workspace["measurements"][0]["config"]["parameters"].append(settings)
    assert read_pyhf(workspace).parameters[0].fixed


def test_a_lumi_of_zero_width_is_constant_and_has_no_constraint(workspace: Document) -> None:
    workspace["measurements"][0]["config"]["parameters"][0]["sigmas"] = [0.0]
    lumi = read_pyhf(workspace).parameters[1]
    assert (lumi.name, lumi.fixed, lumi.constraint) == ("lumi", True, None)


def test_auxiliary_data_of_a_normsys_are_accepted(workspace: Document) -> None:
    settings = {"name": "jes", "auxdata": [0.5]}
    workspace["measurements"][0]["config"]["parameters"].append(settings)
    jes = next(entry for entry in read_pyhf(workspace).parameters if entry.name == "jes")
    assert jes.constraint == GaussianConstraint(center=0.5, width=1.0)


def test_a_zero_bin_without_events_is_accepted(workspace: Document) -> None:
    workspace["channels"][1]["samples"][0]["data"] = [0.0]
    workspace["observations"][1]["data"] = [0.0]
    assert read_pyhf(workspace).channels[1].observed == (0.0,)


def test_a_zero_bin_that_a_histosys_fills_is_accepted(workspace: Document) -> None:
    sample = workspace["channels"][1]["samples"][0]
    sample["data"] = [0.0]
    data = {"lo_data": [0.0], "hi_data": [2.0]}
    sample["modifiers"].append({"name": "jes", "type": "histosys", "data": data})
    assert read_pyhf(workspace).channels[1].observed == (104.0,)


@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [
        (None, ("code4", "code4p")),
        ("pyhf", ("code4", "code4p")),
        ("root", ("code4", "code4p")),
        ({"normsys": "code1"}, ("code1", "code4p")),
        ({"normsys": "code1", "histosys": "code0"}, ("code1", "code0")),
        ({"histosys": "code2_pyhf"}, ("code4", "code2_pyhf")),
        ({"normsys/jes": "code1", "histosys": "code2"}, ("code1", "code2")),
        ({"histosys/jes": "code0", "histosys": "code2"}, ("code4", "code0")),
    ],
)
def test_interpolation_is_chosen_by_kind_and_by_modifier(
    workspace: Document, interpolation: Any, expected: tuple[str, str]
) -> None:
    codes = _codes(workspace, interpolation)
    assert (codes["normsys/jes"], codes["histosys/jes"]) == expected


@pytest.mark.parametrize(
    ("interpolation", "message"),
    [
        ("roots", "no interpolation named 'roots'; there are: 'pyhf', 'root'"),
        ({"normsys": "code4p"}, "code for normsys named 'code4p'; there are: 'code1', 'code4'"),
        ({"histosys": "code7"}, "no interpolation code named 'code7'"),
        ({"shapesys": "code1"}, "kind of modifier with an interpolation code named 'shapesys'"),
        ({"normsys/jess": "code1"}, "did you mean 'normsys/jes'?"),
        (4, "no interpolation named 4"),
    ],
)
def test_an_unknown_interpolation_is_an_input_error(
    workspace: Document, interpolation: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_pyhf(workspace, interpolation=interpolation)
    assert message in str(caught.value)


class Tilt:
    """A kind of modifier with one parameter per occurrence name."""

    kind = "tilt"

    def parameters(self, name: str, data: Any, n_bins: int) -> tuple[Parameter, ...]:
        if not isinstance(data, dict) or len(data.get("slopes", ())) != n_bins:
            raise InputError(f"`slopes` has no {n_bins} entries")
        return (Parameter(name, name, data.get("init", 0.0), -5.0, 5.0),)

    def lower(self, modifier: PluginModifier, sample: Any, channel: Any) -> tuple[()]:
        del modifier, sample, channel
        return ()


def _with_tilt(document: Document, data: Any, channel: int = 0) -> Document:
    modifier = {"name": "tilted", "type": "tilt", "data": data}
    document["channels"][channel]["samples"][0]["modifiers"].append(modifier)
    return document


def test_a_plugin_brings_its_own_kind(workspace: Document) -> None:
    document = _with_tilt(workspace, {"slopes": [1, 2]})
    settings = {"name": "tilted", "inits": [0.25]}
    workspace["measurements"][0]["config"]["parameters"].append(settings)
    model = read_pyhf(document, poi="tilted", modifier_types={"tilt": Tilt()})
    modifier = model.channels[0].samples[0].modifiers[-1]
    assert modifier == PluginModifier("tilted", "tilt", ("tilted",), {"slopes": (1, 2)})
    assert model.parameters[0] == Parameter("tilted", "tilted", 0.25, -5.0, 5.0)


def test_without_the_plugin_its_kind_is_unknown(workspace: Document) -> None:
    with pytest.raises(ModelError, match="unknown modifier type 'tilt'"):
        read_pyhf(_with_tilt(workspace, {"slopes": [1, 2]}))


def test_what_a_plugin_refuses_is_a_problem_with_its_place(workspace: Document) -> None:
    with pytest.raises(ModelError, match=r"modifier 'tilted' \(tilt\): `slopes` has no 2 entries"):
        read_pyhf(_with_tilt(workspace, {}), modifier_types={"tilt": Tilt()})


def test_occurrences_of_one_plugin_modifier_must_agree(workspace: Document) -> None:
    document = _with_tilt(workspace, {"slopes": [1, 2]})
    document = _with_tilt(document, {"slopes": [1], "init": 0.5}, channel=1)
    with pytest.raises(ModelError, match="brings other parameters"):
        read_pyhf(document, modifier_types={"tilt": Tilt()})


def test_a_plugin_cannot_redefine_a_built_in_kind(workspace: Document) -> None:
    with pytest.raises(PluginError, match="redefines the built-in modifier type 'normsys'"):
        read_pyhf(workspace, modifier_types={"normsys": Tilt()})


def test_a_patch_is_told_from_a_workspace() -> None:
    with pytest.raises(FormatError, match="looks like a JSON patch"):
        read_pyhf('[{"op": "add", "path": "/x", "value": 1}]')
