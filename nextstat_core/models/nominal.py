"""What moves in the auxiliary part of the likelihood when a sample's nominal yields move.

The relative width of a staterror and the auxiliary count of a shapesys are made from the nominal
yields, so they follow as if the workspace were written again; what the measurement gives explicitly
does not.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.ir import (
    GaussianConstraint,
    ParameterSettings,
    PoissonConstraint,
    ShapeSys,
    StatError,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.ir import Channel, Model

__all__ = ["auxiliary_nominal_gradient"]


def auxiliary_nominal_gradient(
    model: Model, channel: str, sample: str, theta: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Derivative of the auxiliary part of ``-log L`` with respect to nominal yields.

    Parameters
    ----------
    channel, sample : str
        Names that exist.
    theta : float array, shape (n_params, rows)

    Returns
    -------
    float array, shape (bins of the channel, rows)
    """
    owner = next(entry for entry in model.channels if entry.name == channel)
    varied = next(entry for entry in owner.samples if entry.name == sample)
    index = {entry.name: i for i, entry in enumerate(model.parameters)}
    settings = {entry.name: entry for entry in model.settings}
    total = np.zeros((owner.n_bins, theta.shape[1]))
    for modifier in varied.modifiers:
        if not isinstance(modifier, ShapeSys | StatError):
            continue
        given = settings.get(modifier.name, ParameterSettings(modifier.name))
        for b, name in enumerate(modifier.parameters):
            gamma, constraint = theta[index[name]], model.parameters[index[name]].constraint
            if isinstance(modifier, StatError) and isinstance(constraint, GaussianConstraint):
                if given.sigmas is None:
                    total[b] += _staterror(owner, modifier.name, b, constraint, gamma)
            elif isinstance(modifier, ShapeSys) and isinstance(constraint, PoissonConstraint):
                slope = _shapesys(constraint, gamma, given)
                total[b] += slope * _count_slope(varied.nominal[b], modifier.uncertainties[b])
    return total


def _staterror(
    channel: Channel,
    name: str,
    b: int,
    constraint: GaussianConstraint,
    gamma: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Of ``(gamma - m)^2 / (2 w^2) + log w`` with ``w = sqrt(sum u^2) / sum of nominals``."""
    uses = [
        (sample.nominal[b], own.uncertainties[b])
        for sample in channel.samples
        for own in sample.modifiers
        if isinstance(own, StatError) and own.name == name
    ]
    nominal = sum(value for value, _ in uses)
    if not (nominal > 0.0 and any(uncertainty for _, uncertainty in uses)):
        return np.zeros_like(gamma)
    pull = (gamma - constraint.center) / constraint.width
    return (pull * pull - 1.0) / nominal


def _shapesys(
    constraint: PoissonConstraint, gamma: NDArray[np.float64], given: ParameterSettings
) -> NDArray[np.float64]:
    """Of ``gamma t - a log(gamma t) + log a!`` with respect to t = a, where they are not given."""
    factor, count = constraint.factor, constraint.count
    slope = np.zeros_like(gamma)
    if given.factors is None:
        slope += gamma - count / factor
    if given.auxdata is None:
        # The likelihood continues the logarithm below this, far outside a gamma's bounds.
        slope += _digamma(count + 1.0) - np.log(np.maximum(gamma, 1e-11) * factor)
    return slope


def _count_slope(nominal: float, uncertainty: float) -> float:
    """Of ``(nominal / uncertainty)^2``; 0 where there is no such auxiliary measurement."""
    return 2.0 * nominal / uncertainty**2 if nominal > 0.0 and uncertainty > 0.0 else 0.0


def _digamma(x: float) -> float:
    """Logarithmic derivative of the gamma function, for x >= 1."""
    shift = 0.0
    while x < 10.0:
        shift -= 1.0 / x
        x += 1.0
    # Asymptotic series; the first omitted term is below 1e-16 for x >= 10.
    z = 1.0 / (x * x)
    series = z * (
        1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * 691 / 32760))))
    )
    return shift + log(x) - 0.5 / x - series
