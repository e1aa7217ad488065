"""The box in which a surrogate is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import ArrayLike

__all__ = ["bounds_around", "checked_bounds", "default_bounds"]

#: Half width of the default box, in the units of each parameter.
_REACH = 5.0


def default_bounds(model: StatisticalModel) -> NDArray[np.float64]:
    """The model's bounds, at most 5 away from its start values; shape (n_params, 2).

    For constrained parameters this is five prefit standard deviations. Parameters of other units,
    statistical ones above all, get far more: see `bounds_around`.
    """
    init = np.asarray(model.suggested_init(), dtype=float)
    lower, upper = _bounds_of(model)
    return np.stack([np.maximum(lower, init - _REACH), np.minimum(upper, init + _REACH)], axis=1)


def bounds_around(
    model: StatisticalModel,
    center: ArrayLike,
    uncertainties: ArrayLike,
    *,
    n_sigma: float = 3.0,
) -> NDArray[np.float64]:
    """A box around a best fit, inside the model's bounds.

    Parameters
    ----------
    model : StatisticalModel
    center, uncertainties : array-like, shape (n_params,)
        Values and standard deviations: ``result.parameters`` and ``result.uncertainties`` of a
        fit. A fixed parameter stays where it is, an infinite uncertainty (the data do not
        determine the parameter) leaves the model's bounds.
    n_sigma : float
        Half the width of the box in standard deviations.

    Returns
    -------
    float array, shape (n_params, 2)
        In the units of the parameters.

    Raises
    ------
    InputError
        If an argument has the wrong length, is not finite, or is negative where it may not be.
    """
    count = model.n_params()
    middle = _vector("center", center, count)
    if not np.isfinite(middle).all():
        raise InputError("`center` has entries that are not finite; expected numbers")
    lower, upper = _bounds_of(model)
    width = np.where(lower == upper, 0.0, _vector("uncertainties", uncertainties, count))
    if not (width >= 0).all():
        first = int(np.flatnonzero(~(width >= 0))[0])
        raise InputError(f"`uncertainties[{first}]` is {width[first]:g}; expected zero or more")
    if not (np.isfinite(n_sigma) and n_sigma > 0):
        raise InputError(f"`n_sigma` is {n_sigma}; expected a finite number above zero")
    ends = [np.clip(middle + side * n_sigma * width, lower, upper) for side in (-1.0, 1.0)]
    return checked_bounds(np.stack(ends, axis=1), model.parameter_names())


def checked_bounds(bounds: ArrayLike, names: list[str]) -> NDArray[np.float64]:
    """`bounds` as an array of shape (n_params, 2), finite, lower ends first.

    Raises
    ------
    InputError
        With the name of the first parameter that has none.
    """
    box = floats("bounds", bounds)
    if box.shape != (len(names), 2):
        raise InputError(f"`bounds` has shape {box.shape}; expected ({len(names)}, 2)")
    bad = ~np.isfinite(box).all(axis=1) | (box[:, 0] > box[:, 1])
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"`bounds` of the parameter {names[first]!r} are {box[first].tolist()}; "
            "expected two finite numbers, the lower one first"
        )
    return box


def _bounds_of(model: StatisticalModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pairs = np.asarray(model.suggested_bounds(), dtype=float).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _vector(what: str, values: ArrayLike, count: int) -> NDArray[np.float64]:
    vector = floats(what, values)
    if vector.shape != (count,):
        raise InputError(f"`{what}` has shape {vector.shape}; expected ({count},)")
    return vector
