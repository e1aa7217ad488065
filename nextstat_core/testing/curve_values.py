"""Curves of a plugin, evaluated with a check of what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import array_api_compat.numpy as numpy_namespace
import numpy as np

from nextstat_core.ir import CellFactor
from nextstat_core.likelihood.curve_plan import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nextstat_core.ir import Curve, Family, Parameter, Term

__all__ = ["PARTS", "check_shapes", "curves_of", "evaluate", "line", "values"]

#: What a family returns.
PARTS = ("value", "first derivative", "second derivative")


def curves_of(terms: Sequence[Term]) -> Iterator[tuple[Curve, str]]:
    """Distinct curves with a family, each with the name of its parameter."""
    seen = set()
    for term in terms:
        pairs = (
            zip(term.curves, term.parameters, strict=True)
            if isinstance(term, CellFactor)
            else [(term.curve, term.parameter)]
        )
        for pair in pairs:
            if pair[0].family is not None and pair not in seen:
                seen.add(pair)
                yield pair


def line(
    parameter: Parameter, *, kink: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of a parameter around its start, and their distances to bounds (and to a kink)."""
    start = parameter.init
    low = max(start - 3.0, start - 0.9 * (start - parameter.lower))
    high = min(start + 3.0, start + 0.9 * (parameter.upper - start))
    points = low + (high - low) * (np.arange(12.0) + 0.37) / 12.0
    room = np.minimum(points - parameter.lower, parameter.upper - points)
    return points, np.minimum(room, np.abs(points)) if kink else room


def evaluate(
    family: Family, x: NDArray[np.float64], coefficients: NDArray[np.float64], order: int = 2
) -> tuple[NDArray[np.float64], ...]:
    """Call a family as the likelihood does, and hold what it returns against what it owes.

    Parameters
    ----------
    family : Family
    x : float array, shape (members, rows)
    coefficients : float array, shape (n_coefficients, members)
    order : {0, 1, 2}

    Returns
    -------
    tuple of float array, each of shape (members, rows)
        The value and the derivatives up to `order`.

    Raises
    ------
    AssertionError
        If one of them is missing or has another shape; the message names the family.
    """
    name = type(family).__name__
    with np.errstate(all="ignore"):
        found: Any = family(x, prepared(family, coefficients)[:, :, None], numpy_namespace, order)
    assert isinstance(found, tuple), f"{name}: returned a {type(found).__name__}, expected a tuple"
    assert len(found) == len(PARTS), f"{name}: returned {len(found)} things, expected {len(PARTS)}"
    for part, what in zip(found[: order + 1], PARTS, strict=False):
        assert part is not None, f"{name}: the {what} is None, but order={order} asks for it"
        assert np.shape(part) == x.shape, (
            f"{name}: the {what} has shape {np.shape(part)}, expected (members, rows) = {x.shape}; "
            "add `+ 0.0 * x` to a constant"
        )
    return tuple(np.asarray(part) for part in found[: order + 1])


def values(
    curve: Curve, points: NDArray[np.float64], order: int = 2
) -> tuple[NDArray[np.float64], ...]:
    """Value and derivatives of one curve, each of the shape of `points`, (rows,)."""
    assert curve.family is not None
    coefficients = np.asarray(curve.coefficients, dtype=float)[:, None]
    return tuple(part[0] for part in evaluate(curve.family, points[None, :], coefficients, order))


def check_shapes(curve: Curve, parameter: Parameter) -> None:
    """Evaluate two members at once; see `evaluate`."""
    assert curve.family is not None
    points, _ = line(parameter)
    coefficients = np.asarray([curve.coefficients] * 2, dtype=float).T
    evaluate(curve.family, np.stack([points, points[::-1]]), coefficients)
