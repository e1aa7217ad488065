r"""Test statistics and their gradients with respect to a sample's nominal yields.

At its minima the likelihood does not change with the parameters, so only what the yields do to
it directly counts (envelope theorem):
:math:`dq/ds = 2\,[\partial L/\partial s(\mu, \hat\eta_\mu) - \partial L/\partial s(\hat\theta)]`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError
from nextstat_core.infer.hypotest import AskedTest, asymptotic_test, finite_number
from nextstat_core.infer.options import FitOptions

if TYPE_CHECKING:
    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.typing import ArrayLike

__all__ = ["q0_and_gradient", "qmu_and_gradient"]

# The error of the gradient is of first order in the distance to the minimum: 1e-7 here.
_TOLERANCE = 1e-13


def q0_and_gradient(
    model: HistFactoryModel,
    *,
    channel: str,
    sample: str,
    nominal: ArrayLike,
    options: FitOptions | None = None,
) -> tuple[float, list[float]]:
    """q0 of the model's data with other nominal yields, and its gradient.

    The yields become those of the model, see `HistFactoryModel.set_sample_nominal`: absolute
    templates and uncertainties stay, widths of statistical errors and auxiliary counts follow.

    Parameters
    ----------
    channel, sample : str
    nominal : array-like, shape (bins of the channel,)
    options : FitOptions, optional
        Its tolerance is at most 1e-13.

    Returns
    -------
    q0 : float
        0 where the best fit is negative; the gradient is zero then.
    gradient : list of float
        One entry per bin.

    Raises
    ------
    InputError, ModelError
        For arguments that cannot be used; the model is unchanged then.
    MissingPOIError
        If the model has no parameter of interest.
    FitError
        If a fit did not converge.
    """
    return _statistic_and_gradient(model, 0.0, "q0", channel, sample, nominal, options)


def qmu_and_gradient(
    model: HistFactoryModel,
    *,
    mu_test: float,
    channel: str,
    sample: str,
    nominal: ArrayLike,
    options: FitOptions | None = None,
) -> tuple[float, list[float]]:
    """The statistic of an upper limit (q-tilde) at `mu_test`, and its gradient.

    0 with a gradient of zero where the best fit lies above `mu_test`. All else as in
    `q0_and_gradient`.
    """
    value = finite_number("mu_test", mu_test)
    return _statistic_and_gradient(model, value, "qtilde", channel, sample, nominal, options)


def _statistic_and_gradient(
    model: HistFactoryModel,
    mu: float,
    statistic: TestStatistic,
    channel: str,
    sample: str,
    nominal: ArrayLike,
    options: FitOptions | None,
) -> tuple[float, list[float]]:
    options = options or FitOptions()
    model.set_sample_nominal(channel=channel, sample=sample, nominal=nominal)
    tight = replace(options, tolerance=min(options.tolerance, _TOLERANCE))
    # No Asimov set is needed; that of start values costs no fit.
    asked = AskedTest(test_stat=statistic, asimov="prefit", options=tight)
    test = asymptotic_test(model, asked)
    found = test.data_at(np.array([mu]))
    if not test.around.free.converged:
        raise FitError("Free fit did not converge: q and its gradient are not known")
    if not found.fits.converged[0]:
        raise FitError(f"Fixed fit (mu={mu:g}) did not converge: q and its gradient are not known")
    q = float(found.q[0])
    points = np.stack([found.fits.fits.values[0], test.around.x])
    slopes = model.nominal_gradient(points, channel=channel, sample=sample)
    gradient = 2.0 * (slopes[0] - slopes[1])
    if q == 0.0:
        return 0.0, np.zeros_like(gradient).tolist()
    return q, gradient.tolist()
