"""Constraints of single bins whose widths are made from nominal yields.

The relative width w of a staterror or shapesys is the uncertainty over the nominal yield. Its
constraint, Gaussian of width w or Poisson of :math:`1 / w^2` events, follows when yields or
uncertainties move, as if the workspace were written again; what the measurement gives explicitly
does not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.backend import digamma
from nextstat_core.ir import (
    GaussianConstraint,
    ParameterSettings,
    PoissonConstraint,
    ShapeSys,
    StatError,
    settings_of_component,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.ir import Channel, Constraint, Model
    from nextstat_core.likelihood.plan import RatePlan

__all__ = ["Auxiliary", "BinWidths", "bin_widths", "per_log_width"]


@dataclass(frozen=True, slots=True)
class BinWidths:
    """Constraints of one staterror in one channel, or of one shapesys.

    Attributes
    ----------
    channel, modifier : str
    samples : tuple of str
        Samples that carry it.
    parameters : int array, shape (bins,)
        Positions in the parameter vector.
    cells : int array, shape (samples, bins)
        Cells whose nominal yields add up to the yield that the uncertainty is relative to.
    variance : float array, shape (bins,)
        Squared absolute uncertainty.
    gaussian, poisson : int array, shape (bins,)
        Positions among the Gaussian and Poisson constraints; -1 where the bin has none.
    width, factor, count : bool array, shape (bins,)
        Whether that number follows.
    """

    channel: str
    modifier: str
    samples: tuple[str, ...]
    parameters: NDArray[np.intp]
    cells: NDArray[np.intp]
    variance: NDArray[np.float64]
    gaussian: NDArray[np.intp]
    poisson: NDArray[np.intp]
    width: NDArray[np.bool_]
    factor: NDArray[np.bool_]
    count: NDArray[np.bool_]

    def nominal(self, yields: NDArray[np.float64]) -> NDArray[np.float64]:
        """Yields that uncertainties are relative to, (rows, bins), of nominal (rows, cells)."""
        return yields[:, self.cells].sum(axis=1)

    def information(self, yields: NDArray[np.float64]) -> NDArray[np.float64]:
        """``1 / w**2``, (rows, bins); 0 where there is no yield or no uncertainty."""
        nominal = self.nominal(yields)
        used = (nominal > 0.0) & (self.variance > 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(used, nominal * nominal / self.variance, 0.0)


def bin_widths(model: Model, plan: RatePlan) -> list[BinWidths]:
    """All constraints of a model that are made from nominal yields."""
    position = {entry.name: i for i, entry in enumerate(model.parameters)}
    kinds = [type(entry.constraint) for entry in model.parameters]
    number = _numbers(model)
    given = _given(model)
    row_of = {name: row for row, name in enumerate(plan.row_names)}
    found = []
    for channel in model.channels:
        for name, uses in _uses(channel).items():
            names = uses[0][1].parameters
            own = [given[each] for each in names]
            index = np.asarray([position[each] for each in names], dtype=np.intp)
            is_gaussian = np.asarray([kinds[i] is GaussianConstraint for i in index])
            is_poisson = np.asarray([kinds[i] is PoissonConstraint for i in index])
            free = np.asarray([not (g.constraint and g.constraint.relative) for g in own])
            squares = [[u * u for u in modifier.uncertainties] for _, modifier in uses]
            samples = tuple(sample for sample, _ in uses)
            found.append(
                BinWidths(
                    channel.name,
                    name,
                    samples,
                    index,
                    np.stack([plan.cells_of_row(row_of[channel.name, s]) for s in samples]),
                    np.sum(squares, axis=0, dtype=float),
                    np.where(is_gaussian, number[index], -1),
                    np.where(is_poisson, number[index], -1),
                    is_gaussian & free & np.asarray([g.sigmas is None for g in own]),
                    is_poisson & free & np.asarray([g.factors is None for g in own]),
                    is_poisson & free & np.asarray([g.auxdata is None for g in own]),
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Constraints of a batch: (1 or rows, n_gaussian) and (1 or rows, n_poisson)."""

    center: NDArray[np.float64]
    width: NDArray[np.float64]
    count: NDArray[np.float64]
    factor: NDArray[np.float64]
    #: Whether Poisson counts are those that the model makes from its yields.
    follows: bool = True


def per_log_width(
    each: BinWidths,
    theta: NDArray[np.float64],
    auxiliary: Auxiliary,
    yields: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Derivative of the constraints' ``-log L`` with respect to ``log(1 / w)``.

    Parameters
    ----------
    theta : float array, shape (rows, n_params)
    yields : float array, shape (1 or rows, cells)
        Nominal yields.

    Returns
    -------
    float array, shape (rows, bins)
    """
    gamma = theta[:, each.parameters]
    slope = np.zeros_like(gamma)
    if each.width.any():
        pull = gamma - auxiliary.center[:, each.gaussian]
        pull = pull / auxiliary.width[:, each.gaussian]
        slope += np.where(each.width, pull * pull - 1.0, 0.0)
    if each.factor.any() or each.count.any():
        t, a = auxiliary.factor[:, each.poisson], auxiliary.count[:, each.poisson]
        # Half the derivative of 1 / w**2, which may be the factor, or the count, or both.
        tau = each.information(yields)
        slope += np.where(each.factor, 2.0 * tau * (gamma - a / t), 0.0)
        if auxiliary.follows:
            # The likelihood continues the logarithm below this, far outside a gamma's bounds.
            log_rate = np.log(np.maximum(gamma, 1e-11) * t)
            moved = digamma(np.maximum(a, 0.0) + 1.0, np) - log_rate
            slope += np.where(each.count, 2.0 * tau * moved, 0.0)
    return slope


def _uses(channel: Channel) -> dict[str, list[tuple[str, ShapeSys | StatError]]]:
    uses: dict[str, list[tuple[str, ShapeSys | StatError]]] = {}
    for sample in channel.samples:
        for modifier in sample.modifiers:
            if isinstance(modifier, ShapeSys | StatError):
                uses.setdefault(modifier.name, []).append((sample.name, modifier))
    return uses


def _numbers(model: Model) -> NDArray[np.intp]:
    """Position of each parameter among the constraints of its kind."""
    counts: Counter[type[Constraint | None]] = Counter()
    numbers = []
    for entry in model.parameters:
        numbers.append(counts[type(entry.constraint)])
        counts[type(entry.constraint)] += 1
    return np.asarray(numbers, dtype=np.intp)


def _given(model: Model) -> dict[str, ParameterSettings]:
    """What the measurement says about each parameter."""
    by_name = {entry.name: entry for entry in model.settings}
    counts: Counter[str] = Counter()
    given = {}
    for entry in model.parameters:
        index = counts[entry.group]
        given[entry.name] = settings_of_component(by_name, entry.group, entry.name, index)
        counts[entry.group] += 1
    return given
