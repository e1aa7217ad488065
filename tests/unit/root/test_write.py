"""Models as XML and ROOT: the same likelihood for pyhf's reader and ours, or a refusal by name."""

from dataclasses import replace

import numpy as np
import pyhf
import pyhf.readxml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nextstat
from nextstat_core.errors import InputError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import (
    ConstraintChoice,
    ParameterSettings,
    derive_parameters,
    with_auxiliary,
)
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_core.testing.differences import inner_points
from nextstat_root import histfactory_bin_edges_by_channel, read_histfactory, write_histfactory

# pyhf validates with an interface that jsonschema deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

#: What XML can express of the generator's recipes.
RECIPES = st.fixed_dictionaries(
    {
        "n_channels": st.integers(2, 3),
        "n_bins": st.integers(1, 3),
        "n_samples": st.integers(1, 3),
        "n_normfactors": st.integers(0, 1),
        "n_normsys": st.integers(0, 2),
        "n_histosys": st.integers(0, 2),
        "n_coupled": st.integers(0, 1),
        "n_one_sided": st.integers(0, 2),
        "correlated": st.booleans(),
        "lumi": st.booleans(),
        "staterror": st.booleans(),
        "shapesys": st.booleans(),
        "shapefactor": st.booleans(),
        "shared_shapefactor": st.booleans(),
        "n_zero_bins": st.integers(0, 1),
        "data": st.sampled_from(["toy", "asimov"]),
    }
)
RICH = {
    "n_normsys": 2,
    "n_histosys": 1,
    "staterror": True,
    "shapesys": True,
    "shapefactor": True,
    "lumi": True,
}


def generated(seed=3, **recipe):
    return read_pyhf(generate_workspace(seed, **(recipe or RICH)))


def with_settings(model, *settings):
    """The model with further settings of its measurement."""
    names = {entry.name for entry in settings}
    kept = tuple(entry for entry in model.settings if entry.name not in names)
    poi = None if model.poi is None else model.parameters[0].group
    derived = derive_parameters(model.channels, kept + settings, poi)
    assert derived.problems == derived.warnings == []
    return replace(model, parameters=derived.parameters, settings=kept + settings)


def points(model, count=10):
    drawn, _ = inner_points(model.suggested_init(), model.suggested_bounds(), count)
    return drawn


def by_name(model, point, names):
    values = dict(zip(model.parameter_names(), point, strict=True))
    return [values[name] for name in names]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), RECIPES)
def test_what_is_written_has_the_same_likelihood(tmp_path_factory, seed, recipe):
    model = HistFactoryModel(generated(seed, **recipe))
    folder = tmp_path_factory.mktemp("xml")
    combination, *_ = write_histfactory(model, folder)
    pyhf.readxml.clear_filecache()
    workspace = pyhf.Workspace(pyhf.readxml.parse(combination, folder))
    theirs = workspace.model()
    data = workspace.data(theirs)
    ours = [
        HistFactoryModel(read_histfactory(combination, conventions=conventions))
        for conventions in ("root", "pyhf")
    ]
    for point in points(model):
        expected = model.nll(point)
        for again in ours:
            found = again.nll(by_name(model, point, again.parameter_names()))
            assert found == pytest.approx(expected, rel=1e-12)
        names = theirs.config.par_names
        logpdf = float(theirs.logpdf(by_name(model, point, names), data)[0])
        assert -logpdf == pytest.approx(expected, rel=1e-12)


def test_what_is_read_again_is_the_same_model(tmp_path):
    model = generated()
    combination, *_ = write_histfactory(model, tmp_path)
    again = read_histfactory(combination, conventions="pyhf")
    lumi = again.parameters[[entry.name for entry in again.parameters].index("lumi")]
    # Only bounds of the luminosity are the reader's.
    assert (lumi.lower, lumi.upper) == pytest.approx((0.9, 1.1), rel=1e-14)
    assert {entry.name for entry in again.parameters} == {e.name for e in model.parameters}
    assert [channel.observed for channel in again.channels] == [
        channel.observed for channel in model.channels
    ]


