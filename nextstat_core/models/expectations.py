"""Expected data of a HistFactory model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.ir import PoissonConstraint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nextstat_core.ir import Model
    from nextstat_core.likelihood import CompiledModel

__all__ = ["expected_auxiliary", "expected_by_sample", "expected_main"]


def expected_main(compiled: CompiledModel, params: NDArray[np.float64]) -> list[float]:
    """Expected counts, channels by name."""
    backend = compiled.backend
    expected = compiled.expected_main(backend.asarray(params[:, None]))
    return backend.to_numpy(expected)[:, 0].tolist()


def expected_auxiliary(
    model: Model, order: Sequence[int], params: NDArray[np.float64]
) -> list[float]:
    """Expected auxiliary data of the constrained parameters `order`."""
    values = []
    for position in order:
        constraint = model.parameters[position].constraint
        factor = constraint.factor if isinstance(constraint, PoissonConstraint) else 1.0
        values.append(factor * float(params[position]))
    return values


def expected_by_sample(
    model: Model, compiled: CompiledModel, params: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Expected counts per sample; see `HistFactoryModel.expected_main_by_channel_sample`."""
    backend, plan = compiled.backend, compiled.plan
    yields = backend.to_numpy(compiled.expected_cells(backend.asarray(params[:, None])))[:, 0]
    row_of = {name: row for row, name in enumerate(plan.row_names)}
    result = []
    for channel in model.sorted_channels():
        samples = [
            (sample.name, yields[plan.cells_of_row(row_of[channel.name, sample.name])])
            for sample in channel.samples
        ]
        entry = {
            "channel_name": channel.name,
            "samples": [{"sample_name": name, "y": y.tolist()} for name, y in samples],
            "total": np.sum([y for _, y in samples], axis=0).tolist(),
        }
        result.append(entry)
    return result
