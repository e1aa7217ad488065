"""The likelihood of a model at points of a batch, as arrays of the model's backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from nextstat_core.models.widths import Auxiliary, bin_widths, per_log_width

if TYPE_CHECKING:
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
        compiled, backend = self.compiled, self.compiled.backend
        row = self.state.row_of(channel, sample)
        with backend.errstate():
            by_rate = compiled.kernel.cell_weights(self.at.rates, self.at.terms.slope, row)
            by_rate = by_rate * compiled.kernel.share_of_nominal(self.at.rates, row)
        return backend.transposed(by_rate) + backend.asarray(self._of_widths(channel, sample))

    def _of_widths(self, channel: str, sample: str) -> NDArray[np.float64]:
        """What constraints contribute whose widths are made from the nominal yields."""
        layout, yields = self.compiled.layout, self.compiled.plan.nominal[None, :]
        own = Auxiliary(
            layout.center[None, :],
            layout.width[None, :],
            layout.count[None, :],
            layout.factor[None, :],
        )
        total = np.zeros((1, 1))
        for each in bin_widths(self.state.ir, self.compiled.plan):
            if each.channel == channel and sample in each.samples:
                used = each.information(yields) > 0.0
                nominal = np.where(used, each.nominal(yields), 1.0)
                slope = per_log_width(each, self.theta, own, yields)
                total = total + np.where(used, slope / nominal, 0.0)
        return total
