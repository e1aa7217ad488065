"""What is measured: workspaces, and for each tool how often and how many."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextstat_core.testing import Recipe, generate_workspace, many_channels, uncorrelated

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NEXTSTAT",
    "OURS",
    "PYHF",
    "REPOSITORY",
    "RESULTS",
    "TOOLS",
    "WORKLOADS",
    "Workload",
    "write_workspaces",
]

REPOSITORY = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
EXAMPLE = REPOSITORY / "docs" / "examples" / "example_workspace.json"

#: Ours first: the others are compared with it.
TOOLS = ("ours", "nextstat 0.10.1", "pyhf 0.7.6")
OURS, NEXTSTAT, PYHF = TOOLS

#: What makes a workspace of 20 MB.
LARGE = Recipe(
    n_channels=50,
    n_bins=30,
    n_samples=20,
    n_normsys=150,
    n_histosys=60,
    staterror=True,
    shapesys=True,
    lumi=True,
)

#: Published analyses: name, and where it lies in the folder of published workspaces.
PUBLISHED = {
    "tttt-prod": "nextstat-tttt/tttt-prod_workspace.json",
    "tHu": "nextstat-tHu/workspace_tHu.json",
    "tttt-prod.xml": "xml-tttt-prod/combination.xml",
}


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name, what, workspace : str
        Title of the row; job of the peers' scripts, or command; name of the workspace.
    jobs : mapping
        Arguments of each tool's script; a tool that is not named is not run. The first of several
        ``repeats`` warms up and is not counted.
    rounds : int or None
        Rounds of this workload where fewer than asked for are enough.
    slow : frozenset of str
        Tools that run one round, and none where slow ones are left out.
    note : str
        What the reader must know to compare.
    """

    name: str
    what: str
    workspace: str
    jobs: Mapping[str, Mapping[str, Any]]
    rounds: int | None = None
    slow: frozenset[str] = field(default_factory=frozenset)
    note: str = ""


def _load(workspace: str, *, slow: bool = False, note: str = "") -> Workload:
    repeats = {
        OURS: {"repeats": 5},
        NEXTSTAT: {"repeats": 5},
        PYHF: {"repeats": 1 if slow else 3},
    }
    return Workload(
        f"load {workspace}",
        "load",
        workspace,
        repeats,
        slow=frozenset({PYHF} if slow else ()),
        note="text to first value" + note,
    )


def _fit(workspace: str, *, slow: bool) -> Workload:
    repeats = {
        OURS: {"repeats": 15},
        NEXTSTAT: {"repeats": 15},
        PYHF: {"repeats": 1 if slow else 2},
    }
    once = "; pyhf ran once, not warmed up" if slow else ""
    return Workload(
        f"fit {workspace}",
        "fit",
        workspace,
        repeats,
        slow=frozenset({PYHF} if slow else ()),
        note=f"covariance included, except pyhf{once}",
    )


def _toys(
    title: str, workspace: str, n_toys: Mapping[str, int], rounds: int | None = None
) -> tuple[Workload, Workload]:
    """Ours with fixed auxiliary data, as nextstat 0.10.1 has them, and with drawn ones, as pyhf."""
    jobs: dict[str, dict[str, Any]] = {
        tool: {"repeats": 2, "n_toys": number, "seed": 1} for tool, number in n_toys.items()
    }
    fixed = {tool: job for tool, job in jobs.items() if tool != PYHF}
    sampled = {**jobs, PYHF: {**jobs[PYHF], "repeats": 1}} if PYHF in jobs else jobs
    counts = "toys: " + " / ".join(str(number) for number in n_toys.values())
    return (
        Workload(
            f"toy of {title}, aux fixed",
            "toys",
            workspace,
            {**fixed, OURS: {**jobs[OURS], "aux": "fixed"}},
            rounds,
            note=f"{counts}; like for like with nextstat 0.10.1",
        ),
        Workload(
            f"toy of {title}, aux drawn",
            "toys",
            workspace,
            {**sampled, OURS: {**jobs[OURS], "aux": "sampled"}},
            rounds,
            slow=frozenset({PYHF} & jobs.keys()),
            note=f"{counts}; nextstat 0.10.1 keeps them fixed",
        ),
    )


def _scan(workspace: str) -> Workload:
    """21 points of the parameter of interest from 0 to 5; pyhf makes 22 fits of a minute."""
    values = {"values": [0.25 * i for i in range(21)]}
    return Workload(
        f"scan {workspace}, 21 points",
        "scan",
        workspace,
        {
            OURS: {**values, "repeats": 10},
            NEXTSTAT: {**values, "repeats": 2},
        },
        note="free fit included; pyhf would need half an hour",
    )


