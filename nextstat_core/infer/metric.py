"""The metric that all rows of one hypothesis share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer.reduced import Reduction
from nextstat_core.linalg import factorize, share

if TYPE_CHECKING:
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import HistFactoryTarget
    from nextstat_core.linalg import SharedInverse

__all__ = ["SharedMetric"]

# Parameters closer than this to a bound, in standard deviations, may run into it ...
_NEAR_SIGMAS = 6.0
# ... and at most so many are treated exactly.
_MAX_NEAR = 12


class SharedMetric:
    """Fisher information at the start, inverted once over the free parameters.

    It is made in float64 on the host, and serves on the backend of `target`.
    """

    def __init__(self, target: HistFactoryTarget, request: Request) -> None:
        backend, compiled = target.host.backend, target.host.compiled
        self.inverse: SharedInverse | None = None
        theta = backend.asarray(request.start[:, None])
        with backend.errstate():
            expected = compiled.expected_main(theta)
            data = compiled.observe(expected)
            fisher = compiled.fisher(compiled.evaluate(theta, data, 2), data)
            free = backend.asarray(~request.fixed[None, :], dtype=backend.xp.bool)
            factor = factorize(fisher, backend, free=None if not request.fixed.any() else free)
            if not bool(factor.ok[0]):
                # A singular metric says nothing about the shape; every row goes to Newton.
                return
            inverse = factor.inverse()
            self.inverse = share(inverse)
            sigma = np.sqrt(backend.to_numpy(inverse.diagonal())[0])
        distance = np.minimum(request.start - request.lower, request.upper - request.start)
        with np.errstate(divide="ignore", invalid="ignore"):
            closeness = np.where(request.fixed, np.inf, distance / sigma)
        near = np.flatnonzero(closeness < _NEAR_SIGMAS)
        near = np.sort(near[np.argsort(closeness[near], kind="stable")][:_MAX_NEAR])
        reduced = Reduction(compiled, request.fixed).metric(self.inverse)
        self.inverse = reduced.on(target.backend)
        self.reduction = Reduction(target.compiled, request.fixed)
        self.near = self.reduction.near(near)
