"""Fits and toys on several backends of one machine: a table in Markdown, and where the time went.

``python tests/benchmarks/accelerators.py --backend torch:cuda --backend cupy workspace.json``

NumPy comes first: it is what the others are divided by, and what their results are compared with.
With ``--kernels`` the share of each GPU kernel is listed too; that needs PyTorch, whose profiler
sees the kernels of every library of the process.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Read when the libraries are loaded: one thread for the host side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")


@dataclass(frozen=True)
class Row:
    """What was measured of one backend on one model."""

    backend: str
    model: str
    fit: float
    toys: dict[int, float]
    drawn: dict[int, float]
    away: float
    second: int

    def line(self, reference: Row) -> str:
        """One line of the table; ratios are those of the reference's time to ours."""
        cells = [self.model, self.backend, _time(self.fit, reference.fit)]
        cells += [_time(self.toys[n], reference.toys.get(n)) for n in self.toys]
        cells += [f"{self.drawn[max(self.drawn)]:.2f} s", f"{self.away:.1e}", str(self.second)]
        return "| " + " | ".join(cells) + " |"


def _time(seconds: float, reference: float | None) -> str:
    shown = f"{1e3 * seconds:.1f} ms" if seconds < 1.0 else f"{seconds:.2f} s"
    return shown if reference is None else f"{shown} ({reference / seconds:.2f}x)"


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest of several times, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def measure(
    name: str, label: str, source: Any, counts: list[int], reference: Any
) -> tuple[Row, Any]:
    """Fit one model and its toys on one backend."""
    import numpy as np

    from nextstat_core import infer
    from nextstat_core.backend import get_backend
    from nextstat_core.models import HistFactoryModel

    backend, _, device = name.partition(":")
    model = HistFactoryModel.from_workspace(source, backend=get_backend(backend, device or None))
    fit_time, fitted = timed(lambda: infer.fit(model), 3)
    first = fitted if reference is None else reference[0]
    toys, drawn, results = {}, {}, {}
    for n in counts:
        warm = min(n, counts[0])
        infer.fit_toys(model, first.parameters, n_toys=warm, seed=1)
        start = time.perf_counter()
        results[n] = infer.fit_toys(model, first.parameters, n_toys=n, seed=1)
        toys[n] = time.perf_counter() - start
        start = time.perf_counter()
        infer.poisson_toys(model, first.parameters, n_toys=n, seed=1)
        drawn[n] = time.perf_counter() - start
    n = counts[0]
    sigma = np.where(first.errors > 0, first.errors, 1.0)
    base = results[n] if reference is None else reference[1]
    away = float(np.max(np.abs(results[n].values - base.values) / sigma))
    second = int((results[max(counts)].n_hev > 1).sum())
    row = Row(name, label, fit_time, toys, drawn, away, second)
    return row, (first, base)


def kernels(name: str, source: Any, n_toys: int) -> str:
    """Shares of the GPU's time by kernel, while toys are fitted."""
    from torch.profiler import ProfilerActivity, profile

    from nextstat_core import infer
    from nextstat_core.backend import get_backend
    from nextstat_core.models import HistFactoryModel

    backend, _, device = name.partition(":")
    model = HistFactoryModel.from_workspace(source, backend=get_backend(backend, device or None))
    start = model.suggested_init()
    infer.fit_toys(model, start, n_toys=n_toys, seed=1)
    with profile(activities=[ProfilerActivity.CUDA]) as record:
        began = time.perf_counter()
        infer.fit_toys(model, start, n_toys=n_toys, seed=1)
        wall = time.perf_counter() - began
    events = [event for event in record.key_averages() if event.self_device_time_total > 0]
    busy = sum(event.self_device_time_total for event in events) * 1e-6
    events.sort(key=lambda event: -event.self_device_time_total)
    lines = [f"{name}, {n_toys} toys: GPU busy {busy:.3f} s of {wall:.3f} s", ""]
    lines += ["| share of busy time | calls | kernel |", "|---|---|---|"]
    for event in events[:20]:
        share = event.self_device_time_total * 1e-6 / busy
        lines.append(f"| {100 * share:.1f} % | {event.count} | `{event.key[:90]}` |")
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspaces", nargs="*", type=Path)
    parser.add_argument("--backend", action="append", default=[])
    parser.add_argument("--toys", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--without-numpy", action="store_true")
    parser.add_argument("--kernels", action="store_true")
    arguments = parser.parse_args()
    from nextstat_core.testing import many_channels

    sources = {path.parent.name or path.stem: path.read_text() for path in arguments.workspaces}
    sources["50 channels, 201 parameters"] = many_channels()
    names = [*([] if arguments.without_numpy else ["numpy"]), *arguments.backend]
    print("| model | backend | fit |", *(f" {n} toys |" for n in arguments.toys), end="")
    print(" drawing | off by (sigma) | second Hessian |")
    print("|---" * (6 + len(arguments.toys)) + "|")
    for label, source in sources.items():
        reference = first = None
        for name in names:
            row, reference = measure(name, label, source, arguments.toys, reference)
            first = first or row
            print(row.line(first), flush=True)
    if arguments.kernels:
        for label, source in sources.items():
            for name in arguments.backend:
                print(f"\n{label}: {kernels(name, source, arguments.toys[0])}", flush=True)


if __name__ == "__main__":
    main()
