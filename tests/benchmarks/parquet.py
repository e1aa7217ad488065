"""How long checked columns of a Parquet file take, beside pyarrow's own read of the file.

Histograms, and histograms with modifiers; pyarrow has the same threads. Everything in one process,
by turns; the medians are of `--rounds` rounds after one to warm up.

    python tests/benchmarks/parquet.py                            # a million rows of 10 bins
    python tests/benchmarks/parquet.py --channels 100 --samples 100
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from report import circumstances, duration, header, lay_out
from workloads import RESULTS

from nextstat_arrow.files import COMPRESSIONS
from nextstat_arrow.model_files import read_histograms, read_modifiers

if TYPE_CHECKING:
    from collections.abc import Callable

#: How many times pyarrow's own read we want to need at most.
TARGET = 3.0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=1000, help="sample variations per channel")
    parser.add_argument("--bins", type=int, default=10)
    parser.add_argument("--compression", choices=COMPRESSIONS, default="zstd")
    parser.add_argument("--threads", type=int, default=1, help="threads of pyarrow (1)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def _names(stem: str, count: int, codes: np.ndarray) -> pa.Array:
    names = pa.array([f"{stem}_{index}" for index in range(count)])
    return pa.DictionaryArray.from_arrays(codes, names).cast(pa.string())


def _lists(values: np.ndarray, bins: int) -> pa.Array:
    return pa.ListArray.from_arrays(np.arange(0, len(values) + 1, bins, dtype=np.int32), values)


def tables(options: argparse.Namespace) -> dict[str, pa.Table]:
    """One row per channel and sample variation: as histograms, and as modifiers of one sample."""
    channels, samples, bins = options.channels, options.samples, options.bins
    channel = _names("channel", channels, np.repeat(np.arange(channels), samples))
    variation = _names("variation", samples, np.tile(np.arange(samples), channels))
    draws = np.random.default_rng(0)
    rows = channels * samples

    def yields() -> pa.Array:
        return _lists(draws.gamma(5.0, 10.0, rows * bins), bins)

    one = _names("sample", 1, np.zeros(rows, dtype=int))
    kind = pa.DictionaryArray.from_arrays(np.zeros(rows, dtype=int), ["histosys"])
    return {
        "histograms": pa.table({"channel": channel, "sample": variation, "yields": yields()}),
        "modifiers": pa.table(
            {
                "channel": channel,
                "sample": one,
                "modifier_name": variation,
                "modifier_type": kind.cast(pa.string()),
                "data_hi": yields(),
                "data_lo": yields(),
            }
        ),
    }


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(path: Path, read: Callable[[Path], Any], rounds: int) -> dict[str, list[float]]:
    """Times of pyarrow and of ours, by turns, without the first round."""
    calls = {"pyarrow": lambda: pq.read_table(path), "ours": lambda: read(path)}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            found[name].append(_seconds(call))
    return {name: times[1:] for name, times in found.items()}


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    pa.set_cpu_count(options.threads)
    pa.set_io_thread_count(options.threads)
    read = {"histograms": read_histograms, "modifiers": read_modifiers}
    lines, found = [["table", "rows", "MB", "pyarrow", "ours", "ratio", "target"]], {}
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables(options).items():
            path = Path(folder) / f"{name}.parquet"
            pq.write_table(table, path, compression=options.compression)
            times = measure(path, read[name], options.rounds)
            theirs, ours = (statistics.median(times[tool]) for tool in ("pyarrow", "ours"))
            ratio = ours / theirs
            verdict = f"<= {TARGET:g} {'met' if ratio <= TARGET else 'missed'}"
            size = path.stat().st_size / 1e6
            cells = [duration(theirs), duration(ours), f"{ratio:.2f}", verdict]
            lines.append([name, str(len(table)), f"{size:.1f}", *cells])
            found[name] = {"rows": len(table), "megabytes": size, "ratio": ratio, "seconds": times}
    facts = circumstances(options.threads) | {
        "pyarrow": pa.__version__,
        "rows": f"{options.channels} channels x {options.samples} variations, {options.bins} bins",
        "compression": options.compression,
    }
    text = f"{header(facts)}\n\n{lay_out(lines)}"
    print(text)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "parquet.txt").write_text(text + "\n", encoding="utf-8")
    document = {"facts": facts, "tables": found}
    (options.output / "parquet.json").write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
