"""Fits of many data sets of one model at once: shared metric, own Hessians, Newton for the rest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.infer.covariance import errors_of
from nextstat_core.infer.fit_results import covariance_at
from nextstat_core.infer.minimise_one import mark_outside
from nextstat_core.infer.provenance import provenance_of
from nextstat_core.optimize import Options, Status, finish, newton, shared_metric
from nextstat_core.results import FitMinimumResult, ToyResults

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.metric import SharedMetric
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import BatchData, HistFactoryTarget, Target
    from nextstat_core.likelihood import CompiledModel
    from nextstat_core.optimize import Minima, Problem

__all__ = [
    "BatchFit",
    "finish_slots",
    "fit_rows",
    "no_fits",
    "one_row",
    "reason_codes",
    "rough_slots",
    "row_result",
    "toy_results",
]

# Numbers that the second derivatives of one block of rows may take, per lane of the backend.
_FINISH_PER_LANE = 6250
# Numbers that a temporary with all cells of all rows in work may take: half a gigabyte.
_TEMPORARY = 2**26
# EDM at which the shared metric hands over to each row's own Hessian.
_ROUGH = 1e-4


@dataclass(slots=True)
class BatchFit:
    """Minima of many rows, as host arrays with the rows on the first axis.

    `slope` are the gradients of all parameters, held ones too, where they are at hand; NaN in rows
    in which they are not.
    """

    values: NDArray[np.float64]
    nll: NDArray[np.float64]
    status: NDArray[np.int64]
    edm: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    initial_nll: NDArray[np.float64]
    held: NDArray[np.int64]
    n_iter: NDArray[np.int64]
    n_fev: NDArray[np.int64]
    n_gev: NDArray[np.int64]
    n_hev: NDArray[np.int64]
    errors: NDArray[np.float64] | None = None
    slope: NDArray[np.float64] | None = None

    @staticmethod
    def joined(parts: list[BatchFit]) -> BatchFit:
        """All rows of several batches."""
        columns: dict[str, Any] = {}
        for entry in fields(BatchFit):
            pieces = [getattr(part, entry.name) for part in parts]
            known = all(piece is not None for piece in pieces)
            columns[entry.name] = np.concatenate(pieces) if known else None
        return BatchFit(**columns)

    def part(self, rows: slice | NDArray[np.intp]) -> BatchFit:
        """Some of the rows."""
        columns = {entry.name: getattr(self, entry.name) for entry in fields(BatchFit)}
        cut = {name: None if old is None else old[rows] for name, old in columns.items()}
        return BatchFit(**cut)  # type: ignore[arg-type]

    @staticmethod
    def of(
        target: Target,
        minima: Minima,
        constant: NDArray[np.float64] | float,
        errors: NDArray[np.float64] | None = None,
    ) -> BatchFit:
        """Minima of a batch on the host; `constant` completes their values to ``-log L``."""
        host = target.backend.to_numpy
        return BatchFit(
            values=np.array(host(minima.x)),
            nll=host(minima.value) + constant,
            status=np.array(host(minima.status)),
            edm=np.array(host(minima.edm)),
            gradient_norm=np.max(np.abs(host(minima.gradient)), axis=1, initial=0.0),
            initial_nll=host(minima.initial_value) + constant,
            held=np.array(host(minima.held)),
            n_iter=np.array(host(minima.n_iterations)),
            n_fev=np.array(host(minima.n_values)),
            n_gev=np.array(host(minima.n_gradients)),
            n_hev=np.array(host(minima.n_hessians)),
            errors=errors,
        )

    def row(self, i: int) -> BatchFit:
        """One row as a batch of its own."""
        columns: dict[str, Any] = {}
        for entry in fields(BatchFit):
            column = getattr(self, entry.name)
            columns[entry.name] = None if column is None else column[i : i + 1]
        return BatchFit(**columns)

    def take_lower(self, other: BatchFit) -> None:
        """Rows of another batch where they converged to a lower minimum, or here none did."""
        ours, theirs = self.status == Status.EDM, other.status == Status.EDM
        better = theirs & (~ours | (other.nll < self.nll))
        rows = np.flatnonzero(better)
        self.put(rows, other.part(rows))

    def replace(self, row: int, better: BatchFit) -> None:
        """Put the only row of another batch in the place of `row`."""
        self.put(np.array([row]), better)

    def put(self, rows: NDArray[np.intp], other: BatchFit) -> None:
        """Put the rows of another batch in the place of `rows`."""
        for entry in fields(BatchFit):
            column, new = getattr(self, entry.name), getattr(other, entry.name)
            if column is not None:
                column[rows] = np.nan if new is None else new


def fit_rows(
    target: HistFactoryTarget,
    request: Request,
    data: BatchData,
    metric: SharedMetric,
    options: FitOptions,
    *,
    variances: bool,
) -> BatchFit:
    """Shared metric first, a look at every row's own Hessian, Newton for the rest."""
    backend, rows = target.backend, len(data.main)
    if not rows:
        return no_fits(len(target.names), variances=variances)
    minimiser = options.minimiser(polish=False)
    errors = None
    if metric.inverse is None or target.compiled.plan.kinks.size:
        return BatchFit.joined(
            [one_row(target, request, data, i, options, variances=variances) for i in range(rows)]
        )
    problem, constant = target.problem(rows, request, data)
    minima = _rough(target, problem, request, data, metric, options)
    slots = finish_slots(target.compiled)
    finish(problem, minima, minimiser, slots=slots)
    mark_outside(minima, backend)
    if variances:
        errors = _row_errors(target, problem, minima, request, slots)
    fitted = BatchFit.of(target, minima, constant, errors)
    for row in np.flatnonzero(fitted.status == Status.RUNNING):
        alone = one_row(target, request, data, int(row), options, variances=variances)
        fitted.replace(int(row), alone)
    return fitted


