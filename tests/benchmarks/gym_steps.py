"""Steps of environments per second: one, many as one batch, and one of nextstat 0.10.1.

One thread, the same actions for all, medians of rounds that take turns.

    python tests/benchmarks/gym_steps.py WORKSPACE
    python tests/benchmarks/gym_steps.py WORKSPACE --nextstat-python PATH   # has gymnasium, too
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

METRICS = ("nll", "z0")
SEED = 0
#: Actions that stay inside of this share of their box.
SHARE = 0.1


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    given = _parser().parse_args(arguments)
    if given.worker:
        _work(given)
        return
    print(f"{'reward':8}{'one':>12}{given.copies:>9} copies{'gain':>9}{'0.10.1':>12}")
    for metric in METRICS:
        found = [_measured(given, metric) for _ in range(given.rounds)]
        one, many = (statistics.median(each[name] for each in found) for name in ("one", "many"))
        peer = [each["peer"] for each in found if "peer" in each]
        text = f"{1e6 * statistics.median(peer):9.2f} us" if peer else ""
        gain = given.copies * one / many
        print(f"{metric:8}{1e6 * one:9.2f} us{1e6 * many:13.2f} us{gain:8.0f}x{text:>12}")


def _measured(given: argparse.Namespace, metric: str) -> dict[str, float]:
    """Seconds per step of each, in processes of their own."""
    found: dict[str, float] = {}
    pythons = {sys.executable: ("one", "many")}
    if given.nextstat_python:
        pythons[given.nextstat_python] = ("peer",)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for python, names in pythons.items():
        for name in names:
            command = [python, __file__, given.workspace, "--worker", name, "--metric", metric]
            command += ["--copies", str(given.copies), "--steps", str(given.steps)]
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            found[name] = float(done.stdout)
    return found


def _work(given: argparse.Namespace) -> None:
    """Print seconds per step of one environment, or of the batch."""
    import numpy as np

    with open(given.workspace, encoding="utf-8") as file:  # noqa: PTH123
        text = file.read()
    channel = json.loads(text)["channels"][0]
    options: dict[str, Any] = {
        "workspace_json": text,
        "channel": channel["name"],
        "sample": channel["samples"][0]["name"],
        "reward_metric": given.metric,
        "max_steps": 10**9,
    }
    env: Any
    if given.worker == "many":
        from nextstat.gym import HistFactoryVectorEnv

        env = HistFactoryVectorEnv(given.copies, **options)
    else:
        from nextstat.gym import HistFactoryEnv

        env = HistFactoryEnv(**options)
    env.reset(seed=SEED)
    shape = (given.steps, *env.action_space.shape)
    actions = list(np.random.default_rng(SEED).uniform(-SHARE, SHARE, shape))
    _run(env.step, actions)
    print(min(_run(env.step, actions) for _ in range(7)) / given.steps)


def _run(step: Callable[[Any], Any], actions: Sequence[Any]) -> float:
    begin = perf_counter()
    for action in actions:
        step(action)
    return perf_counter() - begin


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", help="a pyhf workspace; its first sample is moved")
    parser.add_argument("--nextstat-python", help="an interpreter with nextstat 0.10.1")
    parser.add_argument("--copies", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", choices=("one", "many", "peer"), help=argparse.SUPPRESS)
    parser.add_argument("--metric", default="nll", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
