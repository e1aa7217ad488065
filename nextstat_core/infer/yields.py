r"""Yields before and after a fit, with uncertainties propagated from those of the parameters.

With the derivatives :math:`J_{ck}` of the yields and the covariance :math:`V` of the parameters the
method ``linear`` gives :math:`\sigma^2 = (J V J^T)_{cc}`. The method ``variation`` is that of
cabinetry: :math:`\sigma^2 = d^T \rho d` with half the difference :math:`d_k` of the yields at
:math:`\hat\theta_k \pm \hat\sigma_k` and the correlations :math:`\rho`. Sums over bins or samples
sum :math:`J` or :math:`d` first, so that they have all correlations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.target import histfactory_target
from nextstat_core.infer.yield_point import yield_point
from nextstat_core.results.yields import ChannelYields, Yields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.infer.target import HistFactoryTarget
    from nextstat_core.infer.yield_point import YieldPoint
    from nextstat_core.likelihood import CompiledModel
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FitResult
    from nextstat_core.results.arrays import FloatArray
    from nextstat_core.results.yields import YieldsMethod
    from nextstat_core.typing import ArrayLike

__all__ = ["yields"]

# Parameters that are shifted at a time: bounds temporaries to all cells times twice this many.
_SHIFTS = 64


def yields(
    model: HistFactoryModel,
    fit: FitResult | None = None,
    *,
    params: ArrayLike | Mapping[str, float] | None = None,
    covariance: ArrayLike | None = None,
    method: YieldsMethod = "linear",
) -> Yields:
    """Predict the yields of all samples and bins, and their sums, with uncertainties.

    Without a fit these are pre-fit yields: parameters at the centres of their constraints, or their
    start values without one, uncorrelated, with the widths of the constraints; free factors do not
    vary. With a fit they are post-fit yields.

    Parameters
    ----------
    model : HistFactoryModel
    fit : FitResult, optional
        Of this model, or of the same model with other channels (`HistFactoryModel.restricted`).
        Parameters are matched by name; those that the fit does not have, because they act in
        validation regions only, stay at their pre-fit value and width, without correlations.
    params : array-like of shape (n_params,), or mapping of name to value, optional
        Other values of all or some parameters. The uncertainties stay those of the fit, or pre-fit.
    covariance : array-like, shape (n_params, n_params), optional
        Other covariance; not together with `fit`.
    method : {"linear", "variation"}
        Exact derivatives times the covariance, or finite shifts as in cabinetry.

    Returns
    -------
    nextstat_core.results.Yields
        Parameters held by a bound have no known uncertainty (NaN in the covariance): none is
        propagated for them, and a warning lists them. Yields that depend on a parameter that the
        data do not determine have an infinite uncertainty.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    """
    target = histfactory_target(model, "yields")
    if method not in {"linear", "variation"}:
        raise InputError.unknown("method", method, ("linear", "variation"))
    point = yield_point(target, fit, params, covariance)
    spread = _Spread.linear(target.compiled, point)
    if method == "variation":
        spread = spread.by_variation(target.compiled, point)
    return _collect(target, point, spread, method, fit)


class _Spread:
    """How all cells vary with the parameters, and how far parameters vary together."""

    def __init__(self, moves: FloatArray, metric: FloatArray, lost: FloatArray) -> None:
        #: Change of each cell, (cells, n_params), in units of which `metric` is the covariance.
        self.moves, self.metric = moves, metric
        #: Derivatives with respect to undetermined parameters, (cells, how many).
        self.lost = lost

    @classmethod
    def linear(cls, compiled: CompiledModel, point: YieldPoint) -> _Spread:
        """Exact derivatives and the covariance."""
        backend = compiled.backend
        theta = backend.asarray(point.values[:, None])
        jacobian = backend.to_numpy(compiled.cell_jacobian(theta))
        return cls(jacobian, point.covariance, jacobian[:, point.undetermined])

    def by_variation(self, compiled: CompiledModel, point: YieldPoint) -> _Spread:
        """Half the change between one standard deviation up and down, and correlations."""
        backend = compiled.backend
        errors = np.sqrt(np.diagonal(point.covariance))
        moves = np.zeros_like(self.moves)
        moving = np.flatnonzero(errors)
        for first in range(0, len(moving), _SHIFTS):
            part = moving[first : first + _SHIFTS]
            shift = np.zeros((len(errors), len(part)))
            shift[part, np.arange(len(part))] = errors[part]
            theta = np.concatenate(
                [point.values[:, None] + shift, point.values[:, None] - shift], 1
            )
            both = backend.to_numpy(compiled.expected_cells(backend.asarray(theta)))
            moves[:, part] = 0.5 * (both[:, : len(part)] - both[:, len(part) :])
        scale = np.where(errors > 0.0, errors, 1.0)
        return _Spread(moves, point.covariance / scale[:, None] / scale, self.lost)

    def part(self, cells: np.ndarray) -> _Spread:
        """Some cells, in any shape."""
        return _Spread(self.moves[cells], self.metric, self.lost[cells])

    def sum(self, axis: int | tuple[int, ...]) -> _Spread:
        """Sums over axes of cells."""
        return _Spread(self.moves.sum(axis), self.metric, self.lost.sum(axis))

    def errors(self) -> FloatArray:
        """Standard uncertainty of each entry."""
        variance = ((self.moves @ self.metric) * self.moves).sum(-1)
        known = (self.lost == 0.0).all(-1)
        # Rounding may leave a tiny negative number where correlations cancel.
        return np.where(known, np.sqrt(np.maximum(variance, 0.0)), np.inf)

    def covariance(self) -> FloatArray:
        """Covariance of the entries along the only axis."""
        matrix = self.moves @ self.metric @ self.moves.T
        unknown = (self.lost != 0.0).any(-1)
        return np.where(unknown[:, None] | unknown, np.inf, 0.5 * (matrix + matrix.T))


def _collect(
    target: HistFactoryTarget,
    point: YieldPoint,
    spread: _Spread,
    method: YieldsMethod,
    fit: FitResult | None,
) -> Yields:
    compiled, backend = target.compiled, target.backend
    expected = compiled.expected_cells(backend.asarray(point.values[:, None]))
    by_cell = backend.to_numpy(expected)[:, 0]
    grids = _cell_grids(compiled)
    observed = {
        channel: target.own_main[bins] for channel, bins in compiled.plan.channel_bins.items()
    }
    channels = tuple(
        _channel(channel, samples, observed[channel], by_cell[cells], spread.part(cells))
        for channel, (samples, cells) in grids.items()
    )
    by_sample: dict[str, list[np.ndarray]] = {}
    for samples, cells in grids.values():
        for sample, row in zip(samples, cells, strict=True):
            by_sample.setdefault(sample, []).append(row)
    where = [np.concatenate(rows) for rows in by_sample.values()]
    bins = [spread.part(cells).sum(0) for _, cells in grids.values()]
    by_bin = _Spread(
        np.concatenate([each.moves for each in bins]),
        spread.metric,
        np.concatenate([each.lost for each in bins]),
    )
    return Yields(
        stage=point.stage,
        method=method,
        channels=channels,
        samples=tuple(by_sample),
        sample_sums=np.asarray([by_cell[cells].sum() for cells in where]),
        sample_sum_errors=np.asarray([spread.part(cells).sum(0).errors() for cells in where]),
        total=float(by_cell.sum()),
        total_error=float(spread.sum(0).errors()),
        observed=float(target.own_main.sum()),
        covariance=by_bin.covariance(),
        parameters=point.values,
        parameter_errors=point.errors,
        prefit_parameters=point.prefit_parameters,
        fit=fit,
        warnings=point.warnings,
    )


def _cell_grids(compiled: CompiledModel) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Samples and cells (samples, bins) of each channel, channels by name."""
    plan = compiled.plan
    rows: dict[str, list[int]] = {channel: [] for channel in plan.channel_bins}
    for row, (channel, _) in enumerate(plan.row_names):
        rows[channel].append(row)
    return {
        channel: (
            tuple(plan.row_names[row][1] for row in own),
            np.stack([plan.cells_of_row(row) for row in own]),
        )
        for channel, own in rows.items()
    }


def _channel(
    channel: str,
    samples: tuple[str, ...],
    observed: FloatArray,
    values: FloatArray,
    spread: _Spread,
) -> ChannelYields:
    return ChannelYields(
        channel=channel,
        samples=samples,
        observed=observed,
        values=values,
        errors=spread.errors(),
        total=values.sum(0),
        total_errors=spread.sum(0).errors(),
        sample_sums=values.sum(1),
        sample_sum_errors=spread.sum(1).errors(),
        sum=float(values.sum()),
        sum_error=float(spread.sum((0, 1)).errors()),
    )
