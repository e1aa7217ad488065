"""A model on a backend: the likelihood with exact gradient and Hessian, for batches of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nextstat_core.backend import Capability
from nextstat_core.likelihood.bend_plan import bent_parameters
from nextstat_core.likelihood.hessian import HessianKernel
from nextstat_core.likelihood.hessian_plan import make_hessian_plan
from nextstat_core.likelihood.layout import Layout, make_layout
from nextstat_core.likelihood.local_plan import LocalPlan, make_local_plan
from nextstat_core.likelihood.observations import Observations, constant_of
from nextstat_core.likelihood.plan import RatePlan, make_rate_plan
from nextstat_core.likelihood.profile import Movable, SoloProfile
from nextstat_core.likelihood.rates import RateKernel, Rates
from nextstat_core.stats import compensated_sum, poisson_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.ir import Model, ModifierType
    from nextstat_core.linalg import ArrowMatrix, ArrowShape
    from nextstat_core.stats import PoissonTerms
    from nextstat_core.typing import Array

__all__ = ["CompiledModel", "Evaluation", "compile_model"]

# Cells whose derivatives are taken at a time; temporaries of all cells times this stay in cache.
_CELLS = 32


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Objective of a batch; `nll` lacks the constant of the data, see `CompiledModel.constant`.

    Attributes
    ----------
    theta : array, shape (parameters, rows)
        Where it was evaluated; differs from the argument where the closed form moved parameters.
    nll : array, shape (rows,)
    gradient : array, shape (parameters, rows), or None
    """

    theta: Array
    nll: Array
    gradient: Array | None
    rates: Rates
    terms: PoissonTerms
    auxiliary: PoissonTerms | None
    pull: Array


