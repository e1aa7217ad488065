"""How long a training set takes, beside a loop over pyhf's ``logpdf``.

Ours evaluates values and gradients, pyhf values alone. pyhf takes minutes for all points: it is
timed at `--sample` of them, and the time for all is extrapolated. By turns in one process; medians
of `--rounds` rounds after one to warm up.

    python tests/benchmarks/distill_points.py                  # 100,000 points of tttt-prod
    python tests/benchmarks/distill_points.py --threads 1 --points 10000
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyhf
from report import circumstances, duration, header, lay_out
from workloads import RESULTS, write_workspaces

from nextstat_core.models import HistFactoryModel
from nextstat_distill import generate_dataset

if TYPE_CHECKING:
    from collections.abc import Callable

#: How many times faster than the loop we want to be at least.
TARGET = 40.0
#: pyhf with the interpolation codes that are our default.
CODES = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--workspace", default="tttt-prod")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=300, help="points for pyhf (300)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of ours (all cores)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def _times(call: Callable[[], object]) -> tuple[float, float]:
    """Wall time and time of the processor, in seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(path: Path, options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Times of both for all points, without the first round."""
    document = json.loads(path.read_text(encoding="utf-8"))
    model = HistFactoryModel.from_workspace(document)
    theirs = pyhf.Workspace(document).model(modifier_settings=CODES)
    data = pyhf.Workspace(document).data(theirs)
    sample = generate_dataset(model, options.sample)
    points = sample.parameters[:, model.pyhf_order()]
    values = [-float(theirs.logpdf(point, data)[0]) for point in points]
    # pyhf has no value where a rate is below zero; ours go on.
    there = np.isfinite(values)
    np.testing.assert_allclose(sample.nll[there], np.asarray(values)[there], rtol=1e-9)

    def loop() -> None:
        for point in points:
            theirs.logpdf(point, data)

    found: dict[str, list[tuple[float, float]]] = {"pyhf": [], "ours": []}
    scale = options.points / options.sample
    for _ in range(options.rounds + 1):
        wall, processor = _times(loop)
        found["pyhf"].append((scale * wall, scale * processor))
        ours = _times(lambda: generate_dataset(model, options.points, threads=options.threads))
        found["ours"].append(ours)
    return {name: times[1:] for name, times in found.items()}


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(write_workspaces(Path(folder))[options.workspace], options)
    lines = [["time", "pyhf", "ours", "ratio", "target"]]
    ratios = {}
    for column, name in enumerate(("wall", "processor")):
        theirs, ours = (
            statistics.median(pair[column] for pair in found[tool]) for tool in ("pyhf", "ours")
        )
        ratios[name] = ratio = theirs / ours
        verdict = f">= {TARGET:g} {'met' if ratio >= TARGET else 'missed'}"
        lines.append([name, duration(theirs), duration(ours), f"{ratio:.1f}", verdict])
    facts = circumstances(options.threads) | {
        "workspace": options.workspace,
        "points": f"{options.points}, with gradients in ours; pyhf timed at {options.sample}",
        "pyhf": pyhf.__version__,
    }
    text = f"{header(facts)}\n\n{lay_out(lines)}"
    print(text)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "distill_points.txt").write_text(text + "\n", encoding="utf-8")
    record = {"facts": facts, "ratios": ratios, "seconds": found}
    content = json.dumps(record, indent=1)
    (options.output / "distill_points.json").write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
