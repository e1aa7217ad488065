"""Channels, parameters and likelihoods of HS3 documents."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.io import read_hs3, read_pyhf, workspace_audit
from nextstat_core.ir import HistoSys, Model, NormSys, Parameter
from nextstat_core.models import HistFactoryModel

Document = dict[str, Any]


def parameters(model: Model) -> dict[str, Parameter]:
    return {entry.name: entry for entry in model.parameters}


def modifiers(model: Model, sample: int) -> list[Any]:
    return list(model.channels[0].samples[sample].modifiers)


def warnings(model: Model) -> str:
    return "\n".join(map(str, model.warnings))


def test_names_are_those_of_the_document(document: Document) -> None:
    model = read_hs3(document)
    assert [channel.name for channel in model.channels] == ["model_SR"]
    assert [entry.name for entry in model.parameters] == ["mu", "alpha_jes", "alpha_tilt"]
    assert model.poi == "mu"
    assert model.measurement == "fit"
    assert model.channels[0].observed == (52.0, 71.0)


def test_the_likelihood_is_that_of_the_same_workspace_in_pyhf(document: Document) -> None:
    twin = {
        "channels": [
            {
                "name": "SR",
                "samples": [
                    {
                        "name": "signal",
                        "data": [5.0, 10.0],
                        "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                    },
                    {
                        "name": "background",
                        "data": [50.0, 60.0],
                        "modifiers": [
                            {"name": "jes", "type": "normsys", "data": {"lo": 0.9, "hi": 1.2}},
                            {
                                "name": "tilt",
                                "type": "histosys",
                                "data": {"lo_data": [45.0, 62.0], "hi_data": [56.0, 57.0]},
                            },
                        ],
                    },
                ],
            }
        ],
        "observations": [{"name": "SR", "data": [52.0, 71.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
    ours, theirs = HistFactoryModel(read_hs3(document)), HistFactoryModel(read_pyhf(twin))
    for point in ([1.0, 0.0, 0.0], [0.3, 1.7, -0.6], [2.0, -1.1, 2.3]):
        assert ours.nll(point) == pytest.approx(theirs.nll(point), rel=1e-14)


def test_an_analysis_and_a_parameter_point_can_be_chosen(document: Document) -> None:
    model = read_hs3(document, analysis="expected", param_points="fitted")
    found = parameters(model)
    assert model.channels[0].observed == (55.0, 70.0)
    assert found["mu"].init == 0.7
    assert (found["mu"].lower, found["mu"].upper) == (-100.0, 100.0)
    assert found["alpha_tilt"].fixed
    assert found["alpha_tilt"].init == 0.25
    assert not found["alpha_jes"].fixed


def test_an_analysis_that_names_its_start_begins_there(document: Document) -> None:
    document["analyses"][0]["init"] = "fitted"
    assert parameters(read_hs3(document))["mu"].init == 0.7


def test_what_does_not_exist_is_listed(document: Document) -> None:
    with pytest.raises(InputError, match=r"no analysis named 'fti'; there are: 'fit', 'expected'"):
        read_hs3(document, analysis="fti")
    with pytest.raises(InputError, match=r"parameter point named 'x'.*'default_values', 'fitted'"):
        read_hs3(document, param_points="x")
    document["analyses"][0] |= {"likelihood": "none", "domains": ["nowhere"], "init": "never"}
    with pytest.raises(ModelError) as caught:
        read_hs3(document)
    for part in ("'none'; there are: 'observed', 'asimov'", "'nowhere'; there are", "'never'"):
        assert part in str(caught.value)


def test_domains_give_bounds_and_what_they_leave_out_keeps_its_default(document: Document) -> None:
    document["domains"][0]["axes"] = [{"name": "mu", "min": -3.0}, {"name": "alpha_tilt"}]
    found = parameters(read_hs3(document))
    assert (found["mu"].lower, found["mu"].upper) == (-3.0, 10.0)
    assert (found["alpha_jes"].lower, found["alpha_jes"].upper) == (-4.0, 4.0)
    assert (found["alpha_tilt"].lower, found["alpha_tilt"].upper) == (-5.0, 5.0)


def test_a_constant_outside_of_its_range_is_kept(document: Document) -> None:
    document["parameter_points"][0]["parameters"][0] = {"name": "mu", "value": 7.0, "const": True}
    mu = parameters(read_hs3(document))["mu"]
    assert mu.fixed
    assert (mu.init, mu.lower, mu.upper) == (7.0, -3.0, 7.0)


def test_parameters_have_roots_names_where_the_document_gives_none(document: Document) -> None:
    background = document["distributions"][0]["samples"][1]
    for entry in background["modifiers"]:
        del entry["parameter"]
    background["modifiers"] += [
        {"name": "mcstat", "type": "staterror"},
        {"name": "dd", "type": "shapesys", "data": {"vals": [0.1, 0.2]}, "constraint": "Poisson"},
    ]
    assert [entry.name for entry in read_hs3(document).parameters] == [
        "mu",
        "alpha_jes",
        "alpha_tilt",
        "gamma_stat_SR_bin_0",
        "gamma_stat_SR_bin_1",
        "gamma_dd_bin_0",
        "gamma_dd_bin_1",
    ]


def test_modifiers_with_one_parameter_share_it(document: Document, background: Document) -> None:
    background["modifiers"][1]["parameter"] = "alpha_jes"
    model = read_hs3(document)
    assert [entry.name for entry in model.parameters] == ["mu", "alpha_jes"]
    assert [entry.name for entry in modifiers(model, 1)] == ["alpha_jes", "alpha_jes"]


def test_variations_may_be_plain_lists(document: Document, background: Document) -> None:
    background["modifiers"][1]["data"] = {"lo": [45.0, 62.0], "hi": [56.0, 57.0]}
    assert modifiers(read_hs3(document), 1)[1].hi == (56.0, 57.0)


# -- interpolation --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, ("code4", "code4p")),
        ((4, 4), ("code4", "code4p")),
        ((1, 0), ("code1", "code0")),
        ((5, 2), ("code4", "code2")),
        (("code1", "code0"), ("code1", "code0")),
        (("log", "lin"), ("code1", "code0")),
        (
            ({"type": "mult", "in": "exp", "out": None}, {"type": "add", "in": "poly1"}),
            ("code1", "code0"),
        ),
        (
            (
                {"type": "mult", "in": "poly6", "out": "exp"},
                {"type": "add", "in": "poly2", "out": "poly1"},
            ),
            ("code4", "code2"),
        ),
    ],
)
def test_interpolation_is_numbered_by_class(
    document: Document, background: Document, own: Any, expected: tuple[str, str]
) -> None:
    if own is not None:
        for entry, code in zip(background["modifiers"], own, strict=True):
            entry["interpolation"] = code
    norm, histo = modifiers(read_hs3(document), 1)
    assert isinstance(norm, NormSys)
    assert isinstance(histo, HistoSys)
    assert (norm.interpolation, histo.interpolation) == expected


def test_the_modifiers_own_interpolation_goes_before_the_users(
    document: Document, background: Document
) -> None:
    background["modifiers"][0]["interpolation"] = 4
    norm, histo = modifiers(read_hs3(document, interpolation="code0"), 1)
    assert (norm.interpolation, histo.interpolation) == ("code4", "code0")
    del background["modifiers"][0]["interpolation"]
    norm, histo = modifiers(read_hs3(document, interpolation="code1"), 1)
    assert (norm.interpolation, histo.interpolation) == ("code1", "code4p")


def test_a_code_for_an_absent_modifier_is_refused(document: Document) -> None:
    read_hs3(document, interpolation={"histosys/alpha_tilt": "code0"})
    with pytest.raises(InputError, match="'histosys/tilt'; there is no such modifier"):
        read_hs3(document, interpolation={"histosys/tilt": "code0"})


def test_a_channel_has_a_default_interpolation(document: Document, background: Document) -> None:
    document["distributions"][0]["default_interpolation"] = {
        "type": "mult",
        "in": "exp",
        "out": None,
    }
    background["modifiers"][1]["interpolation"] = {"type": "add", "in": "poly6", "out": "poly1"}
    norm, histo = modifiers(read_hs3(document), 1)
    assert (norm.interpolation, histo.interpolation) == ("code1", "code4p")


def test_an_interpolation_that_we_do_not_have_is_refused(
    document: Document, background: Document
) -> None:
    background["modifiers"][0]["interpolation"] = 0
    background["modifiers"][1]["interpolation"] = {"type": "mult", "in": "poly6", "out": "poly1"}
    with pytest.raises(ModelError) as caught:
        read_hs3(document)
    assert "modifier 'jes' (normsys): the interpolation the number 0" in str(caught.value)
    assert "modifier 'tilt' (histosys): the interpolation {'type': 'mult'" in str(caught.value)


# -- old layouts ----------------------------------------------------------------------------------


def test_the_layout_of_2022_is_read(document: Document) -> None:
    """Sections as objects, `dist`, `obs`, `variables`, `pois`, values as objects."""
    axes = {"obs_x_SR": {"min": 0.0, "max": 2.0, "nbins": 2}}
    channel = document["distributions"][0]
    del channel["axes"]
    for sample in channel["samples"]:
        sample["data"]["variables"] = axes
    old = {
        "distributions": {"model_SR": channel},
        "likelihoods": [{"name": "SR", "dist": "model_SR", "obs": "observed_SR"}],
        "analyses": [{"name": "fit", "likelihoods": ["SR"], "pois": ["mu"]}],
        "data": [{"name": "observed_SR", "variables": axes, "contents": [52.0, 71.0]}],
        "domains": [
            {
                "name": "default_domain",
                "type": "product_domain",
                "variables": [{"name": "mu", "min": -3.0, "max": 5.0}],
            }
        ],
        "parameter_points": [{"name": "default_values", "mu": {"value": 0.5, "const": True}}],
    }
    model, today = read_hs3(old), read_hs3(document | {"parameter_points": []})
    assert model.channels == today.channels
    mu = parameters(model)["mu"]
    assert (mu.init, mu.lower, mu.upper, mu.fixed) == (0.5, -3.0, 5.0, True)


def test_likelihoods_of_one_old_analysis_are_multiplied(document: Document) -> None:
    second = json.loads(json.dumps(document["distributions"][0])) | {"name": "model_CR"}
    document["distributions"].append(second)
    document["likelihoods"][1]["distributions"] = ["model_CR"]
    document["analyses"] = [{"name": "both", "likelihoods": ["observed", "asimov"], "pois": []}]
    model = read_hs3(document)
    assert [channel.name for channel in model.channels] == ["model_SR", "model_CR"]
    assert model.poi is None


def test_without_analyses_a_likelihood_is_read(document: Document) -> None:
    del document["analyses"]
    model = read_hs3(document, analysis="asimov")
    assert model.channels[0].observed == (55.0, 70.0)
    assert model.poi is None
    assert "has no analyses" in warnings(model)


def test_without_likelihoods_data_are_found_by_their_axes(document: Document) -> None:
    del document["analyses"], document["likelihoods"]
    with pytest.raises(ModelError, match="found 'observed_SR', 'asimov_SR'"):
        read_hs3(document)
    del document["data"][1]
    model = read_hs3(document, poi="mu")
    assert model.channels[0].observed == (52.0, 71.0)
    assert "the data of the same axes are its counts" in warnings(model)


# -- what is unknown ------------------------------------------------------------------------------


def test_unknown_modifiers_are_refused_or_left_out(
    document: Document, background: Document
) -> None:
    background["modifiers"].append({"name": "formula", "type": "custom"})
    with pytest.raises(ModelError, match=r"modifier 'formula' \(custom\): unknown modifier type"):
        read_hs3(document)
    model = read_hs3(document, on_unknown="skip")
    assert len(modifiers(model, 1)) == 2
    assert "'formula' (custom): is left out" in warnings(model)


def test_unknown_distributions_matter_only_where_they_are_needed(document: Document) -> None:
    document["distributions"].append({"name": "shape", "type": "mixture_dist", "summands": []})
    document["data"].append({"name": "events", "type": "unbinned", "axes": [], "entries": []})
    read_hs3(document)
    document["likelihoods"][0]["distributions"].append("shape")
    document["likelihoods"][0]["data"].append("events")
    with pytest.raises(ModelError, match=r"distribution 'shape' \(mixture_dist\)"):
        read_hs3(document)
    model = read_hs3(document, on_unknown="skip")
    assert len(model.channels) == 1
    assert "'shape' (mixture_dist): is left out" in warnings(model)


def test_a_model_without_channels_names_what_there_is(document: Document) -> None:
    document["distributions"] = [{"name": "peak", "type": "gaussian_dist"}]
    with pytest.raises(ModelError, match=r"'model_SR'; there are: 'peak'"):
        read_hs3(document)
    document["likelihoods"][0]["distributions"] = ["peak"]
    with pytest.raises(ModelError, match=r"distribution 'peak' \(gaussian_dist\)"):
        read_hs3(document)


# -- problems -------------------------------------------------------------------------------------


def test_all_problems_are_listed_with_their_places(
    document: Document, background: Document
) -> None:
    background["modifiers"][0]["data"] = {"lo": "0.9", "hi": True}
    background["modifiers"][1]["data"] = {"lo": {"contents": [1.0, None]}, "hi": 3}
    document["data"][0]["contents"] = [52.0]
    document["parameter_points"][0]["parameters"][0]["value"] = "one"
    document["domains"][0]["axes"].append(7)
    with pytest.raises(ModelError) as caught:
        read_hs3(document)
    text = str(caught.value)
    for part in (
        "sample 'background', modifier 'jes' (normsys), lo: found the string '0.9'; expected a num",
        "modifier 'jes' (normsys), hi: found true; expected a number",
        "modifier 'tilt' (histosys)",
        "found null; expected a number",
        "found the number 3; expected an object",
        "`contents` has 1 entries; the axes have 2 bins",
        "parameter point 'default_values', parameter 'mu', value: found the string 'one'",
        "domain 'fit_domain' (product_domain), axis 1: found the number 7; expected an object",
    ):
        assert part in text, part


def test_texts_that_are_no_hs3_are_refused(document: Document) -> None:
    with pytest.raises(FormatError, match="no `distributions`"):
        read_hs3({"domains": []})
    with pytest.raises(FormatError, match="NaN"):
        read_hs3(json.dumps(document).replace("52.0", "NaN"))
    with pytest.raises(InputError, match="expected the name of a parameter"):
        read_hs3(document, poi=3)  # type: ignore[arg-type]


def test_an_absent_parameter_of_interest_is_refused(document: Document) -> None:
    document["analyses"][0]["parameters_of_interest"] = ["absent"]
    with pytest.raises(ModelError, match=r"'absent'.*poi=None"):
        read_hs3(document)
    assert read_hs3(document, poi=None).poi is None


def test_samples_without_bins_are_refused(document: Document, background: Document) -> None:
    for sample in document["distributions"][0]["samples"]:
        sample["data"] = {"contents": [], "errors": []}
    background["modifiers"].append({"name": "mcstat", "type": "staterror"})
    with pytest.raises(ModelError, match="model_SR"):
        read_hs3(document)
    document["distributions"][0]["samples"] = []
    with pytest.raises(ModelError, match="has no samples"):
        read_hs3(document)


def test_data_with_uncertainties_or_without_bins_are_refused(document: Document) -> None:
    document["data"][0]["uncertainty"] = {"type": "gaussian_uncertainty", "sigma": [1.0, 1.0]}
    with pytest.raises(ModelError, match="counts with uncertainties"):
        read_hs3(document)
    document["data"][0] = {"name": "observed_SR", "type": "unbinned", "entries": [[0.1]]}
    with pytest.raises(ModelError, match="'observed_SR' are unbinned"):
        read_hs3(document)


# -- where documents come from --------------------------------------------------------------------


def test_models_recognise_hs3(document: Document, tmp_path: Path) -> None:
    text = json.dumps(document)
    plain, zipped = tmp_path / "m.json", tmp_path / "m.json.gz"
    plain.write_text(text)
    zipped.write_bytes(gzip.compress(text.encode()))
    expected = HistFactoryModel.from_hs3(text).nll([1.0, 0.1, -0.2])
    for source in (text, text.encode(), document, plain, str(zipped)):
        model = HistFactoryModel.from_workspace(source)
        assert model.nll([1.0, 0.1, -0.2]) == expected
    assert HistFactoryModel.from_pyhf(text, measurement="expected").measurement == "expected"


def test_the_arguments_of_models_reach_the_reader(document: Document, background: Document) -> None:
    background["modifiers"].append({"name": "x", "type": "custom"})
    model = HistFactoryModel.from_hs3(
        document, analysis="expected", param_points="fitted", poi=None, on_unknown="skip"
    )
    assert model.suggested_init() == [0.7, 0.0, 0.25]
    assert model.poi_index() is None
    np.testing.assert_array_equal(model.observed_main, [55.0, 70.0])


def test_an_audit_counts_hs3(document: Document, background: Document) -> None:
    audit = workspace_audit(document)
    assert audit["channel_count"] == 1
    assert audit["total_samples"] == 2
    assert audit["total_bins"] == 2
    assert audit["modifier_types_used"] == {"normfactor": 1, "normsys": 1, "histosys": 1}
    assert audit["parameter_count_estimate"] == 3
    assert [entry["name"] for entry in audit["measurements"]] == ["fit", "expected"]
    assert audit["problems"] == []
    background["modifiers"].append({"name": "x", "type": "custom"})
    audit = workspace_audit(json.dumps(document))
    assert audit["unsupported_features"] == ['unsupported modifier type: "custom" (name: "x")']
    assert "custom" in audit["problems"][0]["message"]
