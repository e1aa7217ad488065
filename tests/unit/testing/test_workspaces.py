"""Generated workspaces have what the recipe asks for, and pyhf accepts them."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from nextstat_core.testing import Recipe, Workspace, generate_workspace

pyhf = pytest.importorskip("pyhf", reason="workspaces are checked against pyhf")
# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

EVERYTHING = Recipe(
    n_channels=3,
    n_bins=5,
    n_samples=4,
    n_normfactors=1,
    n_normsys=3,
    n_histosys=2,
    n_coupled=2,
    n_one_sided=2,
    n_degenerate=1,
    n_large_normsys=2,
    staterror=True,
    shapesys=True,
    shapefactor=True,
    lumi=True,
    n_zero_bins=2,
    n_empty_bins=1,
    n_negative_bins=2,
    negative_sample=True,
    n_unobserved_bins=2,
    custom_settings=True,
)

VARIATIONS: dict[str, dict[str, Any]] = {
    "everything": {},
    "uncorrelated": {"correlated": False},
    "shared staterror": {"shared_staterror": True},
    "shared shapefactor": {"shared_shapefactor": True},
    "asimov": {"data": "asimov"},
    "one background": {"n_samples": 2},
    "signal only": {"n_samples": 1, "negative_sample": False, "n_negative_bins": 0},
    "one bin": {
        "n_bins": 1,
        "n_zero_bins": 0,
        "n_empty_bins": 1,
        "n_negative_bins": 1,
        "n_unobserved_bins": 1,
    },
}


def modifiers(workspace: Workspace) -> Iterator[tuple[dict[str, Any], ...]]:
    for channel in workspace["channels"]:
        for sample in channel["samples"]:
            for modifier in sample["modifiers"]:
                yield channel, sample, modifier


def observed(workspace: Workspace) -> dict[str, list[float]]:
    return {entry["name"]: entry["data"] for entry in workspace["observations"]}


@pytest.mark.parametrize("changes", VARIATIONS.values(), ids=VARIATIONS.keys())
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pyhf_loads_and_evaluates_every_generated_workspace(
    seed: int, changes: dict[str, Any]
) -> None:
    workspace = pyhf.Workspace(generate_workspace(seed, EVERYTHING, **changes))
    model = workspace.model()
    log_prob = model.logpdf(model.config.suggested_init(), workspace.data(model))
    assert float(log_prob[0]) < 0.0


def test_same_seed_gives_the_same_json_and_another_seed_another() -> None:
    texts = [json.dumps(generate_workspace(seed, EVERYTHING)) for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]


def test_json_of_a_seed_never_changes() -> None:
    text = json.dumps(generate_workspace(5, EVERYTHING), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == "834a9c05cbde4d2e6e43f0126783702463ea3cd092313344584c984063b9877d"


def test_sizes_are_as_asked() -> None:
    workspace = generate_workspace(3, n_channels=4, n_bins=7, n_samples=5)
    assert len(workspace["channels"]) == 4
    for channel in workspace["channels"]:
        assert [len(sample["data"]) for sample in channel["samples"]] == [7] * 5
    assert [len(data) for data in observed(workspace).values()] == [7] * 4


@pytest.mark.parametrize(
    ("correlated", "n_channels", "expected"), [(True, 3, 6), (False, 1, 6), (True, 1, 6)]
)
def test_number_of_systematics_is_as_asked(
    correlated: bool, n_channels: int, expected: int
) -> None:
    workspace = generate_workspace(
        4, n_channels=n_channels, n_normsys=4, n_histosys=2, correlated=correlated
    )
    names = {modifier["name"] for _, _, modifier in modifiers(workspace)} - {"mu"}
    assert len(names) == expected


def test_channels_share_no_systematic_unless_correlated() -> None:
    workspace = generate_workspace(4, n_normsys=3, n_histosys=3, correlated=False)
    owners: dict[str, set[str]] = {}
    for channel, _, modifier in modifiers(workspace):
        if modifier["name"] != "mu":
            owners.setdefault(modifier["name"], set()).add(channel["name"])
    assert owners
    assert all(len(channels) == 1 for channels in owners.values())


def test_one_sided_systematics_have_equal_sides() -> None:
    workspace = generate_workspace(1, n_one_sided=2)
    seen = set()
    for _, sample, modifier in modifiers(workspace):
        if modifier["name"].startswith("one_sided"):
            seen.add(modifier["type"])
            sides = list(modifier["data"].values())
            assert sides[0] == sides[1]
            assert sides[0] not in (1.0, sample["data"])
    assert seen == {"histosys", "normsys"}


def test_degenerate_systematics_act_alike_on_the_same_samples() -> None:
    workspace = generate_workspace(1, n_degenerate=2)
    effects: dict[str, list[Any]] = {}
    for channel, sample, modifier in modifiers(workspace):
        if modifier["name"].startswith("twin"):
            place = (channel["name"], sample["name"])
            effects.setdefault(modifier["name"], []).append((place, modifier["data"]))
    assert effects["twin_a_0"] == effects["twin_b_0"]
    assert effects["twin_a_1"] == effects["twin_b_1"]
    assert effects["twin_a_0"] != effects["twin_a_1"]


def test_coupled_systematics_are_histosys_and_normsys_of_one_name_on_one_sample() -> None:
    workspace = generate_workspace(1, n_coupled=1)
    kinds: dict[tuple[str, str], list[str]] = {}
    for channel, sample, modifier in modifiers(workspace):
        if modifier["name"] == "coupled_0":
            place = (channel["name"], sample["name"])
            kinds.setdefault(place, []).append(modifier["type"])
    assert kinds
    assert all(sorted(each) == ["histosys", "normsys"] for each in kinds.values())


def test_large_normsys_have_the_effects_that_break_the_polynomial() -> None:
    workspace = generate_workspace(1, n_large_normsys=2)
    sides = {m["name"]: m["data"] for _, _, m in modifiers(workspace) if "large" in m["name"]}
    assert sides == {"large_0": {"hi": 41.0, "lo": 1.0}, "large_1": {"hi": 3.0, "lo": 0.2}}


def test_special_bins_are_as_many_as_asked_and_never_overlap() -> None:
    workspace = generate_workspace(
        2, n_channels=2, n_bins=4, n_zero_bins=2, n_empty_bins=1, n_negative_bins=2,
        n_unobserved_bins=3,
    )  # fmt: skip
    data = observed(workspace)
    empty = zero = negative = unobserved = 0
    for channel in workspace["channels"]:
        for i_bin, count in enumerate(data[channel["name"]]):
            cells = [sample["data"][i_bin] for sample in channel["samples"]]
            empty += not any(cells)
            zero += sum(value != 0.0 for value in cells) == 1
            negative += any(value < 0.0 for value in cells)
            unobserved += count == 0.0 and any(cells)
            assert sum(cells) >= 0.0
            assert count == 0.0 or any(cells)
    assert (empty, zero, negative, unobserved) == (1, 2, 2, 3)


def test_more_special_bins_than_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="asks for 9 special bins, there are 8"):
        generate_workspace(1, n_zero_bins=9)


def test_misspelt_option_is_refused() -> None:
    with pytest.raises(TypeError, match="n_chanels"):
        generate_workspace(1, n_chanels=2)


def test_negative_sample_has_negative_yields_and_positive_totals() -> None:
    workspace = generate_workspace(1, negative_sample=True)
    for channel in workspace["channels"]:
        *others, last = channel["samples"]
        assert max(last["data"]) < 0.0
        totals = [sum(sample["data"][i] for sample in others) for i in range(4)]
        assert all(a + b > 0.0 for a, b in zip(totals, last["data"], strict=True))


def test_asimov_data_are_the_nominal_rates_at_the_asked_signal_strength() -> None:
    workspace = generate_workspace(1, data="asimov", mu=2.5, n_normsys=2, staterror=True)
    data = observed(workspace)
    for channel in workspace["channels"]:
        signal, *backgrounds = (sample["data"] for sample in channel["samples"])
        rates = [2.5 * s + sum(b) for s, *b in zip(signal, *backgrounds, strict=True)]
        assert data[channel["name"]] == pytest.approx(rates, abs=1e-6)


def test_staterror_and_shapesys_can_share_a_bin() -> None:
    workspace = generate_workspace(1, staterror=True, shapesys=True)
    for channel in workspace["channels"]:
        kinds = [modifier["type"] for modifier in channel["samples"][-1]["modifiers"]]
        assert kinds == ["staterror", "shapesys"]


def test_shared_staterror_has_one_name_and_shared_shapefactor_one_set_of_parameters() -> None:
    workspace = generate_workspace(1, shared_staterror=True, shared_shapefactor=True)
    model = pyhf.Workspace(workspace).model()
    slices = {name: model.config.par_slice(name) for name in ("staterror_shared", "shapefactor")}
    sizes = {name: span.stop - span.start for name, span in slices.items()}
    assert sizes == {"staterror_shared": 8, "shapefactor": 4}


def test_custom_settings_reach_pyhf() -> None:
    workspace = generate_workspace(1, n_normsys=2, n_histosys=1, custom_settings=True)
    config = pyhf.Workspace(workspace).model().config
    start = dict(zip(config.par_names, config.suggested_init(), strict=True))
    fixed = dict(zip(config.par_names, config.suggested_fixed(), strict=True))
    assert start == {"mu": 0.7, "histosys_0": 0.25, "normsys_0": 0.0, "normsys_1": -0.5}
    assert [name for name, is_fixed in fixed.items() if is_fixed] == ["normsys_1"]
