r"""A likelihood whose rates are quadratic in the parameters, in a few products of small matrices.

Without interpolated systematics a rate is a sum of products of normalisations and gammas. Where
none has more than two factors it is :math:`\nu = A(\theta) + s F(\theta)` with polynomials of
second degree, whose coefficients the model itself gives at a few points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.models import ModelInputs

__all__ = ["QuadraticLikelihood"]

# Relative error of rates at other points below which they are what was found.
_EQUAL = 1e-11


class QuadraticLikelihood:
    """Negative log-likelihoods and gradients of rows that differ in one sample's yields."""

    def __init__(self, inputs: ModelInputs, terms: NDArray[np.float64]) -> None:
        compiled = inputs.model.on_host
        layout = compiled.layout
        self._origin = np.asarray(inputs.model.suggested_init())
        n = len(self._origin)
        first, second = np.triu_indices(n)
        # Products that occur; the constant and linear terms always do.
        used = np.any(terms[:, 1 + n :] != 0.0, axis=(0, 2))
        self._first, self._second = first[used], second[used]
        kept = np.concatenate([np.ones(1 + n, dtype=bool), used])
        where = inputs.model.main_bins.channels[inputs.entries[0].channel]
        self._rest, self._own = terms[0][kept], np.ascontiguousarray(terms[1][kept][:, where])
        self._where = where
        unit = np.eye(n)
        self._to_first, self._to_second = unit[self._first], unit[self._second]
        self._count = inputs.model.observed_main
        self._floor = compiled.to_main(compiled.floor)[:, 0]
        self._gaussian, self._poisson = layout.gaussian, layout.poisson
        self._center, self._weight = layout.center, 1.0 / (layout.width * layout.width)
        self._factor, self._aux = layout.factor, layout.count

    @classmethod
    def of(cls, inputs: ModelInputs) -> Self | None:
        """That of a model; None where its rates are no such polynomials."""
        compiled = inputs.model.on_host
        origin = np.asarray(inputs.model.suggested_init())
        n = len(origin)
        first, second = np.triu_indices(n)
        unit = np.eye(n)
        moves = np.concatenate([np.zeros((1, n)), unit, -unit, unit[first] + unit[second]])
        tries = np.random.default_rng(0).uniform(-0.5, 0.5, (8, n))
        parts = []
        for yields in (0.0, 1.0):
            rows = inputs.rows(np.full((1, inputs.size), yields)).yields
            theta = (origin + np.concatenate([moves, tries])).T
            with compiled.backend.errstate():
                found = compiled.kernel.forward(
                    theta, 0, nominal=np.repeat(rows.T, theta.shape[1], 1)
                )
            parts.append(compiled.to_main(found.rate).T)
        rates = np.stack([parts[0], parts[1] - parts[0]])
        base, up, down = rates[:, :1], rates[:, 1 : 1 + n], rates[:, 1 + n : 1 + 2 * n]
        square = 0.5 * (up + down) - base
        linear = 0.5 * (up - down)
        both = rates[:, 1 + 2 * n : -len(tries)] - up[:, first] - up[:, second] + base
        products = np.where((first == second)[None, :, None], square[:, first], both)
        size = np.abs(rates).max(axis=(0, 1)) + 1e-300
        products[np.abs(products) < 1e-13 * size] = 0.0
        terms = np.concatenate([base, linear, products], axis=1)
        features = np.concatenate(
            [np.ones((len(tries), 1)), tries, tries[:, first] * tries[:, second]], axis=1
        )
        error = np.abs(features @ terms - rates[:, -len(tries) :])
        return cls(inputs, terms) if bool(np.all(error <= _EQUAL * size)) else None

    def at(
        self, theta: NDArray[np.float64], yields: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values up to a constant that all rows share, (rows,), and gradients, (rows, n_params).

        NaN where a rate is so low that the likelihood continues in another form.
        """
        n = theta.shape[1]
        x = theta - self._origin
        a, b = x[:, self._first], x[:, self._second]
        features = np.empty((len(x), 1 + n + len(self._first)))
        features[:, 0] = 1.0
        features[:, 1 : 1 + n] = x
        np.multiply(a, b, out=features[:, 1 + n :])
        rate = features @ self._rest
        rate[:, self._where] += yields * (features @ self._own)
        rate = np.where(rate > self._floor, rate, np.nan)
        slope = 1.0 - self._count / rate
        by_feature = slope @ self._rest.T + (slope[:, self._where] * yields) @ self._own.T
        products = by_feature[:, 1 + n :]
        gradient = by_feature[:, 1 : 1 + n]
        gradient += (products * b) @ self._to_first + (products * a) @ self._to_second
        value = rate.sum(axis=1) - np.log(rate) @ self._count
        if len(self._gaussian):
            pull = theta[:, self._gaussian] - self._center
            weighted = pull * self._weight
            value += 0.5 * np.vecdot(pull, weighted)
            gradient[:, self._gaussian] += weighted
        if len(self._poisson):
            gamma = theta[:, self._poisson]
            value += gamma @ self._factor - np.log(gamma) @ self._aux
            gradient[:, self._poisson] += self._factor - self._aux / gamma
        return value, gradient
