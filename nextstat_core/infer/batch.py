"""Fits of several models, or of one model to several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.fit import fit
from nextstat_core.infer.toy_fits import fit_many
from nextstat_core.models import HistFactoryModel

if TYPE_CHECKING:
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitResult
    from nextstat_core.typing import ArrayLike

__all__ = ["fit_batch"]

# Below this, a metric shared by all rows saves less than it costs.
_FEW = 4


def fit_batch(
    models_or_model: StatisticalModel | Sequence[StatisticalModel],
    datasets: ArrayLike | None = None,
    *,
    options: FitOptions | None = None,
) -> Sequence[FitResult]:
    """Fit a list of models, or one model to a list of data sets.

    Models that differ in their observed counts only are fitted as one batch.

    Parameters
    ----------
    models_or_model : model or sequence of models
    datasets : array-like, shape (rows, n_main), optional
        With a single model: observed counts of each fit.

    Returns
    -------
    sequence of FitResult
        In the order of the input.
    """
    if not isinstance(models_or_model, Sequence):
        return _datasets(models_or_model, datasets, options)
    if datasets is not None:
        raise InputError("`datasets` goes with one model; found a list of models")
    models = list(models_or_model)
    kinds = {isinstance(model, HistFactoryModel) for model in models}
    if len(kinds) > 1:
        raise InputError("All items in the list must be HistFactoryModel, or none of them")
    results: list[FitResult | None] = [None] * len(models)
    for members in _groups(models):
        if len(members) < _FEW:
            for i in members:
                results[i] = fit(models[i], options=options)
            continue
        data = np.stack([models[i].observed_main for i in members])  # type: ignore[attr-defined]
        fitted = fit_many(models[members[0]], data, options=options)  # type: ignore[arg-type]
        for i, result in zip(members, fitted, strict=True):
            results[i] = result
    return [result for result in results if result is not None]


def _datasets(
    model: StatisticalModel, datasets: ArrayLike | None, options: FitOptions | None
) -> Sequence[FitResult]:
    if datasets is None:
        raise InputError("one model needs `datasets`", hint="use fit for the model's own data")
    rows = np.asarray(datasets, dtype=np.float64)
    if len(rows) < _FEW or not isinstance(model, HistFactoryModel):
        return [fit(model, data=row, options=options) for row in rows]
    return fit_many(model, rows, options=options)


def _groups(models: Sequence[StatisticalModel]) -> list[list[int]]:
    """Positions of models that share everything but their observed counts."""
    groups: dict[int, list[int]] = {}
    for i, model in enumerate(models):
        # Models made by `with_observed_main` share what was compiled.
        shared = model.compiled.plan if isinstance(model, HistFactoryModel) else model
        groups.setdefault(id(shared), []).append(i)
    return list(groups.values())