class CompiledModel:
    """The likelihood of one model on one backend. Immutable; evaluation is thread-safe.

    Arrays have the rows of the batch on the last axis: parameters (parameters, rows), data (bins,
    rows) in the model's internal bin order (`plan.bin_order`).
    """

    def __init__(
        self,
        layout: Layout,
        plan: RatePlan,
        local: LocalPlan,
        backend: Backend,
        *,
        precise: bool = False,
    ) -> None:
        self.layout, self.plan, self.local = layout, plan, local
        self.backend, self.precise = backend, precise
        self.kernel = RateKernel(plan, backend)
        self.floor = self._rate_floor()
        self.profile = SoloProfile(local, plan, self.floor, backend)
        self._curvature = HessianKernel(make_hessian_plan(plan, local), local, self.kernel, backend)
        self._gaussian = backend.indices(layout.gaussian)
        self._poisson = backend.indices(layout.poisson)
        # Small enough never to meet a parameter inside its bounds, so parity with pyhf is kept.
        self._aux_floor = backend.asarray(1e-11 * layout.factor[:, None])

    @cached_property
    def bent(self) -> Any:
        """Parameters that may give the likelihood two modes: host integers, strongest first."""
        return bent_parameters(self.plan)

    @property
    def shape(self) -> ArrowShape:
        """Structure of the Hessian."""
        return self._curvature.shape

    def _rate_floor(self) -> Array:
        backend, xp = self.backend, self.backend.xp
        to_bins = backend.segment_plan(self.plan.bin_of_cell, self.plan.n_bins)
        nominal = backend.segment_sum(to_bins, xp.abs(self.kernel.nominal))
        relative = 1e-6 if backend.dtype == xp.float64 else 1e-4
        return xp.maximum(relative * nominal, 1e-9)

    # -- data -------------------------------------------------------------------------------------

    def observe(
        self,
        main: Array,
        *,
        center: Array | None = None,
        aux_count: Array | None = None,
        width: Array | None = None,
        aux_factor: Array | None = None,
    ) -> Observations:
        """Data of a batch.

        Parameters
        ----------
        main : array, shape (bins, 1 or rows)
            Observed counts in *main* order (channels by name).
        center, aux_count : array, optional
            Auxiliary data, (n_gaussian, ...) and (n_poisson, ...); the model's own by default.
        """
        backend, layout = self.backend, self.layout

        def column(given: Array | None, own: object) -> Array:
            return backend.asarray(own)[:, None] if given is None else backend.asarray(given)

        order = backend.indices(self.plan.bin_order)
        return Observations(
            backend.take(backend.asarray(main), order, axis=0),
            column(center, layout.center),
            column(width, layout.width),
            column(aux_count, layout.count),
            column(aux_factor, layout.factor),
        )

    def constant(self, data: Observations) -> NDArray[np.float64]:
        """What completes `Evaluation.nll` to ``-log L``, on the host, shape (1 or rows,).

        It is large: where the backend has no float64 it is computed on the host too.
        """
        if Capability.FLOAT64 in self.backend.capabilities:
            return self.backend.to_numpy(constant_of(data, self.backend))
        host = self.backend.host()
        return host.to_numpy(constant_of(data.on(host, self.backend), host))

    # -- evaluation -------------------------------------------------------------------------------

    def evaluate(
        self,
        theta: Array,
        data: Observations,
        order: int,
        *,
        nominal: Array | None = None,
        movable: Movable | None = None,
    ) -> Evaluation:
        """Objective and, for ``order >= 1``, gradient. ``order=2`` prepares `hessian`.

        With `movable`, parameters that have a closed form are moved to their conditional optimum.
        """
        kernel = self.kernel
        profile = None if movable is None else self.profile
        with self.backend.errstate():
            rates = kernel.forward(theta, order, nominal=nominal, profile=profile, movable=movable)
            terms = poisson_terms(rates.rate, data.count, self.floor, self.backend.xp, order)
            pull, auxiliary = self._auxiliary(rates.theta, data, order)
            nll = self._total(terms, pull, auxiliary)
            gradient = None
            if order > 0:
                slopes = self._aux_derivative(pull / data.width, auxiliary, data, first=True)
                gradient = kernel.gradient(rates, terms.slope, slopes)
        return Evaluation(rates.theta, nll, gradient, rates, terms, auxiliary, pull)

    def hessian(self, evaluation: Evaluation, data: Observations) -> ArrowMatrix:
        """Exact Hessian at an evaluation with ``order=2``."""
        with self.backend.errstate():
            weight = 1.0 / (data.width * data.width) + 0.0 * evaluation.pull
            curvature = self._aux_derivative(weight, evaluation.auxiliary, data, first=False)
            terms = evaluation.terms
            return self._curvature(evaluation.rates, terms.slope, terms.curvature, curvature)

    def fisher(self, evaluation: Evaluation, data: Observations) -> ArrowMatrix:
        """Expected Hessian (Fisher information) at an evaluation with ``order=2``."""
        xp = self.backend.xp
        with self.backend.errstate():
            rate = xp.maximum(evaluation.rates.rate, self.floor)
            curvature = self._expected_aux(evaluation, data)
            return self._curvature(evaluation.rates, None, 1.0 / rate, curvature)

    def data_information(self, evaluation: Evaluation, data: Observations) -> ArrowMatrix:
        r"""What the main data alone say at an evaluation with ``order=2``.

        With counts n that vary by :math:`\sqrt n` it is the covariance of the gradient,
        :math:`\sum_i n_i\, \partial \log \nu_i\, \partial \log \nu_i^T`.
        """
        with self.backend.errstate():
            none = 0.0 * self._expected_aux(evaluation, data)
            return self._curvature(evaluation.rates, None, evaluation.terms.curvature, none)

    def _expected_aux(self, evaluation: Evaluation, data: Observations) -> Array:
        """Expected second derivatives of the auxiliary terms."""
        xp = self.backend.xp
        weight = 1.0 / (data.width * data.width) + 0.0 * evaluation.pull
        if evaluation.auxiliary is None:
            return weight
        owner = self.backend.take(evaluation.theta, self._poisson, axis=0)
        mean = xp.maximum(data.aux_factor * owner, self._aux_floor)
        return xp.concat([weight, data.aux_factor * data.aux_factor / mean], axis=0)

    def metric(self, evaluation: Evaluation, data: Observations) -> ArrowMatrix:
        """A positive semi-definite stand-in for the Hessian far from the minimum.

        The Fisher information of bins with data: 1 / rate is the secant curvature of a Poisson term
        between the rate and its optimum. Bins without data are linear in the rate.
        """
        xp = self.backend.xp
        with self.backend.errstate():
            rate = xp.maximum(evaluation.rates.rate, self.floor)
            observed = xp.astype(data.count > 0, self.backend.dtype)
            return self._curvature(
                evaluation.rates, None, observed / rate, self._expected_aux(evaluation, data)
            )

    def outside(self, evaluation: Evaluation, data: Observations) -> Array:
        """Rows in which a bin with data has an expectation that is not positive: bool, (rows,)."""
        low = (evaluation.rates.rate < self.floor) & (data.count > 0)
        return self.backend.xp.any(low, axis=0)

    def _auxiliary(
        self, theta: Array, data: Observations, order: int
    ) -> tuple[Array, PoissonTerms | None]:
        """Pulls of Gaussian, and terms of Poisson auxiliary measurements."""
        backend = self.backend
        pull = (backend.take(theta, self._gaussian, axis=0) - data.center) / data.width
        if not len(self.layout.poisson):
            return pull, None
        rate = backend.take(theta, self._poisson, axis=0) * data.aux_factor
        return pull, poisson_terms(rate, data.aux_count, self._aux_floor, backend.xp, order)

    def _aux_derivative(
        self, gaussian: Array, terms: PoissonTerms | None, data: Observations, *, first: bool
    ) -> Array:
        if terms is None:
            return gaussian
        factor = data.aux_factor
        poisson = terms.slope * factor if first else terms.curvature * factor * factor
        return self.backend.xp.concat([gaussian, poisson], axis=0)

    def _total(self, terms: PoissonTerms, pull: Array, auxiliary: PoissonTerms | None) -> Array:
        xp = self.backend.xp
        parts = [terms.value, 0.5 * pull * pull]
        if auxiliary is not None:
            parts.append(auxiliary.value)
        if self.precise:
            return compensated_sum(xp.concat(parts, axis=0), xp)
        total = xp.sum(parts[0], axis=0)
        for part in parts[1:]:
            total = total + xp.sum(part, axis=0)
        return total

    # -- expectations -----------------------------------------------------------------------------

    def expected_main(self, theta: Array) -> Array:
        """Expected counts (bins, rows) in main order."""
        with self.backend.errstate():
            rates = self.kernel.forward(theta, 0)
        return self.to_main(rates.rate)

    def expected_cells(self, theta: Array) -> Array:
        """Expected counts (cells, rows) of every sample in every bin; see `plan.cells_of_row`."""
        with self.backend.errstate():
            return self.kernel.forward(theta, 0).yields

    def cell_jacobian(self, theta: Array) -> Array:
        """Exact derivatives of `expected_cells` at one point.

        Parameters
        ----------
        theta : array, shape (parameters, 1)

        Returns
        -------
        array, shape (cells, parameters)
            Dimensionless counts per unit of each parameter.
        """
        backend, xp, n_cells = self.backend, self.backend.xp, self.plan.n_cells
        blocks = []
        with backend.errstate():
            rates = self.kernel.forward(theta, 1)
            for first in range(0, n_cells, _CELLS):
                # The gradient of each yield, a slope of one there; cells take the place of rows.
                width = min(_CELLS, n_cells - first)
                slope = xp.eye(n_cells, width, k=-first, dtype=backend.dtype, device=backend.device)
                none = xp.zeros(
                    (len(self.layout.gaussian) + len(self.layout.poisson), width),
                    dtype=backend.dtype,
                    device=backend.device,
                )
                blocks.append(backend.transposed(self.kernel.cell_gradient(rates, slope, none)))
        return blocks[0] if len(blocks) == 1 else xp.concat(blocks, axis=0)

    def to_main(self, by_bin: Array) -> Array:
        """From internal bin order to main order."""
        backend = self.backend
        position = sorted(range(self.plan.n_bins), key=self.plan.bin_order.tolist().__getitem__)
        return backend.take(by_bin, backend.indices(position), axis=0)

    def with_backend(self, backend: Backend) -> CompiledModel:
        """The same model on another backend."""
        return CompiledModel(self.layout, self.plan, self.local, backend, precise=self.precise)

    def with_precision(self, *, precise: bool) -> CompiledModel:
        """The same model with compensated (`precise`) or plain sums."""
        if precise == self.precise:
            return self
        return CompiledModel(self.layout, self.plan, self.local, self.backend, precise=precise)


def compile_model(
    model: Model,
    backend: Backend,
    *,
    modifier_types: Mapping[str, ModifierType] | None = None,
    precise: bool = False,
) -> CompiledModel:
    """Compile a model once; the result evaluates any number of rows."""
    layout = make_layout(model)
    plan = make_rate_plan(model, layout, modifier_types or {})
    return CompiledModel(layout, plan, make_local_plan(plan, layout), backend, precise=precise)
