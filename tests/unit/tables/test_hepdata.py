"""Files for HEPData against HEPData's own validator."""

import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from nextstat_core.errors import InputError
from nextstat_tables import (
    Column,
    DataTable,
    Uncertainty,
    covariance_table,
    limits_table,
    tables_of,
    write_hepdata,
)


def problems(folder):
    """What HEPData would refuse; in its own process, because the validator leaves files open."""
    code = "from hepdata_validator.cli import validate; validate()"
    arguments = [sys.executable, "-W", "ignore", "-c", code, "-d", str(folder)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_all_tables_are_valid(postfit, best, scan, tmp_path):
    tables = [*tables_of(postfit), *tables_of(best), covariance_table(postfit), limits_table(scan)]
    files = write_hepdata(tables, tmp_path, comment="An abstract.")
    assert len(files) == 1 + len(tables)
    assert problems(tmp_path) == []


def test_submission_lists_the_files(postfit, tmp_path):
    tables = tables_of(postfit)[:2]
    files = write_hepdata(tables, tmp_path)
    documents = list(yaml.safe_load_all(files[0].read_text(encoding="utf-8")))
    assert [each["name"] for each in documents] == [table.name for table in tables]
    assert [each["data_file"] for each in documents] == [file.name for file in files[1:]]


def test_numbers_keep_every_digit(postfit, tmp_path):
    data = read(write_hepdata(tables_of(postfit)[:1], tmp_path)[1])
    channel = postfit.channels[0]
    found = data["dependent_variables"][0]
    assert found["header"] == {"name": channel.channel}
    here = channel.samples.index(data["independent_variables"][0]["values"][0]["value"])
    assert found["values"][0]["value"] == channel.sample_sums[here]
    assert found["values"][0]["errors"] == [{"symerror": channel.sample_sum_errors[here]}]
    assert found["values"][-1] == {"value": channel.observed.sum()}


def test_uncertainties_downwards_are_negative_and_labelled(scan, tmp_path):
    data = read(write_hepdata([limits_table(scan, units="pb")], tmp_path)[1])
    observed, expected, in_pb, _ = data["dependent_variables"]
    assert in_pb["header"] == {"name": "observed cross section", "units": "pb"}
    assert observed["values"][1] == {"value": "-"}
    assert observed["qualifiers"] == [{"name": "CL", "value": "95%"}]
    first = expected["values"][0]["errors"][0]
    assert first["label"] == "1 sigma"
    assert first["asymerror"]["minus"] == pytest.approx(-0.3)
    assert first["asymerror"]["plus"] == pytest.approx(0.5)


def test_numbers_that_are_not_finite_are_text(tmp_path):
    column = Column(
        name="x", values=(1.0,), uncertainties=(Uncertainty((float("inf"),), (float("inf"),)),)
    )
    table = DataTable(name="T", description="Test.", columns=(column,))
    data = read(write_hepdata([table], tmp_path)[1])
    assert data["dependent_variables"][0]["values"][0]["errors"] == [{"symerror": "inf"}]
    assert problems(tmp_path) == []


def test_the_validator_sees_what_is_wrong(scan, tmp_path):
    table = write_hepdata([limits_table(scan)], tmp_path)[1]
    table.write_text(table.read_text().replace("asymerror", "error"), encoding="utf-8")
    assert problems(tmp_path) != []


def test_names_that_hepdata_refuses_are_refused(scan, tmp_path):
    table = limits_table(scan)
    with pytest.raises(InputError, match="characters; expected at most 64"):
        write_hepdata([replace(table, name="x" * 65)], tmp_path)
    with pytest.raises(InputError, match=r"2 tables would be written to upper_limits\.yaml"):
        write_hepdata([table, table], tmp_path)
    with pytest.raises(InputError, match="at least one table"):
        write_hepdata([], tmp_path)
    assert list(tmp_path.iterdir()) == []
