"""Tests of rows whose yields change little from one call to the next.

Each row has two fits: the free one, and that with the signal held. They start at the last
solutions and take Newton steps with the Hessian of an earlier call (chord steps), which costs a
gradient each; Hessians are made anew where steps gain too little. Rows that do not get to the
minimum that way, and models for which it does not pay, are tested by `InputTests`.

A gradient of a small model is mostly the cost of calling its parts. Models that
`QuadraticLikelihood` can express get theirs from it, in a quarter of the time, and models of one
signal strength and a gamma per bin need none: `StrengthTests` are for these.

Where the yields expect nothing without the signal, the fit without it does not depend on them: it
is done once.

With interpolated systematics the profile likelihood can have two modes, and from its last solution
a fit would stay in one that is no longer the lower one. There the signal is held in two fits, of
which one starts where the pulls of these systematics are reversed; the lower minimum counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer import InputTests
from nextstat_core.infer.poi import lifted
from nextstat_core.infer.request import make_request
from nextstat_core.infer.statistics import statistic_of
from nextstat_core.infer.target import histfactory_target
from nextstat_gym.likelihood import cells_of, widths_move
from nextstat_gym.quadratic import QuadraticLikelihood
from nextstat_gym.strength_plan import strength_likelihood
from nextstat_gym.strength_tests import StrengthTests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.likelihood import Observations
    from nextstat_core.models import ModelInputs

__all__ = ["NearbyTests"]

# Parameters up to which dense Hessians of all rows pay.
_DENSE = 64
_STEPS = 12
# Distance to the minimum at which a step ends; what it says is taken off the value.
_CLOSE = 1e-8
# Gain of a step below which the Hessian is too old.
_GAIN = 0.05
# Minima that differ by more are of different modes.
_APART = 1e-6


class NearbyTests:
    """One statistic of one model, again and again.

    Parameters
    ----------
    inputs : ModelInputs
        Nominal yields of one sample.
    test_stat : {"q0", "qtilde"}
    mu : float
        The tested signal.
    base : float array, shape (bins,)
        Yields from which rows start.

    Raises
    ------
    MissingPOIError
        If the model has no parameter of interest.
    """

    def __init__(
        self, inputs: ModelInputs, test_stat: TestStatistic, mu: float, base: NDArray[np.float64]
    ) -> None:
        self._inputs, self._compiled = inputs, inputs.model.on_host
        self._tests = InputTests(inputs, test_stat=test_stat)
        self._statistic = statistic_of(test_stat)
        self._mu = np.array([mu])
        target = histfactory_target(inputs.model, "environments")
        assert target.poi is not None
        self._poi = target.poi
        request = self._statistic.request(target, make_request(target), self._poi)
        request = lifted(request, self._poi, mu)
        self._lower, self._upper, self._fixed = request.lower, request.upper, request.fixed
        first = self._tests.at(base[None, :], self._mu).tested
        pulled = np.array(_interpolated(inputs), dtype=np.intp)
        self._pulled = pulled[np.isfinite(target.centers[pulled])]
        self._centers = target.centers[self._pulled]
        self._moves = widths_move(inputs)
        self._own, self._cells = cells_of(inputs)
        alone = mu == 0.0 and not self._moves and self._vanishes()
        self._fits = 1 if alone else 3 if len(self._pulled) else 2
        self._start = np.concatenate([first.free, *[first.held] * (self._fits - 1)])
        compiled = self._compiled
        self._near = (
            len(self._fixed) <= _DENSE
            and not compiled.plan.kinks.size
            and bool(first.converged.all())
        )
        likelihood = strength_likelihood(inputs, request, self._poi)
        self._strength = None
        if likelihood is not None:
            low, high = request.lower[self._poi].item(), request.upper[self._poi].item()
            # Beyond `mu` the statistic is zero.
            span = (mu, high) if self._statistic.cut < 0 else (low, mu)
            self._strength = StrengthTests(
                self._tests, likelihood, mu, span, first.mu_hat[0].item()
            )
        slow = len(self._pulled) or self._moves or self._strength
        self._quick = QuadraticLikelihood.of(inputs) if self._near and not slow else None
        self._least, self._offset = (
            self._at_zero(first.held, base[None, :]) if alone else (0.0, 0.0)
        )
        held = np.arange(len(self._fixed)) == self._poi
        self._held = np.stack([self._fixed, *[self._fixed | held] * (self._fits - 1)])
        self._theta = np.zeros((0, len(self._fixed)))
        self._inverse = np.zeros((0, 0, 0))
        self._free = self._movable = np.zeros((0, 0), dtype=bool)

    def restart(self, rows: NDArray[np.intp] | None = None) -> None:
        """Start rows, or all of them, from the solution at `base` again."""
        if self._strength is not None:
            self._strength.restart(rows)
        elif rows is None:
            self._theta = self._theta[:0]
        elif len(self._theta):
            self._by_fit()[:, rows] = self._start[:, None]
            self._inverse = self._inverse[:0]

    def _by_fit(self) -> NDArray[np.float64]:
        """Last solutions, shape (fits, rows, n_params)."""
        return self._theta.reshape(self._fits, -1, len(self._fixed))

    def one(self, yields: NDArray[np.float64]) -> tuple[float, bool]:
        """The same of one row, shape (bins,)."""
        if self._strength is not None:
            return self._strength.one(yields)
        q, converged = self.at(yields[None, :])
        return q[0].item(), bool(converged[0])

    def at(self, yields: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Statistics of rows of yields, shape (rows, bins), and whether their fits converged."""
        if self._strength is not None:
            return self._strength.at(yields)
        if not self._near:
            tested = self._tests.at(yields, self._mu).tested
            return tested.q, tested.converged
        value, done = (x.reshape(self._fits, -1) for x in self._solve(yields))
        found, theta = done[0], self._by_fit()
        # What follows below counts for rows that were not found here.
        value = np.where(done, value, 1e300)
        held = value[1] if self._fits > 1 else self._least
        if self._fits > 1:
            found = found & done[1:].any(axis=0)
        if self._fits > 2:
            lower = value[2] < value[1] - _APART
            theta[1, lower] = theta[2, lower]
            held = np.minimum(held, value[2])
        ratio = np.maximum(2.0 * (held - value[0]), 0.0)
        cut = self._statistic.cut * (theta[0, :, self._poi] - self._mu) > 0.0
        q = np.where(cut, 0.0, ratio)
        if not found.all():
            rows = np.flatnonzero(~found)
            tested = self._tests.at(yields[rows], self._mu).tested
            q[rows], found[rows] = tested.q, tested.converged
            theta[0, rows], theta[1:, rows] = tested.free, tested.held
            self._inverse = self._inverse[:0]
        return q, found

    def _solve(self, yields: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Minimise all rows, free ones first; values without constants, and where it succeeded."""
        total = self._fits * len(yields)
        if len(self._theta) != total:
            self._theta = np.repeat(self._start, len(yields), axis=0)
            self._inverse = self._inverse[:0]
            self._movable = np.repeat(~self._held, len(yields), axis=0)
        elif self._fits > 2:
            self._reflect()
        repeated = np.concatenate([yields] * self._fits)
        rows = None if self._quick else self._rows(repeated)
        theta, before = self._theta, np.inf
        for _ in range(_STEPS):
            fresh = len(self._inverse) != total
            if fresh or self._quick is None:
                nominal, data = rows = rows or self._rows(repeated)
                at = self._compiled.evaluate(theta.T, data, 2 if fresh else 1, nominal=nominal)
                assert at.gradient is not None
                value, gradient = at.nll, at.gradient.T
            else:
                value, gradient = self._quick.at(theta, repeated)
                value += self._offset
            free = self._movable
            if not np.all((theta > self._lower) & (theta < self._upper)):
                inward = ((theta > self._lower) | (gradient <= 0.0)) & (
                    (theta < self._upper) | (gradient >= 0.0)
                )
                free = free & inward
            if fresh:
                hessian = self._compiled.hessian(at, data).full(self._compiled.backend)
                self._inverse, self._free = _inverses(hessian, free), free
            elif free is not self._free and not np.array_equal(free, self._free):
                self._inverse = self._inverse[:0]
                continue
            step = (self._inverse @ gradient[:, :, None])[:, :, 0]
            distance = 0.5 * np.vecdot(step, gradient)
            worst = float(np.abs(distance).max())
            theta = np.minimum(np.maximum(theta - step, self._lower), self._upper)
            if worst < _CLOSE:
                break
            if not fresh and worst > _GAIN * before:
                self._inverse = self._inverse[:0]
            before = worst
        self._theta = theta
        return value - distance, (distance >= -_CLOSE) & (distance < _CLOSE)

    def _vanishes(self) -> bool:
        """Whether the yields expect nothing where the signal is zero, whatever else is."""
        theta = np.random.default_rng(0).uniform(0.2, 0.9, (len(self._fixed), 3))
        theta[self._poi] = 0.0
        with self._compiled.backend.errstate():
            cells = self._compiled.expected_cells(theta)[self._cells]
        return bool(np.all(self._inputs.values > 0.0)) and not np.any(cells)

    def _at_zero(
        self, held: NDArray[np.float64], yields: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Value at the minimum without signal, and by how much the quick likelihood's is less."""
        nominal, data = self._rows(yields)
        value = float(self._compiled.evaluate(held.T, data, 0, nominal=nominal).nll[0])
        if self._quick is None:
            return value, 0.0
        return value, value - float(self._quick.at(held, yields)[0][0])

    def _reflect(self) -> None:
        """Start the second held fit where the pulls of the first are reversed."""
        theta = self._by_fit()
        theta[2] = theta[1]
        reversed_pulls = 2.0 * self._centers - theta[1][:, self._pulled]
        theta[2][:, self._pulled] = np.clip(
            reversed_pulls, self._lower[self._pulled], self._upper[self._pulled]
        )

    def _rows(self, yields: NDArray[np.float64]) -> tuple[NDArray[np.float64], Observations]:
        """Yields of all cells, and data, of the rows of all fits."""
        if not self._moves:
            nominal = np.repeat(self._own[:, None], len(yields), axis=1)
            nominal[self._cells] = yields.T
            return nominal, self._inputs.model.observations
        rows = self._inputs.rows(yields)
        data = self._compiled.observe(
            rows.main.T, width=rows.width.T, aux_count=rows.count.T, aux_factor=rows.factor.T
        )
        return np.ascontiguousarray(rows.yields.T), data


def _inverses(hessian: NDArray[np.float64], free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Inverse Hessians of free parameters, zero for others; NaN where there is no minimum."""
    both = free[:, :, None] & free[:, None, :]
    own = np.eye(hessian.shape[1])
    try:
        inverse = np.linalg.inv(np.where(both, hessian, own))
    except np.linalg.LinAlgError:  # of some row: all are tested from scratch
        return np.full(hessian.shape, np.nan)
    rising = np.all(np.diagonal(inverse, axis1=1, axis2=2) > 0.0, axis=1)
    return np.where(
        both & rising[:, None, None], inverse, np.where(rising, 0.0, np.nan)[:, None, None]
    )


def _interpolated(inputs: ModelInputs) -> list[int]:
    """Parameters by which templates and factors are interpolated."""
    names = {
        modifier.parameters[0]
        for channel in inputs.model.ir.channels
        for sample in channel.samples
        for modifier in sample.modifiers
        if modifier.kind in ("histosys", "normsys")
    }
    return [i for i, name in enumerate(inputs.model.parameter_names()) if name in names]
