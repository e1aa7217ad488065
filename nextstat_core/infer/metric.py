"""The metric that all rows of one hypothesis share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.reduced import Reduction
from nextstat_core.linalg import factorize, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import HistFactoryTarget
    from nextstat_core.linalg import ArrowMatrix, SharedInverse

__all__ = ["SharedMetric"]

# Parameters closer than this to a bound, in standard deviations, may run into it ...
_NEAR_SIGMAS = 6.0
# ... and at most so many are treated exactly.
_MAX_NEAR = 12


class SharedMetric:
    """Second derivatives at the start, inverted once over the free parameters.

    It is made in float64 on the host, and serves on the backend of `target`.

    Parameters
    ----------
    request : Request
        Of one row.
    hessian : ArrowMatrix, optional
        Second derivatives of one row at the start; the Fisher information if left out.
    stiff : float array, shape (n_parameters,), optional
        Shares of its curvature that are added to that of each parameter.

    Attributes
    ----------
    inverse : SharedInverse or None
        Over the parameters that have no closed form; None where the matrix is not positive
        definite. It would say nothing about the shape then; every row goes to Newton.
    reduction : Reduction
        Says which parameters these are.
    near : index array
        Those of them that may run into a bound.
    """

    def __init__(
        self,
        target: HistFactoryTarget,
        request: Request,
        hessian: ArrowMatrix | None = None,
        *,
        stiff: NDArray[np.float64] | None = None,
    ) -> None:
        backend, compiled = target.host.backend, target.host.compiled
        self.inverse: SharedInverse | None = None
        with backend.errstate():
            matrix = _fisher(target, request) if hessian is None else hessian
            free = backend.asarray(~request.fixed[None, :], dtype=backend.xp.bool)
            damping = None
            if stiff is not None and stiff.any():
                damping = backend.asarray(stiff) * backend.xp.abs(matrix.diagonal(backend))
            mask = None if not request.fixed.any() else free
            factor = factorize(matrix, backend, free=mask, damping=damping)
            if not bool(factor.ok[0]):
                return
            inverse = factor.inverse()
            self._whole = share(inverse)
            sigma = np.sqrt(backend.to_numpy(inverse.diagonal())[0])
        self._backend, self._free = backend, ~request.fixed
        reduced = Reduction(compiled, request.fixed).metric(self._whole)
        self.inverse = reduced.on(target.backend)
        self.reduction = Reduction(target.compiled, request.fixed)
        self.near = self.reduction.near(_near_bounds(request, sigma))

    def columns(self, parameters: NDArray[np.intp]) -> NDArray[np.float64]:
        """Columns of the inverse, shape (len(parameters), n_parameters); zero where fixed."""
        unit = np.zeros((len(parameters), len(self._free)))
        unit[np.arange(len(parameters)), parameters] = 1.0
        columns = self._backend.to_numpy(self._whole.apply(self._backend.asarray(unit)))
        return np.where(self._free, columns, 0.0)


def _near_bounds(request: Request, sigma: NDArray[np.float64]) -> NDArray[np.intp]:
    distance = np.minimum(request.start - request.lower, request.upper - request.start)
    with np.errstate(divide="ignore", invalid="ignore"):
        closeness = np.where(request.fixed, np.inf, distance / sigma)
    near = np.flatnonzero(closeness < _NEAR_SIGMAS)
    return np.sort(near[np.argsort(closeness[near], kind="stable")][:_MAX_NEAR])


def _fisher(target: HistFactoryTarget, request: Request) -> ArrowMatrix:
    """Fisher information at the start, on the host."""
    backend, compiled = target.host.backend, target.host.compiled
    theta = backend.asarray(request.start[:, None])
    data = compiled.observe(compiled.expected_main(theta))
    return compiled.fisher(compiled.evaluate(theta, data, 2), data)
