"""What moves in the auxiliary part of the likelihood when a sample's nominal yields move.

The relative width w of a staterror or shapesys is made from the nominal yields, so its constraint,
whether Gaussian of width w or Poisson of 1 / w**2 events, follows as if the workspace were written
again; what the measurement gives explicitly does not.
"""

from __future__ import annotations

from collections import Counter
from math import log
from typing import TYPE_CHECKING

import numpy as np

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
    position = {entry.name: i for i, entry in enumerate(model.parameters)}
    given = _given(model)
    total = np.zeros((owner.n_bins, theta.shape[1]))
    for modifier in varied.modifiers:
        if not isinstance(modifier, ShapeSys | StatError):
            continue
        for b, name in enumerate(modifier.parameters):
            constraint = model.parameters[position[name]].constraint
            if isinstance(modifier, StatError):
                nominal, variance = _staterror(owner, modifier.name, b)
            else:
                nominal, variance = varied.nominal[b], modifier.uncertainties[b] ** 2
            if nominal > 0.0 and variance > 0.0:
                tau = nominal * nominal / variance
                gamma = theta[position[name]]
                total[b] += _per_log_nominal(constraint, gamma, tau, given[name]) / nominal
    return total


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


def _staterror(channel: Channel, name: str, b: int) -> tuple[float, float]:
    """Summed nominal yields of one bin, and its variance."""
    uses = [
        (sample.nominal[b], own.uncertainties[b])
        for sample in channel.samples
        for own in sample.modifiers
        if isinstance(own, StatError) and own.name == name
    ]
    return sum(value for value, _ in uses), sum(u * u for _, u in uses)


def _per_log_nominal(
    constraint: Constraint | None,
    gamma: NDArray[np.float64],
    tau: float,
    given: ParameterSettings,
) -> NDArray[np.float64]:
    """Of the constraint's ``-log L`` with respect to ``log(1 / w)``; `tau` is ``w**-2``."""
    if constraint is None or (given.constraint is not None and given.constraint.relative):
        return np.zeros_like(gamma)
    if isinstance(constraint, GaussianConstraint):
        if given.sigmas is not None:
            return np.zeros_like(gamma)
        pull = (gamma - constraint.center) / constraint.width
        return pull * pull - 1.0
    return 2.0 * tau * _poisson(constraint, gamma, given)


def _poisson(
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
