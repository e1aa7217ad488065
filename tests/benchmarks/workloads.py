"""What is measured: workspaces, and for each tool how often and how many."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextstat_core.testing import many_channels, uncorrelated

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TOOLS", "WORKLOADS", "Workload", "write_workspaces"]

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "docs" / "examples" / "example_workspace.json"

#: Ours first: the others are compared with it.
TOOLS = ("ours", "nextstat 0.10.1", "pyhf 0.7.6")
OURS, NEXTSTAT, PYHF = TOOLS

#: Published analyses: name, and where it lies in the folder of published workspaces.
PUBLISHED = {
    "tttt-prod": "nextstat-tttt/tttt-prod_workspace.json",
    "tHu": "nextstat-tHu/workspace_tHu.json",
}


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name, what, workspace : str
        Title of the row; load, fit or toys; name of the workspace.
    jobs : mapping
        Arguments of each tool's script; a tool that is not named is not run.
    rounds : int or None
        Rounds of this workload where fewer than asked for are enough.
    slow : frozenset of str
        Tools that take part only when slow fits are asked for; they run one round.
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


def _fits(workspace: str, *, slow: bool) -> Workload:
    repeats = {OURS: {"repeats": 4}, NEXTSTAT: {"repeats": 3}, PYHF: {"repeats": 1}}
    return Workload(
        f"fit {workspace}",
        "fit",
        workspace,
        repeats,
        slow=frozenset({PYHF} if slow else ()),
        note="covariance included, except pyhf",
    )


_AUX = "ours and pyhf also draw auxiliary data, nextstat 0.10.1 does not"

WORKLOADS = (
    *(
        Workload(
            f"load {name}",
            "load",
            name,
            {OURS: {"repeats": 4}, NEXTSTAT: {"repeats": 4}, PYHF: {"repeats": 2}},
            note="JSON text to first value",
        )
        for name in ("tttt-prod", "tHu", "example")
    ),
    _fits("tttt-prod", slow=True),
    _fits("tHu", slow=True),
    _fits("example", slow=False),
    Workload(
        "fit 2 bins, 3 parameters",
        "fit",
        "tiny",
        {
            OURS: {"repeats": 4, "inner": 50},
            NEXTSTAT: {"repeats": 4, "inner": 50},
            PYHF: {"repeats": 2, "inner": 10},
        },
        note="covariance included, except pyhf",
    ),
    Workload(
        "toy of tttt-prod",
        "toys",
        "tttt-prod",
        {
            OURS: {"repeats": 1, "n_toys": 200, "seed": 1},
            NEXTSTAT: {"repeats": 1, "n_toys": 10, "seed": 1},
        },
        note=_AUX,
    ),
    Workload(
        "toy of 50 channels, 201 parameters",
        "toys",
        "many-channels",
        {
            OURS: {"repeats": 1, "n_toys": 20_000, "seed": 1},
            NEXTSTAT: {"repeats": 1, "n_toys": 1_000, "seed": 1},
            PYHF: {"repeats": 1, "n_toys": 3, "seed": 1},
        },
        rounds=2,
        note=_AUX,
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
    }
    for name, workspace in generated.items():
        found[name] = folder / f"{name}.json"
        found[name].write_text(json.dumps(workspace), encoding="utf-8")
    return {**found, "example": EXAMPLE}
