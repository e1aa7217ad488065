"""Minimise rows that each have a request of their own, with one metric for all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.minimise_one import mark_outside
from nextstat_core.infer.row_fits import BatchFit, finish_slots, one_row, rough_slots
from nextstat_core.optimize import Options, Status, finish, settle, shared_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.metric import SharedMetric
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, Target
    from nextstat_core.likelihood import CompiledModel

__all__ = ["minimise_rows"]

# EDM at which the shared metric hands over to each row's own Hessian, ...
_ROUGH = 1e-4
# ... and at which it has done its work where no Hessian follows: it only estimates the distance.
_CLOSE = 1e-9


def minimise_rows(
    target: Target,
    request: Request,
    data: BatchData | None,
    metric: SharedMetric | None,
    options: FitOptions,
    *,
    condition: NDArray[np.float64] | None = None,
    certify: bool = True,
    alike: bool = False,
) -> tuple[BatchFit, int]:
    """Minimise the rows of a request.

    Parameters
    ----------
    request : Request
        With arrays of shape (rows, n_parameters).
    data : BatchData or None
        One set for all rows or one each; the model's own for None.
    metric : SharedMetric or None
        Without one, and where the likelihood has kinks, every row goes to Newton's method.
    condition : float array, shape (rows, held, n_parameters), optional
        What conditions the metric on parameters that rows hold, see `MetricDirection`.
    certify : bool
        Whether each row takes a last step with its own Hessian, which has to be positive definite.
    alike : bool
        Whether a row has to have the same bits in a batch of any size, as toys have: work is done
        in blocks of one size then, which is a waste for few rows.

    Returns
    -------
    BatchFit
    int
        Number of rows that needed Newton's method with exact Hessians.
    """
    rows = len(request.start)
    compiled = target.compiled
    if compiled is None or metric is None or metric.inverse is None or compiled.plan.kinks.size:
        alone = [one_row(target, request, data, row, options) for row in range(rows)]
        return BatchFit.joined(alone), rows
    backend = target.backend
    problem, constant = target.problem(rows, request, data)
    if condition is not None:
        condition = backend.asarray(condition[:, :, metric.reduction.kept])
    most = _most_slots(compiled, rows, certify=certify, alike=alike)
    tolerance = max(_ROUGH, options.tolerance) if certify else min(_CLOSE, options.tolerance)
    minima = shared_metric(
        metric.reduction.problem(problem),
        metric.inverse,
        Options(tolerance=tolerance, polish=False),
        near=metric.near,
        slots=min(rough_slots(compiled), most),
        condition=condition,
    )
    minima = metric.reduction.expand(minima, problem)
    slope = None
    if certify:
        slots = min(finish_slots(compiled), most)
        finish(problem, minima, options.minimiser(polish=options.polish_rows), slots=slots)
    else:
        gradients = settle(problem, minima, slots=rough_slots(compiled) if alike else None)
        slope = np.array(backend.to_numpy(gradients))
    mark_outside(minima, backend)
    fitted = BatchFit.of(target, minima, constant)
    fitted.slope = slope
    again = np.flatnonzero(fitted.status == Status.RUNNING).tolist()
    for row in again:
        left = fitted.values[row]
        start = left if np.isfinite(left).all() else request.row(row).start
        near = replace(request.row(row), start=start)
        own = None if data is None else data.of_row(row)
        fitted.replace(row, one_row(target, near, own, 0, options))
    return fitted, len(again)


def _most_slots(compiled: CompiledModel, rows: int, *, certify: bool, alike: bool) -> int:
    """Rows that a block may have at most."""
    if alike:
        return rough_slots(compiled) + finish_slots(compiled)
    # Rows that are certified are few, as of a test: nothing is computed just to fill a block.
    return rows if certify else -(-rows // 8) * 8
