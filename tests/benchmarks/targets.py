"""What we want to reach, and whether this run did. A missed target is printed, never an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from report import lay_out
from workloads import NEXTSTAT, OURS, PYHF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measure import Figures
    from workloads import Workload

__all__ = ["TARGETS", "Target", "target_table", "verdict"]


@dataclass(frozen=True)
class Target:
    """A bound on one row of the table.

    Attributes
    ----------
    workload : str
        Name of the row.
    quantity : {"times", "ms", "MB"}
        How many times longer `peer` takes, at least `bound`; or our time or peak memory, at most.
    aim : float, optional
        What we hope for beyond the bound.
    """

    workload: str
    quantity: Literal["times", "ms", "MB"]
    bound: float
    peer: str = ""
    aim: float | None = None

    @property
    def wanted(self) -> str:
        if self.quantity != "times":
            return f"<= {self.bound:g} {self.quantity}"
        aim = f", aim {self.aim:g}x" if self.aim else ""
        return f">= {self.bound:g}x {self.peer}{aim}"

    def found(self, figures: Mapping[str, Figures]) -> float | None:
        """Return what this run has to say; None where a tool did not take part."""
        if OURS not in figures or (self.peer and self.peer not in figures):
            return None
        ours = figures[OURS]
        if self.quantity == "times":
            return figures[self.peer].seconds / ours.seconds
        return 1e3 * ours.seconds if self.quantity == "ms" else ours.peak_mb


TARGETS = (
    *(Target(f"load {name}", "times", 15, PYHF) for name in ("tttt-prod", "tHu", "example")),
    Target("load 20 MB", "times", 20, PYHF),
    Target("read tttt-prod.xml", "times", 5, PYHF),
    Target("fit tttt-prod", "times", 15, NEXTSTAT),
    Target("fit tttt-prod", "times", 500, PYHF),
    Target("fit tHu", "times", 25, NEXTSTAT),
    Target("fit tHu", "times", 500, PYHF),
    Target("fit 2 bins, 3 parameters", "ms", 1.5),
    Target("toy of tttt-prod, aux fixed", "times", 60, NEXTSTAT, aim=200),
    Target("toy of tttt-prod, aux fixed", "MB", 1000),
    Target("toy of tttt-prod, aux drawn", "MB", 1000),
    Target("scan tHu, 21 points", "times", 25, NEXTSTAT),
    Target("toy of 50 channels, 201 parameters, aux fixed", "times", 20, NEXTSTAT),
    Target("toy of 50 channels, 201 parameters, aux fixed", "MB", 1000),
    Target("toy of 50 channels, 201 parameters, aux drawn", "MB", 1000),
    Target("ranking of tttt-prod", "times", 40, NEXTSTAT),
    Target("ranking of tHu", "times", 80, NEXTSTAT),
    Target("hypotest of tttt-prod", "times", 15, NEXTSTAT),
    Target("limits of tttt-prod", "times", 20, NEXTSTAT),
    Target("toy CLs of tttt-prod, per toy", "times", 50, NEXTSTAT),
)


def verdict(target: Target, found: float | None) -> str:
    """Return met, missed, or not measured."""
    if found is None:
        return "not measured"
    met = found >= target.bound if target.quantity == "times" else found <= target.bound
    return "met" if met else "missed"


def target_table(measured: Sequence[tuple[Workload, Mapping[str, Figures]]]) -> str:
    """Targets of the measured rows, what was found, and the verdict."""
    by_name = {workload.name: figures for workload, figures in measured}
    rows = [["target", "wanted", "found", "verdict"]]
    for target in TARGETS:
        if target.workload not in by_name:
            continue
        found = target.found(by_name[target.workload])
        unit = "x" if target.quantity == "times" else f" {target.quantity}"
        shown = "-" if found is None else f"{found:.3g}{unit}"
        rows.append([target.workload, target.wanted, shown, verdict(target, found)])
    return lay_out(rows) if len(rows) > 1 else ""
