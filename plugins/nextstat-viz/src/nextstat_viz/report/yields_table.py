"""Yields before and after the fit as one table."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

from nextstat_core.tables import Table

if TYPE_CHECKING:
    from nextstat_core.results import Yields

__all__ = ["yields_table"]


def yields_table(before: Yields, after: Yields) -> Table:
    """Sums over bins of every sample and channel, pre-fit, post-fit and observed."""
    rows: list[tuple[str, ...]] = []
    for first, second in zip(before.channels, after.channels, strict=True):
        rows += [
            (
                first.channel,
                sample,
                _pair(first.sample_sums[i], first.sample_sum_errors[i]),
                _pair(second.sample_sums[i], second.sample_sum_errors[i]),
                "",
            )
            for i, sample in enumerate(first.samples)
        ]
        total = _pair(first.sum, first.sum_error), _pair(second.sum, second.sum_error)
        rows.append((first.channel, "total", *total, f"{float(first.observed.sum()):.6g}"))
    return Table(("channel", "sample", "pre-fit", "post-fit", "observed"), "llrrr", rows, shown=30)


def _pair(value: float, error: float) -> str:
    """A value to the second significant digit of its uncertainty."""
    if not isfinite(error):
        return f"{value:.5g} ± infinite"
    digits = max(0, 1 - floor(log10(error))) if error > 0.0 else 2
    return f"{value:.{digits}f} ± {error:.{digits}f}"
