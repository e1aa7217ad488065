"""A sweep: which signal regions matter? One model per choice of regions, one row per model.

``python docs/examples/sweep.py WORKSPACE ROWS.csv`` fits the workspace without each of its signal
regions in turn. Rows hold the same metrics that trackers of experiments get.
"""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any

import nextstat
from nextstat.mlops import metrics_dict, significance_metrics
from nextstat_core.infer.executors import model_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

SUMMARY = ("mu", "nll", "edm", "n_calls", "converged", "time_ms")


def choices(model: nextstat.HistFactoryModel) -> Iterator[tuple[str, nextstat.HistFactoryModel]]:
    """The model, and the model without each signal region."""
    names = [channel.name for channel in model.ir.channels]
    yield "all", model
    for left_out in (name for name in names if name.startswith("SR")):
        yield f"without {left_out}", model.restricted([each for each in names if each != left_out])


def row(name: str, model: nextstat.HistFactoryModel) -> dict[str, Any]:
    """Metrics of one model, and which model it was."""
    metrics = metrics_dict(nextstat.fit(model))
    test = nextstat.discovery(model)
    return {
        "name": name,
        "workspace_sha256": model_digest(model),
        **{key: metrics[key] for key in SUMMARY if key in metrics},
        **significance_metrics(test.z0, test.q0),
    }


def sweep(workspace: str, rows: str) -> None:
    """Write the table."""
    found = [row(name, model) for name, model in choices(nextstat.from_pyhf(workspace))]
    with open(rows, "w", newline="", encoding="utf-8") as file:  # noqa: PTH123
        writer = csv.DictWriter(file, fieldnames=list(found[0]))
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    sweep(*sys.argv[1:])
