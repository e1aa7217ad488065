"""How far a surrogate is from its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OutsideBoundsWarning", "SurrogateReport"]


class OutsideBoundsWarning(UserWarning):
    """A surrogate is asked outside the box in which it was trained."""


@dataclass(frozen=True, slots=True)
class SurrogateReport:
    """Errors of a surrogate at points that it was not trained on.

    An error in sigma is one of ``z = sqrt(2 (nll - nll_reference))``, the distance from the best
    fit in standard deviations of one parameter. It is what a likelihood ratio is off by.

    Attributes
    ----------
    n_train, n_held_out : int
        Numbers of points.
    nll_reference : float
        What stands for the best fit.
    nll_rms, nll_max : float
        Root mean square and largest error of the negative log-likelihood.
    sigma_rms, sigma_max : float
        The same of `z`, in standard deviations.
    gradient_rms : float
        Root mean square error of the gradient, each entry times the standard deviation of its
        parameter in the training points; NaN without gradients.
    nll_spread : float
        Standard deviation of the negative log-likelihood over the training points: what `nll_rms`
        of a constant would be.
    """

    n_train: int
    n_held_out: int
    nll_reference: float
    nll_rms: float
    nll_max: float
    sigma_rms: float
    sigma_max: float
    gradient_rms: float
    nll_spread: float

    @classmethod
    def compare(
        cls,
        nll: NDArray[np.float64],
        predicted: NDArray[np.float64],
        slope_errors: NDArray[np.float64],
        *,
        n_train: int,
        nll_reference: float,
        nll_spread: float,
    ) -> Self:
        """Compare predictions with the model, both of shape (n_held_out,).

        `slope_errors`, shape (n_held_out, n_params) or empty, are in units of the spread of the
        parameters.
        """
        error = predicted - nll
        in_sigma = _distance(predicted - nll_reference) - _distance(nll - nll_reference)
        return cls(
            n_train=n_train,
            n_held_out=len(nll),
            nll_reference=nll_reference,
            nll_rms=_rms(error),
            nll_max=float(np.abs(error).max()),
            sigma_rms=_rms(in_sigma),
            sigma_max=float(np.abs(in_sigma).max()),
            gradient_rms=_rms(slope_errors) if slope_errors.size else float("nan"),
            nll_spread=nll_spread,
        )

    def __str__(self) -> str:
        return (
            f"{self.n_held_out} held-out points: -log L off by {self.nll_rms:.3g} rms, "
            f"{self.nll_max:.3g} at most; {self.sigma_rms:.3g} sigma rms, "
            f"{self.sigma_max:.3g} at most"
        )


def _distance(excess: NDArray[np.float64]) -> NDArray[np.float64]:
    # A prediction below the best fit is at no distance from it.
    return np.sqrt(2.0 * np.maximum(excess, 0.0))


def _rms(errors: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(errors * errors)))
