"""Expected yields and data: a channel's bins, or the sums of all channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextstat_viz.figure import Axis, FigureSpec, HLine, Panel, Points, Series, Steps
from nextstat_viz.poisson import garwood

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nextstat_core.results import Yields
    from nextstat_core.results.arrays import FloatArray

__all__ = ["channels_figure", "distribution_figure"]

_STAGES = {"prefit": "pre-fit", "postfit": "post-fit", "custom": "expected"}
#: Beyond this ratio of data and expectation a point is drawn at the edge.
_LARGEST_RATIO = 3.0
#: Dynamic range from which on counts are drawn on a logarithmic axis.
_WIDE = 300.0


@dataclass(frozen=True, slots=True)
class _Counts:
    """What is drawn: n columns, with a row for each sample."""

    values: Mapping[str, FloatArray]
    total: FloatArray
    errors: FloatArray
    observed: FloatArray


def distribution_figure(
    yields: Yields,
    channel: str,
    *,
    prefit: Yields | None = None,
    signal: Collection[str] = (),
    most: int = 9,
    scale: Literal["auto", "linear", "log"] = "auto",
) -> FigureSpec:
    """Stacked samples with their uncertainty, and the data, in the bins of a channel.

    Parameters
    ----------
    yields : Yields
    channel : str
    prefit : Yields, optional
        Its total is drawn as a line, and samples are ordered as in its own figure.
    signal : collection of str
        Samples that are stacked on top.
    most : int
        The largest samples, over all channels, that are drawn each by itself; the others are
        summed.
    scale : {"auto", "linear", "log"}
        Vertical axis; ``auto`` is logarithmic for counts that differ a lot.
    """
    found = yields[channel]
    counts = _Counts(
        dict(zip(found.samples, found.values, strict=True)),
        found.total,
        found.total_errors,
        found.observed,
    )
    before = None if prefit is None else prefit[channel].total
    # Every bin has its number; of many the renderer chooses some.
    ticks = tuple((i, str(i)) for i in range(1, found.n_bins + 1)) if found.n_bins <= 12 else ()
    return _figure(
        counts,
        name="distribution",
        title=f"{channel}, {_STAGES[yields.stage]}",
        groups=_groups(yields if prefit is None else prefit, signal, most),
        signal=signal,
        before=before,
        x=Axis(label="bin", ticks=ticks, limits=(0.5, found.n_bins + 0.5)),
        scale=scale,
    )


def channels_figure(
    yields: Yields,
    channels: Collection[str] | None = None,
    *,
    prefit: Yields | None = None,
    signal: Collection[str] = (),
    most: int = 9,
    scale: Literal["auto", "linear", "log"] = "auto",
) -> FigureSpec:
    """Sums over the bins of each channel, of all channels or of those named.

    The arguments are those of `distribution_figure`.
    """
    chosen = [each for each in yields.channels if channels is None or each.channel in set(channels)]
    values = {name: np.zeros(len(chosen)) for name in yields.samples}
    for column, each in enumerate(chosen):
        for name, value in zip(each.samples, each.sample_sums, strict=True):
            values[name][column] = value
    counts = _Counts(
        {name: row for name, row in values.items() if np.any(row)},
        np.array([each.sum for each in chosen]),
        np.array([each.sum_error for each in chosen]),
        np.array([each.observed.sum() for each in chosen]),
    )
    before = None
    if prefit is not None:
        before = np.array([prefit[each.channel].sum for each in chosen])
    ticks = tuple((i, each.channel) for i, each in enumerate(chosen, 1))
    return _figure(
        counts,
        name="channels",
        title=f"Channels, {_STAGES[yields.stage]}",
        groups=_groups(yields if prefit is None else prefit, signal, most),
        signal=signal,
        before=before,
        x=Axis(ticks=ticks, limits=(0.5, len(chosen) + 0.5)),
        scale=scale,
    )


def _groups(yields: Yields, signal: Collection[str], most: int) -> dict[str, list[str]]:
    """Samples by what is drawn, the top of the stack first; the same for all channels."""
    order = np.argsort(-yields.sample_sums, kind="stable")
    ranked = [yields.samples[i] for i in order]
    on_top = [name for name in ranked if name in set(signal)]
    backgrounds = [name for name in ranked if name not in on_top]
    own = backgrounds if len(backgrounds) <= most else backgrounds[: most - 1]
    rest = backgrounds[len(own) :]
    groups = {name: [name] for name in on_top}
    if rest:
        groups[f"other ({len(rest)} samples)"] = rest
    # The largest one is the floor that the others stand on.
    return groups | {name: [name] for name in reversed(own)}


def _figure(
    counts: _Counts,
    *,
    name: str,
    title: str,
    groups: Mapping[str, list[str]],
    signal: Collection[str],
    before: FloatArray | None,
    x: Axis,
    scale: Literal["auto", "linear", "log"],
) -> FigureSpec:
    edges = np.arange(0.5, len(counts.total) + 1.0)
    lower, upper = garwood(counts.observed)
    columns = np.arange(1.0, len(counts.total) + 1.0)
    errors = np.where(np.isfinite(counts.errors), counts.errors, 0.0)
    low, high = counts.total - errors, counts.total + errors
    series: list[Series] = [
        *_stack(counts, groups, signal, edges),
        Steps(label="uncertainty", role="uncertainty", edges=edges, y_lo=low, y_hi=high),
    ]
    if before is not None:
        series.append(
            Steps(label="total, pre-fit", role="prefit", edges=edges, y_lo=before, y_hi=before)
        )
    series.append(
        Points(label="data", role="data", x=columns, y=counts.observed, y_lo=lower, y_hi=upper)
    )
    tops = [upper, high] if before is None else [upper, high, before]
    unknown = len(errors) - int(np.count_nonzero(np.isfinite(counts.errors)))
    return FigureSpec(
        name=name,
        title=title,
        description=f"Expected counts by sample, with uncertainties, and data: {title}",
        panel=Panel(x=x, y=_counts_axis(counts, float(np.max(tops)), scale), series=tuple(series)),
        below=_ratio(counts, x, edges, columns, lower, upper),
        notes=(f"{unknown} bins with infinite uncertainty",) if unknown else (),
    )


def _stack(
    counts: _Counts,
    groups: Mapping[str, list[str]],
    signal: Collection[str],
    edges: FloatArray,
) -> list[Steps]:
    """Layers from the top down, in the order of a legend."""
    floor = np.zeros(len(counts.total))
    layers = []
    for number, (label, members) in enumerate(reversed([*groups.items()])):
        present = [counts.values[name] for name in members if name in counts.values]
        if present:
            top = floor + np.sum(present, axis=0)
            role = "signal" if label in signal else f"sample{number}"
            layers.append(Steps(label=label, role=role, edges=edges, y_lo=floor, y_hi=top))
            floor = top
    return layers[::-1]


def _counts_axis(counts: _Counts, high: float, scale: Literal["auto", "linear", "log"]) -> Axis:
    positive = counts.total[counts.total > 0.0]
    low = float(np.min(positive)) if len(positive) else 0.0
    if scale == "auto":
        scale = "log" if low > 0.0 and high / low > _WIDE else "linear"
    if scale == "log" and low > 0.0:
        return Axis(label="events", scale="log", limits=(0.3 * low, 3.0 * high))
    return Axis(label="events", limits=(min(0.0, float(np.min(counts.total))), 1.1 * high))


def _ratio(
    counts: _Counts,
    x: Axis,
    edges: FloatArray,
    columns: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> Panel:
    """Data over expectation; there is none where nothing is expected."""
    total = np.where(counts.total > 0.0, counts.total, np.nan)
    ratio, relative = counts.observed / total, counts.errors / total
    outside = ratio > _LARGEST_RATIO
    inside = np.where(outside, np.nan, ratio)
    band = np.where(np.isfinite(relative), relative, 0.0)
    # All points are visible, and the band up to a size where its ends say nothing any more.
    farthest = float(np.nanmax(np.abs(inside - 1.0), initial=0.2))
    spread = 1.25 * max(farthest, float(np.max(band.clip(max=0.85))))
    high = _LARGEST_RATIO + 0.2 if np.any(outside) else 1.0 + spread
    limits = (max(0.0, 1.0 - spread), high)
    series: list[Series] = [
        Steps(role="uncertainty", edges=edges, y_lo=1.0 - band, y_hi=1.0 + band),
        HLine(role="guide", y=1.0),
        Points(role="data", x=columns, y=inside, y_lo=lower / total, y_hi=upper / total),
    ]
    if np.any(outside):
        series.append(
            Points(role="beyond", x=columns[outside], y=np.full(np.count_nonzero(outside), high))
        )
    return Panel(x=x, y=Axis(label="data / exp.", limits=limits), series=tuple(series))
