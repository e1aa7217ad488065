"""Points in a box of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["METHODS", "draw"]

#: Points of a sequence that are drawn at once; a power of two, as scipy wants the first ones.
_BLOCK = 1024
#: Sobol's sequence as scipy has it: bits of a point, and dimensions of the table.
_SOBOL_BITS, _SOBOL_DIMENSIONS = 30, 21201


def _sobol(n: int, box: _Box, random: np.random.Generator) -> NDArray[np.float64]:
    """The first points of a scrambled Sobol sequence."""
    from scipy.stats import qmc

    if len(box.lower) > _SOBOL_DIMENSIONS or n > 2**_SOBOL_BITS:
        raise InputError(
            f"Sobol's sequence has {_SOBOL_DIMENSIONS} dimensions and 2**{_SOBOL_BITS} points; "
            f"asked for {n} points of {len(box.lower)} parameters",
            hint='method="lhs" has no such limits',
        )
    sequence = qmc.Sobol(len(box.lower), scramble=True, seed=random)
    points = np.empty((n, len(box.lower)))
    for start in range(0, n, _BLOCK):
        # Whole blocks, cut afterwards: a first block of another size would be no balanced one.
        block = points[start : start + _BLOCK]
        block[:] = box.scaled(sequence.random(_BLOCK))[: len(block)]
    return points


def _lhs(n: int, box: _Box, random: np.random.Generator) -> NDArray[np.float64]:
    """A Latin hypercube: every parameter has one point in each of `n` equal slices."""
    from scipy.stats import qmc

    return box.scaled(qmc.LatinHypercube(len(box.lower), seed=random).random(n))


def _uniform(n: int, box: _Box, random: np.random.Generator) -> NDArray[np.float64]:
    return box.scaled(random.random((n, len(box.lower))))


def _gaussian(n: int, box: _Box, random: np.random.Generator) -> NDArray[np.float64]:
    """Normal around the centre with a sixth of the width, cut to the box."""
    points = random.standard_normal((n, len(box.lower)))
    points *= (box.upper - box.lower) / 6.0
    points += box.center
    return np.clip(points, box.lower, box.upper, out=points)


class _Box:
    """Ends of a box and the middle of what is drawn in it, each of shape (n_params,)."""

    def __init__(self, bounds: NDArray[np.float64], center: NDArray[np.float64]) -> None:
        self.lower, self.upper = bounds[:, 0], bounds[:, 1]
        self.center = np.clip(center, self.lower, self.upper)

    def scaled(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the unit cube in the box, in the same memory."""
        unit *= self.upper - self.lower
        unit += self.lower
        return np.clip(unit, self.lower, self.upper, out=unit)  # rounding may step over the end


_DRAWERS: dict[str, Callable[[int, _Box, np.random.Generator], NDArray[np.float64]]] = {
    "sobol": _sobol,
    "lhs": _lhs,
    "uniform": _uniform,
    "gaussian": _gaussian,
}
#: Names of the ways to draw points.
METHODS = tuple(_DRAWERS)


def draw(
    method: str,
    n_samples: int,
    bounds: NDArray[np.float64],
    center: NDArray[np.float64],
    *,
    seed: int = 42,
) -> NDArray[np.float64]:
    """Draw points in a box; the same seed gives the same bits.

    Parameters
    ----------
    method : {"sobol", "lhs", "uniform", "gaussian"}
        A scrambled Sobol sequence (balanced if `n_samples` is a power of two), a Latin hypercube,
        independent points, or normal ones around `center` with a sixth of the box as their
        standard deviation, cut to the box.
    n_samples : int
        How many, at least one.
    bounds : float array, shape (n_params, 2)
        Finite; equal ends hold a parameter.
    center : float array, shape (n_params,)
        The middle of normal points; moved into the box where it is outside.
    seed : int
        Zero or more.

    Returns
    -------
    float array, shape (n_samples, n_params)

    Raises
    ------
    InputError
        If the method is unknown, or a number cannot be used.
    """
    if method not in _DRAWERS:
        raise InputError(f"method must be one of {list(METHODS)}; found {method!r}")
    for what, value, least in (("n_samples", n_samples, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"`{what}` is {value!r}; expected an integer of at least {least}")
    return _DRAWERS[method](n_samples, _Box(bounds, center), np.random.default_rng(seed))
