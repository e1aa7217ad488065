"""The models that backends are compared on, and the points at which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import Draws, Workspace, generate_workspace
from parity_matrix.generated import NAMED, RECIPES, SHORT_RECIPES
from parity_matrix.golden import SHORT_REAL, Case, comparable, golden_cases, in_our_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Subject", "subjects"]


@dataclass(frozen=True)
class Subject:
    """A workspace with a point away from the start.

    Attributes
    ----------
    id : str
    read : callable
        Makes the model, with the backend as keyword argument.
    probe : callable
        From the model to a parameter vector, shape (n_params,).
    slow : bool
        Left out of the short form.
    """

    id: str
    read: Callable[..., HistFactoryModel]
    probe: Callable[[HistFactoryModel], Any]
    slow: bool

    def points(self, model: HistFactoryModel) -> NDArray[np.float64]:
        """The start, the probe, and the point between: shape (3, n_params)."""
        start, probe = np.asarray(model.suggested_init()), np.asarray(self.probe(model))
        return np.stack([start, probe, 0.5 * (start + probe)])


@cache
def subjects() -> tuple[Subject, ...]:
    """Generated workspaces, then the published ones where they are."""
    recipes = [
        _generated(f"generated/{name}", generate_workspace(5, recipe), name not in SHORT_RECIPES)
        for name, recipe in RECIPES.items()
    ]
    named = [_generated(f"named/{name}", workspace, True) for name, workspace in NAMED.items()]
    return (*recipes, *named, *(_golden(case) for case in golden_cases() if comparable(case)))


def _generated(name: str, workspace: Workspace, slow: bool) -> Subject:
    def read(**arguments: Any) -> HistFactoryModel:
        return HistFactoryModel.from_pyhf(workspace, **arguments)

    return Subject(name, read, _drawn_point, slow)


def _golden(case: Case) -> Subject:
    def read(**arguments: Any) -> HistFactoryModel:
        return HistFactoryModel.from_pyhf(case.text(), **case.arguments(), **arguments)

    def probe(model: HistFactoryModel) -> list[float]:
        return in_our_order(model, case.values["probe_pars"])

    short = case.id in SHORT_REAL or case.id == "small/nextstat-small/complex_workspace"
    return Subject(case.id, read, probe, not short)


def _drawn_point(model: HistFactoryModel) -> list[float]:
    """Half a width away from the start, inside the bounds."""
    draws, values = Draws(11), []
    for start, (low, high) in zip(model.suggested_init(), model.suggested_bounds(), strict=True):
        width = 0.7 if low <= -1.0 else 0.15
        values.append(min(max(start + width * draws.uniform(-1.0, 1.0), low), high))
    return values
