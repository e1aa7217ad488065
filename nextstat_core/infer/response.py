r"""How the best fit of one parameter answers to what moves it, to first order.

Over the free set R of parameters, which are neither fixed nor held by a bound, the best fit moves
with any input x as :math:`d\hat\theta/dx = -H^{-1} \partial^2 L / \partial\theta\,\partial x`. Of
the inverse Hessian only the column of the parameter of interest is needed: one solution.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import FitError
from nextstat_core.infer.minimise_one import hessian_at
from nextstat_core.linalg import factorize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.minimise_one import Fitted
    from nextstat_core.infer.objective import LikelihoodObjective
    from nextstat_core.infer.target import Target
    from nextstat_core.results import FitResult

__all__ = ["Response"]

# Groups that are frozen at a time: each needs a copy of the Hessian.
_GROUPS = 16


class Response:
    """First-order answer of one parameter at a minimum.

    Parameters
    ----------
    target : Target
    fitted : Fitted
        The minimum.
    fit : FitResult
        The same as a result; says which parameters are fixed, at a bound, or not determined.
    poi : int
        Position of the parameter that answers.

    Attributes
    ----------
    free : bool array, shape (n_parameters,)
        The free set.
    covariance : float array, shape (n_parameters,)
        Covariance of all parameters with this one; 0 outside of the free set.
    errors : float array, shape (n_parameters,)
        Standard uncertainties; 0 outside of the free set.

    Raises
    ------
    FitError
        If the Hessian is not positive definite over the free set: no minimum was found.
    """

    def __init__(self, target: Target, fitted: Fitted, fit: FitResult, poi: int) -> None:
        self._target, self._fitted, self._poi = target, fitted, poi
        lost = {*fit.unidentified, *(name for name, _ in fit.at_bound)}
        self.free = ~np.asarray(fit.fixed) & np.array([name not in lost for name in target.names])
        backend = target.backend
        with backend.errstate():
            self._hessian = hessian_at(fitted.problem, fitted.minima)
            mask = backend.asarray(self.free[None, :], dtype=backend.xp.bool)
            factor = factorize(self._hessian, backend, free=mask)
            if not bool(factor.ok[0]):
                raise FitError(
                    "the Hessian at the best fit is not positive definite, so that there are no "
                    f"first-order uncertainties; the fit ended with {fit.termination_reason!r}"
                )
            column = factor.solve(backend.asarray(self._unit[None, :]))
            variance = factor.inverse().diagonal()
        self.covariance = np.where(self.free, backend.to_numpy(column)[0], 0.0)
        self.errors = np.sqrt(np.where(self.free, backend.to_numpy(variance)[0], 0.0))

    @property
    def _unit(self) -> NDArray[np.float64]:
        unit = np.zeros(len(self.free))
        unit[self._poi] = 1.0
        return unit

    @property
    def defined(self) -> bool:
        """Whether the parameter has an uncertainty: it is free, and not at a bound."""
        return bool(self.free[self._poi])

    @property
    def variance(self) -> float:
        """Variance of the parameter; NaN where it is not `defined`."""
        return float(self.covariance[self._poi]) if self.defined else np.nan

    @cached_property
    def auxiliary(self) -> NDArray[np.float64]:
        r"""Change of the parameter when one auxiliary measurement is one deviation higher.

        :math:`V_{\mu k} / \sigma_k` for a Gaussian measurement. A Poisson count a, whose
        expectation is the parameter times a factor, enters the likelihood as
        :math:`-a \log \theta_k`: :math:`V_{\mu k} \sqrt a / \hat\theta_k`. 0 without a measurement.
        """
        answer, compiled = np.zeros(len(self.free)), self._target.compiled
        if compiled is None:
            return answer
        layout = compiled.layout
        x = self._target.backend.to_numpy(self._fitted.minima.x)[0]
        gaussian, poisson = layout.gaussian, layout.poisson
        answer[gaussian] = self.covariance[gaussian] / layout.width
        answer[poisson] = self.covariance[poisson] * np.sqrt(layout.count) / x[poisson]
        return answer

    @cached_property
    def data_variance(self) -> float:
        """Variance that the main counts n bring, each varying by its square root."""
        objective: LikelihoodObjective = self._fitted.problem.objective  # type: ignore[assignment]
        backend = self._target.backend
        row = backend.indices(np.zeros(1, dtype=np.intp))
        at, data = objective.at(backend.transposed(self._fitted.minima.x), row, 2)
        information = objective.compiled.data_information(at, data)
        column = backend.asarray(self.covariance[None, :])
        product = backend.to_numpy(information.multiply(column, backend))[0]
        return float(self.covariance @ product)

    def frozen(self, groups: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Variances when groups of parameters are held at the best fit, shape (groups,).

        From the Hessian without their rows and columns; nothing is fitted again.

        Parameters
        ----------
        groups : bool array, shape (groups, n_parameters)
        """
        parts = [
            self._frozen(groups[first : first + _GROUPS])
            for first in range(0, len(groups), _GROUPS)
        ]
        return np.concatenate([np.zeros(0), *parts])

    def _frozen(self, groups: NDArray[np.bool_]) -> NDArray[np.float64]:
        backend = self._target.backend
        rows = backend.indices(np.zeros(len(groups), dtype=np.intp))
        mask = backend.asarray(self.free & ~groups, dtype=backend.xp.bool)
        unit = backend.asarray(np.tile(self._unit, (len(groups), 1)))
        with backend.errstate():
            factor = factorize(self._hessian.take(rows, backend), backend, free=mask)
            return backend.to_numpy(factor.solve(unit))[:, self._poi]