CHOICES = {
    "gamma": ParameterSettings("normsys_0", constraint=ConstraintChoice("gamma", 0.3)),
    "lognormal": ParameterSettings("normsys_1", constraint=ConstraintChoice("lognormal", 0.2)),
    "none": ParameterSettings("normsys_0", constraint=ConstraintChoice("none")),
    "uniform": ParameterSettings("normsys_0", constraint=ConstraintChoice("uniform")),
    "poisson": ParameterSettings("staterror_channel_0", constraint=ConstraintChoice("poisson")),
    "gaussian": ParameterSettings("shapesys_channel_0", constraint=ConstraintChoice("gaussian")),
    "constant": ParameterSettings("histosys_0", fixed=True, inits=(0.5,)),
    "constant bin": ParameterSettings("staterror_channel_1[2]", fixed=True),
    "constant factor": ParameterSettings("mu", fixed=True, inits=(2.0,), bounds=((-1.0, 4.0),)),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_constraints_and_settings_come_back(tmp_path, choice):
    model = generated()
    names = {entry.group for entry in model.parameters} | {e.name for e in model.parameters}
    assert CHOICES[choice].name in names
    changed = with_settings(model, CHOICES[choice])
    combination, *_ = write_histfactory(changed, tmp_path)
    again = {entry.name: entry for entry in read_histfactory(combination).parameters}
    for entry in changed.parameters:
        if entry.group in {"lumi"} or "shapefactor" in entry.group:
            continue  # the bounds of these are the reader's
        found = again[entry.name]
        assert found.response == entry.response
        assert (found.init, found.lower, found.upper) == (entry.init, entry.lower, entry.upper)
        assert found.fixed == entry.fixed
        assert type(found.constraint) is type(entry.constraint)


def renamed(model, old, new):
    """The model with another name for a modifier."""
    channels = tuple(
        replace(
            channel,
            samples=tuple(
                replace(
                    sample,
                    modifiers=tuple(
                        replace(
                            each,
                            name=each.name.replace(old, new),
                            parameters=tuple(e.replace(old, new) for e in each.parameters),
                        )
                        for each in sample.modifiers
                    ),
                )
                for sample in channel.samples
            ),
        )
        for channel in model.channels
    )
    settings = tuple(replace(e, name=e.name.replace(old, new)) for e in model.settings)
    poi = model.parameters[0].group.replace(old, new)
    derived = derive_parameters(channels, settings, poi)
    assert derived.problems == []
    return replace(model, channels=channels, parameters=derived.parameters, settings=settings)


def test_statistical_errors_may_have_any_name(tmp_path):
    model = renamed(generated(), "staterror_channel_0", "MC statistics")
    again = read_histfactory(write_histfactory(model, tmp_path)[0])
    assert "staterror_channel_0[1]" in {entry.name for entry in again.parameters}


def with_codes():
    workspace = generate_workspace(3, n_normsys=2, n_histosys=1)
    return read_pyhf(workspace, interpolation={"normsys/normsys_0": "code1", "histosys": "code0"})


REFUSED = {
    "codes": (with_codes, "interpolation is code1"),
    "more codes": (with_codes, "interpolation is code0"),
    "shared errors": (lambda: generated(shared_staterror=True), "statistical errors are shared"),
    "bounds": (lambda: generated(n_normsys=2, custom_settings=True), r"bounds are \(-3, 3.5\)"),
    "auxdata": (
        lambda: with_auxiliary(generated(), {"normsys_0": 0.5}),
        "'normsys_0': its auxiliary measurement is Gaussian, 0.5",
    ),
    "widths": (
        lambda: with_settings(
            generated(), ParameterSettings("staterror_channel_0", sigmas=(0.1,) * 4)
        ),
        "auxiliary measurement is Gaussian, 1 with width 0.1",
    ),
    "start of a shape factor": (
        lambda: with_settings(
            generated(), ParameterSettings("shapefactor", bounds=((0.5, 2.0),) * 4)
        ),
        r"'shapefactor': its bounds are \(0.5, 2\)",
    ),
    "constraint of a factor": (
        lambda: with_settings(
            generated(),
            ParameterSettings(
                "mu", constraint=ConstraintChoice("gaussian"), auxdata=(1.0,), sigmas=(0.1,)
            ),
        ),
        "'mu': its auxiliary measurement",
    ),
    "blanks": (
        lambda: with_settings(
            renamed(generated(), "histosys_0", "jet scale"),
            ParameterSettings("jet scale", fixed=True),
        ),
        "list it as 'alpha_jet scale'",
    ),
    "control characters": (
        lambda: renamed(generated(), "histosys_0", "jet\x01scale"),
        "characters that XML cannot hold",
    ),
    "a name that is taken": (
        lambda: renamed(
            renamed(generated(), "staterror_channel_0", "stat"),
            "shapesys_channel_0",
            "staterror_channel_0",
        ),
        "readers would call it 'staterror_channel_0'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_xml_cannot_express_is_refused_by_name(tmp_path, case):
    make, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        write_histfactory(make(), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_everything_is_refused_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        write_histfactory(with_codes(), tmp_path)
    listed = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    assert len(listed) == len(set(listed)) > 2


def test_a_luminosity_scales_all_samples_or_is_one(tmp_path):
    model = generated()
    lumi = ParameterSettings(
        "lumi", inits=(2.0,), bounds=((0.0, 20.0),), auxdata=(2.0,), sigmas=(0.1,)
    )
    combination, *_ = write_histfactory(with_settings(model, lumi), tmp_path)
    for conventions in ("root", "pyhf"):
        again = read_histfactory(combination, conventions=conventions)
        assert HistFactoryModel(again).auxdata == pytest.approx(
            HistFactoryModel(with_settings(model, lumi)).auxdata, rel=1e-12
        )
    (first, *others) = model.channels[0].samples
    bare = replace(first, modifiers=tuple(e for e in first.modifiers if e.kind != "lumi"))
    channel = replace(model.channels[0], samples=(bare, *others))
    mixed = replace(model, channels=(channel, *model.channels[1:]))
    with pytest.raises(InputError, match="ROOT would multiply it by that, pyhf would not"):
        write_histfactory(with_settings(mixed, lumi), tmp_path / "mixed")


def test_files_stay_beside_each_other(tmp_path):
    paths = write_histfactory(generated(), tmp_path / "deep" / "folder")
    assert [path.name for path in paths] == [
        "combination.xml",
        "channel_0.xml",
        "channel_1.xml",
        "HistFactorySchema.dtd",
        "data.root",
    ]
    edges = histfactory_bin_edges_by_channel(paths[0])
    assert edges == {name: [0.0, 1.0, 2.0, 3.0, 4.0] for name in ("channel_0", "channel_1")}


def test_the_document_type_allows_what_is_written(tmp_path):
    etree = pytest.importorskip("lxml.etree", reason="validates against a document type")
    changed = with_settings(generated(), CHOICES["gamma"], CHOICES["constant"])
    *paths, dtd, _ = write_histfactory(changed, tmp_path)
    with dtd.open("rb") as file:
        schema = etree.DTD(file)
    for path in paths:
        assert schema.validate(etree.parse(str(path))), schema.error_log


def test_names_of_any_kind_become_names_of_files(tmp_path):
    model = generated()
    channels = [replace(each, name=f"../{each.name}/µ μ") for each in model.channels]
    odd = replace(model, channels=tuple(channels), settings=model.settings)
    paths = write_histfactory(odd, tmp_path / "x")
    assert all(path.parent == tmp_path / "x" for path in paths)
    again = read_histfactory(paths[0])
    assert [channel.name for channel in again.channels] == [each.name for each in channels]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        write_histfactory(generated(), tmp_path / "file" / "inside")


def test_the_facade_writes_texts():
    texts = nextstat.workspace_to_xml(generate_workspace(3, **RICH), "folder")
    assert [name for name, _ in texts] == [
        "folder/combination.xml",
        "folder/channel_0.xml",
        "folder/channel_1.xml",
    ]
    assert np.all(["<!DOCTYPE" in text for _, text in texts])
