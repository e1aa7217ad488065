"""Models to HS3 documents and back."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstat_core.errors import InputError
from nextstat_core.io import hs3_document, hs3_names, read_hs3, read_pyhf, write_hs3
from nextstat_core.ir import Model, PluginModifier, with_auxiliary
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_core.testing.differences import inner_points

RECIPES = st.fixed_dictionaries(
    {
        "n_channels": st.integers(1, 3),
        "n_bins": st.integers(1, 3),
        "n_samples": st.integers(1, 3),
        "n_normfactors": st.integers(0, 1),
        "n_normsys": st.integers(0, 2),
        "n_histosys": st.integers(0, 2),
        "n_coupled": st.integers(0, 1),
        "n_one_sided": st.integers(0, 1),
        "correlated": st.booleans(),
        "lumi": st.booleans(),
        "staterror": st.booleans(),
        "shared_staterror": st.booleans(),
        "shapesys": st.booleans(),
        "shapefactor": st.booleans(),
        "shared_shapefactor": st.booleans(),
        "n_zero_bins": st.integers(0, 1),
        "negative_sample": st.booleans(),
        "custom_settings": st.booleans(),
    }
)
CODES = st.sampled_from([None, "code0", "code1", "code2"])


def with_constraint(seed: int, name: str, constraint: dict[str, Any], **recipe: Any) -> Model:
    """A generated model in which one parameter has another constraint."""
    workspace = generate_workspace(seed, **recipe)
    own = {"name": name, "constraint": constraint}
    workspace["measurements"][0]["config"]["parameters"].append(own)
    return read_pyhf(workspace)


def assert_same(model: Model, document: Any, *, rel: float = 1e-12, offset: bool = False) -> None:
    """Ten random points; `offset` allows a constant difference."""
    before, after = HistFactoryModel(model), HistFactoryModel(read_hs3(document))
    names = [hs3_names(model)[name] for name in before.parameter_names()]
    assert sorted(names) == sorted(after.parameter_names())
    order = [names.index(name) for name in after.parameter_names()]
    points, _ = inner_points(before.suggested_init(), before.suggested_bounds(), 10)
    values = [(before.nll(point), after.nll(np.asarray(point)[order])) for point in points]
    shift = values[0][1] - values[0][0] if offset else 0.0
    for one, other in values:
        assert other - shift == pytest.approx(one, rel=rel, abs=1e-11)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), RECIPES, CODES)
def test_what_is_written_has_the_same_likelihood(
    seed: int, recipe: dict[str, Any], code: str | None
) -> None:
    model = read_pyhf(generate_workspace(seed, **recipe), interpolation=code)
    text = write_hs3(model)
    assert_same(model, text)
    again = read_hs3(text)
    assert write_hs3(again) == write_hs3(read_hs3(write_hs3(again)))
    names = hs3_names(model)
    found = {entry.name: entry for entry in again.parameters}
    for entry in model.parameters:
        twin = found[names[entry.name]]
        assert (twin.init, twin.lower, twin.upper) == (entry.init, entry.lower, entry.upper)
        assert (twin.fixed, twin.constraint) == (entry.fixed, entry.constraint)
    assert again.poi == names[model.poi or ""]
    assert not again.warnings


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), RECIPES)
def test_what_root_rebuilds_is_the_same(seed: int, recipe: dict[str, Any]) -> None:
    """ROOT 6.38 ignores `constraints` and makes them from `errors`, `vals` and types.

    Its likelihood lacks the constants of bins without uncertainty.
    """
    recipe["n_zero_bins"] = 0
    model = read_pyhf(generate_workspace(seed, **recipe))
    document = hs3_document(model)
    document["metadata"]["packages"] = [{"name": "ROOT", "version": "6.38.00"}]
    for channel in document["distributions"]:
        for sample in channel.get("samples", ()):
            for modifier in sample["modifiers"]:
                modifier.pop("constraints", None)
                if modifier["type"] == "staterror":
                    del modifier["constraint"]
    assert_same(model, document, offset=True)


@pytest.mark.parametrize(
    ("name", "constraint", "recipe"),
    [
        ("normsys_0", {"type": "Gamma", "rel_uncertainty": 0.3}, {"n_normsys": 2}),
        ("normsys_0", {"type": "LogNormal", "rel_uncertainty": 0.3}, {"n_normsys": 2}),
        ("normsys_0", {"type": "LogNormal", "rel_uncertainty": 0.1}, {"n_normsys": 2}),
        ("normsys_0", {"type": "Uniform"}, {"n_normsys": 2}),
        ("coupled_0", {"type": "LogNormal", "rel_uncertainty": 0.2}, {"n_coupled": 1}),
        ("staterror_channel_0", {"type": "Poisson"}, {"staterror": True}),
        ("staterror_channel_0[1]", {"type": "Poisson"}, {"staterror": True, "n_bins": 3}),
        ("shapesys_channel_0", {"type": "Gaussian"}, {"shapesys": True}),
        ("shapesys_channel_0[0]", {"type": "NoConstraint"}, {"shapesys": True}),
    ],
)
def test_chosen_constraints_survive(
    name: str, constraint: dict[str, Any], recipe: dict[str, Any]
) -> None:
    model = with_constraint(5, name, constraint, **recipe)
    assert_same(model, write_hs3(model))


def test_auxiliary_data_survive() -> None:
    model = read_pyhf(generate_workspace(4, n_normsys=1, staterror=True, shapesys=True))
    moved = {"normsys_0": 0.3, "staterror_channel_0[0]": 1.02, "shapesys_channel_0[0]": 17.0}
    model = with_auxiliary(model, moved)
    assert_same(model, write_hs3(model))


def test_a_channel_with_two_staterrors_has_one_in_root() -> None:
    workspace = generate_workspace(6, staterror=True, n_samples=3, n_channels=1)
    last = workspace["channels"][0]["samples"][-1]
    last["modifiers"][-1]["name"] = "other"
    model = read_pyhf(workspace)
    document = hs3_document(model)
    kinds = [
        modifier["type"]
        for sample in document["distributions"][0]["samples"]
        for modifier in sample["modifiers"]
    ]
    assert kinds.count("staterror") == 1
    assert kinds.count("shapesys") == 1
    assert_same(model, document)


def test_the_document_is_in_the_dialect_of_root() -> None:
    workspace = generate_workspace(7, n_channels=1, lumi=True, n_normsys=1, shapesys=True)
    document = hs3_document(read_pyhf(workspace, interpolation="code1"))
    assert document["metadata"]["hs3_version"] == "0.2"
    assert [entry["name"] for entry in document["domains"]] == [
        "default_domain",
        "measurement_nuisance_parameters",
        "measurement_parameters_of_interest",
    ]
    channel, *constraints = document["distributions"]
    assert channel["axes"] == [{"name": "obs_x_channel_0", "min": 0.0, "max": 4.0, "nbins": 4}]
    by_type = {
        modifier["type"]: modifier
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
        if modifier["name"] != "mu"
    }
    assert by_type["normfactor"]["constraint_name"] == "lumi_constraint"
    assert by_type["normsys"]["constraint_name"] == "normsys_0Constraint"
    assert by_type["normsys"]["interpolation"] == 1
    shape = by_type["shapesys"]
    assert shape["parameters"][0] == "gamma_shapesys_channel_0_bin_0"
    assert shape["constraint"] == "Poisson"
    by_name = {entry["name"]: entry for entry in constraints}
    assert by_name[shape["constraints"][0]] == {
        "name": "gamma_shapesys_channel_0_bin_0_constraint",
        "type": "poisson_dist",
        "x": "nom_gamma_shapesys_channel_0_bin_0",
        "mean": "gamma_shapesys_channel_0_bin_0_poisMean",
        "integer": False,
    }
    assert by_name["lumi_constraint"]["sigma"] == 0.02


def test_names_become_identifiers() -> None:
    workspace = generate_workspace(8, n_normsys=2, n_channels=1)
    text = json.dumps(workspace).replace("normsys_0", "µ/a b").replace("normsys_1", "__a_b")
    workspace = json.loads(text.replace("channel_0", "1 lepton"))
    model = read_pyhf(workspace)
    names = hs3_names(model)
    assert names == {"mu": "mu", "µ/a b": "__a_b_", "__a_b": "__a_b"}
    document = hs3_document(model)
    assert document["likelihoods"][0]["data"] == ["measurement__1_lepton"]
    assert_same(model, document)


def test_what_hs3_cannot_say_is_refused_by_place() -> None:
    workspace = generate_workspace(9, n_histosys=1, n_normsys=1)
    model = read_pyhf(workspace, interpolation={"histosys": "code2_pyhf"})
    first = model.channels[0]
    sample = first.samples[0]
    plugin = PluginModifier("p", "quadratic", ("p",), 1.0)
    odd = Model(
        (
            type(first)(
                first.name,
                (type(sample)(sample.name, sample.nominal, (plugin,)), *first.samples[1:]),
                first.observed,
            ),
            *model.channels[1:],
        ),
        model.parameters,
    )
    with pytest.raises(InputError) as caught:
        write_hs3(odd)
    assert "modifier 'p' (quadratic): this type is a plugin's" in str(caught.value)
    assert "'histosys_0' (histosys): HS3 has no word for the interpolation 'code2_pyhf'" in str(
        caught.value
    )


def test_other_versions_are_refused() -> None:
    model = read_pyhf(generate_workspace(1))
    with pytest.raises(InputError, match=r"no version of HS3 named '0\.3'"):
        write_hs3(model, version="0.3")


def test_pyhs3_finds_the_same_likelihood() -> None:
    """Without modifiers of bins, whose constraints pyhs3 0.4 makes otherwise than ROOT."""
    pyhs3 = pytest.importorskip("pyhs3", reason="a second opinion: python -m pip install pyhs3")
    pytensor = pytest.importorskip("pytensor")
    from pytensor.graph.traversal import explicit_graph_inputs

    workspace = generate_workspace(3, n_channels=1, n_bins=2, n_normsys=2, n_histosys=2)
    document = hs3_document(read_pyhf(workspace))
    theirs = pyhs3.Workspace(**document)
    graph = theirs.model(theirs.analyses["measurement"], progress=False).log_prob
    inputs = list(explicit_graph_inputs([graph]))
    evaluate = pytensor.function(inputs, graph, on_unused_input="ignore", mode="FAST_COMPILE")
    ours = HistFactoryModel(read_hs3(document))
    points, _ = inner_points(ours.suggested_init(), ours.suggested_bounds(), 3)
    for point in points:
        values = dict(zip(ours.parameter_names(), point, strict=True))
        arguments = [np.asarray(values[entry.name]) for entry in inputs]
        assert -ours.nll(point) == pytest.approx(float(evaluate(*arguments)), rel=1e-10)


def test_published_documents_can_be_written_again(published: Any) -> None:
    for name in (
        "hs3-pyhs3-tests/simplemodel_uncorrelated-background_hs3",
        "hs3-root-sources/rf515_hfJSON_old_dialect",
        "hs3-flatppl/paper_histfactory",
    ):
        model = read_hs3((published / f"{name}.json").read_text())
        assert_same(model, write_hs3(model, indent=1))
