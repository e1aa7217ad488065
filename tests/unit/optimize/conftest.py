"""Analytic objectives with known minima, and likelihoods of workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextstat_core.backend import Backend, get_backend
from nextstat_core.infer.objective import LikelihoodObjective
from nextstat_core.io import DECLARED, read_pyhf
from nextstat_core.likelihood import CompiledModel, compile_model
from nextstat_core.linalg import ArrowMatrix, ArrowShape
from nextstat_core.optimize import Minima, Point, Problem
from nextstat_core.testing import StrictBackend

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]


class Analytic:
    """An objective from a numpy function; keeps a record of where it was evaluated."""

    def __init__(self, function: Any, n: int, backend: Backend) -> None:
        self._function, self._backend = function, backend
        everything = backend.indices(range(n))
        self._shape = ArrowShape(n, n, everything, (), everything)
        self.visited: list[Floats] = []

    def evaluate(self, x: Any, rows: Any, order: int) -> Point:
        backend = self._backend
        host = np.array(backend.to_numpy(x))
        self.visited.append(host)
        with np.errstate(all="ignore"):
            value, gradient, hessian = self._function(host, np.array(backend.to_numpy(rows)))
        matrix = ArrowMatrix(self._shape, backend.asarray(hessian), ())
        slopes = backend.asarray(gradient) if order > 0 else None
        return Point(x, backend.asarray(value), slopes, lambda: matrix)


def make_problem(
    function: Any,
    start: Any,
    *,
    lower: Any = -np.inf,
    upper: Any = np.inf,
    fixed: Any = False,
    kinks: tuple[int, ...] = (),
    backend: Backend | None = None,
) -> Problem:
    """Problem with an `Analytic` objective; limits and fixed parameters are broadcast."""
    backend = backend or get_backend("numpy")
    start = np.atleast_2d(np.asarray(start, dtype=float))
    n = start.shape[1]

    def limits(x: Any) -> Any:
        x = np.asarray(x, dtype=float)
        rows = x.shape[0] if x.ndim == 2 else 1
        return backend.asarray(np.broadcast_to(x, (rows, n)).copy())

    mask = np.broadcast_to(np.asarray(fixed, dtype=bool), start.shape).copy()
    return Problem(
        backend=backend,
        objective=Analytic(function, n, backend),
        start=backend.asarray(start),
        lower=limits(lower),
        upper=limits(upper),
        fixed=backend.asarray(mask, dtype=backend.xp.bool),
        kinks=backend.indices(list(kinks)),
    )


class Likelihood:
    """A workspace and data sets as a problem; `problem` has one row per data set."""

    def __init__(self, workspace: Any, *, interpolation: Any = None, poi: Any = DECLARED) -> None:
        self.backend = get_backend("numpy")
        self.model = read_pyhf(workspace, interpolation=interpolation, poi=poi)
        self.compiled: CompiledModel = compile_model(self.model, self.backend)
        self.layout = self.compiled.layout
        counts = [n for channel in self.model.sorted_channels() for n in channel.observed]
        self.main: Floats = np.asarray(counts, dtype=float)[:, None]

    def index(self, name: str) -> int:
        return self.layout.names.index(name)

    def problem(
        self,
        main: Floats | None = None,
        *,
        start: Floats | None = None,
        fixed: Floats | None = None,
        profile: bool = True,
        **auxiliary: Floats,
    ) -> Problem:
        layout = self.layout
        data = self.compiled.observe(self.main if main is None else main, **auxiliary)
        rows = max(
            [x.shape[1] for x in (data.count, data.center, data.aux_count)]
            + [1 if start is None else len(start)]
        )
        start = layout.init[None, :] if start is None else start
        start = np.broadcast_to(start, (rows, layout.n_parameters)).copy()
        held = np.broadcast_to(layout.fixed if fixed is None else fixed, start.shape).copy()
        lower, upper = layout.lower[None, :].copy(), layout.upper[None, :].copy()
        objective = LikelihoodObjective(self.compiled, data, lower, upper, held, profile=profile)
        return Problem(self.backend, objective, start, lower, upper, held, self.compiled.plan.kinks)

    def twice_nll(self, minima: Minima) -> Floats:
        constant = self.compiled.constant(self.compiled.observe(self.main))
        return 2.0 * (minima.value + constant)

    def toys(self, count: int, seed: int = 1) -> dict[str, Floats]:
        """Main and auxiliary data of toys drawn at the start of the fit."""
        layout, generator = self.layout, np.random.default_rng(seed)
        at = layout.init[:, None]
        rates = np.maximum(self.compiled.expected_main(at), 0.0)
        gaussian = (len(layout.gaussian), count)
        return {
            "main": generator.poisson(rates, size=(len(rates), count)) * 1.0,
            "center": at[layout.gaussian] + layout.width[:, None] * generator.normal(size=gaussian),
            "aux_count": generator.poisson(
                layout.factor[:, None] * at[layout.poisson], size=(len(layout.poisson), count)
            )
            * 1.0,
        }


@pytest.fixture(scope="session")
def problem() -> Callable[..., Problem]:
    """Function that makes a problem from a numpy function."""
    return make_problem


@pytest.fixture(scope="session")
def likelihood() -> type[Likelihood]:
    """Class of workspaces with their data: ``likelihood(workspace)``."""
    return Likelihood


@pytest.fixture(params=["numpy", "strict"])
def backend(request: pytest.FixtureRequest) -> Backend:
    return get_backend("numpy") if request.param == "numpy" else StrictBackend()
