"""How fits are done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nextstat_core.errors import InputError
from nextstat_core.optimize import Options

__all__ = ["FitOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """Settings of a fit.

    Attributes
    ----------
    tolerance : float
        Estimated distance to the minimum (EDM), in units of the negative log-likelihood, below
        which a fit has converged. Single fits then take one more Newton step.
    max_iterations : int
        Newton steps after which a fit gives up.
    n_starts : int
        Number of starting points. The first is the model's; the others are drawn from the
        constraints, or between the bounds, with a fixed seed. The lowest minimum is returned.
    second_modes : bool
        Look for a second mode where systematics move yields to the same side, and return the lower
        one.
    method : {"newton", "hybrid"}
        Exact Hessians from the start, or a quasi-Newton start with the Fisher information at the
        starting point as metric, and exact Hessians only near the minimum. The latter can be faster
        with very many parameters that act on many bins.
    polish_rows : bool
        Whether fits that are rows of one minimisation go on with the last Hessian until rounding
        stops them. Errors of gradients are of first order in the distance to the minimum.
    on_failure : {"return", "raise"}
        Whether a fit that does not converge is a result with a reason, or a `FitError`.
    """

    tolerance: float = 1e-8
    max_iterations: int = 200
    n_starts: int = 1
    second_modes: bool = True
    method: Literal["newton", "hybrid"] = "newton"
    polish_rows: bool = False
    on_failure: Literal["return", "raise"] = "return"

    def __post_init__(self) -> None:
        if not self.tolerance > 0.0:
            raise InputError(f"`tolerance` must be positive; found {self.tolerance!r}")
        if self.max_iterations < 1:
            raise InputError(f"`max_iterations` must be at least 1; found {self.max_iterations!r}")
        if self.n_starts < 1:
            raise InputError(f"`n_starts` must be at least 1; found {self.n_starts!r}")
        if self.method not in {"newton", "hybrid"}:
            raise InputError(f"`method` must be 'newton' or 'hybrid'; found {self.method!r}")
        if self.on_failure not in {"return", "raise"}:
            raise InputError(f"`on_failure` must be 'return' or 'raise'; found {self.on_failure!r}")

    def minimiser(self, *, polish: bool = True) -> Options:
        """The same for the optimizer."""
        return Options(tolerance=self.tolerance, max_iterations=self.max_iterations, polish=polish)
