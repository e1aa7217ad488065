"""Compare with the peers: load, fit, toys. ``nox -s bench`` runs this.

One thread, every measurement in a process of its own, the tools by turns, medians. Prints a table,
and writes it with all raw figures to the output folder.

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
from workloads import TOOLS, WORKLOADS, Workload, write_workspaces

OURS, NEXTSTAT, PYHF = TOOLS
REQUIREMENTS = {
    NEXTSTAT: ("nextstat==0.10.1",),
    PYHF: ("pyhf==0.7.6", "scipy", "iminuit", "numpy"),
}


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns of every tool (3)")
    parser.add_argument("--only", default="", help="workloads whose name holds this text")
    parser.add_argument("--slow", action="store_true", help="pyhf fits tttt-prod, tHu (minutes)")
    parser.add_argument("--without-ours", action="store_true", help="measure the peers alone")
    parser.add_argument("--without-pyhf", action="store_true")
    parser.add_argument("--without-nextstat", action="store_true")
    parser.add_argument("--nextstat-python", type=Path, help="interpreter with nextstat 0.10.1")
    parser.add_argument("--pyhf-python", type=Path, help="interpreter with pyhf 0.7.6")
    parser.add_argument("--cache", type=Path, default=Path(".nox/bench-peers"))
    parser.add_argument("--output", type=Path, default=Path("tests/benchmarks/results"))
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
        name: tool for name, tool in tools.items() if options.slow or name not in workload.slow
    }
    print(f"... {workload.name}", file=sys.stderr, flush=True)
    figures = measure(workload, workspace, taking_part, options.rounds)
    judged = workload.what == "fit" and OURS in tools
    return figures, judge(tools[OURS], workspace, figures) if judged else {}


def verdicts(judged: dict[str, dict[str, float]]) -> str:
    """How far above the lowest minimum each tool stopped, judged by our NLL."""
    lines = ["our NLL at each tool's parameters, above the lowest:"]
    for name, values in judged.items():
        lowest = min(values.values())
        shown = ", ".join(f"{tool} +{value - lowest:.2e}" for tool, value in values.items())
        lines.append(f"  {name}: {shown}")
    return "\n".join(lines) if judged else ""


def save(folder: Path, text: str, document: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peers.txt").write_text(text + "\n", encoding="utf-8")
    (folder / "peers.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    tools = choose_tools(options)
    measured, judged, seen = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        workspaces = write_workspaces(Path(folder))
        for workload in WORKLOADS:
            if options.only not in workload.name or workload.workspace not in workspaces:
                continue
            file = workspaces[workload.workspace]
            figures, values = run_workload(workload, file, tools, options)
            measured.append((workload, figures))
            seen |= {name: each.last["versions"] for name, each in figures.items()}
            judged |= {workload.name: values} if values else {}
    facts = {**circumstances(), **seen, "rounds": options.rounds}
    text = "\n\n".join([header(facts), table(measured, list(tools)), verdicts(judged)]).rstrip()
    print(text)
    records = [record(workload, figures) for workload, figures in measured]
    save(options.output, text, {"facts": facts, "workloads": records, "judged": judged})


if __name__ == "__main__":
    main(sys.argv[1:])
