r"""Conditional optimum of parameters that scale one bin and have an auxiliary measurement.

In its bin the rate is :math:`\nu = a\gamma + c`, with a the part that the parameter scales. With
a Gaussian auxiliary measurement (centre m, width d) the stationary point solves a quadratic in
the rate,

.. math:: \nu = \tfrac12\Big(B + \sqrt{B^2 + 4 n a^2 d^2}\Big), \quad B = c + a m - a^2 d^2, \quad
          \gamma = m + a d^2 (n / \nu - 1),

and with a Poisson one (count k, factor tau) a quadratic in gamma,

.. math:: (a+\tau) a \gamma^2 + \big((a+\tau) c - a (n + k)\big)\gamma - k c = 0,

of which exactly one root has :math:`\gamma > 0` and :math:`\nu > 0`. The problem is convex in one
dimension, so clipping to the bounds is exact. (Barlow and Beeston 1993; Conway, arXiv:1103.0354.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core.stats import poisson_terms

if TYPE_CHECKING:
    from nextstat_core.backend import Backend, SegmentPlan
    from nextstat_core.likelihood.local_plan import LocalPlan
    from nextstat_core.likelihood.observations import Observations
    from nextstat_core.likelihood.plan import RatePlan
    from nextstat_core.typing import Array

__all__ = ["Movable", "SoloProfile"]


@dataclass(frozen=True, slots=True)
class Movable:
    """Data and limits under which parameters may be moved to their conditional optimum.

    `lower` and `upper` have shape (parameters, 1 or rows), `free` (parameters, rows).
    """

    observations: Observations
    lower: Array
    upper: Array
    free: Array


class SoloProfile:
    """The closed form for all parameters of a model that have one."""

    def __init__(self, local: LocalPlan, plan: RatePlan, floor: Array, backend: Backend) -> None:
        self._backend, self._xp = backend, backend.xp
        self._n = len(local.solo)
        if not self._n:
            return
        self._n_gaussian = local.solo_gaussian
        self.index = backend.indices(local.solo)
        self._bin = backend.indices(local.solo_bin)
        self._cells = backend.indices(local.solo_cells)
        self._sum = backend.segment_plan(local.solo_of_cell, self._n)
        self._gaussian = backend.indices(local.solo_constraint[: local.solo_gaussian])
        self._poisson = backend.indices(local.solo_constraint[local.solo_gaussian :])
        self._floor = backend.take(floor, self._bin, axis=0)

    def __bool__(self) -> bool:
        return self._n > 0

    def move(self, theta: Array, bare: Array, to_bins: SegmentPlan, movable: Movable) -> Array:
        """`theta` with these parameters at their conditional optimum.

        Parameters
        ----------
        theta : array, shape (parameters, rows)
        bare : array, shape (cells, rows)
            Yields without cell factors.
        """
        backend, xp = self._backend, self._xp
        data = movable.observations
        scaled = backend.segment_sum(self._sum, backend.take(bare, self._cells, axis=0))
        total = backend.segment_sum(to_bins, bare)
        rest = backend.take(total, self._bin, axis=0) - scaled
        count = xp.broadcast_to(backend.take(data.count, self._bin, axis=0), rest.shape)
        k = self._n_gaussian
        parts = []
        if k:
            center = backend.take(data.center, self._gaussian, axis=0)
            width = backend.take(data.width, self._gaussian, axis=0)
            parts.append(
                _gaussian_optimum(scaled[:k, :], rest[:k, :], count[:k, :], center, width, backend)
            )
        if k < self._n:
            aux = backend.take(data.aux_count, self._poisson, axis=0)
            factor = backend.take(data.aux_factor, self._poisson, axis=0)
            parts.append(
                _poisson_optimum(scaled[k:, :], rest[k:, :], count[k:, :], aux, factor, backend)
            )
        best = parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)
        old = backend.take(theta, self.index, axis=0)
        lower = backend.take(movable.lower, self.index, axis=0)
        upper = backend.take(movable.upper, self.index, axis=0)
        best = xp.minimum(xp.maximum(best, lower), upper)
        low = (count > 0.0) & (scaled * best + rest < self._floor)
        if backend.maybe_true(low):
            refined = self._refine(best, scaled, rest, count, data)
            best = xp.where(low, xp.minimum(xp.maximum(refined, lower), upper), best)
        keep = backend.take(movable.free, self.index, axis=0) & xp.isfinite(best)
        return backend.put_rows(theta + 0.0, self.index, xp.where(keep, best, old))

    def _refine(
        self, value: Array, scaled: Array, rest: Array, count: Array, data: Observations
    ) -> Array:
        """Two Newton steps on the objective with the continued logarithm."""
        xp = self._xp
        for _ in range(2):
            terms = poisson_terms(scaled * value + rest, count, self._floor, xp)
            slope, curvature = self._auxiliary(value, data)
            slope = slope + scaled * terms.slope
            curvature = curvature + scaled * scaled * terms.curvature
            value = value - slope / curvature
        return value

    def _auxiliary(self, value: Array, data: Observations) -> tuple[Array, Array]:
        """Slope and curvature of the auxiliary terms."""
        backend, xp, k = self._backend, self._xp, self._n_gaussian
        weight = backend.take(data.width, self._gaussian, axis=0) ** -2.0
        center = backend.take(data.center, self._gaussian, axis=0)
        aux = backend.take(data.aux_count, self._poisson, axis=0)
        factor = backend.take(data.aux_factor, self._poisson, axis=0)
        gaussian, poisson = value[:k, :], value[k:, :]
        zero = 0.0 * gaussian
        slope = [(gaussian - center) * weight, factor - aux / poisson]
        curvature = [weight + zero, aux / (poisson * poisson)]
        return xp.concat(slope, axis=0), xp.concat(curvature, axis=0)


def _gaussian_optimum(
    a: Array, c: Array, n: Array, center: Array, width: Array, backend: Backend
) -> Array:
    xp = backend.xp
    shift = a * width * width
    middle = c + a * (center - shift)
    spread = 4.0 * n * a * shift
    root = xp.sqrt(middle * middle + spread)
    # The two forms of the same root; the one that adds numbers of one sign is accurate.
    larger = root + xp.abs(middle)
    rate = xp.where(middle < 0.0, spread / (2.0 * larger), 0.5 * larger)
    pull = n / rate
    odd = ~(spread > 0.0)
    if backend.maybe_true(odd):
        pull = xp.where(odd & (rate <= 0.0) | (n == 0.0), 0.0 * pull, pull)
        pull = xp.where(xp.isfinite(pull), pull, xp.zeros_like(pull))
    return center + shift * (pull - 1.0)


def _poisson_optimum(a: Array, c: Array, n: Array, k: Array, tau: Array, backend: Backend) -> Array:
    xp = backend.xp
    both = a + tau
    product = k * c
    linear = both * c - a * (n + k)
    root = 4.0 * both * a
    root *= product
    root += linear * linear
    # The two forms of the same root; the one that adds numbers of one sign is accurate.
    larger = xp.sqrt(xp.maximum(root, 0.0)) + xp.abs(linear)
    value = xp.where(linear <= 0.0, larger / (2.0 * both * a), 2.0 * product / larger)
    odd = (a <= 0.0) | (c < 0.0)
    if not backend.maybe_true(odd):
        return value
    value = xp.where(a == 0.0, k / tau, value)
    # Without counts the rate enters linearly; where it falls faster than tau there is no minimum.
    empty = xp.where(both > 0.0, k / xp.where(both > 0.0, both, 1.0), xp.inf)
    return xp.where(n == 0.0, empty, value)
