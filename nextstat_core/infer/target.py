"""A model as fits see it: the parameter vector on the host, and objectives for batches of rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.backend import Capability, get_backend
from nextstat_core.errors import InputError
from nextstat_core.infer.general import GeneralObjective
from nextstat_core.infer.objective import LikelihoodObjective
from nextstat_core.models import HistFactoryModel
from nextstat_core.optimize import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.infer.request import Request
    from nextstat_core.likelihood import CompiledModel, Observations
    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import Array, ArrayLike

__all__ = ["BatchData", "HistFactoryTarget", "Target", "histfactory_target", "target_of"]


@dataclass(frozen=True, slots=True)
class BatchData:
    """Data of a batch on the host; None stands for the model's own.

    `main` has shape (rows, n_main), `center` (rows, n_gaussian), `count` (rows, n_poisson). Rows
    may also differ in nominal `yields` (rows, cells), and in the `width` (rows, n_gaussian) and
    `factor` (rows, n_poisson) of constraints that are made from these; see
    `nextstat_core.models.InputRows`.
    """

    main: NDArray[np.float64]
    center: NDArray[np.float64] | None = None
    count: NDArray[np.float64] | None = None
    yields: NDArray[np.float64] | None = None
    width: NDArray[np.float64] | None = None
    factor: NDArray[np.float64] | None = None

    def part(self, rows: slice | NDArray[np.intp]) -> BatchData:
        """Some rows."""

        def cut(x: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if x is None else x[rows]

        parts = {field.name: cut(getattr(self, field.name)) for field in fields(self)}
        return BatchData(**parts)  # type: ignore[arg-type]

    def of_row(self, row: int) -> BatchData:
        """The data of one row, which may be those of all."""
        return self if len(self.main) == 1 else self.part(slice(row, row + 1))

    def of_rows(self, rows: slice | NDArray[np.intp]) -> BatchData:
        """The data of some rows, which may be those of all."""
        return self if len(self.main) == 1 else self.part(rows)


class Target:
    """What fits need of a model.

    Attributes
    ----------
    names : tuple of str
    init, lower, upper : float arrays, shape (n_parameters,)
    fixed : bool array, shape (n_parameters,)
    centers, widths : float arrays, shape (n_parameters,)
        Constraints before the fit; NaN where there is none.
    poi : int or None
    model : the model itself
    """

    #: Where minima are found before they are polished here, for models that live without float64.
    coarse: HistFactoryTarget | None = None

    def __init__(self, model: StatisticalModel) -> None:
        self.model = model
        self.names = tuple(model.parameter_names())
        self.init = np.asarray(model.suggested_init(), dtype=np.float64)
        bounds = np.asarray(model.suggested_bounds(), dtype=np.float64).reshape(-1, 2)
        self.lower, self.upper = bounds[:, 0].copy(), bounds[:, 1].copy()
        self.fixed = self.lower == self.upper
        self.centers = np.full(len(self.names), np.nan)
        self.widths = np.full(len(self.names), np.nan)
        self.poi: int | None = None
        self.own_main: NDArray[np.float64] = np.zeros(0)
        self.backend: Backend = get_backend("numpy")

    @property
    def compiled(self) -> CompiledModel | None:
        """The compiled likelihood of a HistFactory model."""
        return None

    @property
    def host(self) -> Target:
        """The same on the host, where toys are drawn and single rows are fastest."""
        return self

    def data(self, data: ArrayLike | None) -> BatchData | None:
        """Data of a batch from what the user passed."""
        if data is not None:
            raise InputError("`data` is understood for HistFactory models only")
        return None

    def problem(
        self, rows: int, request: Request, data: BatchData | None, *, profile: bool = True
    ) -> tuple[Problem, NDArray[np.float64]]:
        """Problem of `rows` rows, and the constant of each row's data.

        Requests and data may be one for all rows, or one per row.
        """
        objective = GeneralObjective(self.model, self.backend, request.lower, request.upper)
        return self._problem(rows, request, objective), np.zeros(rows)

    def initial_value(self, problem: Problem) -> float:
        """Objective at the start of a problem's first row, as the user gave it."""
        rows = self.backend.indices(np.zeros(1, dtype=np.intp))
        return float(problem.objective.evaluate(problem.start[:1, :], rows, 0).value[0])

    def _problem(self, rows: int, request: Request, objective: object) -> Problem:
        backend = self.backend
        start = np.array(np.broadcast_to(request.start, (rows, len(self.names))))
        compiled = self.compiled
        return Problem(
            backend,
            objective,  # type: ignore[arg-type]
            backend.asarray(start),
            *_limits(request, backend),
            None if compiled is None else backend.indices(compiled.plan.kinks),
        )


