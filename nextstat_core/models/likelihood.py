"""The likelihood of a HistFactory model as users call it: values, gradients, second derivatives.

Single points are evaluated in float64 on any backend: what calls them, minimisers and samplers
above all, lives on the last digits, and a device is slow for one point. Batches are evaluated where
the model lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.models.arrays import floats
from nextstat_core.models.evaluation import Points
from nextstat_core.models.parameters import parameter_rows, parameter_vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.models.state import ModelState
    from nextstat_core.typing import Array, ArrayLike

__all__ = ["LikelihoodMethods"]


class LikelihoodMethods:
    """Half of `HistFactoryModel`; the other half says what `_state` and `precise` are."""

    _state: ModelState

    @property
    def backend(self) -> Backend:
        """Where the model is evaluated."""
        return self._state.plain.backend

    @property
    def precise(self) -> bool:
        """Whether sums are compensated."""
        raise NotImplementedError

    def n_params(self) -> int:
        return len(self._state.ir.parameters)

    def nll(self, params: ArrayLike) -> float:
        """Negative log-likelihood with all constants: minus pyhf's ``logpdf``."""
        points = self._at(parameter_vector(params, self.n_params())[None, :], order=0, exact=True)
        return float(_complete(points)[0])

    def grad_nll(self, params: ArrayLike) -> list[float]:
        points = self._at(parameter_vector(params, self.n_params())[None, :], order=1, exact=True)
        return points.on_host(points.gradient())[0].tolist()

    def hessian(self, params: ArrayLike, *, native: bool = False) -> Array:
        """Exact second derivatives of `nll`, shape (n_params, n_params).

        For `native` see `nll_batch`.
        """
        return self._curvature(params, expected=False, native=native)

    def fisher_information(self, params: ArrayLike, *, native: bool = False) -> Array:
        """Expected second derivatives of `nll` if `params` were true, (n_params, n_params).

        For `native` see `nll_batch`.
        """
        return self._curvature(params, expected=True, native=native)

    def nll_batch(
        self, params: ArrayLike, data: ArrayLike | None = None, *, native: bool = False
    ) -> Array:
        """Negative log-likelihoods of many parameter vectors.

        Parameters
        ----------
        params : array-like, shape (rows, n_params)
        data : array-like, shape (n_main,) or (rows, n_main), optional
            Observed counts instead of the model's own.
        native : bool
            Return an array of the model's backend, on its device and in its dtype, instead of a
            float64 array of NumPy. In float32 that costs digits: the constants of a large model
            may be 1e5, where neighbouring numbers are 0.008 apart. NumPy arrays get them added in
            float64. (Single points, as in `nll`, are evaluated in float64 on any backend.)

        Returns
        -------
        float array, shape (rows,)
        """
        points = self._at(parameter_rows(params, self.n_params()), data, order=0)
        if not native:
            return _complete(points)
        constant = points.constant()
        is_one = isinstance(constant, float)
        return points.varying() + (constant if is_one else self.backend.asarray(constant))

    def grad_nll_batch(
        self, params: ArrayLike, data: ArrayLike | None = None, *, native: bool = False
    ) -> Array:
        """Gradients of many parameter vectors, shape (rows, n_params); see `nll_batch`."""
        points = self._at(parameter_rows(params, self.n_params()), data, order=1)
        return points.gradient() if native else points.on_host(points.gradient())

    def nll_and_grad_batch(
        self, params: ArrayLike, data: ArrayLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values and gradients of one pass: `nll_batch` and `grad_nll_batch` on the host.

        Returns
        -------
        nll : float array, shape (rows,)
        gradient : float array, shape (rows, n_params)
        """
        points = self._at(parameter_rows(params, self.n_params()), data, order=1)
        return _complete(points), points.on_host(points.gradient())

    def nominal_gradient(
        self,
        params: ArrayLike,
        *,
        channel: str,
        sample: str,
        data: ArrayLike | None = None,
        native: bool = False,
    ) -> Array:
        """Derivative of `nll` with respect to the nominal yields of one sample.

        It is the derivative of what `set_sample_nominal` does: widths of statistical errors and
        auxiliary counts of shape uncertainties move along.

        Parameters
        ----------
        params : array-like, shape (n_params,) or (rows, n_params)
        data : array-like, shape (n_main,) or (rows, n_main), optional
            Observed counts instead of the model's own.
        native : bool
            As in `nll_batch`.

        Returns
        -------
        float array, shape (bins of the channel,) or (rows, bins of the channel)
        """
        theta = floats("params", params)
        exact = theta.ndim == 1 and not native
        points = self._at(parameter_rows(theta, self.n_params()), data, order=1, exact=exact)
        rows = points.nominal_gradient(channel, sample)
        found = rows if native else points.on_host(rows)
        return found[0, :] if theta.ndim == 1 else found

    def _at(
        self,
        theta: NDArray[np.float64],
        data: ArrayLike | None = None,
        *,
        order: int,
        exact: bool = False,
    ) -> Points:
        return Points.evaluate(
            self._state, theta, data, order=order, precise=self.precise, exact=exact
        )

    def _curvature(self, params: ArrayLike, *, expected: bool, native: bool) -> Array:
        theta = parameter_vector(params, self.n_params())[None, :]
        points = self._at(theta, order=2, exact=not native)
        matrix = points.curvature(expected=expected)[0, ...]
        return matrix if native else points.on_host(matrix)


def _complete(points: Points) -> NDArray[np.float64]:
    """Negative log-likelihoods with constants, which are large and therefore added in float64."""
    return points.on_host(points.varying()) + points.constant()
