"""What the benchmark computes from its measurements."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def figures(load):
    """Figures of one tool whose processes took so many seconds, one list each."""
    measure = load("measure")

    def figures(*processes, peak_mb=10.0):
        return measure.Figures(
            [[{"seconds": each, "peak_mb": peak_mb} for each in process] for process in processes]
        )

    return figures


def test_time_is_the_median_without_the_first_repetition(figures):
    assert figures([9.0, 1.0, 2.0, 3.0], [8.0, 4.0], [7.0, 6.0]).seconds == 4.0
    assert figures([9.0, 1.0], [7.0, 1.0]).first_seconds == 8.0


def test_single_repetition_counts(figures):
    assert figures([5.0]).seconds == 5.0


def test_ratio_target_is_met_from_its_bound_on(load, figures):
    targets, workloads = load("targets"), load("workloads")
    target = targets.Target("fit", "times", 15, workloads.NEXTSTAT)
    for peer, expected in ((15.0, "met"), (14.9, "missed")):
        tools = {workloads.OURS: figures([1.0]), workloads.NEXTSTAT: figures([peer])}
        assert targets.verdict(target, target.found(tools)) == expected


def test_limit_on_time_and_memory_is_met_up_to_its_bound(load, figures):
    targets, workloads = load("targets"), load("workloads")
    tools = {workloads.OURS: figures([1.5e-3], peak_mb=1001.0)}
    time, memory = targets.Target("fit", "ms", 1.5), targets.Target("toy", "MB", 1000)
    assert targets.verdict(time, time.found(tools)) == "met"
    assert targets.verdict(memory, memory.found(tools)) == "missed"


def test_target_against_an_absent_peer_is_not_measured(load, figures):
    targets, workloads = load("targets"), load("workloads")
    target = targets.Target("fit", "times", 500, workloads.PYHF)
    assert targets.verdict(target, target.found({workloads.OURS: figures([1.0])})) == "not measured"


def test_every_target_names_a_row_and_a_peer_that_is_measured_there(load):
    targets, workloads = load("targets"), load("workloads")
    jobs = {workload.name: workload.jobs for workload in workloads.WORKLOADS}
    for target in targets.TARGETS:
        assert target.workload in jobs
        assert not target.peer or target.peer in jobs[target.workload]


def test_slope_of_a_power_law_is_its_exponent(load):
    growth = load("growth")
    sizes = [10, 100, 1000]
    assert growth.slope(sizes, [2e-6 * size**1.5 for size in sizes]) == pytest.approx(1.5)


def test_model_that_takes_too_long_keeps_what_is_known(load, tmp_path):
    growth = load("growth")
    script = tmp_path / "slow.py"
    script.write_text(
        "import time\nprint('{\"nll\": 0.5}', flush=True)\nprint('{\"gra', end='', flush=True)\n"
        "time.sleep(60)\n"
    )
    tool = growth.Tool(Path(sys.executable), str(script))
    row, done = growth.run_model(tool, tmp_path / "workspace.json", limit=2.0)
    assert row == {"nll": 0.5}
    assert not done


def test_failure_of_a_process_is_an_error_with_its_message(load, tmp_path):
    measure = load("measure")
    tool = measure.Tool(Path(sys.executable), str(tmp_path / "broken.py"))
    (tmp_path / "broken.py").write_text("raise SystemExit('no model here')")
    with pytest.raises(RuntimeError, match="no model here"):
        measure.run_job(tool, {})