def _hypotest(workspace: str, mu: float, *, pyhf: bool) -> Workload:
    repeats = {OURS: 8, NEXTSTAT: 3, **({PYHF: 2} if pyhf else {})}
    jobs = {tool: {"repeats": count, "mu": mu} for tool, count in repeats.items()}
    slow = frozenset({PYHF} & jobs.keys())
    note = f"mu = {mu:g}"
    return Workload(f"hypotest of {workspace}", "hypotest", workspace, jobs, slow=slow, note=note)


def _limits(workspace: str, *, pyhf: bool) -> Workload:
    jobs: dict[str, dict[str, Any]] = {
        OURS: {"repeats": 5, "expected": True},
        NEXTSTAT: {"repeats": 2},
        **({PYHF: {"repeats": 2}} if pyhf else {}),
    }
    return Workload(
        f"limits of {workspace}",
        "limits",
        workspace,
        jobs,
        rounds=2,
        note="observed and five expected; nextstat 0.10.1 the observed one alone",
    )


def _toy_test(workspace: str, mu: float) -> Workload:
    counts = {OURS: 1000, NEXTSTAT: 20}
    jobs: dict[str, dict[str, Any]] = {
        tool: {"repeats": 1, "n_toys": count, "seed": 1, "mu": mu} for tool, count in counts.items()
    }
    # Like for like: nextstat 0.10.1 keeps auxiliary data fixed.
    jobs[OURS]["aux"] = "fixed"
    return Workload(
        f"toy CLs of {workspace}, per toy",
        "toy_test",
        workspace,
        jobs,
        rounds=2,
        note=f"mu = {mu:g}, toys per ensemble: 1000 / 20; not warmed up",
    )


def _ranking(workspace: str) -> Workload:
    return Workload(
        f"ranking of {workspace}",
        "ranking",
        workspace,
        {OURS: {"repeats": 6}, NEXTSTAT: {"repeats": 2}},
        rounds=2,
        note="two refits of every constrained parameter; best fit included",
    )


WORKLOADS = (
    *(_load(name) for name in ("tttt-prod", "tHu", "example")),
    _load("20 MB", slow=True, note="; 50 channels x 30 bins x 20 samples, 3,212 parameters"),
    Workload(
        "read tttt-prod.xml",
        "read_xml",
        "tttt-prod.xml",
        {OURS: {"repeats": 5}, NEXTSTAT: {"repeats": 5}, PYHF: {"repeats": 3}},
        note="XML and ROOT to a model; pyhf to a workspace only",
    ),
    _fit("tttt-prod", slow=True),
    _fit("tHu", slow=True),
    _fit("example", slow=False),
    Workload(
        "fit 2 bins, 3 parameters",
        "fit",
        "tiny",
        {
            OURS: {"repeats": 5, "inner": 50},
            NEXTSTAT: {"repeats": 5, "inner": 50},
            PYHF: {"repeats": 3, "inner": 10},
        },
        note="covariance included, except pyhf",
    ),
    *_toys("tttt-prod", "tttt-prod", {OURS: 200, NEXTSTAT: 20}),
    *_toys(
        "50 channels, 201 parameters",
        "many-channels",
        {OURS: 20_000, NEXTSTAT: 5_000, PYHF: 3},
        rounds=2,
    ),
    _scan("tHu"),
    _hypotest("tttt-prod", 1.0, pyhf=False),
    _hypotest("tHu", 1.0, pyhf=False),
    _hypotest("example", 1.0, pyhf=True),
    _limits("tttt-prod", pyhf=False),
    # nextstat 0.10.1 finds no limit of tHu: its bracket fails at zero.
    _limits("example", pyhf=False),
    _limits("tiny", pyhf=True),
    _toy_test("tttt-prod", 3.0),
    *(_ranking(name) for name in ("tttt-prod", "tHu")),
    Workload(
        "command: fit example",
        "command",
        "example",
        {
            OURS: {"repeats": 5, "arguments": ["nextstat", "fit"]},
            NEXTSTAT: {"repeats": 5, "arguments": ["nextstat", "fit", "--input"]},
            PYHF: {"repeats": 2, "arguments": ["pyhf", "fit"]},
        },
        note="a new process, from its start to its end",
    ),
)


def _published_folder() -> Path:
    named = os.environ.get("NEXTSTAT_WORKSPACES")
    return Path(named) if named else REPOSITORY.parent / "shared" / "workspaces"


def write_workspaces(folder: Path) -> dict[str, Path]:
    """Files of all workspaces that exist here, by name; generated ones are written to `folder`."""
    found = {name: _published_folder() / file for name, file in PUBLISHED.items()}
    found = {name: path for name, path in found.items() if path.is_file()}
    generated = {
        "tiny": uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0]),
        "many-channels": many_channels(50),
        "20 MB": generate_workspace(1, LARGE),
    }
    for name, workspace in generated.items():
        found[name] = folder / f"{name}.json"
        found[name].write_text(json.dumps(workspace), encoding="utf-8")
    return {**found, "example": EXAMPLE}
