"""What inference needs from a model, whatever it is a model of."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from nextstat_core.typing import Array, ArrayLike

__all__ = ["ModelWithHessian", "StatisticalModel"]


@runtime_checkable
class StatisticalModel(Protocol):
    """A negative log-likelihood with gradient, and where to start.

    `nll` is finite inside the bounds, and ``nan`` where a parameter is; constants may be left out.
    """

    def n_params(self) -> int:
        """Return the number of parameters."""
        ...

    def dim(self) -> int:
        """Return the number of parameters, under its other name."""
        ...

    def nll(self, params: ArrayLike) -> float:
        """Evaluate the negative log-likelihood at `params`, shape (n_params,)."""
        ...

    def grad_nll(self, params: ArrayLike) -> Sequence[float]:
        """Evaluate the gradient of `nll`, one entry per parameter."""
        ...

    def parameter_names(self) -> list[str]:
        """Return unique names in vector order."""
        ...

    def suggested_init(self) -> list[float]:
        """Return a start inside the bounds."""
        ...

    def suggested_bounds(self) -> list[tuple[float, float]]:
        """Return (lower, upper) per parameter; infinite where unbounded, equal where fixed."""
        ...


@runtime_checkable
class ModelWithHessian(StatisticalModel, Protocol):
    """A model with exact second derivatives; others are differentiated numerically."""

    def hessian(self, params: ArrayLike) -> Array:
        """Evaluate the Hessian of `nll`, shape (n_params, n_params)."""
        ...
