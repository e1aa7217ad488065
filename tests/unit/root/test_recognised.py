"""HistFactory XML is recognised where a workspace may be a path."""

import json

import pytest
from click.testing import CliRunner

from nextstat_commands.main import cli
from nextstat_core.errors import FormatError, ModelError
from nextstat_core.io import read_pyhf
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_root import write_histfactory


@pytest.fixture(scope="module")
def combination(tmp_path_factory):
    model = read_pyhf(generate_workspace(2, n_normsys=2, n_histosys=1, lumi=True))
    written = write_histfactory(model, tmp_path_factory.mktemp("xml"))
    return next(path for path in written if b"<Combination" in path.read_bytes())


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_path_of_xml_is_a_workspace(combination, kind):
    direct = HistFactoryModel.from_xml(combination)
    found = HistFactoryModel.from_workspace(kind(combination))
    assert found.ir == direct.ir


def test_choices_reach_the_reader(combination):
    assert HistFactoryModel.from_workspace(combination, poi=None).poi_index() is None
    with pytest.raises(ModelError, match="nothing"):
        HistFactoryModel.from_workspace(combination, measurement="nothing")


def test_commands_take_it(combination):
    done = CliRunner().invoke(cli, ["fit", str(combination)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["converged"]


def test_files_that_no_reader_knows_are_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no workspace\n")
    with pytest.raises(FormatError, match="not JSON"):
        HistFactoryModel.from_workspace(path)
