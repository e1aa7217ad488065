"""How time grows with bins and with parameters: NLL, gradient, Hessian, fit, on generated models.

One thread, one process per model, medians after one call to warm up. ``hessian`` is in blocks, as
fits use it, ``dense`` the full matrix. A fit includes uncertainties.

    python tests/benchmarks/growth.py --bins 10 100 1000 --parameters 10 100 1000
    python tests/benchmarks/growth.py --nextstat-python PATH       # nextstat 0.10.1 beside ours
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import Tool, environment_of
from report import circumstances, duration, header, lay_out
from workloads import NEXTSTAT, OURS, RESULTS

from nextstat_core.testing import growth, many_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COLUMNS = ("load", "nll", "gradient", "hessian", "dense", "fit")
#: Of the peer, which has no Hessian.
PEER_COLUMNS = ("load", "nll", "gradient", "fit")
SCRIPT = Path(__file__).parent / "peers" / "growth_peer.py"
#: Parameters up to which a dense Hessian is asked for: 300 MB.
DENSE = 6_000

Row = dict[str, float]


@dataclass(frozen=True)
class Family:
    """Models of one kind, one for each size."""

    title: str
    sizes: Sequence[int]
    make: Callable[[int], dict[str, Any]]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bins", type=int, nargs="*", default=[10, 100, 1_000, 10_000, 100_000])
    parser.add_argument("--parameters", type=int, nargs="*", default=[10, 50, 200, 1_000, 2_000])
    parser.add_argument("--gammas", type=int, nargs="*", default=[10, 100, 1_000, 5_000, 20_000])
    parser.add_argument("--nextstat-python", type=Path, help="interpreter with nextstat 0.10.1")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds per model and tool (60)")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def families(options: argparse.Namespace) -> list[Family]:
    def with_bins(title: str, **settings: Any) -> Family:
        def make(size: int) -> dict[str, Any]:
            return growth(size, 10, **{"bins_per_channel": size, **settings})

        return Family(title, sorted(options.bins), make)

    return [
        with_bins("bins of one channel, 11 parameters"),
        with_bins("bins in channels of 20, 11 parameters", bins_per_channel=20),
        with_bins("bins of one channel, each with a gamma (staterror)", staterror=True),
        with_bins(
            "bins in channels of 20, each with a gamma (staterror)",
            bins_per_channel=20,
            staterror=True,
        ),
        Family(
            "systematics in 100 bins, dense",
            sorted(options.parameters),
            lambda size: growth(100, size, bins_per_channel=10),
        ),
        Family(
            "gammas (shapesys) in channels of 4 bins, mu shared",
            sorted(options.gammas),
            lambda size: many_channels(max(size // 4, 1)),
        ),
    ]


def run_model(tool: Tool, workspace: Path, limit: float) -> tuple[Row, bool]:
    """Return what became known within the limit, and whether that is all.

    Raises
    ------
    RuntimeError
        If the process fails; with what it wrote to stderr.
    """
    job = workspace.with_name("job.json")
    job.write_text(json.dumps({"workspace": str(workspace), "dense": DENSE}), encoding="utf-8")
    command = [str(tool.python), *(["-I"] if tool.isolated else []), tool.script, str(job)]
    try:
        done = subprocess.run(
            command, env=environment_of(tool), capture_output=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired as late:
        return _rows(late.stdout or b""), False
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr.decode()[-2000:]}")
    return _rows(done.stdout), True


def _rows(output: bytes) -> Row:
    found: Row = {}
    for line in output.decode().splitlines():
        # The last line may be cut off where the limit struck.
        if line.startswith("{") and line.endswith("}"):
            found |= json.loads(line)
    return found


def measure(family: Family, tools: Mapping[str, Tool], limit: float) -> dict[str, list[Row]]:
    """Rows of each tool, smallest model first; a tool that was late gets no larger one."""
    rows: dict[str, list[Row]] = {name: [] for name in tools}
    late: set[str] = set()
    for size in family.sizes:
        print(f"... {size} {family.title}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "workspace.json"
            file.write_text(json.dumps(family.make(size)), encoding="utf-8")
            for name, tool in tools.items():
                row, done = run_model(tool, file, limit) if name not in late else ({}, False)
                rows[name].append(row)
                late |= set() if done else {name}
    return rows


def slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Exponent p of the least-squares fit seconds ~ size**p, on logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    middle, height = statistics.mean(x), statistics.mean(y)
    spread = math.fsum((each - middle) ** 2 for each in x)
    pairs = zip(x, y, strict=True)
    return math.fsum((a - middle) * (b - height) for a, b in pairs) / spread if spread else math.nan


def _slopes(sizes: Sequence[int], rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    cells = []
    for name in columns:
        known = [(size, row[name]) for size, row in zip(sizes, rows, strict=True) if name in row]
        cells.append(f"{slope(*zip(*known, strict=True)):.2f}" if len(known) > 1 else "-")
    return cells


def _cells(row: Row, columns: Sequence[str]) -> list[str]:
    return [duration(row[name]) if name in row else "-" for name in columns]


def table(family: Family, rows: Mapping[str, list[Row]]) -> str:
    """One line per size, then the slopes of all, and of the upper half of the sizes."""
    sizes, ours, peer = family.sizes, rows[OURS], rows.get(NEXTSTAT)
    titles = ["size", "parameters", *COLUMNS, "converged"]
    titles += [f"peer {name}" for name in PEER_COLUMNS] if peer else []
    lines = [titles]
    for i, (size, row) in enumerate(zip(sizes, ours, strict=True)):
        known = [str(row.get("n_parameters", "-")), *_cells(row, COLUMNS)]
        state = (
            {True: "yes", False: "no"}.get(bool(row["converged"])) if "converged" in row else "-"
        )
        beside = _cells(peer[i], PEER_COLUMNS) if peer else []
        lines.append([str(size), *known, str(state), *beside])
    # The upper half: the fixed cost of a call hides the growth of small models.
    for title, start in (("slope", 0), ("upper half", len(sizes) // 2)):
        part = sizes[start:]
        beside = _slopes(part, peer[start:], PEER_COLUMNS) if peer else []
        lines.append([title, "", *_slopes(part, ours[start:], COLUMNS), "", *beside])
    return f"{family.title}\n{lay_out(lines)}"


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    tools = {OURS: Tool(Path(sys.executable), str(SCRIPT), isolated=False)}
    if options.nextstat_python:
        tools[NEXTSTAT] = Tool(options.nextstat_python.absolute(), str(SCRIPT))
    facts = circumstances() | ({"peer": NEXTSTAT} if NEXTSTAT in tools else {})
    found = [(family, measure(family, tools, options.limit)) for family in families(options)]
    text = "\n\n".join([header(facts), *(table(family, rows) for family, rows in found)])
    print(text)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "growth.txt").write_text(text + "\n", encoding="utf-8")
    tables = [{"title": f.title, "sizes": list(f.sizes), "tools": rows} for f, rows in found]
    document = {"facts": facts, "tables": tables}
    (options.output / "growth.json").write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
