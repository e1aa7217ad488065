"""A HistFactory model with its data, ready to evaluate."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

from nextstat_core.backend import Backend, get_backend
from nextstat_core.io import without_collector
from nextstat_core.ir import (
    GaussianConstraint,
    pyhf_parameter_order,
    with_channels,
    with_nominal,
    with_observed,
)
from nextstat_core.models.arrays import floats
from nextstat_core.models.display import model_html, model_line
from nextstat_core.models.expectations import (
    expected_auxiliary,
    expected_by_sample,
    expected_main,
)
from nextstat_core.models.likelihood import LikelihoodMethods
from nextstat_core.models.parameters import parameter_vector
from nextstat_core.models.reading import ReadingMethods
from nextstat_core.models.state import make_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.ir import Model
    from nextstat_core.likelihood import CompiledModel, Observations
    from nextstat_core.models.main_data import MainBins
    from nextstat_core.models.state import ModelState
    from nextstat_core.typing import ArrayLike

__all__ = ["HistFactoryModel"]


class HistFactoryModel(ReadingMethods, LikelihoodMethods):
    """Likelihood of a HistFactory workspace: Poisson counts and auxiliary measurements.

    Parameters are ordered by first appearance, the parameter of interest first; main data by
    channel name. Parameter vectors and data may be lists, tuples or arrays. Evaluation is
    thread-safe; `set_sample_nominal` replaces the model in one step.

    Parameters
    ----------
    model : nextstat_core.ir.Model
        The model as plain data.
    backend : str or Backend, optional
        Where it is evaluated: a name, perhaps with a device (``torch:cuda``), or a backend; NumPy
        if left out.
    device : str, optional
        Device of the backend, where its name does not carry it.
    precise : bool
        Whether sums are compensated.
    """

    def __init__(
        self,
        model: Model,
        *,
        backend: str | Backend | None = None,
        device: str | None = None,
        precise: bool = False,
    ) -> None:
        self._precise = precise
        chosen = get_backend("numpy" if backend is None else backend, device)
        with without_collector():
            self._state: ModelState = make_state(model, chosen)

    @property
    def precise(self) -> bool:
        """Whether sums are compensated; a subclass may decide at the time of evaluation."""
        return self._precise

    @property
    def ir(self) -> Model:
        """The model as plain data, with the observed counts."""
        return self._state.ir

    @property
    def compiled(self) -> CompiledModel:
        """The compiled likelihood, with compensated sums if `precise`."""
        return self._state.compiled(precise=self.precise)

    @property
    def on_host(self) -> CompiledModel:
        """The same in float64 on the host; `compiled` itself where the model lives there."""
        return self._state.compiled(precise=self.precise, on_host=True)

    def to(self, backend: str | Backend, device: str | None = None) -> Self:
        """Return the same model on another backend; this one stays where it is.

        Parameters
        ----------
        backend, device
            As for the class. Without a device it is the backend's default.
        """
        chosen = get_backend(backend, device)
        return self._with(self._state if chosen is self.backend else self._state.on(chosen))

    def _with(self, state: ModelState) -> Self:
        # copy.copy would go through __reduce__ and compile again.
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._state = state
        return new

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        make = partial(type(self), backend=self.backend, precise=self._precise)
        return partial(make, self._state.ir), ()

    def __repr__(self) -> str:
        return f"<{model_line(self)}>"

    def _repr_html_(self) -> str:
        return model_html(self)

    # -- parameters -------------------------------------------------------------------------------

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

    def restricted(self, channels: Iterable[str]) -> Self:
        """Return the model of some channels: fit regions without validation regions.

        The other channels leave the likelihood, and so do parameters that act in them only; those
        that stay keep their name, start, bounds and constraint. `nextstat_core.infer.yields`
        predicts the other channels from a fit of this model.

        Parameters
        ----------
        channels : iterable of str
            Names of the channels to keep, at least one.

        Raises
        ------
        InputError
            If a channel does not exist, or none is named.
        """
        return self._with(make_state(with_channels(self._state.ir, channels), self.backend))

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
        yields = floats("nominal", nominal, finite=True).tolist()
        changed = with_nominal(self._state.ir, channel, sample, yields)
        self._state = make_state(changed, self.backend)

    # -- expectations -----------------------------------------------------------------------------

    def expected_data(self, params: ArrayLike, *, include_auxdata: bool = True) -> list[float]:
        """Expected main data, then auxiliary data in pyhf's order.

        A Gaussian auxiliary measurement is expected at its parameter, a Poisson one at parameter
        times factor.
        """
        state = self._state
        vector = parameter_vector(params, self.n_params())
        main = expected_main(state.exact(precise=self.precise), vector)
        return main + (
            expected_auxiliary(state.ir, state.aux_order, vector) if include_auxdata else []
        )

    def expected_main_by_channel_sample(self, params: ArrayLike) -> list[dict[str, Any]]:
        """Expected counts: dicts of ``channel_name``, ``samples`` and ``total``, channels by name.

        Each entry of ``samples`` has ``sample_name`` and ``y``.
        """
        state = self._state
        vector = parameter_vector(params, self.n_params())
        return expected_by_sample(state.ir, state.exact(precise=self.precise), vector)
