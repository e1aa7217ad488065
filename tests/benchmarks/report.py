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

__all__ = ["circumstances", "duration", "header", "lay_out", "record", "table"]


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


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for limit, factor, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def lay_out(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, a line under the first row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _time(name: str, figures: Mapping[str, Figures], base: Figures | None) -> str:
    if name not in figures:
        return "-"
    seconds = figures[name].seconds
    ratio = f" ({seconds / base.seconds:.3g}x)" if base and figures[name] is not base else ""
    return f"{duration(seconds)}{ratio}"


def _quality(name: str, figures: Mapping[str, Figures], judged: Mapping[str, float]) -> str:
    """Our NLL above the lowest at the parameters found, or the share of toys that converged."""
    if name in judged:
        return f"+{judged[name] - min(judged.values()):.1e}"
    last = figures[name].last if name in figures else {}
    return f"{last['converged'] / last['n_toys']:.1%}" if "n_toys" in last else "-"


def _memory(name: str, figures: Mapping[str, Figures]) -> str:
    peak = figures[name].peak_mb if name in figures else None
    return "-" if peak is None else f"{peak:.0f}"


def table(
    measured: Sequence[tuple[Workload, Mapping[str, Figures]]],
    judged: Mapping[str, Mapping[str, float]],
    tools: Sequence[str],
) -> str:
    """Medians of all tools, and in brackets how many times ours each takes.

    `judged` holds, by workload and tool, our NLL at the parameters that the tool found.
    """
    rows = [["workload", *tools, "peak MB", "quality", "note"]]
    for workload, figures in measured:
        base, values = figures.get(tools[0]), judged.get(workload.name, {})
        times = [_time(name, figures, base) for name in tools]
        peaks = " / ".join(_memory(name, figures) for name in tools)
        quality = " / ".join(_quality(name, figures, values) for name in tools)
        rows.append([workload.name, *times, peaks, quality, workload.note])
    return lay_out(rows)


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
