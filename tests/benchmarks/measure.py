"""Run jobs in processes of their own, the tools by turns, and keep every record."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from environments import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workloads import Workload

__all__ = ["Figures", "Tool", "judge", "measure"]

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Tool:
    """An interpreter and the script that it runs.

    `isolated` interpreters ignore PYTHONPATH: ours on that path would shadow a peer's package.
    """

    python: Path
    script: str
    isolated: bool = True


@dataclass
class Figures:
    """What one tool did on one workload: a list of records per process."""

    processes: list[list[dict[str, Any]]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Median over the processes of the median of the repetitions after the first."""
        return statistics.median(
            statistics.median(record["seconds"] for record in (records[1:] or records))
            for records in self.processes
        )

    @property
    def first_seconds(self) -> float:
        """Median over the processes of the first repetition."""
        return statistics.median(records[0]["seconds"] for records in self.processes)

    @property
    def peak_mb(self) -> float | None:
        """Largest resident memory of a process, MB; None where it was not measured."""
        peaks = [r["peak_mb"] for records in self.processes for r in records if "peak_mb" in r]
        return max(peaks, default=None)

    @property
    def last(self) -> dict[str, Any]:
        return self.processes[-1][-1]


def environment_of(tool: Tool) -> dict[str, str]:
    """One thread, and PYTHONPATH for ours only."""
    variables = one_thread()
    if tool.isolated:
        variables.pop("PYTHONPATH", None)
    return variables


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def run_command(tool: Tool, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run a command that lies beside the interpreter, from start to end, `repeats` times.

    Raises
    ------
    RuntimeError
        If the command is missing or fails.
    """
    name, *arguments = job["arguments"]
    command = [str(tool.python.parent / name), *arguments, job["workspace"]]
    variables, records = environment_of(tool), []
    clock = _cpu_of_children if job["clock"] == "cpu" else time.perf_counter
    for _ in range(job["repeats"]):
        start = clock()
        try:
            done = subprocess.run(
                command, env=variables, capture_output=True, text=True, check=False
            )
        except FileNotFoundError as error:
            raise RuntimeError(f"no command {command[0]}") from error
        records.append({"seconds": clock() - start})
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return records


def run_job(tool: Tool, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run one job in one process.

    Raises
    ------
    RuntimeError
        If the process fails; with what it wrote to stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "job.json"
        file.write_text(json.dumps(job), encoding="utf-8")
        flags = ["-I"] if tool.isolated else []
        command = [str(tool.python), *flags, str(PEERS / tool.script), str(file)]
        done = subprocess.run(
            command, env=environment_of(tool), capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def measure(
    workload: Workload,
    workspace: Path,
    tools: Mapping[str, Tool],
    rounds: int,
    clock: Literal["wall", "cpu"] = "wall",
) -> dict[str, Figures]:
    """Run a workload `rounds` times, in each round every tool once.

    The clock ``cpu`` counts the processor time of the process, for a machine that has other work.
    """
    common = {"workload": workload.what, "workspace": str(workspace), "clock": clock}
    figures = {name: Figures() for name in tools if name in workload.jobs}
    for round_ in range(min(rounds, workload.rounds or rounds)):
        for name, found in figures.items():
            if round_ and name in workload.slow:
                continue
            job = {**workload.jobs[name], **common}
            run = run_command if workload.what == "command" else run_job
            found.processes.append(run(tools[name], job))
    return figures


def judge(ours: Tool, workspace: Path, figures: Mapping[str, Figures]) -> dict[str, float]:
    """Return our NLL at the parameters that each tool found.

    The NLL that a tool reports may lack constants; ours at its parameters is comparable.
    """
    points = {name: each.last["parameters"] for name, each in figures.items()}
    job = {"workload": "judge", "workspace": str(workspace), "points": points, "repeats": 1}
    values: dict[str, float] = run_job(ours, job)[0]["nll_at"]
    return values