class HistFactoryTarget(Target):
    """A HistFactory model; data and auxiliary data may differ between rows.

    Parameters
    ----------
    model : HistFactoryModel
    compiled : CompiledModel, optional
        The model's likelihood where it is to be evaluated; by default where the model lives.
    """

    def __init__(self, model: HistFactoryModel, compiled: CompiledModel | None = None) -> None:
        self.model: HistFactoryModel = model
        self._compiled = model.compiled if compiled is None else compiled
        layout = self._compiled.layout
        self.names = layout.names
        self.init, self.lower, self.upper = layout.init, layout.lower, layout.upper
        self.fixed = layout.fixed
        self.poi = layout.poi
        self.own_main = model.observed_main
        self.backend = self._compiled.backend
        self.centers = np.full(len(self.names), np.nan)
        self.widths = np.full(len(self.names), np.nan)
        self.centers[layout.gaussian], self.widths[layout.gaussian] = layout.center, layout.width
        with np.errstate(divide="ignore", invalid="ignore"):
            self.centers[layout.poisson] = layout.count / layout.factor
            self.widths[layout.poisson] = np.sqrt(layout.count) / layout.factor

    @property
    def compiled(self) -> CompiledModel:
        return self._compiled

    @cached_property
    def host(self) -> HistFactoryTarget:
        on_host = self.model.on_host
        return self if on_host is self._compiled else HistFactoryTarget(self.model, on_host)

    def data(self, data: ArrayLike | None) -> BatchData | None:
        if data is None:
            return None
        return BatchData(self.model.main_bins.rows(data))

    def initial_value(self, problem: Problem) -> float:
        # The objective of a fit moves parameters with a closed form; this one does not.
        objective: LikelihoodObjective = problem.objective  # type: ignore[assignment]
        start = self.backend.transposed(problem.start[:1, :])
        data = objective.data.rows(self.backend.indices(np.zeros(1, dtype=np.intp)), self.backend)
        return float(self._compiled.evaluate(start, data, 0).nll[0])

    def observe(self, data: BatchData) -> Observations:
        """Data of a batch on the device."""

        def columns(x: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if x is None else np.ascontiguousarray(x.T)

        return self._compiled.observe(
            np.ascontiguousarray(data.main.T),
            center=columns(data.center),
            aux_count=columns(data.count),
            width=columns(data.width),
            aux_factor=columns(data.factor),
        )

    def problem(
        self, rows: int, request: Request, data: BatchData | None, *, profile: bool = True
    ) -> tuple[Problem, NDArray[np.float64]]:
        backend = self.backend
        constants: NDArray[np.float64] | float
        if data is None and self._compiled is self.model.compiled:
            observations, constants = self.model.observations, self.model.constant
        else:
            observations = self.observe(data or BatchData(self.own_main[None, :]))
            constants = self._compiled.constant(observations)
        objective = LikelihoodObjective(
            self._compiled,
            observations,
            *_limits(request, backend),
            nominal=self._yields(data),
            profile=profile,
        )
        return self._problem(rows, request, objective), np.broadcast_to(constants, (rows,))

    def _yields(self, data: BatchData | None) -> Array | None:
        """Nominal yields where rows differ in them, (cells, rows)."""
        if data is None or data.yields is None:
            return None
        return self.backend.asarray(np.ascontiguousarray(data.yields.T))


def _limits(request: Request, backend: Backend) -> tuple[Array, Array, Array]:
    """Bounds and fixed parameters of a request, each of shape (1 or rows, n_parameters)."""
    lower, upper = (backend.asarray(np.atleast_2d(x)) for x in (request.lower, request.upper))
    return lower, upper, backend.asarray(np.atleast_2d(request.fixed), dtype=backend.xp.bool)


def target_of(model: StatisticalModel) -> Target:
    """The target of a model, in float64: on the host, if the model lives without it."""
    if not isinstance(model, HistFactoryModel):
        return Target(model)
    target = HistFactoryTarget(model)
    if Capability.FLOAT64 in target.backend.capabilities:
        return target
    target.host.coarse = target
    return target.host


def histfactory_target(model: HistFactoryModel, what: str) -> HistFactoryTarget:
    """The target of a model that has bins; `what` needs it, as messages say."""
    if not isinstance(model, HistFactoryModel):
        raise InputError(f"{what} need a HistFactory model; found a {type(model).__name__}")
    target = target_of(model)
    assert isinstance(target, HistFactoryTarget)
    return target
