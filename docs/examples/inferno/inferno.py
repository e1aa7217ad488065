"""Train a classifier on what an analysis is judged by, and compare it with cross-entropy.

The synthetic problem of INFERNO (P. de Castro, T. Dorigo, arXiv:1806.04743, section 5.1): 50 signal
and 1000 background events with three features; how far the background lies along the first one is
not known, and neither is its rate. ``python docs/examples/inferno/inferno.py`` trains five networks
with each loss and draws the plot of the page.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import nextstat
from nextstat.torch import Session, SoftHistogram

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Problem", "events", "judge", "plot", "train", "workspace"]

SIGNAL, BACKGROUND = 50.0, 1000.0
#: One standard deviation of the background's place along the first feature, and of its rate.
SHIFT, RATE = 0.4, 0.1
BINS = 10
LOSSES = ("cross-entropy", "significance", "expected limit")


def events(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (count, 3) of signal and of background at its nominal place."""
    normal = torch.randn(2, count, 2, generator=generator)
    decay = -torch.log1p(-torch.rand(2, count, generator=generator))
    signal = normal[0] + torch.tensor([1.0, 1.0])
    background = normal[1] * torch.tensor([5.0, 9.0]).sqrt() + torch.tensor([2.0, 0.0])
    return (
        torch.cat([signal, decay[0, :, None] / 2.0], dim=1),
        torch.cat([background, decay[1, :, None] / 3.0], dim=1),
    )


def workspace() -> dict[str, object]:
    """A model of the histogram of a score; its numbers are replaced in every step."""
    flat = [BACKGROUND / BINS] * BINS
    signal = {
        "name": "signal",
        "data": [SIGNAL / BINS] * BINS,
        "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
    }
    background = {
        "name": "background",
        "data": flat,
        "modifiers": [
            {"name": "shift", "type": "histosys", "data": {"hi_data": flat, "lo_data": flat}},
            {"name": "rate", "type": "normsys", "data": {"hi": 1.0 + RATE, "lo": 1.0 - RATE}},
        ],
    }
    return {
        "channels": [{"name": "score", "samples": [signal, background]}],
        "observations": [{"name": "score", "data": [(SIGNAL + BACKGROUND) / BINS] * BINS}],
        "measurements": [
            {
                "name": "search",
                "config": {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[-10, 50]]}]},
            }
        ],
        "version": "1.0.0",
    }


@dataclass(frozen=True)
class Problem:
    """What turns scores into a loss."""

    session: Session
    fill: Callable[[torch.Tensor], torch.Tensor]

    def inputs(
        self, score: Callable[[torch.Tensor], torch.Tensor], s: torch.Tensor, b: torch.Tensor
    ) -> dict[tuple[str, ...], torch.Tensor]:
        """Everything that the network moves: signal, background, and its two variations."""
        moved = torch.tensor([SHIFT, 0.0, 0.0])

        def histogram(x: torch.Tensor, total: float) -> torch.Tensor:
            return self.fill(score(x)) * (total / len(x))

        return {
            ("score", "signal"): histogram(s, SIGNAL),
            ("score", "background"): histogram(b, BACKGROUND),
            ("score", "background", "shift", "hi"): histogram(b + moved, BACKGROUND),
            ("score", "background", "shift", "lo"): histogram(b - moved, BACKGROUND),
        }


def network() -> torch.nn.Module:
    """Three features to one score between 0 and 1."""
    return torch.nn.Sequential(
        torch.nn.Linear(3, 32), torch.nn.ReLU(),
        torch.nn.Linear(32, 32), torch.nn.ReLU(),
        torch.nn.Linear(32, 1), torch.nn.Sigmoid(), torch.nn.Flatten(0),
    )  # fmt: skip


def train(
    loss: str, seed: int, *, warm: int = 300, steps: int = 200, batch: int = 8000
) -> torch.nn.Module:
    """Train a network; `warm` steps of cross-entropy are common to all losses."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    score = network()
    session = Session(nextstat.from_pyhf(workspace()), "signal")
    edges = torch.linspace(0.0, 1.0, BINS + 1)
    soft = Problem(session, SoftHistogram(edges, bandwidth=0.05, mode="gaussian"))
    optimizer = torch.optim.Adam(score.parameters(), lr=3e-3)
    for step in range(warm + steps):
        s, b = events(batch, generator)
        optimizer.zero_grad()
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 if step < warm else 1e-3
        if loss == "cross-entropy" or step < warm:
            value = -(torch.log(score(s) + 1e-9).mean() + torch.log1p(1e-9 - score(b)).mean())
        elif loss == "significance":
            value = -session.z0(soft.inputs(score, s, b))
        else:
            value = session.expected_limit(soft.inputs(score, s, b))
        value.backward()
        optimizer.step()
    return score


def judge(score: torch.nn.Module, seed: int, count: int = 200_000) -> dict[str, float]:
    """Hard histograms of events that no training saw."""
    s, b = events(count, torch.Generator().manual_seed(1_000_003 + seed))
    session = Session(nextstat.from_pyhf(workspace()), "signal")
    hard = Problem(session, lambda x: torch.histc(x.double(), BINS, 0.0, 1.0))
    with torch.no_grad():
        inputs = hard.inputs(score, s, b)
        return {
            "significance": float(session.z0(inputs)),
            "expected limit": float(session.expected_limit(inputs)),
        }


def plot(found: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Draw both measures of all trainings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), LOSSES[1:], strict=True):
        for row, judged in enumerate(found.values()):
            values = [each[measure] for each in judged]
            axes.plot(values, [row] * len(values), "o", color=f"C{row}", alpha=0.6)
            axes.plot(sum(values) / len(values), row, "|", color="black", markersize=18)
        axes.set_yticks(range(len(found)), list(found) if measure == LOSSES[1] else [])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlabel(f"{measure}, held-out events")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Train with all losses and seeds; write results as JSON, and a plot beside it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--output", type=Path, default=Path("build/inferno.json"))
    chosen = parser.parse_args()
    if chosen.output.is_dir():
        parser.error(f"--output is the folder {chosen.output}; expected a file")
    found = {
        loss: [judge(train(loss, seed, steps=chosen.steps), seed) for seed in range(chosen.seeds)]
        for loss in LOSSES
    }
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    plot(found, chosen.output.with_suffix(".svg"))


if __name__ == "__main__":
    main()
