"""Toys on the command line: the same for a seed, wherever they are fitted; kept, resumed, shown."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from nextstat_core.results import ToyHypotestResult

Run = Callable[..., Result]


def toys_of(run: Run, workspace: Path, *options: Any) -> dict[str, Any]:
    result = run("hypotest-toys", workspace, "--mu", "1", "--n-toys", "60", *map(str, options))
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_toys_have_the_keys_of_the_reference(run: Run, workspace: Path) -> None:
    found = toys_of(run, workspace, "--expected-set")
    assert found.keys() >= {
        *("mu_test", "cls", "clsb", "clb", "q_obs", "mu_hat", "seed", "n_toys", "n_error"),
        *("n_nonconverged", "expected_set"),
    }
    assert found["n_toys"] == {"b": 60, "sb": 60}
    assert found["expected_set"]["nsigma_order"] == [2, 1, 0, -1, -2]
    assert found["expected_set"]["cls"] == sorted(found["expected_set"]["cls"])
    assert found["cls"] == pytest.approx(found["clsb"] / found["clb"])
    assert toys_of(run, workspace)["expected_set"] is None


@pytest.mark.parametrize("executor", ["thread:2", "process:1"])
def test_toys_are_the_same_wherever_they_are_fitted(
    run: Run, workspace: Path, executor: str
) -> None:
    assert toys_of(run, workspace, "--executor", executor) == toys_of(run, workspace)


def test_another_seed_gives_other_toys(run: Run, workspace: Path) -> None:
    here, there = (toys_of(run, workspace, "--seed", seed) for seed in (1, 2))
    assert (here["clsb"], here["clb"]) != (there["clsb"], there["clb"])


def test_finished_toys_are_taken_from_the_checkpoint(
    run: Run, workspace: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "toys.npz"
    first = toys_of(run, workspace, "--checkpoint", checkpoint)
    assert checkpoint.exists()
    assert toys_of(run, workspace, "--checkpoint", checkpoint) == first
    other = run("hypotest-toys", workspace, "--mu", "2", "--checkpoint", checkpoint)
    assert other.exit_code == 1
    assert str(checkpoint) in other.stderr


def test_parts_of_a_study_are_merged(run: Run, workspace: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"{first}.npz" for first in (0, 60)]
    for first, path in zip((0, 60), parts, strict=True):
        toys_of(run, workspace, "--first-toy", first, "--save", path)
    merged = ToyHypotestResult.merge(*map(ToyHypotestResult.load, parts))
    whole = toys_of(run, workspace, "--n-toys", 120)
    assert (merged.clsb, merged.clb) == (whole["clsb"], whole["clb"])


def test_limits_come_from_toys_too(run: Run, workspace: Path) -> None:
    grid = ("--scan-start", "0.5", "--scan-stop", "2", "--scan-points", "4")
    options = ("--method", "toys", "--n-toys", "200", "--alpha", "0.2", *grid)
    done = run("upper-limit", workspace, *options)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["mode"] == "toys"
    exact = json.loads(run("upper-limit", workspace, "--alpha", "0.2").stdout)["obs_limit"]
    assert abs(found["obs_limit"] - exact) < 5.0 * found["obs_limit_error"]


def test_an_executor_without_toys_is_a_usage_error(run: Run, workspace: Path) -> None:
    done = run("upper-limit", workspace, "--executor", "thread:2")
    assert done.exit_code == 2
    assert "--method toys" in done.stderr


def test_people_who_watch_see_how_far_the_toys_are(workspace: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nextstat_commands", "hypotest-toys", str(workspace)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [*command, "--mu", "1", "--n-toys", "5000"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 4096):
                shown += block
        except OSError:
            pass  # Linux ends a terminal that nobody writes to any more with an error
        assert process.stdout is not None
        printed = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(printed)["n_toys"]["sb"] == 5000
    text = shown.decode()
    assert "toys" in text
    assert "/10000" in text
    assert "/s" in text
