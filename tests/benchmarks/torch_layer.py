"""Forward and backward of differentiable losses: against nextstat 0.10.1, and in batches.

    python tests/benchmarks/torch_layer.py --nextstat-python PATH
    python tests/benchmarks/torch_layer.py --parameters 30      # batches only

One thread; processor time, so that other work on the machine does not count; medians. The published
workspace is looked for as in ``tests/parity``; its signal loses what the peer refuses: histosys.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
PEER = HERE / "peers" / "torch_peer.py"
#: What the peer accepts on a sample whose yields move.
FACTORS = ("normfactor", "normsys", "lumi", "shapefactor")
CHANNEL, SAMPLE = "SR_AllBDT", "tttt"
#: Ratios that we want to reach: the peer's time to ours, and one by one to a batch of 64.
PEER_FLOOR, BATCH_FLOORS = 15.0, {30: 5.0, 200: 2.0}


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--nextstat-python", type=Path, help="interpreter with nextstat 0.10.1")
    parser.add_argument("--parameters", type=int, nargs="*", default=list(BATCH_FLOORS))
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--output", type=Path, default=HERE / "results")
    return parser.parse_args(arguments)


def seconds(work: Callable[[int], Any], repeats: int) -> float:
    """Median processor time after one call to warm up."""
    work(0)
    times = []
    for step in range(repeats):
        start = time.process_time()
        work(step)
        times.append(time.process_time() - start)
    return statistics.median(times)


def stripped(workspace: dict[str, Any]) -> list[float]:
    """Take off what the peer refuses, and return the signal's yields in its channel."""
    found: list[float] = []
    for channel in workspace["channels"]:
        for sample in channel["samples"]:
            if sample["name"] == SAMPLE:
                kept = [each for each in sample["modifiers"] if each["type"] in FACTORS]
                sample["modifiers"] = kept
                found = sample["data"] if channel["name"] == CHANNEL else found
    return found


def against_the_peer(python: Path, repeats: int) -> dict[str, Any]:
    """The same steps by both: signals that grow by one percent each."""
    import torch

    import nextstat
    from nextstat.torch import Session

    sys.path.insert(0, str(HERE.parent / "parity"))
    from parity_matrix.golden import NO_WORKSPACES, golden_cases

    cases = {case.id: case for case in golden_cases()}
    if "real/tttt-prod" not in cases:
        raise SystemExit(NO_WORKSPACES)
    workspace = json.loads(cases["real/tttt-prod"].text())
    nominal = stripped(workspace)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.json"
        path.write_text(json.dumps(workspace), encoding="utf-8")
        command = [python, PEER, path, CHANNEL, SAMPLE, json.dumps(nominal), str(repeats)]
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=True, env=environment
        )
    peer = json.loads(done.stdout)
    session = Session(nextstat.from_pyhf(workspace), SAMPLE, data="observed")

    def step(number: int) -> float:
        values = [value * (1.0 + 0.01 * number) for value in nominal]
        signal = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        q = session.q0({(CHANNEL, SAMPLE): signal})
        q.backward()
        return float(q.detach())

    return {
        "ours": seconds(step, repeats),
        "peer": peer["seconds"],
        "q0": {"ours": step(0), "peer": peer["q0"]},
        "floor": PEER_FLOOR,
    }


def of_batches(parameters: int, rows: int, repeats: int) -> dict[str, Any]:
    """A batch of signals against one call per signal, on a generated model."""
    import torch

    from nextstat.torch import Session
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.testing import generate_workspace

    systematics = parameters // 2
    workspace = generate_workspace(
        1, n_channels=3, n_bins=8, n_samples=4,
        n_normsys=systematics, n_histosys=parameters - systematics - 1,
        staterror=False, shapesys=False,
    )  # fmt: skip
    model = HistFactoryModel.from_workspace(workspace)
    session = Session(model, "signal")
    factors = torch.linspace(0.9, 1.1, rows, dtype=torch.float64)[:, None]
    signals = (session.nominal * factors).requires_grad_()

    def together(_: int) -> None:
        session.q0(signals).sum().backward()

    def alone(_: int) -> None:
        for row in signals:
            session.q0(row).backward()

    return {
        "parameters": model.n_params(),
        "rows": rows,
        "batch": seconds(together, repeats) / rows,
        "alone": seconds(alone, max(1, repeats // 4)) / rows,
        "floor": BATCH_FLOORS.get(parameters),
    }


def verdict(ratio: float, floor: float | None) -> str:
    """A ratio beside what it should be."""
    if floor is None:
        return f"{ratio:.1f}x"
    return f"{ratio:.1f}x, wanted {floor:g}x: {'met' if ratio >= floor else 'missed'}"


def main(arguments: list[str]) -> None:
    chosen = parse(arguments)
    record: dict[str, Any] = {"batches": []}
    if chosen.nextstat_python:
        record["peer"] = found = against_the_peer(chosen.nextstat_python, chosen.repeats)
        ratio = verdict(found["peer"] / found["ours"], found["floor"])
        print(f"q0 and gradient of tttt-prod: {1e3 * found['ours']:.1f} ms; 0.10.1 {ratio}")
    for parameters in chosen.parameters:
        found = of_batches(parameters, chosen.rows, chosen.repeats)
        record["batches"].append(found)
        ratio = verdict(found["alone"] / found["batch"], found["floor"])
        print(
            f"{found['rows']} signals, {found['parameters']} parameters: "
            f"{1e3 * found['batch']:.2f} ms each; one by one {ratio}"
        )
    chosen.output.mkdir(parents=True, exist_ok=True)
    path = chosen.output / "torch_layer.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
