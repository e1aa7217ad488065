"""The format is registered, and found by the core and by the facade."""

import logging

import pytest

import nextstat
from nextstat_core.errors import InputError
from nextstat_core.hooks import PluginManager, get_manager
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_root import read_histfactory


def test_the_format_is_recognised(make):
    spec = get_manager().readers["histfactory"]
    text = make().read_text()
    assert spec.detect(text)
    assert spec.detect(text.encode())
    assert not spec.detect("{}")
    assert set(spec.options) == {"base_dir", "conventions", "missing_data"}


def test_one_text_is_not_enough(make):
    with pytest.raises(InputError, match="set of files"):
        get_manager().readers["histfactory"].read(make().read_text())
    with pytest.raises(InputError, match="set of files"):
        get_manager().writers["histfactory"].write(read_histfactory(make()))


def test_the_registered_functions_read_and_write(make, tmp_path):
    manager = get_manager()
    model = manager.readers["histfactory"].read_file(make(), conventions="pyhf")
    (combination, *_) = manager.writers["histfactory"].write_files(model, tmp_path / "out")
    again = manager.readers["histfactory"].read_file(combination, conventions="pyhf")
    first, second = HistFactoryModel(model), HistFactoryModel(again)
    point = first.suggested_init()
    assert second.nll(point) == pytest.approx(first.nll(point), rel=1e-12)


def test_a_model_is_made_from_xml(make):
    path = make()
    model = HistFactoryModel.from_xml(path, poi=None, backend="numpy")
    assert model.poi_index() is None
    assert model.ir == read_histfactory(path, poi=None)


def test_without_the_plugin_its_name_is_given(make, monkeypatch):
    monkeypatch.setattr("nextstat_core.models.sources.get_manager", lambda: PluginManager([]))
    with pytest.raises(InputError, match="pip install nextstat-root"):
        HistFactoryModel.from_xml(make())


def test_the_facade_logs_what_is_odd(make, caplog):
    path = make(settings='<ParamSetting Const="True">alpha_unknown</ParamSetting>')
    with caplog.at_level(logging.WARNING, logger="nextstat"):
        model = nextstat.from_histfactory_xml(path)
    assert isinstance(model, nextstat.HistFactoryModel)
    assert "alpha_unknown" in caplog.text


def test_the_facade_knows_edges_of_bins(make):
    assert nextstat.histfactory_bin_edges_by_channel(make()) == {"SR": [0.0, 1.0, 2.0, 3.0]}


def test_a_fit_of_what_was_read_is_that_of_what_was_written(tmp_path):
    model = nextstat.from_pyhf(generate_workspace(5, n_normsys=2, staterror=True))
    nextstat.root.write_histfactory(model, tmp_path)
    again = nextstat.from_histfactory_xml(tmp_path / "combination.xml")
    first, second = nextstat.fit(model), nextstat.fit(again)
    assert second.nll == pytest.approx(first.nll, abs=1e-9)


def test_a_folder_stands_for_the_only_combination_in_it(make, tmp_path):
    path = make()
    assert read_histfactory(tmp_path) == read_histfactory(path)
    assert read_histfactory(tmp_path.parent / tmp_path.name) == read_histfactory(path)
    assert nextstat.histfactory_bin_edges_by_channel(tmp_path)["SR"] == [0.0, 1.0, 2.0, 3.0]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "again.xml").write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"2 files .*\n\nHint: name one of combination.xml, other"):
        read_histfactory(tmp_path)


def test_a_folder_without_a_combination_is_refused(make, tmp_path):
    make().unlink()
    with pytest.raises(InputError, match="holds a <Combination>"):
        read_histfactory(tmp_path)
