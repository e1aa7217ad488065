"""The likelihood of a model at points of a batch, as arrays of the model's backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from nextstat_core.models.nominal import auxiliary_nominal_gradient

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.likelihood import CompiledModel, Evaluation, Observations
    from nextstat_core.models.state import ModelState
    from nextstat_core.typing import Array, ArrayLike

__all__ = ["Points"]


@dataclass(frozen=True, slots=True)
class Points:
    """A batch that was evaluated up to some order of derivatives.

    Arrays that methods return have the working dtype and the device of the backend.

    Attributes
    ----------
    theta : float array, shape (rows, n_params)
        Where, on the host.
    own_data : bool
        Whether the observations are the model's own.
    """

    state: ModelState
    compiled: CompiledModel
    theta: NDArray[np.float64]
    at: Evaluation
    observations: Observations
    own_data: bool

    @classmethod
    def evaluate(
        cls,
        state: ModelState,
        theta: NDArray[np.float64],
        data: ArrayLike | None,
        *,
        order: int,
        precise: bool,
        exact: bool,
    ) -> Self:
        """Evaluate at the rows of `theta` with the model's own or other `data`.

        `exact` asks for float64: on the host, where the backend does not have it.
        """
        choose = state.exact if exact else state.compiled
        compiled = choose(precise=precise)
        observations = state.observations(data, compiled, len(theta))
        at = compiled.evaluate(compiled.backend.asarray(theta.T), observations, order)
        return cls(state, compiled, theta, at, observations, data is None)

    def varying(self) -> Array:
        """Negative log-likelihoods without `constant`, shape (rows,)."""
        return self.at.nll

    def constant(self) -> NDArray[np.float64] | float:
        """What the data add, for all rows or for each; on the host."""
        if self.own_data:
            return self.state.constant
        return self.compiled.constant(self.observations)

    def on_host(self, x: Array) -> NDArray[np.float64]:
        """One of these arrays as a float64 array of NumPy."""
        return self.compiled.backend.to_numpy(x).astype(float, copy=False)

    def gradient(self) -> Array:
        """Gradients, shape (rows, n_params)."""
        return self.compiled.backend.transposed(self.at.gradient)

    def curvature(self, *, expected: bool) -> Array:
        """Hessians, or what is expected of them, shape (rows, n_params, n_params)."""
        make = self.compiled.fisher if expected else self.compiled.hessian
        return make(self.at, self.observations).full(self.compiled.backend)

    def nominal_gradient(self, channel: str, sample: str) -> Array:
        """Derivatives with respect to nominal yields, shape (rows, bins of the channel)."""
        backend, row = self.compiled.backend, self.state.row_of(channel, sample)
        with backend.errstate():
            by_rate = self.compiled.kernel.nominal_gradient(self.at.rates, self.at.terms.slope, row)
        by_auxiliary = auxiliary_nominal_gradient(self.state.ir, channel, sample, self.theta.T)
        return backend.transposed(by_rate + backend.asarray(by_auxiliary))
