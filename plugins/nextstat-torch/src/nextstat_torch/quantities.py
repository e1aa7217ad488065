"""What a session computes of rows of inputs: values with their derivatives, on the host."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from nextstat_torch.likelihood import likelihood

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.infer import InputTest, InputTests
    from nextstat_core.models import ModelInputs

__all__ = ["Flag", "Found", "joined", "nll_of_rows", "of_rows", "significance", "statistic"]

#: Where a significance is taken from the best fit instead: rounding of q is larger than q**2 here.
_NEAR_ZERO = 1e-4


class Flag(enum.IntFlag):
    """What is special about a row, as bits of `Tested.flags`.

    Attributes
    ----------
    CUT
        The best fit lies on the side that does not count: q is 0, and so is its gradient.
    NOT_CONVERGED
        A fit did not converge: the value is what was found, the gradient is 0.
    EMPTY_BIN
        A bin has no yield of samples that have a statistical or shape uncertainty: its gamma is
        held at 1, and nothing comes through its width.
    """

    CUT = 1
    NOT_CONVERGED = 2
    EMPTY_BIN = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Values of rows.

    Attributes
    ----------
    value, mu_hat : float arrays, shape (rows,)
        `mu_hat` is NaN where nothing was fitted.
    gradient : float array, shape (rows, size)
        With respect to the inputs.
    slope : float array, shape (rows, points)
        With respect to what was tested: mu, or all parameters.
    flags : int array, shape (rows,)
    """

    value: NDArray[np.float64]
    gradient: NDArray[np.float64]
    slope: NDArray[np.float64]
    mu_hat: NDArray[np.float64]
    flags: NDArray[np.int64]


def joined(parts: list[Found]) -> Found:
    """Rows of several evaluations, one after the other."""
    columns = [[getattr(part, field.name) for part in parts] for field in fields(Found)]
    return Found(*map(np.concatenate, columns))


def of_rows(
    evaluate: Callable[[NDArray[np.float64], NDArray[np.float64]], Found],
    vectors: NDArray[np.float64],
    points: NDArray[np.float64],
    *,
    together: bool,
) -> Found:
    """All rows at once, or one after the other where each is a model of its own."""
    if together or len(vectors) == 1:
        return evaluate(vectors, points)
    count = len(vectors)
    own = np.repeat(points, count, axis=0) if len(points) == 1 else points
    return joined([evaluate(vectors[i : i + 1], own[i : i + 1]) for i in range(count)])


def statistic(tests: InputTests, vectors: NDArray[np.float64], mu: NDArray[np.float64]) -> Found:
    """A test statistic, 0 with a gradient of 0 where it is cut."""
    found = tests.at(vectors, mu[:, 0])
    flags = _flags(found)
    dead = (flags & (Flag.CUT | Flag.NOT_CONVERGED))[:, None] != 0
    gradient = np.where(dead, 0.0, found.gradient())
    slope = np.where(dead, 0.0, _slope(found))
    return Found(found.tested.q, gradient, slope, found.tested.mu_hat, flags)


def significance(tests: InputTests, vectors: NDArray[np.float64], mu: NDArray[np.float64]) -> Found:
    """The signed root of a likelihood ratio, below 0 where the statistic is cut."""
    found = tests.at(vectors, mu[:, 0])
    flags = _flags(found)
    root = np.sqrt(found.tested.likelihood_ratio)
    sign = np.where(found.tested.cut, -1.0, 1.0)
    dead = (flags & Flag.NOT_CONVERGED) != 0
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(dead | (root < _NEAR_ZERO), 0.0, 0.5 * sign / root)[:, None]
    return Found(
        sign * root,
        weight * found.gradient(),
        weight * _slope(found),
        found.tested.mu_hat,
        flags,
    )


def nll_of_rows(
    inputs: ModelInputs, vectors: NDArray[np.float64], params: NDArray[np.float64]
) -> Found:
    """Minus the log-likelihood at given parameters, with all constants."""
    count = max(len(vectors), len(params))
    theta = np.repeat(params, count, axis=0) if len(params) < count else params
    if all(entry.kind in ("nominal", "data") for entry in inputs.entries):
        given = np.repeat(vectors, count, axis=0) if len(vectors) < count else vectors
        rows = inputs.rows(given)
    else:
        inputs = type(inputs)(inputs.changed(vectors[0]), [e.key for e in inputs.entries])
        rows = inputs.row_inputs(np.repeat(inputs.values[None, :], count, axis=0))
    value, slope = likelihood(inputs.model, rows, theta)
    unknown = np.full(count, np.nan)
    gradient = inputs.gradient(theta, rows)
    return Found(value, gradient, slope, unknown, np.zeros(count, dtype=np.int64))


def _flags(found: InputTest) -> NDArray[np.int64]:
    tested = found.tested
    held = found.rows.idle & ~found.inputs.model.compiled.layout.fixed
    return (
        np.where(tested.cut, Flag.CUT, 0)
        | np.where(tested.converged, 0, Flag.NOT_CONVERGED)
        | np.where(held.any(axis=1), Flag.EMPTY_BIN, 0)
    ).astype(np.int64)


def _slope(found: InputTest) -> NDArray[np.float64]:
    """Derivative of the likelihood ratio with respect to the tested value, (rows, 1)."""
    model, tested = found.inputs.model, found.tested
    poi = model.poi_index()
    assert poi is not None
    _, slopes = likelihood(model, found.rows, tested.held, found.data)
    return 2.0 * slopes[:, poi : poi + 1]
