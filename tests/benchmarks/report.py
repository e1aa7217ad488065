"""The table that people read, and the record that programs read."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measure import Figures
    from workloads import Workload

__all__ = ["circumstances", "header", "record", "table"]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def circumstances(threads: int = 1) -> dict[str, Any]:
    """Date, machine, threads and BLAS of this process."""
    built: Any = np.show_config(mode="dicts")
    blas = built["Build Dependencies"]["blas"]
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="minutes"),
        "processor": f"{_processor()}, {os.cpu_count()} logical cores",
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "threads": threads,
    }


def header(facts: Mapping[str, Any]) -> str:
    """Return the lines that stand above every table."""
    width = max(len(name) for name in facts) + 2
    shown = {name: _flat(value) for name, value in facts.items()}
    return "\n".join(f"{name + ':':<{width}}{value}" for name, value in shown.items())


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return str(value)


def _duration(seconds: float) -> str:
    for limit, factor, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def _row(workload: Workload, figures: Mapping[str, Figures], tools: Sequence[str]) -> list[str]:
    base = figures.get(tools[0])
    cells = [workload.name]
    for name in tools:
        found = figures.get(name)
        if found is None:
            cells.append("-")
            continue
        ratio = f" ({found.seconds / base.seconds:.3g}x)" if base and found is not base else ""
        cells.append(f"{_duration(found.seconds)}{ratio}")
    peaks = [f"{figures[name].peak_mb:.0f}" if name in figures else "-" for name in tools]
    return [*cells, " / ".join(peaks), workload.note]


def table(measured: Sequence[tuple[Workload, Mapping[str, Figures]]], tools: Sequence[str]) -> str:
    """Medians of all tools, and in brackets how many times ours each takes."""
    titles = ["workload", *tools, "peak MB", "note"]
    rows = [titles, *(_row(workload, figures, tools) for workload, figures in measured)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def record(workload: Workload, figures: Mapping[str, Figures]) -> dict[str, Any]:
    """Everything known about a workload, for the JSON file."""
    return {
        "workload": workload.name,
        "note": workload.note,
        "tools": {
            name: {
                "seconds": found.seconds,
                "first_seconds": found.first_seconds,
                "peak_mb": found.peak_mb,
                "processes": found.processes,
            }
            for name, found in figures.items()
        },
    }
