r"""The likelihood at fixed parameters as a function of one sample's yields.

The rate of a bin is affine in a nominal yield, :math:`\nu_b = A_b + F_b s_b`: the other samples,
and the product of all factors on this one. So two evaluations of the model give all others, where
no constraint is made from the yields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.models import ModelInputs
    from nextstat_core.typing import ArrayLike

__all__ = ["FixedLikelihood", "cells_of", "widths_move"]


class FixedLikelihood:
    """Negative log-likelihoods, constants included.

    Parameters
    ----------
    inputs : ModelInputs
        Nominal yields of one sample.
    theta : array-like, shape (n_params,)
    lowest : float array, shape (bins,)
        No yield is below.

    Raises
    ------
    InputError
        If there are not as many parameters as the model has, or one is not finite.
    """

    def __init__(self, inputs: ModelInputs, theta: ArrayLike, lowest: NDArray[np.float64]) -> None:
        self._inputs, self._compiled = inputs, inputs.model.on_host
        self._theta = np.asarray(theta, dtype=np.float64)
        expected = inputs.model.n_params()
        if self._theta.shape != (expected,):
            raise InputError.length("fixed_params", expected, self._theta.size)
        if not np.isfinite(self._theta).all():
            raise InputError("`fixed_params` has entries that are not finite")
        self._count, self._slope, rest = self._line()
        self._rest = rest
        least = rest + self._slope * lowest
        # Below its floor the likelihood continues in another form.
        straight = bool(np.all(self._slope >= 0.0) and np.all(least > self._floors()))
        self._affine = straight and not widths_move(inputs)
        self._constant = 0.0
        if self._affine:
            base = inputs.values
            self._constant = float(self._general(base[None, :])[0] - self._of_line(base))

    def of(self, yields: NDArray[np.float64]) -> NDArray[np.float64]:
        """At yields of shape (bins,) or (rows, bins): a scalar, or shape (rows,)."""
        if self._affine:
            return self._of_line(yields)
        found = self._general(np.atleast_2d(yields))
        return found[0] if yields.ndim == 1 else found

    def _of_line(self, yields: NDArray[np.float64]) -> NDArray[np.float64]:
        rate = yields * self._slope
        rate += self._rest
        np.log(rate, out=rate)
        return yields.dot(self._slope) - rate.dot(self._count) + self._constant

    def _general(self, yields: NDArray[np.float64]) -> NDArray[np.float64]:
        compiled, rows = self._compiled, self._inputs.rows(yields)
        observed = compiled.observe(
            rows.main.T,
            width=rows.width.T,
            aux_count=rows.count.T,
            aux_factor=rows.factor.T,
        )
        theta = np.repeat(self._theta[:, None], len(yields), axis=1)
        theta = np.where(rows.idle.T & ~compiled.layout.fixed[:, None], 1.0, theta)
        at = compiled.evaluate(theta, observed, 0, nominal=rows.yields.T)
        return at.nll + compiled.constant(observed)

    def _line(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Observed counts, slopes and what is there without the sample, of its channel's bins."""
        compiled = self._compiled
        ends = np.stack([np.zeros(self._inputs.size), np.ones(self._inputs.size)])
        rows = self._inputs.rows(ends)
        theta = np.repeat(self._theta[:, None], 2, axis=1)
        with compiled.backend.errstate():
            rates = compiled.kernel.forward(theta, 0, nominal=np.ascontiguousarray(rows.yields.T))
        main = compiled.to_main(rates.rate)[self._bins()]
        count = self._inputs.model.observed_main[self._bins()]
        return count, main[:, 1] - main[:, 0], main[:, 0]

    def _floors(self) -> NDArray[np.float64]:
        return self._compiled.to_main(self._compiled.floor)[self._bins(), 0]

    def _bins(self) -> slice:
        return self._inputs.model.main_bins.channels[self._inputs.entries[0].channel]


def cells_of(inputs: ModelInputs) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Yields of all cells of the model, and which cells are the inputs, in their order."""
    own = inputs.values
    rising = own.max() + 1.0 + np.arange(len(own))
    yields = inputs.rows(np.stack([own, rising])).yields
    changed = np.flatnonzero(yields[0] != yields[1])
    return yields[0], changed[np.argsort(yields[1, changed])]


def widths_move(inputs: ModelInputs) -> bool:
    """Whether constraints are made from the yields, as those of a staterror are."""
    own = inputs.values
    rows = inputs.rows(np.stack([own, 1.1 * own + 1.0]))
    parts = (rows.width, rows.factor, rows.count, rows.idle)
    return any(not np.array_equal(part[0], part[1]) for part in parts)
