"""What fits of rows that differ in their inputs start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models import ModelInputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.conditional import Conditional

__all__ = ["along_poi", "by_rows", "of_model", "rows_of"]


def by_rows(inputs: ModelInputs) -> bool:
    """Whether rows of one compiled model may differ in these inputs."""
    return all(entry.kind in ("nominal", "data") for entry in inputs.entries)


def of_model(inputs: ModelInputs, vector: NDArray[np.float64]) -> ModelInputs:
    """The same inputs of the model written again."""
    return ModelInputs(inputs.changed(vector), [entry.key for entry in inputs.entries])


def rows_of(
    inputs: ModelInputs, vectors: NDArray[np.float64], count: int
) -> tuple[ModelInputs, NDArray[np.float64]]:
    """Inputs of a model, and `count` vectors of them, so that rows share what is compiled.

    Templates and variances are compiled: if they are among the inputs the model is written again.

    Raises
    ------
    InputError
        If rows differ in these.
    """
    if not by_rows(inputs):
        if len(vectors) != 1:
            raise InputError("rows share templates and variances; expected one set of inputs")
        inputs = of_model(inputs, vectors[0])
        vectors = inputs.values[None, :]
    return inputs, np.repeat(vectors, count, axis=0) if len(vectors) < count else vectors


def along_poi(around: Conditional, poi: int) -> NDArray[np.float64]:
    """How all parameters move with the parameter of interest, to first order: (n_params,)."""
    metric = around.metric
    if metric is None or metric.inverse is None:
        unit = np.zeros(len(around.x))
        unit[poi] = 1.0
        return unit
    column: NDArray[np.float64] = metric.columns(np.asarray([poi]))[0]
    return column / column[poi]
