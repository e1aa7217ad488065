"""The result of a minimisation without uncertainties."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.arrays import FloatArray

__all__ = ["FitMinimumResult"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FitMinimumResult:
    """A minimum of the negative log-likelihood; no covariance was computed.

    Attributes
    ----------
    values : float array, shape (n_params,)
        The minimum; `parameters` (alias `bestfit`) is the same as a list of float.
    nll, initial_nll : float
    converged : bool
    n_iter, n_fev, n_gev, n_hev : int
        Iterations, and evaluations of objective, gradient and Hessian.
    message : str
        Why the minimiser stopped: one of `TERMINATION_REASONS`.
    final_gradient : list of float or None
        Gradient at the minimum, in vector order.
    edm : float
        Estimated distance to the minimum, in units of `nll`.
    parameter_names : tuple of str
        Empty, or one name per parameter.
    seconds : float
        How long the fit took; NaN where that was not measured.
    """

    values: FloatArray
    nll: float
    converged: bool
    n_iter: int = 0
    n_fev: int = 0
    n_gev: int = 0
    n_hev: int = 0
    message: str = ""
    initial_nll: float = nan
    final_gradient: list[float] | None = None
    edm: float = nan
    parameter_names: tuple[str, ...] = ()
    seconds: float = nan

    def __post_init__(self) -> None:
        count = len(self.parameter_names) or np.size(self.values)
        object.__setattr__(self, "values", read_only_floats("values", self.values, (count,)))
        if self.final_gradient is not None:
            gradient = read_only_floats("final_gradient", self.final_gradient, (count,))
            object.__setattr__(self, "final_gradient", gradient.tolist())

    @property
    def parameters(self) -> list[float]:
        """The minimum as a list."""
        return self.values.tolist()

    @property
    def bestfit(self) -> list[float]:
        return self.parameters

    @property
    def twice_nll(self) -> float:
        return 2.0 * self.nll

    @property
    def success(self) -> bool:
        return self.converged

    def __getitem__(self, name: str) -> float:
        if name not in self.parameter_names:
            raise InputError.unknown("parameter", name, self.parameter_names)
        return float(self.values[self.parameter_names.index(name)])

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(rest="see .values")])

    def _repr_html_(self) -> str:
        return block(paragraph(self._headline()), self._table().html())

    def _headline(self) -> str:
        outcome = "Minimum found" if self.converged else f"NO minimum found ({self.message})"
        steps = f"{self.n_iter} iteration" + ("" if self.n_iter == 1 else "s")
        return f"{outcome}: nll = {self.nll:.9g}, edm = {self.edm + 0.0:.2g}, {steps}"

    def _table(self) -> Table:
        names = self.parameter_names or map(str, range(len(self.values)))
        gradient = self.final_gradient or [nan] * len(self.values)
        rows = [
            (name, f"{value:.6g}", "" if isnan(slope) else f"{slope:.2g}")
            for name, value, slope in zip(names, self.values.tolist(), gradient, strict=True)
        ]
        return Table(("parameter", "value", "gradient"), "lrr", rows)
