"""Fits of toys for people: a line, and HTML."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.toys import ToyResults

__all__ = ["toys_html", "toys_line"]

_COLUMNS = ("parameter", "mean", "spread", "toys at a bound")


def toys_line(toys: ToyResults) -> str:
    """How many there are, in a line."""
    return (
        f"ToyResults: {len(toys)} toys, {toys.n_converged} converged, "
        f"{len(toys.parameter_names)} parameters"
    )


def toys_html(toys: ToyResults) -> str:
    """Counts, and what the fits found on average, for notebooks."""
    return block(
        paragraph(toys_line(toys)), _parameters(toys).html(), *map(paragraph, _failures(toys))
    )


def _parameters(toys: ToyResults) -> Table:
    """Mean and standard deviation over the toys that converged, the POI first."""
    order = sorted(range(len(toys.parameter_names)), key=lambda i: i != toys.poi_index)
    good = toys.values[toys.converged]
    hit = np.zeros(len(order)) if toys.bounds_hit is None else np.sum(toys.bounds_hit != 0, axis=0)
    rows = [
        (
            toys.parameter_names[i],
            f"{np.mean(good[:, i]):.6g}" if len(good) else "",
            f"{np.std(good[:, i], ddof=1):.4g}" if len(good) > 1 else "",
            str(int(hit[i])) if hit[i] else "",
        )
        for i in order
    ]
    return Table(_COLUMNS, "lrrr", rows)


def _failures(toys: ToyResults) -> list[str]:
    reasons = Counter(reason for _, reason in toys.failed)
    if not reasons:
        return []
    counted = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    return [f"not converged: {counted}; see .failed"]
