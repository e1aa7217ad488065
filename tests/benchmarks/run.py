"""Compare with the peers: load, fit, toys. ``nox -s bench`` runs this.

One thread, every measurement in a process of its own, the tools by turns, medians. Prints a table
and the targets, and writes them with all raw figures to the output folder.

    python tests/benchmarks/run.py --rounds 3
    python tests/benchmarks/run.py --nextstat-python PATH --pyhf-python PATH --only "fit"
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from environments import make_environment
from measure import Figures, Tool, judge, measure
from report import circumstances, header, record, table
from targets import target_table
from workloads import (
    NEXTSTAT,
    OURS,
    PYHF,
    REPOSITORY,
    RESULTS,
    WORKLOADS,
    Workload,
    write_workspaces,
)

REQUIREMENTS = {
    NEXTSTAT: ("nextstat==0.10.1", "nextstat-cli==0.10.1"),
    PYHF: ("pyhf[xmlio]==0.7.6", "scipy", "numpy"),
}
HOW = """\
Each process runs its workload once to warm up, then timed; imports are excluded, but for commands.
Times are medians, in brackets multiples of ours. Figures with / are of the tools in this order.
Quality: our NLL at the parameters found, above the lowest; for toys the share that converged."""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns of every tool (3)")
    parser.add_argument("--only", default="", help="workloads whose name holds this text")
    parser.add_argument("--skip-slow", action="store_true", help="no pyhf where it takes minutes")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu if busy")
    parser.add_argument("--without-ours", action="store_true", help="measure the peers alone")
    parser.add_argument("--without-pyhf", action="store_true")
    parser.add_argument("--without-nextstat", action="store_true")
    parser.add_argument("--nextstat-python", type=Path, help="interpreter with nextstat 0.10.1")
    parser.add_argument("--pyhf-python", type=Path, help="interpreter with pyhf 0.7.6")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / ".nox/bench-peers")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def choose_tools(options: argparse.Namespace) -> dict[str, Tool]:
    """Interpreters of all tools that take part; missing environments are made."""
    tools = {}
    if not options.without_ours:
        tools[OURS] = Tool(Path(sys.executable), "nextstat_peer.py", isolated=False)
    for name, given, left_out, script in (
        (NEXTSTAT, options.nextstat_python, options.without_nextstat, "nextstat_peer.py"),
        (PYHF, options.pyhf_python, options.without_pyhf, "pyhf_peer.py"),
    ):
        if left_out:
            continue
        folder = options.cache.absolute() / name.replace(" ", "-")
        # absolute(), not resolve(): the interpreter of an environment is a link out of it.
        python = given.absolute() if given else make_environment(folder, REQUIREMENTS[name])
        tools[name] = Tool(python, script)
    return tools


def run_workload(
    workload: Workload, workspace: Path, tools: dict[str, Tool], options: argparse.Namespace
) -> tuple[dict[str, Figures], dict[str, float]]:
    taking_part = {
        name: tool
        for name, tool in tools.items()
        if not options.skip_slow or name not in workload.slow
    }
    print(f"... {workload.name}", file=sys.stderr, flush=True)
    figures = measure(workload, workspace, taking_part, options.rounds, options.clock)
    judged = workload.what == "fit" and OURS in tools
    return figures, judge(tools[OURS], workspace, figures) if judged else {}


def versions_in(figures: dict[str, Figures]) -> dict[str, Any]:
    """What each tool said that it is; commands say nothing."""
    last = {name: each.last for name, each in figures.items()}
    return {name: record["versions"] for name, record in last.items() if "versions" in record}


def save(folder: Path, text: str, document: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.txt").write_text(text + "\n", encoding="utf-8")
    (folder / "peers.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    tools = choose_tools(options)
    measured: list[tuple[Workload, dict[str, Figures]]] = []
    judged: dict[str, dict[str, float]] = {}
    seen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspaces = write_workspaces(Path(folder))
        for workload in WORKLOADS:
            if options.only not in workload.name or workload.workspace not in workspaces:
                continue
            file = workspaces[workload.workspace]
            figures, values = run_workload(workload, file, tools, options)
            measured.append((workload, figures))
            seen |= versions_in(figures)
            judged |= {workload.name: values} if values else {}
    facts = {**circumstances(), **seen, "rounds": options.rounds, "clock": options.clock}
    parts = [header(facts), HOW, table(measured, judged, list(tools)), target_table(measured)]
    text = "\n\n".join(parts).rstrip()
    print(text)
    records = [record(workload, figures) for workload, figures in measured]
    save(options.output, text, {"facts": facts, "workloads": records, "judged": judged})


if __name__ == "__main__":
    main(sys.argv[1:])
