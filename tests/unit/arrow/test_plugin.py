"""The format `parquet` among the formats that can be read and written."""

import json

import pytest

from nextstat.arrow import read_arrow, write_histograms_parquet
from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager
from nextstat_core.io import read_pyhf
from nextstat_core.testing import generate_workspace


@pytest.fixture
def reader():
    return get_manager().readers["parquet"]


@pytest.fixture
def writer():
    return get_manager().writers["parquet"]


def test_a_model_goes_through_the_writer_and_the_reader(reader, writer, tmp_path):
    model = read_pyhf(generate_workspace(3, n_normsys=1, staterror=True))
    written = writer.write_files(model, tmp_path, compression="gzip")
    assert reader.read_file(tmp_path) == model
    assert reader.read_file(str(written[0])) == model


def test_manifests_are_detected(reader, writer, tmp_path, monkeypatch):
    model = read_pyhf(generate_workspace(3))
    text = writer.write_files(model, tmp_path)[0].read_text()
    assert reader.detect(text)
    assert reader.detect(text.encode())
    assert not reader.detect(json.dumps(generate_workspace(3)))
    monkeypatch.chdir(tmp_path)
    assert reader.read(text) == model


def test_contents_of_files_are_detected_and_read(reader, table, tmp_path):
    path = tmp_path / "histograms.parquet"
    write_histograms_parquet(table, path)
    assert reader.detect(path.read_bytes())
    assert reader.read(path.read_bytes(), poi="r") == read_arrow(table, poi="r")


def test_single_files_have_options(reader, table, tmp_path):
    path = tmp_path / "histograms.parquet"
    write_histograms_parquet(table, path)
    assert reader.read_file(path) == read_arrow(table)
    chosen = reader.read_file(path, signal="background", poi="r")
    assert chosen == read_arrow(table, signal="background", poi="r")
    assert reader.read_file(path, poi="none").poi is None
    assert {"signal", "poi", "modifiers"} <= reader.options.keys()


def test_a_manifest_has_its_own_parameter_of_interest(reader, writer, tmp_path):
    writer.write_files(read_pyhf(generate_workspace(3)), tmp_path)
    with pytest.raises(InputError, match="`poi` is in the manifest"):
        reader.read_file(tmp_path, poi="r")


def test_parquet_is_no_text(writer):
    with pytest.raises(InputError, match="Parquet is no text"):
        writer.write(read_pyhf(generate_workspace(3)))
