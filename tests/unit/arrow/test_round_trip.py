"""Models to folders of Parquet files and back: the same model, exactly."""

import json
from dataclasses import replace
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nextstat
from nextstat.arrow import read_parquet_model, write_parquet
from nextstat_core.errors import InputError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import (
    Parameter,
    PluginModifier,
    decorrelate,
    with_auxiliary,
    with_channels,
    with_observed,
)
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_core.testing.differences import inner_points

FILES = ["manifest.json", "histograms.parquet", "modifiers.parquet", "observations.json"]
RECIPES = st.fixed_dictionaries(
    {
        "n_channels": st.integers(1, 3),
        "n_bins": st.integers(1, 4),
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
        "n_zero_bins": st.integers(0, 1),
        "negative_sample": st.booleans(),
        "custom_settings": st.booleans(),
    }
)
CODES = st.fixed_dictionaries(
    {
        "normsys": st.sampled_from(["code1", "code4"]),
        "histosys": st.sampled_from(["code0", "code2", "code2_pyhf", "code4p"]),
    }
)


def again(model, folder, **options):
    write_parquet(model, folder, **options)
    return read_parquet_model(folder)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), recipe=RECIPES, codes=CODES)
def test_a_model_comes_back_the_same(seed, recipe, codes):
    model = HistFactoryModel(read_pyhf(generate_workspace(seed, **recipe), interpolation=codes))
    with TemporaryDirectory() as folder:
        back = HistFactoryModel(again(model, folder))
    assert back.ir == model.ir
    points, _ = inner_points(model.suggested_init(), model.suggested_bounds(), 10)
    for point in points:
        assert back.nll(point) == pytest.approx(model.nll(point), rel=1e-12)


def test_the_names_of_the_files_are_returned(tmp_path):
    model = read_pyhf(generate_workspace(1))
    written = write_parquet(model, tmp_path / "new" / "folder")
    assert [path.name for path in written] == FILES
    assert all(path.is_file() for path in written)


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "none"])
def test_every_compression_is_written(compression, tmp_path):
    model = read_pyhf(generate_workspace(1, n_normsys=1))
    assert again(model, tmp_path, compression=compression) == model
    with pq.ParquetFile(tmp_path / "histograms.parquet") as file:
        used = file.metadata.row_group(0).column(0).compression
    assert used == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_an_unknown_compression_is_refused(tmp_path):
    model = read_pyhf(generate_workspace(1))
    with pytest.raises(InputError, match="no compression named 'brotly'; there are: 'zstd'"):
        write_parquet(model, tmp_path, compression="brotly")


def test_a_folder_may_be_moved(tmp_path):
    model = nextstat.from_pyhf(generate_workspace(2, n_normsys=1, staterror=True))
    write_parquet(model, tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    back = nextstat.from_parquet_manifest(tmp_path / "there")
    assert back.ir == model.ir
    assert nextstat.from_parquet_manifest(tmp_path / "there" / "manifest.json").ir == model.ir


def test_constraints_of_other_kinds_and_settings_of_single_bins_come_back(tmp_path):
    workspace = generate_workspace(3, n_normsys=1, staterror=True)
    told = workspace["measurements"][0]["config"]["parameters"]
    told.append({"name": "normsys_0", "constraint": {"type": "LogNormal", "rel_uncertainty": 0.2}})
    told.append({"name": "staterror_channel_0[0]", "constraint": {"type": "Poisson"}})
    told.append({"name": "staterror_channel_1", "constraint": {"type": "Gamma"}, "fixed": True})
    model = read_pyhf(workspace)
    assert again(model, tmp_path) == model


def test_models_without_a_parameter_of_interest_come_back(tmp_path):
    model = read_pyhf(generate_workspace(3, n_normsys=1), poi=None)
    assert again(model, tmp_path) == model


def test_auxiliary_and_observed_data_come_back(tmp_path):
    model = with_auxiliary(read_pyhf(generate_workspace(3, n_normsys=1)), {"normsys_0": 0.3})
    model = with_observed(model, {"channel_0": [1.5, 0.1, 3.0, 1e-9]})
    assert again(model, tmp_path) == model


def test_parts_and_variants_of_models_come_back(tmp_path):
    model = read_pyhf(
        generate_workspace(3, n_channels=3, n_normsys=2, shared_staterror=True, shapefactor=True)
    )
    regions = with_channels(model, ["channel_1", "channel_2"])
    assert "staterror_shared[11]" in {entry.name for entry in regions.parameters}
    assert again(regions, tmp_path / "regions") == regions
    split = decorrelate(model, "normsys_0", {"one": ["channel_0"], "two": ["channel_2"]})
    assert again(split, tmp_path / "split") == split


def test_the_modifiers_of_plugins_are_refused_by_name(tmp_path):
    model = read_pyhf(generate_workspace(1, n_normsys=1))
    channel, *others = model.channels
    sample, *more = channel.samples
    foreign = PluginModifier("wave", "acme_sine", ("wave",), None)
    sample = replace(sample, modifiers=(*sample.modifiers, foreign))
    channel = replace(channel, samples=(sample, *more))
    model = replace(
        model,
        channels=(channel, *others),
        parameters=(*model.parameters, Parameter("wave", "wave", 0.0, -1.0, 1.0)),
    )
    with pytest.raises(InputError, match=r"modifier 'wave' \(acme_sine\): a plugin defines"):
        write_parquet(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_parameters_that_would_change_are_refused_by_name(tmp_path):
    model = read_pyhf(generate_workspace(1, n_normsys=1))
    changed = [
        replace(entry, upper=4.5) if entry.name == "normsys_0" else entry
        for entry in model.parameters
    ]
    with pytest.raises(InputError, match="parameter 'normsys_0': does not follow from"):
        write_parquet(replace(model, parameters=tuple(changed)), tmp_path)


def test_names_that_are_no_text_are_refused(tmp_path):
    model = read_pyhf(generate_workspace(1))
    channel, *others = model.channels
    broken = replace(model, channels=(replace(channel, name="SR\ud800"), *others))
    with pytest.raises(InputError, match="cannot be written as UTF-8"):
        write_parquet(broken, tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    model = read_pyhf(generate_workspace(1))
    with pytest.raises(InputError, match="cannot make the folder"):
        write_parquet(model, tmp_path / "file" / "folder")


def test_the_manifest_says_what_the_measurement_says(tmp_path):
    model = read_pyhf(generate_workspace(3, n_normsys=1, custom_settings=True))
    write_parquet(model, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    workspace = generate_workspace(3, n_normsys=1, custom_settings=True)
    assert manifest["model"]["measurement"] == workspace["measurements"][0]
    observed = json.loads((tmp_path / "observations.json").read_text())
    assert observed == {each["name"]: each["data"] for each in workspace["observations"]}
