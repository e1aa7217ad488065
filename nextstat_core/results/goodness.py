"""How well a model describes its data."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.results.plain import finite_or_none
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.fit import FitResult

__all__ = ["GoodnessOfFit"]

# As far below the observed value a toy still counts as equal, relative and absolute.
_EQUAL = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GoodnessOfFit:
    """Likelihood-ratio test of a model against the saturated one.

    Attributes
    ----------
    statistic : float
        ``2 (L - L_sat)`` for negative log-likelihoods L at the best fit; in ``L_sat`` every bin
        expects what was observed, and every constraint is at its own maximum.
    n_bins : int
    n_free : int
        Free parameters without a constraint, the one of interest included.
    p_value : float or None
        From the chi-squared distribution with `ndof` degrees of freedom; None without any, see
        `reason`.
    reason : str
        Why there is no p-value; empty if there is one.
    fit : FitResult
    toys : float array, shape (n_valid,), or None
        The statistic in toys drawn at the best fit, those that converged, in order.
    n_failed : int
        Toys whose fit did not converge; they are left out.
    warnings : tuple of str
    """

    statistic: float
    n_bins: int
    n_free: int
    p_value: float | None
    reason: str
    fit: FitResult
    toys: FloatArray | None = None
    n_failed: int = 0
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.toys is not None:
            toys = read_only_floats("toys", self.toys, (len(self.toys),))
            object.__setattr__(self, "toys", toys)

    @property
    def ndof(self) -> int:
        """Bins less free parameters; not necessarily positive."""
        return self.n_bins - self.n_free

    @property
    def p_value_toys(self) -> float | None:
        """``(k + 1) / (m + 1)`` for k of m valid toys at least as bad as the data; None without."""
        if self.toys is None or not len(self.toys) or not isfinite(self.statistic):
            return None
        least = self.statistic - _EQUAL * max(1.0, self.statistic)
        return (int(np.count_nonzero(self.toys >= least)) + 1) / (len(self.toys) + 1)

    @property
    def p_value_toys_error(self) -> float | None:
        """Binomial standard error of `p_value_toys`."""
        p = self.p_value_toys
        if p is None or self.toys is None:
            return None
        return float(np.sqrt(p * (1.0 - p) / (len(self.toys) + 1)))

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for what does not exist."""
        return {
            "statistic": finite_or_none(self.statistic),
            "ndof": self.ndof,
            "n_bins": self.n_bins,
            "n_free": self.n_free,
            "p_value": self.p_value,
            "reason": self.reason,
            "n_toys": 0 if self.toys is None else len(self.toys) + self.n_failed,
            "n_failed": self.n_failed,
            "p_value_toys": self.p_value_toys,
            "p_value_toys_error": self.p_value_toys_error,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join(
            ["Goodness of fit, saturated model", *self._table().text(), *self._notes()]
        )

    def _repr_html_(self) -> str:
        head = paragraph("Goodness of fit, saturated model")
        return block(head, self._table().html(), *map(paragraph, self._notes()))

    def _table(self) -> Table:
        rows = [
            ("statistic", f"{self.statistic:.6g}"),
            ("degrees of freedom", f"{self.ndof} ({self.n_bins} bins, {self.n_free} free)"),
            ("p-value", "none" if self.p_value is None else f"{self.p_value:.4g}"),
        ]
        if self.toys is not None:
            p, error = self.p_value_toys, self.p_value_toys_error
            text = "none" if p is None else f"{p:.4g} +/- {error:.2g}"
            rows.append((f"p-value from {len(self.toys)} toys", text))
        return Table(("quantity", "value"), "lr", rows)

    def _notes(self) -> list[str]:
        notes = [self.reason] if self.reason else []
        return [*notes, *(f"warning: {warning}" for warning in self.warnings)]
