"""Start, bounds and fixed parameters of a fit, from what the user said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models.arrays import floats, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.target import Target
    from nextstat_core.typing import ArrayLike

__all__ = ["Request", "make_request"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a fit, as host arrays of shape (n_parameters,).

    For rows that differ they have shape (rows, n_parameters).
    """

    start: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    fixed: NDArray[np.bool_]

    def row(self, i: int) -> Request:
        """The request of one row."""
        parts = (self.start, self.lower, self.upper, self.fixed)
        return Request(*(part if part.ndim == 1 else part[i] for part in parts))  # type: ignore[arg-type]

    def rows(self, rows: slice | NDArray[np.intp]) -> Request:
        """The requests of some rows, which may be one for all."""
        parts = (self.start, self.lower, self.upper, self.fixed)
        return Request(*(part if part.ndim == 1 else part[rows] for part in parts))  # type: ignore[arg-type]

    def holding(self, held: NDArray[np.intp], values: NDArray[np.float64]) -> Request:
        """The request of rows that each hold parameters `held` (rows, n) at `values`.

        A held parameter may stand outside its bounds: it does not move.
        """
        rows = np.arange(len(held))[:, None]
        start, lower, upper = (
            np.array(np.broadcast_to(part, (len(held), part.shape[-1])))
            for part in (self.start, self.lower, self.upper)
        )
        fixed = np.array(np.broadcast_to(self.fixed, start.shape))
        start[rows, held], fixed[rows, held] = values, True
        lower[rows, held] = np.minimum(lower[rows, held], values)
        upper[rows, held] = np.maximum(upper[rows, held], values)
        return Request(start, lower, upper, fixed)


def make_request(
    target: Target,
    *,
    init_pars: ArrayLike | None = None,
    init: Mapping[str, float] | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
) -> Request:
    """Merge a user's wishes with what the model suggests.

    Parameters
    ----------
    init_pars : array-like, shape (n_parameters,), optional
        Start for all parameters.
    init : mapping of name to value, optional
        Start for some.
    fixed : mapping of name to value (None: the start), or names, optional
        Parameters held fixed, besides those that the model fixes.
    bounds : mapping of name to (lower, upper), or one pair per parameter, optional
        Bounds that replace the model's; equal bounds fix a parameter.

    Raises
    ------
    InputError
        For unknown names, wrong lengths, crossed bounds and values that are not finite.
    """
    position = {name: i for i, name in enumerate(target.names)}
    lower, upper = target.lower.copy(), target.upper.copy()
    held = target.fixed.copy()
    start = target.init.copy() if init_pars is None else _vector(init_pars, len(position))
    if init is not None and not isinstance(init, Mapping):
        raise InputError(
            f"`init` maps names to values; found a {type(init).__name__}",
            hint="values of all parameters go to init_pars",
        )
    for name, value in (init or {}).items():
        start[_find(name, position)] = _finite(f"init[{name!r}]", value)
    for i, pair in _pairs(bounds, position):
        lower[i], upper[i] = pair
        held[i] = held[i] or pair[0] == pair[1]
    np.clip(start, lower, upper, out=start)
    for name, wanted in _named(fixed):
        i = _find(name, position)
        held[i] = True
        if wanted is not None:
            start[i] = _finite(f"fixed[{name!r}]", wanted)
    # A fixed parameter may stand outside its bounds: it does not move.
    lower = np.where(held, np.minimum(lower, start), lower)
    upper = np.where(held, np.maximum(upper, start), upper)
    return Request(start, lower, upper, held)


def _vector(values: ArrayLike, count: int) -> NDArray[np.float64]:
    vector = floats("init_pars", values, finite=True)
    if vector.ndim != 1:
        raise InputError(f"`init_pars` has shape {vector.shape}; expected ({count},)")
    if len(vector) != count:
        raise InputError(f"expected init_pars length = model.dim() = {count}, got {len(vector)}")
    return vector


def _find(name: str, position: Mapping[str, int]) -> int:
    if name not in position:
        raise InputError.unknown("parameter", name, list(position))
    return position[name]


def _finite(what: str, value: Any) -> float:
    found = number(what, value)
    if not np.isfinite(found):
        raise InputError(f"`{what}` is {found}; expected a finite number")
    return found


def _named(
    fixed: Mapping[str, float | None] | Iterable[str] | None,
) -> list[tuple[str, float | None]]:
    if fixed is None:
        return []
    if isinstance(fixed, str):
        return [(fixed, None)]
    if isinstance(fixed, Mapping):
        return list(fixed.items())
    return [(name, None) for name in fixed]


def _pairs(
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None,
    position: Mapping[str, int],
) -> list[tuple[int, tuple[float, float]]]:
    if bounds is None:
        return []
    if isinstance(bounds, Mapping):
        listed = [(_find(name, position), name, pair) for name, pair in bounds.items()]
    else:
        pairs = list(floats("bounds", bounds) if hasattr(bounds, "shape") else bounds)
        if len(pairs) != len(position):
            raise InputError.length("bounds", len(position), len(pairs))
        listed = [(i, name, pairs[i]) for i, name in enumerate(position)]
    result = []
    for i, name, pair in listed:
        edges = floats(f"bounds[{name!r}]", pair)
        if edges.shape != (2,):
            raise InputError.length(f"bounds[{name!r}]", 2, edges.size)
        low, high = edges.tolist()
        if not low <= high:
            raise InputError(f"bounds of {name!r} are crossed or not numbers: ({low}, {high})")
        if not (low < np.inf and high > -np.inf):
            raise InputError(f"bounds of {name!r} hold no finite number: ({low}, {high})")
        result.append((i, (low, high)))
    return result