def _rough(
    target: HistFactoryTarget,
    problem: Problem,
    request: Request,
    data: BatchData,
    metric: SharedMetric,
    options: FitOptions,
) -> Minima:
    """All rows near their minimum: without float64, if the model lives so."""
    assert metric.inverse is not None
    rough = Options(tolerance=max(_ROUGH, options.tolerance), polish=False)
    device = target.coarse or target
    if device is not target:
        problem, _ = device.problem(len(data.main), request, data)
    reduced = metric.reduction.problem(problem)
    slots = rough_slots(device.compiled)
    minima = shared_metric(reduced, metric.inverse, rough, near=metric.near, slots=slots)
    minima = metric.reduction.expand(minima, problem)
    return minima if device is target else minima.on(target.backend, device.backend)


def rough_slots(compiled: CompiledModel) -> int:
    """Rows in work at a time: those of the backend, fewer for a model that would fill its memory.

    Part of the promise that a toy has the same bits in every batch.
    """
    most = max(_TEMPORARY // compiled.plan.n_cells // 8 * 8, 64)
    return min(compiled.backend.lanes, most)


def finish_slots(compiled: CompiledModel) -> int:
    """Rows per block of second derivatives, a multiple of 8 that depends on the model alone."""
    plan, dense, lanes = compiled.plan, len(compiled.local.dense), compiled.backend.lanes
    slots = plan.n_bins + compiled.local.n_slots
    per_row = (2 * plan.n_rows + 2 * slots + dense) * max(dense, 1) + 4 * plan.n_cells
    return int(np.clip(_FINISH_PER_LANE * lanes // per_row // 8 * 8, 8, 2 * lanes))


def _row_errors(
    target: HistFactoryTarget, problem: Problem, minima: Minima, request: Request, slots: int
) -> NDArray[np.float64]:
    """Uncertainties from the Hessian at each row's minimum, in blocks of `slots` rows."""
    backend, count = target.backend, minima.x.shape[0]
    held = backend.to_numpy(minima.held) != 0
    parts = []
    with backend.errstate():
        for first in range(0, count, slots):
            # The last block repeats its last row, as everywhere.
            inside = np.minimum(np.arange(first, first + slots), count - 1)
            rows = backend.indices(inside)
            point = problem.objective.evaluate(backend.take(minima.x, rows, axis=0), rows, 2)
            parts.append(errors_of(point.hessian(), request.fixed, held[inside], backend))
    return np.concatenate(parts)[:count]


def one_row(
    target: Target,
    request: Request,
    data: BatchData | None,
    row: int,
    options: FitOptions,
    *,
    variances: bool = False,
) -> BatchFit:
    """One row by Newton, alone: its bits do not depend on which other rows need it."""
    target, request = target.host, request.row(row)
    problem, constant = target.problem(1, request, None if data is None else data.of_row(row))
    minima = newton(problem, options.minimiser())
    mark_outside(minima, target.backend)
    errors = None
    if variances:
        errors = _errors_of(target, problem, minima, request)
    return BatchFit.of(target, minima, constant, errors)


def _errors_of(
    target: Target, problem: Problem, minima: Minima, request: Request
) -> NDArray[np.float64]:
    backend = target.backend
    with backend.errstate():
        held = backend.to_numpy(minima.held)[0] != 0
        return covariance_at(problem, minima, request.fixed, held).errors[None, :]


def row_result(target: Target, fits: BatchFit, row: int) -> FitMinimumResult:
    """The minimum of one row as users see it."""
    status = Status(int(fits.status[row]))
    return FitMinimumResult(
        values=fits.values[row],
        nll=float(fits.nll[row]),
        converged=status is Status.EDM,
        n_iter=int(fits.n_iter[row]),
        n_fev=int(fits.n_fev[row]),
        n_gev=int(fits.n_gev[row]),
        n_hev=int(fits.n_hev[row]),
        message=status.reason,
        initial_nll=float(fits.initial_nll[row]),
        edm=float(fits.edm[row]),
        parameter_names=target.names,
    )


def no_fits(n: int, *, variances: bool) -> BatchFit:
    """A batch without rows, for `n` parameters."""
    floats, integers = np.zeros(0), np.zeros(0, dtype=np.int64)
    return BatchFit(
        np.zeros((0, n)), floats, integers, floats, floats, floats,
        np.zeros((0, n), dtype=np.int64), integers, integers, integers, integers,
        np.zeros((0, n)) if variances else None,
    )  # fmt: skip


def toy_results(target: Target, request: Request, fitted: BatchFit) -> ToyResults:
    """Columns of a batch as a sequence of fit results."""
    return ToyResults(
        parameter_names=target.names,
        values=fitted.values,
        nll=fitted.nll,
        converged=fitted.status == Status.EDM,
        termination=reason_codes(fitted.status),
        n_iter=fitted.n_iter,
        n_fev=fitted.n_fev,
        n_gev=fitted.n_gev,
        n_hev=fitted.n_hev,
        edm=fitted.edm,
        initial_nll=fitted.initial_nll,
        final_grad_norm=fitted.gradient_norm,
        errors=fitted.errors,
        bounds_hit=np.select([fitted.held == -1, fitted.held == 1, fitted.held == 2], [1, 2, 3], 0),
        fixed=tuple(request.fixed.tolist()),
        prefit_centers=target.centers,
        prefit_widths=target.widths,
        poi_index=target.poi,
        provenance=provenance_of(target),
    )


def reason_codes(status: NDArray[np.int64]) -> NDArray[np.int8]:
    """Positions of statuses in `TERMINATION_REASONS`."""
    code_of = np.zeros(len(Status), dtype=np.int8)
    for entry in Status:
        if entry is not Status.RUNNING:
            code_of[entry] = ToyResults.reasons.index(entry.reason)
    return code_of[status]
