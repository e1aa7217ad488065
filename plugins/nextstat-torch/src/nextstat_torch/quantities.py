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

    from nextstat_core.infer import InputLimits, InputTest, InputTests
    from nextstat_core.models import ModelInputs

__all__ = [
    "Flag",
    "Found",
    "best_fit",
    "curvature_of_significance",
    "curvature_of_statistic",
    "exclusion",
    "nll_of_rows",
    "of_rows",
    "significance",
    "statistic",
    "uncertainty",
]

#: Below this a significance is taken from the best fit: the rounding of q has grown too large.
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
    UNDETERMINED
        There is no uncertainty of the best fit, which is at a bound, or no limit: what needs it is
        NaN, and its gradient is 0.
    """

    CUT = 1
    NOT_CONVERGED = 2
    EMPTY_BIN = 4
    UNDETERMINED = 8


@dataclass(frozen=True, slots=True)
class Found:
    """Values of rows.

    Attributes
    ----------
    value, mu_hat : float arrays, shape (rows,)
        `mu_hat` is NaN where no best fit is known.
    gradient : float array, shape (rows, size)
        With respect to the inputs.
    slope : float array, shape (rows, points)
        With respect to what was tested, where that is mu or all parameters; else 0.
    flags : int array, shape (rows,)
    """

    value: NDArray[np.float64]
    gradient: NDArray[np.float64]
    slope: NDArray[np.float64]
    mu_hat: NDArray[np.float64]
    flags: NDArray[np.int64]


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
    return _joined([evaluate(vectors[i : i + 1], own[i : i + 1]) for i in range(count)])


def _joined(parts: list[Found]) -> Found:
    columns = [[getattr(part, field.name) for part in parts] for field in fields(Found)]
    return Found(*map(np.concatenate, columns))


# -- tests: tests of inputs, vectors (1 or rows, size), tested values (1 or rows, 1) ---------------


def statistic(
    tests: InputTests, vectors: NDArray[np.float64], mu: NDArray[np.float64], *, by_mu: bool
) -> Found:
    """A test statistic, 0 with a gradient of 0 where it is cut."""
    found = tests.at(vectors, mu[:, 0])
    flags = _flags(found)
    alive = (flags & (Flag.CUT | Flag.NOT_CONVERGED) == 0)[:, None]
    return _found(
        found, found.tested.q, alive * found.gradient(), alive * _slope(found, by_mu=by_mu), flags
    )


def significance(
    tests: InputTests, vectors: NDArray[np.float64], mu: NDArray[np.float64], *, by_mu: bool
) -> Found:
    r"""The signed root Z of a likelihood ratio, below 0 where the statistic is cut.

    Near 0 it is :math:`\pm(\hat\mu - \mu) / \sigma_\mu`, to which it tends.
    """
    found = tests.at(vectors, mu[:, 0])
    flags = _flags(found)
    root = np.sqrt(found.tested.likelihood_ratio)
    value = np.where(found.tested.cut, -root, root)
    near = root < _NEAR_ZERO
    with np.errstate(divide="ignore"):
        weight = np.where(near, 0.0, 0.5 / value)[:, None]
    gradient, slope = weight * found.gradient(), weight * _slope(found, by_mu=by_mu)
    if near.any():
        sigma = found.sigma_mu()
        known = near & np.isfinite(sigma)
        flags[near & ~known] |= Flag.UNDETERMINED
        side = -tests.statistic.cut / np.where(known, sigma, 1.0)
        value = np.where(known, side * (found.tested.mu_hat - found.tested.mu), value)
        gradient[known] = (side[:, None] * found.gradient_of_mu_hat())[known]
        slope[known] = -side[known, None]
    alive = (flags & Flag.NOT_CONVERGED == 0)[:, None]
    return _found(found, value, alive * gradient, alive * slope, flags)


def best_fit(
    tests: InputTests, vectors: NDArray[np.float64], mu: NDArray[np.float64], *, by_mu: bool
) -> Found:
    """The best fit of the parameter of interest; it does not move where it is at a bound."""
    del by_mu
    found = tests.at(vectors, mu[:, 0])
    flags = _undetermined(found)
    dead = (flags & (Flag.NOT_CONVERGED | Flag.UNDETERMINED) != 0)[:, None]
    gradient = np.where(dead, 0.0, found.gradient_of_mu_hat())
    return _found(found, found.tested.mu_hat, gradient, _slope(found, by_mu=False), flags)


def uncertainty(
    tests: InputTests, vectors: NDArray[np.float64], mu: NDArray[np.float64], *, by_mu: bool
) -> Found:
    """The standard deviation of the best fit."""
    del by_mu
    found = tests.at(vectors, mu[:, 0])
    flags = _undetermined(found)
    dead = (flags & (Flag.NOT_CONVERGED | Flag.UNDETERMINED) != 0)[:, None]
    gradient = np.where(dead, 0.0, found.gradient_of_sigma_mu())
    return _found(found, found.sigma_mu(), gradient, _slope(found, by_mu=False), flags)


def curvature_of_statistic(
    tests: InputTests,
    vectors: NDArray[np.float64],
    mu: NDArray[np.float64],
    direction: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Second derivatives times a direction, (rows, size); 0 where the statistic is cut."""
    found = tests.at(vectors, mu[:, 0])
    dead = _flags(found) & (Flag.CUT | Flag.NOT_CONVERGED) != 0
    return np.where(dead[:, None], 0.0, found.gradient_along(direction))


