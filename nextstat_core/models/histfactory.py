"""A HistFactory model with its data, ready to evaluate."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nextstat_core.backend import Backend, get_backend
from nextstat_core.hooks import get_manager
from nextstat_core.io import DECLARED, read_pyhf
from nextstat_core.ir import (
    GaussianConstraint,
    pyhf_parameter_order,
    with_nominal,
    with_observed,
)
from nextstat_core.models.expectations import (
    expected_auxiliary,
    expected_by_sample,
    expected_main,
)
from nextstat_core.models.nominal import auxiliary_nominal_gradient
from nextstat_core.models.parameters import parameter_rows, parameter_vector
from nextstat_core.models.sources import document_of
from nextstat_core.models.state import make_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.io import InterpolationChoice
    from nextstat_core.ir import Model
    from nextstat_core.likelihood import CompiledModel, Evaluation, Observations
    from nextstat_core.models.main_data import MainBins
    from nextstat_core.models.state import ModelState
    from nextstat_core.typing import Array, ArrayLike

__all__ = ["HistFactoryModel"]


class HistFactoryModel:
    """Likelihood of a HistFactory workspace: Poisson counts and auxiliary measurements.

    Parameters are ordered by first appearance, the parameter of interest first; main data by
    channel name. Parameter vectors and data may be lists, tuples or arrays. Evaluation is
    thread-safe; `set_sample_nominal` replaces the model in one step.

    Parameters
    ----------
    model : nextstat_core.ir.Model
        The model as plain data.
    backend : str or Backend
        Where it is evaluated.
    precise : bool
        Whether sums are compensated.
    """

    def __init__(
        self, model: Model, *, backend: str | Backend = "numpy", precise: bool = False
    ) -> None:
        self._backend = get_backend(backend) if isinstance(backend, str) else backend
        self._precise = precise
        self._state: ModelState = make_state(model, self._backend)

    @classmethod
    def from_workspace(
        cls,
        source: Any,
        *,
        measurement: str | None = None,
        poi: Any = DECLARED,
        interpolation: InterpolationChoice = None,
        backend: str | Backend = "numpy",
        precise: bool = False,
    ) -> Self:
        """Read a pyhf workspace.

        Parameters
        ----------
        source : str, bytes, mapping or path
            JSON text, a decoded workspace (a `pyhf.Workspace` is one), or a path.
        measurement : str, optional
            Name of the measurement; the first one if left out.
        poi : str or None, optional
            Name of the parameter of interest, None for none; left out, the measurement declares it.
        interpolation : str or mapping, optional
            Interpolation codes, see `nextstat_core.io.read_pyhf`.
        backend, precise
            As for the class.

        Raises
        ------
        FormatError
            If `source` is no JSON.
        ModelError
            If the workspace describes no usable model; lists all problems at once.
        """
        model = read_pyhf(
            document_of(source),
            measurement=measurement,
            poi=poi,
            interpolation=interpolation,
            modifier_types=get_manager().modifiers,
        )
        return cls(model, backend=backend, precise=precise)

    from_pyhf = from_workspace

    @property
    def precise(self) -> bool:
        """Whether sums are compensated; a subclass may decide at the time of evaluation."""
        return self._precise

    @property
    def ir(self) -> Model:
        """The model as plain data, with the observed counts."""
        return self._state.ir

    @property
    def backend(self) -> Backend:
        """Where the model is evaluated."""
        return self._backend

    @property
    def compiled(self) -> CompiledModel:
        """The compiled likelihood, with compensated sums if `precise`."""
        return self._state.compiled(precise=self.precise)

    @property
    def on_host(self) -> CompiledModel:
        """The same in float64 on the host; `compiled` itself where the model lives there."""
        return self._state.compiled(precise=self.precise, on_host=True)

    def with_backend(self, backend: str | Backend) -> Self:
        """Return the same model on another backend."""
        return type(self)(self._state.ir, backend=backend, precise=self._precise)

    def _with(self, state: ModelState) -> Self:
        # copy.copy would go through __reduce__ and compile again.
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._state = state
        return new

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        make = partial(type(self), backend=self._backend, precise=self._precise)
        return partial(make, self._state.ir), ()

    def __repr__(self) -> str:
        model, bins = self._state.ir, len(self._state.main)
        poi = f"parameter of interest {model.poi!r}" if model.poi else "no parameter of interest"
        return (
            f"<{type(self).__name__}: {len(model.channels)} channels, {bins} bins, "
            f"{len(model.parameters)} parameters, {poi}, backend {self._backend.name!r}>"
        )

    # -- parameters -------------------------------------------------------------------------------

    def n_params(self) -> int:
        return len(self._state.ir.parameters)

    def dim(self) -> int:
        return self.n_params()

    def parameter_names(self) -> list[str]:
        return [entry.name for entry in self._state.ir.parameters]

    def suggested_init(self) -> list[float]:
        return [entry.init for entry in self._state.ir.parameters]

    def suggested_bounds(self) -> list[tuple[float, float]]:
        """Bounds (lower, upper) per parameter; both are the start value where it is fixed."""
        return [
            (entry.init, entry.init) if entry.fixed else (entry.lower, entry.upper)
            for entry in self._state.ir.parameters
        ]

    def parameter_init(self) -> list[float]:
        """Start values; the same as `suggested_init`."""
        return self.suggested_init()

    def parameter_bounds_lo(self) -> list[float]:
        """Lower bounds; the first halves of `suggested_bounds`."""
        return [lower for lower, _ in self.suggested_bounds()]

    def parameter_bounds_hi(self) -> list[float]:
        """Upper bounds; the second halves of `suggested_bounds`."""
        return [upper for _, upper in self.suggested_bounds()]

    def poi_index(self) -> int | None:
        """Position of the parameter of interest; None without one."""
        return self._state.plain.layout.poi

    def pyhf_order(self) -> list[int]:
        """Positions of our parameters, listed in pyhf's order of parameters."""
        return list(pyhf_parameter_order(self._state.ir))

    @property
    def measurement(self) -> str:
        """Name of the measurement that was read."""
        return self._state.ir.measurement

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the workspace, but no reason to refuse it."""
        return tuple(map(str, self._state.ir.warnings))

    # -- data -------------------------------------------------------------------------------------

    @property
    def observed_main(self) -> NDArray[np.float64]:
        """Observed counts, shape (n_main,), read-only."""
        return self._state.main

    @property
    def observations(self) -> Observations:
        """Observed counts and auxiliary data, as the compiled likelihood takes them."""
        return self._state.data

    @property
    def constant(self) -> float:
        """What completes the compiled likelihood of the observations to ``-log L``."""
        return self._state.constant

    @property
    def main_bins(self) -> MainBins:
        """Channels and bins of the main data; checks data that users pass in."""
        return self._state.bins

    @property
    def auxdata(self) -> list[float]:
        """Auxiliary data in pyhf's order."""
        state = self._state
        constraints = [state.ir.parameters[position].constraint for position in state.aux_order]
        return [
            constraint.center if isinstance(constraint, GaussianConstraint) else constraint.count
            for constraint in constraints
            if constraint is not None
        ]

    def observed_main_by_channel(self) -> list[dict[str, Any]]:
        """Observed counts: dicts of ``channel_name`` and ``y``, channels by name."""
        state = self._state
        return [
            {"channel_name": name, "y": state.main[bins].tolist()}
            for name, bins in state.bins.channels.items()
        ]

    def with_observed_main(self, observed_main: ArrayLike) -> Self:
        """Return the same model with other observed counts; nothing is compiled again.

        Parameters
        ----------
        observed_main : array-like, shape (n_main,)
            Counts, channels by name; not necessarily whole.

        Raises
        ------
        InputError
            If counts have the wrong length, are negative or not finite, or are above zero where no
            sample predicts anything.
        """
        state = self._state
        main = state.bins.vector(observed_main)
        by_channel = {name: main[bins].tolist() for name, bins in state.bins.channels.items()}
        return self._with(state.observing(with_observed(state.ir, by_channel)))

    def set_sample_nominal(self, *, channel: str, sample: str, nominal: ArrayLike) -> None:
        """Give one sample other nominal yields, as if the workspace had been written with them.

        Absolute templates and uncertainties stay; widths of statistical errors and auxiliary counts
        of shape uncertainties follow. Nothing changes if an argument is refused.

        Raises
        ------
        InputError
            If channel or sample do not exist, or the yields have the wrong length or are not
            finite.
        ModelError
            If no model is left, for example because a bin with events has no prediction.
        """
        changed = with_nominal(self._state.ir, channel, sample, nominal)
        self._state = make_state(changed, self._backend)

    # -- expectations -----------------------------------------------------------------------------

    def expected_data(self, params: ArrayLike, *, include_auxdata: bool = True) -> list[float]:
        """Expected main data, then auxiliary data in pyhf's order.

        A Gaussian auxiliary measurement is expected at its parameter, a Poisson one at parameter
        times factor.
        """
        state = self._state
        vector = parameter_vector(params, self.n_params())
        main = expected_main(state.compiled(precise=self.precise), vector)
        return main + (
            expected_auxiliary(state.ir, state.aux_order, vector) if include_auxdata else []
        )

    def expected_main_by_channel_sample(self, params: ArrayLike) -> list[dict[str, Any]]:
        """Expected counts: dicts of ``channel_name``, ``samples`` and ``total``, channels by name.

        Each entry of ``samples`` has ``sample_name`` and ``y``.
        """
        state = self._state
        vector = parameter_vector(params, self.n_params())
        return expected_by_sample(state.ir, state.compiled(precise=self.precise), vector)

    # -- likelihood -------------------------------------------------------------------------------

    def nll(self, params: ArrayLike) -> float:
        """Negative log-likelihood with all constants: minus pyhf's ``logpdf``."""
        return float(self._nll(parameter_vector(params, self.n_params())[None, :], None)[0])

    def grad_nll(self, params: ArrayLike) -> list[float]:
        return self._gradient(parameter_vector(params, self.n_params())[None, :], None)[0].tolist()

    def hessian(self, params: ArrayLike) -> NDArray[np.float64]:
        """Exact second derivatives of `nll`, shape (n_params, n_params)."""
        return self._curvature(params, expected=False)

    def fisher_information(self, params: ArrayLike) -> NDArray[np.float64]:
        """Expected second derivatives of `nll` if `params` were true, (n_params, n_params)."""
        return self._curvature(params, expected=True)

    def nll_batch(self, params: ArrayLike, data: ArrayLike | None = None) -> NDArray[np.float64]:
        """Negative log-likelihoods of many parameter vectors.

        Parameters
        ----------
        params : array-like, shape (rows, n_params)
        data : array-like, shape (n_main,) or (rows, n_main), optional
            Observed counts instead of the model's own.

        Returns
        -------
        float array, shape (rows,)
        """
        return self._nll(parameter_rows(params, self.n_params()), data)

    def grad_nll_batch(
        self, params: ArrayLike, data: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Gradients of many parameter vectors, shape (rows, n_params); see `nll_batch`."""
        return self._gradient(parameter_rows(params, self.n_params()), data)

    def nominal_gradient(
        self, params: ArrayLike, *, channel: str, sample: str, data: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Derivative of `nll` with respect to the nominal yields of one sample.

        It is the derivative of what `set_sample_nominal` does: widths of statistical errors and
        auxiliary counts of shape uncertainties move along.

        Parameters
        ----------
        params : array-like, shape (n_params,) or (rows, n_params)
        data : array-like, shape (n_main,) or (rows, n_main), optional
            Observed counts instead of the model's own.

        Returns
        -------
        float array, shape (bins of the channel,) or (rows, bins of the channel)
        """
        state = self._state
        row = state.row_of(channel, sample)
        theta = parameter_rows(params, self.n_params())
        at, _ = self._evaluate(state, theta, data, order=1)
        kernel = state.compiled(precise=self.precise).kernel
        with self._backend.errstate():
            by_rate = kernel.nominal_gradient(at.rates, at.terms.slope, row)
        by_auxiliary = auxiliary_nominal_gradient(state.ir, channel, sample, theta.T)
        total = self._host(by_rate) + by_auxiliary
        return total[:, 0] if np.ndim(params) == 1 else total.T

    # -- evaluation -------------------------------------------------------------------------------

    def _evaluate(
        self, state: ModelState, theta: NDArray[np.float64], data: ArrayLike | None, *, order: int
    ) -> tuple[Evaluation, Observations]:
        compiled = state.compiled(precise=self.precise)
        observations = state.observations(data, compiled, len(theta))
        return compiled.evaluate(self._backend.asarray(theta.T), observations, order), observations

    def _nll(self, theta: NDArray[np.float64], data: ArrayLike | None) -> NDArray[np.float64]:
        state = self._state
        at, observations = self._evaluate(state, theta, data, order=0)
        varying = self._host(at.nll)
        if data is None:
            return varying + state.constant
        return varying + self._host(state.plain.constant(observations))

    def _gradient(self, theta: NDArray[np.float64], data: ArrayLike | None) -> NDArray[np.float64]:
        at, _ = self._evaluate(self._state, theta, data, order=1)
        return self._host(at.gradient).T

    def _curvature(self, params: ArrayLike, *, expected: bool) -> NDArray[np.float64]:
        state = self._state
        theta = parameter_vector(params, self.n_params())[None, :]
        at, observations = self._evaluate(state, theta, None, order=2)
        compiled = state.compiled(precise=self.precise)
        matrix = (compiled.fisher if expected else compiled.hessian)(at, observations)
        return self._host(matrix.full(self._backend))[0]

    def _host(self, x: Array) -> NDArray[np.float64]:
        # The constant of the likelihood is large: adding it in float32 would cost digits.
        return self._backend.to_numpy(x).astype(np.float64, copy=False)
