"""The parameter vector as host arrays: bounds, start, constraints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.ir import GaussianConstraint, PoissonConstraint

if TYPE_CHECKING:
    from nextstat_core.ir import Model

__all__ = ["Layout", "make_layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Parameter vector on the host; index arrays point into it.

    Attributes
    ----------
    names : tuple of str
    init, lower, upper : float arrays, shape (n_parameters,)
    fixed : bool array, shape (n_parameters,)
    poi : int or None
    gaussian, poisson : int arrays
        Parameters with a Gaussian or Poisson auxiliary measurement.
    center, width : float arrays, shape (n_gaussian,)
    count, factor : float arrays, shape (n_poisson,)
    """

    names: tuple[str, ...]
    init: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    fixed: np.ndarray
    poi: int | None
    gaussian: np.ndarray
    center: np.ndarray
    width: np.ndarray
    poisson: np.ndarray
    count: np.ndarray
    factor: np.ndarray

    @property
    def n_parameters(self) -> int:
        return len(self.names)


def make_layout(model: Model) -> Layout:
    """Host arrays from the parameters of a model."""
    parameters = model.parameters
    names = tuple([p.name for p in parameters])
    gaussian, poisson = [], []
    for index, parameter in enumerate(parameters):
        constraint = parameter.constraint
        if isinstance(constraint, GaussianConstraint):
            gaussian.append((index, constraint.center, constraint.width))
        elif isinstance(constraint, PoissonConstraint):
            poisson.append((index, constraint.count, constraint.factor))
    g_index, center, width = _columns(gaussian)
    p_index, count, factor = _columns(poisson)
    return Layout(
        names=names,
        init=np.asarray([p.init for p in parameters], dtype=float),
        lower=np.asarray([p.lower for p in parameters], dtype=float),
        upper=np.asarray([p.upper for p in parameters], dtype=float),
        fixed=np.asarray([p.fixed for p in parameters], dtype=bool),
        poi=None if model.poi is None else _poi_index(model.poi, names),
        gaussian=g_index,
        center=center,
        width=width,
        poisson=p_index,
        count=count,
        factor=factor,
    )


def _poi_index(poi: str, names: tuple[str, ...]) -> int:
    # A one-bin staterror, shapesys or shapefactor may be the POI under the modifier's name.
    return names.index(poi if poi in names else f"{poi}[0]")


def _columns(rows: list[tuple[int, float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.asarray(rows, dtype=float).reshape(-1, 3)
    return table[:, 0].astype(np.intp), table[:, 1], table[:, 2]