def curvature_of_significance(
    tests: InputTests,
    vectors: NDArray[np.float64],
    mu: NDArray[np.float64],
    direction: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The same for the signed root; NaN near 0, where they are not known."""
    found = tests.at(vectors, mu[:, 0])
    root = np.sqrt(found.tested.likelihood_ratio)
    known = root >= _NEAR_ZERO
    z = np.where(found.tested.cut, -root, root)[:, None]
    gradient = found.gradient()
    along = np.sum(gradient * direction, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = found.gradient_along(direction) / (2.0 * z) - gradient * along / (4.0 * z**3)
    dead = _flags(found) & Flag.NOT_CONVERGED != 0
    return np.where(dead[:, None], 0.0, np.where(known[:, None], bent, np.nan))


def _found(
    found: InputTest,
    value: NDArray[np.float64],
    gradient: NDArray[np.float64],
    slope: NDArray[np.float64],
    flags: NDArray[np.int64],
) -> Found:
    return Found(value, gradient, slope, found.tested.mu_hat, flags)


def _flags(found: InputTest) -> NDArray[np.int64]:
    tested, likelihood = found.tested, found.likelihood
    held = likelihood.rows.idle & ~likelihood.inputs.model.compiled.layout.fixed
    return (
        np.where(tested.cut, Flag.CUT, 0)
        | np.where(tested.converged, 0, Flag.NOT_CONVERGED)
        | np.where(held.any(axis=1), Flag.EMPTY_BIN, 0)
    ).astype(np.int64)


def _undetermined(found: InputTest) -> NDArray[np.int64]:
    """Flags where nothing is cut, and the best fit has to have an uncertainty."""
    unknown = np.where(np.isfinite(found.sigma_mu()), 0, Flag.UNDETERMINED)
    return (_flags(found) & ~Flag.CUT | unknown).astype(np.int64)


def _slope(found: InputTest, *, by_mu: bool) -> NDArray[np.float64]:
    """Derivative of the likelihood ratio with respect to the tested value, (rows, 1), if wanted."""
    if not by_mu:
        return np.zeros((len(found.tested.mu), 1))
    poi = found.likelihood.inputs.model.poi_index()
    assert poi is not None
    return 2.0 * found.likelihood.slope(found.tested.held)[:, poi : poi + 1]


# -- limits, and the likelihood itself -------------------------------------------------------------


def exclusion(
    limits: InputLimits, vectors: NDArray[np.float64], points: NDArray[np.float64], *, kind: str
) -> Found:
    """Limits and CLs.

    Parameters
    ----------
    points : float array, shape (1 or rows, 2)
        The tested value, without meaning for limits, and the fluctuation N of expected ones.
    kind : {"limit", "expected_limit", "cls", "expected_cls"}
    """
    at, (mu, n_sigma) = limits.at(vectors, len(points)), points.T
    if kind == "limit":
        found = at.observed()
    elif kind == "expected_limit":
        found = at.expected(n_sigma)
    elif kind == "cls":
        found = at.cls(mu)
    else:
        found = at.expected_cls(mu, n_sigma)
    unknown = ~(np.isfinite(found.value) & np.isfinite(found.gradient).all(axis=1))
    failed, count = ~found.converged, len(found.value)
    flags = np.where(unknown, Flag.UNDETERMINED, 0) | np.where(failed, Flag.NOT_CONVERGED, 0)
    return Found(
        found.value,
        np.where((unknown | failed)[:, None], 0.0, found.gradient),
        np.zeros((count, points.shape[1])),
        np.full(count, np.nan),
        flags.astype(np.int64),
    )


def nll_of_rows(
    inputs: ModelInputs, vectors: NDArray[np.float64], params: NDArray[np.float64]
) -> Found:
    """Minus the log-likelihood at given parameters, with all constants."""
    count = max(len(vectors), len(params))
    theta = np.repeat(params, count, axis=0) if len(params) < count else params
    if any(entry.kind not in ("nominal", "data") for entry in inputs.entries):
        inputs = type(inputs)(inputs.changed(vectors[0]), [e.key for e in inputs.entries])
        vectors = inputs.values[None, :]
    rows = inputs.row_inputs(np.repeat(vectors, count, axis=0) if len(vectors) < count else vectors)
    value, slope = likelihood(inputs.model, rows, theta)
    unknown = np.full(count, np.nan)
    return Found(
        value, inputs.gradient(theta, rows), slope, unknown, np.zeros(count, dtype=np.int64)
    )
