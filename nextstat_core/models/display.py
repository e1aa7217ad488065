"""HistFactory models for people: a line, and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.ir import GaussianConstraint, LogNormalResponse, PoissonConstraint
from nextstat_core.tables import Table, block, folded, paragraph

if TYPE_CHECKING:
    from nextstat_core.ir import Parameter
    from nextstat_core.models.histfactory import HistFactoryModel

__all__ = ["model_html", "model_line"]


def model_line(model: HistFactoryModel) -> str:
    """What the model is, in a line."""
    ir, bins = model.ir, len(model.observed_main)
    poi = f"parameter of interest {ir.poi!r}" if ir.poi else "no parameter of interest"
    return (
        f"{type(model).__name__}: {len(ir.channels)} channels, {bins} bins, "
        f"{len(ir.parameters)} parameters, {poi}, backend {model.backend.name!r}"
    )


def model_html(model: HistFactoryModel) -> str:
    """The model by channel and, folded, its parameters, for notebooks."""
    parameters = Table(
        ("parameter", "start", "lower", "upper", "constraint"),
        "lrrrl",
        [_parameter(entry) for entry in model.ir.parameters],
        shown=100,
    )
    return block(
        paragraph(model_line(model)),
        _channels(model).html(),
        *map(paragraph, _remarks(model)),
        folded(f"{model.n_params()} parameters", parameters.html()),
    )


def _channels(model: HistFactoryModel) -> Table:
    """Sums over bins, with expectations at the start values."""
    expected = np.array(model.expected_data(model.suggested_init(), include_auxdata=False))
    samples = {channel.name: len(channel.samples) for channel in model.ir.channels}
    rows = [
        (
            name,
            str(bins.stop - bins.start),
            str(samples[name]),
            f"{np.sum(model.observed_main[bins]):.6g}",
            f"{np.sum(expected[bins]):.6g}",
        )
        for name, bins in model.main_bins.channels.items()
    ]
    return Table(("channel", "bins", "samples", "observed", "expected at start"), "lrrrr", rows)


def _remarks(model: HistFactoryModel) -> list[str]:
    return [f"warning: {warning}" for warning in model.warnings]


def _parameter(entry: Parameter) -> tuple[str, ...]:
    bounds = ("", "") if entry.fixed else (f"{entry.lower:.6g}", f"{entry.upper:.6g}")
    return (entry.name, f"{entry.init:.6g}", *bounds, _constraint(entry))


def _constraint(entry: Parameter) -> str:
    if entry.fixed:
        return "fixed"
    match entry.constraint:
        case GaussianConstraint(center=center, width=width):
            shape = "LogNormal" if isinstance(entry.response, LogNormalResponse) else "Gaussian"
            return f"{shape}, {center:.6g} +/- {width:.4g}"
        case PoissonConstraint(count=count):
            shape = "Poisson" if entry.response is None else "Gamma"
            return f"{shape}, {count:.6g} counts"
    return "free"
