"""How time grows with bins and with parameters: NLL, gradient, Hessian, fit, on generated models.

python tests/benchmarks/growth.py --bins 10 100 1000 --parameters 10 100 1000
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before numpy is imported: a BLAS reads these once.
for _library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

from report import circumstances, header  # noqa: E402

from nextstat_core.testing import growth  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLUMNS = ("load", "nll", "gradient", "hessian", "fit")
#: Seconds after which a measurement is not repeated.
PATIENCE = 1.0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bins", type=int, nargs="*", default=[10, 100, 1_000, 10_000, 100_000])
    parser.add_argument("--gammas", type=int, nargs="*", default=[10, 100, 1_000, 5_000])
    parser.add_argument("--parameters", type=int, nargs="*", default=[10, 100, 1_000, 5_000])
    parser.add_argument("--output", type=Path, default=Path("tests/benchmarks/results"))
    return parser.parse_args(arguments)


def seconds_of(function: Callable[[], Any]) -> float:
    """Median of up to seven calls; fewer where one takes long."""
    taken: list[float] = []
    while len(taken) < 7 and sum(taken) < PATIENCE:
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure(workspace: dict[str, Any]) -> dict[str, Any]:
    """All columns of one row."""
    import nextstat

    text = json.dumps(workspace)
    model = nextstat.from_pyhf(text)
    start = model.suggested_init()
    result = nextstat.fit(model)
    calls: dict[str, Callable[[], Any]] = {
        "load": lambda: nextstat.from_pyhf(text),
        "nll": lambda: model.nll(start),
        "gradient": lambda: model.grad_nll(start),
        "hessian": lambda: model.hessian_nll(start),
        "fit": lambda: nextstat.fit(model),
    }
    times = {name: seconds_of(calls[name]) for name in COLUMNS}
    return {**times, "n_parameters": model.n_params(), "status": result.termination_reason}


def slope(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Exponent p of the least-squares fit seconds ~ size**p, on logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    middle = statistics.mean(x)
    spread = math.fsum((each - middle) ** 2 for each in x)
    height = statistics.mean(y)
    pairs = zip(x, y, strict=True)
    return math.fsum((a - middle) * (b - height) for a, b in pairs) / spread if spread else math.nan


def table(title: str, sizes: Sequence[int], rows: Sequence[dict[str, Any]]) -> str:
    lines = [title, f"{'size':>8}" + "".join(f"{name:>12}" for name in COLUMNS) + "  status"]
    for size, row in zip(sizes, rows, strict=True):
        cells = "".join(f"{row[name] * 1e3:>9.3f} ms" for name in COLUMNS)
        lines.append(f"{size:>8}{cells}  {row['status']}")
    if len(sizes) > 1:
        slopes = [slope(sizes, [row[name] for row in rows]) for name in COLUMNS]
        # From the upper half: the fixed cost of a call hides the growth of small models.
        half = len(sizes) // 2
        upper = [slope(sizes[half:], [row[name] for row in rows[half:]]) for name in COLUMNS]
        lines.append(f"{'slope':>8}" + "".join(f"{each:>12.2f}" for each in slopes))
        lines.append(f"{'(upper)':>8}" + "".join(f"{each:>12.2f}" for each in upper))
    return "\n".join(lines)


def tables(options: argparse.Namespace) -> dict[str, tuple[list[int], list[dict[str, Any]]]]:
    """Measure all models, smallest first."""
    wanted: dict[str, tuple[list[int], Callable[[int], dict[str, Any]]]] = {
        "bins, 11 parameters": (options.bins, lambda size: growth(size, 10)),
        "bins with one gamma each, 10 systematics": (
            options.gammas,
            lambda size: growth(size, 10, staterror=True),
        ),
        "systematics, 100 bins": (
            options.parameters,
            lambda size: growth(100, size, bins_per_channel=10),
        ),
    }
    found = {}
    for title, (sizes, make) in wanted.items():
        rows = []
        for size in sorted(sizes):
            print(f"... {size} {title}", file=sys.stderr, flush=True)
            rows.append(measure(make(size)))
        found[title] = (sorted(sizes), rows)
    return found


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    facts = circumstances()
    found = tables(options)
    text = "\n\n".join([header(facts), *(table(title, *rows) for title, rows in found.items())])
    print(text)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "growth.txt").write_text(text + "\n", encoding="utf-8")
    document = {"facts": facts, "tables": found}
    (options.output / "growth.json").write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
