"""The benchmark runs with ours alone, on its smallest workloads."""

import json
import subprocess
import sys

import pytest


@pytest.fixture
def run(benchmarks, tmp_path):
    def run(script, *arguments):
        command = [sys.executable, str(benchmarks / script), "--output", str(tmp_path), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout, json.loads((tmp_path / f"{_NAMES[script]}.json").read_text())

    return run


_NAMES = {
    "run.py": "peers",
    "growth.py": "growth",
    "parquet.py": "parquet",
    "torch_layer.py": "torch_layer",
}
_ALONE = ("--without-pyhf", "--without-nextstat", "--rounds", "1")


def test_small_fit_gives_a_time_a_verdict_and_a_quality(run):
    printed, document = run("run.py", *_ALONE, "--only", "2 bins")
    (workload,) = document["workloads"]
    processes = workload["tools"]["ours"]["processes"]
    assert [len(records) for records in processes] == [5]
    assert all(record["converged"] for record in processes[0])
    assert workload["tools"]["ours"]["seconds"] > 0.0
    assert printed.splitlines()[-1].split()[-1] in {"met", "missed"}
    assert "+0.0e+00" in printed


def test_command_is_timed_as_a_whole_process(run):
    _, document = run("run.py", *_ALONE, "--only", "command")
    (workload,) = document["workloads"]
    # A new interpreter alone takes more.
    assert workload["tools"]["ours"]["seconds"] > 0.005
    assert workload["tools"]["ours"]["peak_mb"] is None


def test_growth_measures_all_families_at_their_smallest_size(run):
    sizes = ("--bins", "4", "--parameters", "3", "--gammas", "8")
    printed, document = run("growth.py", *sizes)
    rows = [rows for table in document["tables"] for rows in table["tools"]["ours"]]
    assert [row["n_parameters"] for row in rows] == [11, 11, 15, 15, 4, 9]
    assert all(row["converged"] for row in rows)
    assert all(row[name] > 0.0 for row in rows for name in ("nll", "gradient", "dense", "fit"))
    assert printed.count("upper half") == 6


def test_accelerators_compares_backends_of_one_machine(benchmarks):
    pytest.importorskip("torch")
    command = [sys.executable, str(benchmarks / "accelerators.py")]
    wishes = ["--backend", "torch", "--toys", "8", "16"]
    done = subprocess.run([*command, *wishes], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    head, _, numpy, torch = done.stdout.splitlines()
    assert "8 toys" in head
    assert "16 toys" in head
    cells = [cell.strip() for cell in torch.strip("|").split("|")]
    assert cells[:2] == ["50 channels, 201 parameters", "torch"]
    assert "(1.00x)" in numpy
    assert float(cells[-2]) < 1e-6


def test_parquet_compares_both_tables_with_the_read_alone(run):
    printed, document = run("parquet.py", "--channels", "3", "--samples", "5", "--rounds", "1")
    assert {name: table["rows"] for name, table in document["tables"].items()} == {
        "histograms": 15,
        "modifiers": 15,
    }
    assert all(table["ratio"] > 0.0 for table in document["tables"].values())
    assert printed.splitlines()[-1].split()[-1] in {"met", "missed"}


def test_differentiable_losses_are_measured_in_batches(run):
    pytest.importorskip("torch")
    printed, document = run("torch_layer.py", "--parameters", "6", "--rows", "3", "--repeats", "1")
    (found,) = document["batches"]
    assert found["rows"] == 3
    assert found["alone"] > 0.0 < found["batch"]
    assert "one by one" in printed
