"""Fits of several models, or of one model to several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer.executors import run_units
from nextstat_core.infer.fit import fit
from nextstat_core.infer.fit_results import failure_of
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.toy_fits import fit_many
from nextstat_core.models import HistFactoryModel
from nextstat_core.models.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import FitResult, ToyResults
    from nextstat_core.typing import ArrayLike

__all__ = ["fit_batch"]

# Below this, a metric shared by all rows saves less than it costs.
_FEW = 4


def fit_batch(
    models_or_model: StatisticalModel | Sequence[StatisticalModel],
    datasets: ArrayLike | None = None,
    *,
    executor: Executor | None = None,
    options: FitOptions | None = None,
) -> Sequence[FitResult]:
    """Fit a list of models, or one model to a list of data sets.

    HistFactory models that differ in their observed counts only are fitted as one batch, with a
    metric shared by all, unless each fit may need several starts: `FitOptions.n_starts`, or
    `FitOptions.second_modes` where systematics move yields to one side.

    Parameters
    ----------
    models_or_model : model or sequence of models
    datasets : array-like, shape (rows, n_main), optional
        With a single model: observed counts of each fit.
    executor : concurrent.futures.Executor, optional
        Whatever runs the fits instead of this thread: a pool of processes, a cluster.

    Returns
    -------
    sequence of FitResult
        In the order of the input.

    Raises
    ------
    InputError
        For models of different kinds, and data of the wrong shape.
    FitError
        If a fit did not converge and ``options.on_failure == "raise"``.
    """
    if not isinstance(models_or_model, Sequence):
        return _datasets(models_or_model, datasets, options, executor)
    if datasets is not None:
        raise InputError("`datasets` goes with one model; found a list of models")
    models = list(models_or_model)
    kinds = {isinstance(model, HistFactoryModel) for model in models}
    if len(kinds) > 1:
        raise InputError("All items in the list must be HistFactoryModel, or none of them")
    results: dict[int, FitResult] = {}
    alone: list[int] = []
    for members in _groups(models):
        model = models[members[0]]
        if not isinstance(model, HistFactoryModel) or _singly(model, len(members), options):
            alone += members
            continue
        data = np.stack([models[i].observed_main for i in members])  # type: ignore[attr-defined]
        results |= zip(members, _together(model, data, options, members, executor), strict=True)
    units = [_Alone(f"model {i}", None, options) for i in alone]
    fitted = run_units(_fit_alone, [models[i] for i in alone], units, executor=executor)
    results |= zip(alone, fitted, strict=True)
    return [results[i] for i in range(len(models))]


@dataclass(frozen=True, slots=True)
class _Alone:
    """A fit that is not done together with others."""

    name: str
    data: NDArray[np.float64] | None
    options: FitOptions | None

    def __str__(self) -> str:
        return self.name


def _fit_alone(model: StatisticalModel, unit: _Alone) -> FitResult:
    return fit(model, data=unit.data, options=unit.options)


def _datasets(
    model: StatisticalModel,
    datasets: ArrayLike | None,
    options: FitOptions | None,
    executor: Executor | None,
) -> Sequence[FitResult]:
    if datasets is None:
        raise InputError("one model needs `datasets`", hint="use fit for the model's own data")
    if not isinstance(model, HistFactoryModel):
        raise InputError("`datasets` is understood for HistFactory models only")
    counts = floats("datasets", datasets)
    if counts.ndim and not len(counts):
        return []
    rows = model.main_bins.rows(counts)
    if _singly(model, len(rows), options):
        units = [_Alone(f"data set {i}", row, options) for i, row in enumerate(rows)]
        return run_units(_fit_alone, model, units, executor=executor)
    return _together(model, rows, options, range(len(rows)), executor)


def _singly(model: HistFactoryModel, rows: int, options: FitOptions | None) -> bool:
    """Whether rows are fitted one by one: they are few, or each may need several starts."""
    options = options or FitOptions()
    if rows < _FEW or options.n_starts > 1:
        return True
    return options.second_modes and bool(len(model.compiled.bent))


def _together(
    model: HistFactoryModel,
    data: NDArray[np.float64],
    options: FitOptions | None,
    numbers: Sequence[int],
    executor: Executor | None,
) -> ToyResults:
    results = fit_many(model, data, executor=executor, options=options)
    if options is not None and options.on_failure == "raise" and results.failed:
        row = results.failed[0].toy
        raise FitError(f"fit {numbers[row]} of the batch: {failure_of(results[row])}")
    return results


def _groups(models: Sequence[StatisticalModel]) -> list[list[int]]:
    """Positions of models that share everything but their observed counts."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, model in enumerate(models):
        key: tuple[int, ...] = (id(model),)
        if isinstance(model, HistFactoryModel):
            # Models made by `with_observed_main` share both, those made by `to` only the plan.
            key = id(model.compiled.plan), id(model.backend)
        groups.setdefault(key, []).append(i)
    return list(groups.values())
