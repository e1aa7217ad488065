"""Operations on workspaces: what pyhf leaves open, and what is refused with which words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.io import (
    read_pyhf,
    shared_modifiers,
    simplemodel_uncorrelated,
    workspace_combine,
    workspace_combine_all,
    workspace_digest,
    workspace_inspect,
    workspace_prune,
    workspace_rename,
    workspace_sorted,
)
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace

FULL = {
    "n_channels": 2,
    "n_normsys": 2,
    "n_histosys": 2,
    "n_coupled": 1,
    "staterror": True,
    "shapesys": True,
    "lumi": True,
    "custom_settings": True,
}


# -- rename ---------------------------------------------------------------------------------------


def test_names_can_be_swapped(workspace: dict[str, Any]) -> None:
    renamed = workspace_rename(workspace, channels={"SR": "CR", "CR": "SR"})
    assert [channel["name"] for channel in renamed["channels"]] == ["CR", "SR"]
    assert [entry["name"] for entry in renamed["observations"]] == ["CR", "SR"]


def test_a_renamed_parameter_of_interest_is_declared_by_its_new_name(
    workspace: dict[str, Any],
) -> None:
    renamed = workspace_rename(workspace, modifiers={"mu": "strength"})
    assert read_pyhf(renamed).poi == "strength"


def test_a_declared_parameter_that_no_sample_has_can_be_renamed(workspace: dict[str, Any]) -> None:
    background = workspace_prune(workspace, samples=["signal"])
    renamed = workspace_rename(background, modifiers={"mu": "strength"})
    assert renamed["measurements"][0]["config"]["poi"] == "strength"


def test_two_channels_of_one_name_are_refused(workspace: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"channel 'CR': 2 channels have this name") as caught:
        workspace_rename(workspace, channels={"SR": "CR"})
    assert "2 observations" in str(caught.value)


def test_modifiers_of_one_name_and_type_on_a_sample_are_refused(workspace: dict[str, Any]) -> None:
    modifiers = workspace["channels"][0]["samples"][1]["modifiers"]
    modifiers.append({"name": "mc_2", "type": "staterror", "data": [1.0, 1.0]})
    with pytest.raises(ModelError, match=r"'background', modifier 'mc' \(staterror\)"):
        workspace_rename(workspace, modifiers={"mc_2": "mc"})


def test_equal_settings_of_modifiers_that_get_one_name_are_taken_once(
    workspace: dict[str, Any],
) -> None:
    parameters = workspace["measurements"][0]["config"]["parameters"]
    parameters += [{"name": "jes", "fixed": True}, {"name": "jes_2", "fixed": True}]
    modifiers = workspace["channels"][1]["samples"][0]["modifiers"]
    modifiers.append({"name": "jes_2", "type": "normsys", "data": {"lo": 0.9, "hi": 1.1}})
    renamed = workspace_rename(workspace, modifiers={"jes_2": "jes"})
    assert [p["name"] for p in renamed["measurements"][0]["config"]["parameters"]] == [
        "lumi",
        "jes",
    ]
    parameters[-1]["fixed"] = False
    with pytest.raises(ModelError, match="parameter 'jes': 2 settings have this name"):
        workspace_rename(workspace, modifiers={"jes_2": "jes"})


def test_settings_of_one_bin_follow_their_modifier(workspace: dict[str, Any]) -> None:
    parameters = workspace["measurements"][0]["config"]["parameters"]
    parameters += [{"name": "mc[1]", "fixed": True}, {"name": "other[1]", "fixed": True}]
    renamed = workspace_rename(workspace, modifiers={"mc": "staterror_SR"})
    names = [entry["name"] for entry in renamed["measurements"][0]["config"]["parameters"]]
    assert names == ["lumi", "staterror_SR[1]", "other[1]"]
    pruned = workspace_prune(workspace, modifiers=["mc"])
    names = [entry["name"] for entry in pruned["measurements"][0]["config"]["parameters"]]
    assert names == ["lumi", "other[1]"]


def test_a_lumi_keeps_its_name(workspace: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="a lumi has this name by the schema"):
        workspace_rename(workspace, modifiers={"lumi": "luminosity"})


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"samples": {"signl": "s"}}, "does not have 'signl'.*did you mean 'signal'"),
        ({"channels": {"SR": 3}}, "new name of 'SR' is 3"),
        ({"modifiers": ["mu"]}, r"`modifiers` is \['mu'\]; expected new names by old ones"),
    ],
)
def test_unusable_new_names_are_refused(
    workspace: dict[str, Any], request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        workspace_rename(workspace, **request_)


@given(st.integers(0, 50))
def test_renaming_back_gives_the_same_workspace_and_likelihood(seed: int) -> None:
    document = generate_workspace(seed, **FULL)
    names = {m["name"] for m in workspace_inspect(document)["modifiers"]} - {"lumi"}
    there = {name: f"{name}!" for name in names}
    renamed = workspace_rename(document, modifiers=there, samples={"signal": "s"})
    first, second = map(HistFactoryModel.from_workspace, (document, renamed))
    assert second.nll(second.suggested_init()) == first.nll(first.suggested_init())
    back = workspace_rename(
        renamed, modifiers={new: old for old, new in there.items()}, samples={"s": "signal"}
    )
    assert back == document


# -- prune ----------------------------------------------------------------------------------------


def test_types_whose_names_are_shared_can_be_pruned(workspace: dict[str, Any]) -> None:
    # 'jes' is a histosys too, which makes pyhf forget that there is a normsys.
    pruned = workspace_prune(workspace, modifier_types=["normsys"])
    kinds = {entry["type"] for entry in workspace_inspect(pruned)["modifiers"]}
    assert "normsys" not in kinds
    assert "histosys" in kinds


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"modifiers": ["jess"]}, "does not have 'jess'.*did you mean 'jes'"),
        ({"modifier_types": ["normsyst"]}, "did you mean 'normsys'"),
        ({"samples": ["sig", "bkg"]}, "does not have 'sig', 'bkg'"),
        ({"samples": "signal"}, "expected a list of names"),
        ({"channels": ["SR", "CR"]}, "no channels would be left"),
        ({"samples": ["background"]}, "channel 'CR' would have no samples left"),
        ({"measurements": ["main"]}, "no measurements would be left"),
    ],
)
def test_what_cannot_be_pruned_is_refused(
    workspace: dict[str, Any], request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        workspace_prune(workspace, **request_)


def test_a_pruned_signal_leaves_a_background_only_workspace(workspace: dict[str, Any]) -> None:
    background = workspace_prune(workspace, samples=["signal"])
    assert background["measurements"][0]["config"]["poi"] == "mu"
    assert read_pyhf(background, poi=None).poi is None


def test_observations_without_a_channel_can_be_pruned(workspace: dict[str, Any]) -> None:
    workspace["observations"].append({"name": "VR", "data": [1.0]})
    assert workspace_prune(workspace, channels=["VR"])["observations"] == [
        {"name": "SR", "data": [52.0, 71.0]},
        {"name": "CR", "data": [104.0]},
    ]


# -- combine --------------------------------------------------------------------------------------


def _two(new_workspace: Any) -> tuple[Any, Any]:
    left = new_workspace()
    right = workspace_rename(left, channels={"SR": "SR_2", "CR": "CR_2"})
    return left, right


def test_likelihoods_of_independent_workspaces_add_up() -> None:
    def model(document: Any) -> HistFactoryModel:
        return HistFactoryModel.from_workspace(document)

    left = generate_workspace(1, n_channels=2, n_normsys=1, staterror=True)
    right = generate_workspace(2, n_channels=1, n_normsys=1, staterror=True)
    names = {m["name"]: f"{m['name']}_2" for m in workspace_inspect(right)["modifiers"]}
    right = workspace_rename(right, modifiers=names, channels={"channel_0": "other"})
    right = workspace_rename(right, measurements={"measurement": "of right"})
    both = model(workspace_combine(left, right))
    parts = [model(left), model(right)]
    expected = sum(part.nll(part.suggested_init()) for part in parts)
    assert both.nll(both.suggested_init()) == pytest.approx(expected, rel=1e-14)


def test_measurements_are_merged_by_an_outer_join(new_workspace: Any) -> None:
    left, right = _two(new_workspace)
    right["measurements"][0]["config"]["parameters"].append({"name": "jes", "fixed": True})
    combined = workspace_combine(left, right, join="outer")
    (measurement,) = combined["measurements"]
    assert [entry["name"] for entry in measurement["config"]["parameters"]] == ["lumi", "jes"]
    assert shared_modifiers([left, right]) == ["dd", "free", "jes", "lumi", "mc", "mu"]


def test_merged_samples_that_differ_are_refused_by_an_outer_join(new_workspace: Any) -> None:
    left, right = new_workspace(), new_workspace()
    right["channels"][0]["samples"][0]["data"] = [6.0, 10.0]
    right["channels"][0]["samples"].append({"name": "new", "data": [1.0], "modifiers": []})
    with pytest.raises(InputError) as caught:
        workspace_combine(left, right, join="outer", merge_channels=True)
    assert "sample 'signal': the samples of both workspaces differ" in str(caught.value)
    assert "sample 'new': wrong number of bins" in str(caught.value)
    right["channels"][0]["samples"].pop()
    combined = workspace_combine(left, right, join="left outer", merge_channels=True)
    assert combined["channels"][0]["samples"][0]["data"] == [5.0, 10.0]
    combined = workspace_combine(left, right, join="right outer", merge_channels=True)
    assert combined["channels"][0]["samples"][0]["data"] == [6.0, 10.0]


def test_refusals_name_the_first_difference(new_workspace: Any) -> None:
    left, right = new_workspace(), new_workspace()
    right["channels"][0]["samples"][1]["modifiers"][0]["data"]["hi"] = 1.2
    right["observations"][1]["data"] = [105.0]
    right["measurements"][0]["config"]["poi"] = "jes"
    with pytest.raises(InputError) as caught:
        workspace_combine(left, right, join="outer")
    text = str(caught.value)
    assert "sample 'background', modifier 'jes' (normsys), hi: the two workspaces differ" in text
    assert "observations of channel 'CR', bin 0: the two workspaces differ" in text
    assert "the parameters of interest are 'mu' and 'jes'" in text
    assert "join='left outer'" in text


def test_names_in_common_are_refused_without_a_join(new_workspace: Any) -> None:
    with pytest.raises(InputError) as caught:
        workspace_combine(new_workspace(), new_workspace())
    text = str(caught.value)
    assert "channel 'SR': both workspaces have it" in text
    assert "measurement 'main': both workspaces have it" in text


def test_unknown_joins_and_useless_merges_are_refused(new_workspace: Any) -> None:
    left, right = _two(new_workspace)
    with pytest.raises(InputError, match="did you mean 'outer'"):
        workspace_combine(left, right, join="oter")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs a join that keeps"):
        workspace_combine(left, right, merge_channels=True)


def test_many_workspaces_are_combined_from_the_left() -> None:
    parts = []
    for index in range(3):
        part = generate_workspace(index, n_channels=1)
        parts.append(workspace_rename(part, channels={"channel_0": f"C{index}"}))
    combined = workspace_combine_all(parts, join="outer")
    assert [channel["name"] for channel in combined["channels"]] == ["C0", "C1", "C2"]
    with pytest.raises(InputError, match="1 workspaces to combine; expected at least two"):
        workspace_combine_all(parts[:1])


def test_repeated_names_in_one_workspace_are_refused(new_workspace: Any) -> None:
    left, right = _two(new_workspace)
    right["channels"].append(right["channels"][0])
    with pytest.raises(ModelError, match="channel 'SR_2': 2 channels have this name"):
        workspace_combine(left, right, join="outer")


# -- all of them ----------------------------------------------------------------------------------

_OPERATIONS = {
    "prune": workspace_prune,
    "rename": workspace_rename,
    "sorted": workspace_sorted,
    "inspect": workspace_inspect,
    "combine": lambda document: workspace_combine(document, document, join="outer"),
}


@pytest.mark.parametrize("name", _OPERATIONS)
def test_documents_that_are_no_workspaces_are_refused(name: str, workspace: dict[str, Any]) -> None:
    operation = _OPERATIONS[name]
    with pytest.raises(ModelError, match="the key 'channels' is missing"):
        operation({})
    with pytest.raises(FormatError, match="a workspace is a JSON object"):
        operation([])
    workspace["channels"][0]["samples"][0]["modifiers"][0]["extra"] = 1
    with pytest.raises(ModelError, match="the key 'extra' is not allowed"):
        operation(workspace)


@pytest.mark.parametrize("name", ["prune", "rename", "sorted", "combine"])
def test_modifiers_of_plugins_that_are_not_installed_pass(
    name: str, workspace: dict[str, Any]
) -> None:
    modifier = {"name": "own", "type": "acme_scale", "data": {"any": ["thing", None]}}
    workspace["channels"][0]["samples"][0]["modifiers"].append(modifier)
    found = _OPERATIONS[name](workspace)
    channel = next(each for each in found["channels"] if each["name"] == "SR")
    sample = next(each for each in channel["samples"] if each["name"] == "signal")
    assert modifier in sample["modifiers"]


@pytest.mark.parametrize("name", ["prune", "rename", "sorted", "combine"])
def test_results_share_nothing_with_the_operands(name: str, workspace: dict[str, Any]) -> None:
    found = _OPERATIONS[name](workspace)
    found["channels"][0]["samples"][0]["data"][0] = -1.0
    found["measurements"][0]["config"]["poi"] = "changed"
    assert read_pyhf(workspace).poi == "mu"


@given(st.integers(0, 50))
def test_sorting_keeps_the_likelihood(seed: int) -> None:
    document = generate_workspace(seed, **FULL)
    ordered = workspace_sorted(document)
    assert workspace_sorted(ordered) == ordered
    first, second = map(HistFactoryModel.from_workspace, (document, ordered))
    point = dict(zip(first.parameter_names(), first.suggested_init(), strict=True))
    moved = [point[name] for name in second.parameter_names()]
    assert second.nll(moved) == pytest.approx(first.nll(first.suggested_init()), rel=1e-14)


def test_inspection_says_what_constrains_single_bins(workspace: dict[str, Any]) -> None:
    settings = {"name": "mc[0]", "constraint": {"type": "Poisson"}}
    workspace["measurements"][0]["config"]["parameters"].append(settings)
    found = {entry["name"]: entry for entry in workspace_inspect(workspace)["parameters"]}
    assert found["mc"]["constraint"] == "constrained_by_poisson, constrained_by_normal"
    assert (found["mc"]["n_parameters"], found["mc"]["n_fixed"]) == (2, 1)
    assert found["mu"]["constraint"] == "unconstrained"


def test_background_only_workspaces_are_inspected(workspace: dict[str, Any]) -> None:
    found = workspace_inspect(workspace_prune(workspace, samples=["signal"]))
    assert found["measurements"][0]["poi"] == "mu"
    assert "mu" not in {entry["name"] for entry in found["parameters"]}
    workspace["observations"].pop()
    with pytest.raises(ModelError, match="channel 'CR': has no observations"):
        workspace_inspect(workspace)


# -- digest and the simple model ------------------------------------------------------------------


def test_digests_tell_whole_numbers_from_others() -> None:
    assert workspace_digest({"a": 1}) != workspace_digest({"a": 1.0})
    assert workspace_digest({"a": 1, "b": 2}) == workspace_digest({"b": 2, "a": 1})


def test_unknown_digest_algorithms_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'sha256'"):
        workspace_digest({}, "sha-256")
    with pytest.raises(InputError, match="no digest algorithm 'shake_128'"):
        workspace_digest({}, "shake_128")


@pytest.mark.parametrize(
    "document", [{"a": float("nan"), "b": {1, 2}}, {"a": "\ud800"}], ids=["a set", "a surrogate"]
)
def test_what_has_no_json_has_no_digest(document: Any) -> None:
    with pytest.raises(FormatError, match="what JSON cannot hold"):
        workspace_digest(document)


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_simple_workspace_is_that_of_pyhf() -> None:
    simplemodels = pytest.importorskip("pyhf").simplemodels
    ours = simplemodel_uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0])
    theirs = simplemodels.uncorrelated_background([12.0, 11.0], [50.0, 52.0], [3.0, 7.0])
    assert ours["channels"] == theirs.spec["channels"]
    assert ours["observations"][0]["data"] == [50.0, 52.0]
    model = HistFactoryModel.from_workspace(ours)
    data = [50.0, 52.0, *theirs.config.auxdata]
    expected = -float(theirs.logpdf(theirs.config.suggested_init(), data)[0])
    assert model.nll(model.suggested_init()) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0], [1.0]), "`bkg` has the wrong length: expected 1, found 2"),
        (([], [], []), "`signal` is empty"),
        ((["a"], [1.0], [1.0]), "`signal` cannot be read as a list of numbers"),
        ((None, [1.0], [1.0]), "`signal` cannot be read as a list of numbers"),
    ],
)
def test_unusable_columns_of_the_simple_workspace_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        simplemodel_uncorrelated(*arguments)
