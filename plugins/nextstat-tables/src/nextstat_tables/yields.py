"""Tables of yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_tables.data import Column, DataTable, Uncertainty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_core.results import Yields

__all__ = ["channel_table", "covariance_table", "yields_table"]

_STAGES = {"prefit": "Pre-fit", "postfit": "Post-fit", "custom": "Expected"}


def yields_table(yields: Yields) -> DataTable:
    """Sums over bins: samples, total and data in rows, channels in columns."""
    columns = [
        Column(name="sample", values=(*yields.samples, "total", "observed"), independent=True)
    ]
    for each in yields.channels:
        by_sample = {
            name: (float(value), float(error))
            for name, value, error in zip(
                each.samples, each.sample_sums, each.sample_sum_errors, strict=True
            )
        }
        cells: list[tuple[float | None, float | None]] = [
            by_sample.get(name, (None, None)) for name in yields.samples
        ]
        cells += [(each.sum, each.sum_error), (float(each.observed.sum()), None)]
        values, errors = zip(*cells, strict=True)
        columns.append(_measured(each.channel, values, errors))
    stage = _STAGES[yields.stage]
    return DataTable(
        name=f"{stage} yields",
        description=f"{stage} yields of all samples, summed over the bins of each channel.",
        columns=tuple(columns),
        keywords=(("observables", ("N",)),),
    )


def channel_table(yields: Yields, channel: str) -> DataTable:
    """Bins of one channel in rows; samples, total and data in columns."""
    each = yields[channel]
    columns = [Column(name="bin", values=tuple(range(each.n_bins)), independent=True)]
    for name, values, errors in zip(each.samples, each.values, each.errors, strict=True):
        columns.append(_measured(name, values.tolist(), errors.tolist()))
    columns.append(_measured("total", each.total.tolist(), each.total_errors.tolist()))
    columns.append(Column(name="observed", values=tuple(each.observed.tolist())))
    stage = _STAGES[yields.stage]
    return DataTable(
        name=f"{stage} yields in {channel}",
        description=f"{stage} yields of all samples in the bins of {channel}.",
        columns=tuple(columns),
        keywords=(("observables", ("N",)),),
    )


def covariance_table(yields: Yields) -> DataTable:
    """Covariance of the total yields of all pairs of bins, one pair per row."""
    bins = [f"{each.channel}[{i}]" for each in yields.channels for i in range(each.n_bins)]
    pairs = [(i, j) for i in range(len(bins)) for j in range(len(bins))]
    stage = _STAGES[yields.stage]
    return DataTable(
        name=f"{stage} covariance of the bins",
        description=f"{stage} covariance of the total yields of each pair of bins.",
        columns=(
            Column(name="first bin", values=tuple(bins[i] for i, _ in pairs), independent=True),
            Column(name="second bin", values=tuple(bins[j] for _, j in pairs), independent=True),
            Column(
                name="covariance", values=tuple(float(yields.covariance[i, j]) for i, j in pairs)
            ),
        ),
        keywords=(("observables", ("N",)), ("phrases", ("covariance",))),
    )


def _measured(name: str, values: Iterable[Any], errors: Iterable[Any]) -> Column:
    sizes = tuple(errors)
    return Column(name=name, values=tuple(values), uncertainties=(Uncertainty(sizes, sizes),))
