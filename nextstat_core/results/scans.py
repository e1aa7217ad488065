"""Scans of the profile likelihood: points in any number of parameters, along one, over two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.results.minimum import FitMinimumResult
    from nextstat_core.results.toys import ToyResults

__all__ = ["ProfilePoints", "ProfileScan", "ProfileScan2D", "rise_above"]

# Rounding may put a point this much below the minimum, in 2 dNLL.
_ROUNDING = 1e-6


def rise_above(nll: FloatArray, minimum: float) -> FloatArray:
    """``2 (nll - minimum)``, where what rounding put below zero is zero."""
    rise = 2.0 * (nll - minimum)
    rise[(rise < 0.0) & (rise > -_ROUNDING)] = 0.0
    return rise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProfilePoints:
    """Conditional fits at n points in k parameters.

    Attributes
    ----------
    names : tuple of str
        The k parameters that were held.
    points : float array, shape (n, k)
    best : FitMinimumResult
        The best fit, from which the likelihood is measured.
    fits : ToyResults
        The conditional fits, one per point, in the order of the points.
    warnings : tuple of str
        Bounds that were lifted, a better best fit that was found on the way, and the like.
    """

    names: tuple[str, ...]
    points: FloatArray
    best: FitMinimumResult
    fits: ToyResults
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.fits), len(self.names))
        object.__setattr__(self, "points", read_only_floats("points", self.points, shape))

    def __len__(self) -> int:
        return len(self.points)

    @property
    def nll(self) -> FloatArray:
        """``-log L`` of the conditional fits, shape (n,)."""
        return self.fits.nll

    @property
    def twice_delta_nll(self) -> FloatArray:
        """Twice the rise of ``-log L`` above the best fit, shape (n,)."""
        return rise_above(self.fits.nll, self.best.nll)

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Which fits converged, shape (n,); `fits.failed` has the reasons of the others."""
        return self.fits.converged

    def to_dict(self) -> dict[str, Any]:
        """Plain values: columns by name."""
        return {
            "parameters": list(self.names),
            "points": self.points.tolist(),
            "nll": self.nll.tolist(),
            "twice_delta_nll": self.twice_delta_nll.tolist(),
            "converged": self.converged.tolist(),
            "nll_hat": self.best.nll,
            "bestfit": {name: self.best[name] for name in self.names},
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(rest="see .to_dict()")])

    def _repr_html_(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return block(paragraph(self._headline()), self._table().html(), *map(paragraph, notes))

    def _headline(self) -> str:
        where = ", ".join(f"{name} = {self.best[name]:.6g}" for name in self.names)
        good = int(np.count_nonzero(self.converged))
        return (
            f"Profile likelihood at {len(self)} points, {good} converged; "
            f"best fit: {where or 'nothing held'}, nll = {self.best.nll:.9g}"
        )

    def _table(self) -> Table:
        rows = [
            (*(f"{value:.6g}" for value in point), f"{rise:.6g}", "" if fine else "not converged")
            for point, rise, fine in zip(
                self.points.tolist(), self.twice_delta_nll.tolist(), self.converged, strict=True
            )
        ]
        return Table((*self.names, "2 dNLL", "note"), "r" * (len(self.names) + 1) + "l", rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProfileScan(ProfilePoints):
    """A scan of the profile likelihood along one parameter.

    Attributes
    ----------
    parameter_index : int
        Position of the parameter among all.
    """

    parameter_index: int

    @property
    def parameter(self) -> str:
        """Name of the parameter."""
        return self.names[0]

    @property
    def poi_index(self) -> int:
        """Position of the scanned parameter, under the reference's name."""
        return self.parameter_index

    @property
    def mu_hat(self) -> float:
        """Best fit of the parameter."""
        return float(self.best.values[self.parameter_index])

    @property
    def nll_hat(self) -> float:
        """``-log L`` at the best fit."""
        return self.best.nll

    @property
    def values(self) -> FloatArray:
        """Values of the parameter, shape (n,)."""
        return self.points[:, 0]

    @property
    def q_mu(self) -> FloatArray:
        """The one-sided statistic: `twice_delta_nll`, and zero below the best fit; shape (n,)."""
        return np.where(self.values < self.mu_hat, 0.0, self.twice_delta_nll)

    @property
    def n_iter(self) -> NDArray[np.int64]:
        """Iterations of each fit, shape (n,)."""
        assert self.fits.n_iter is not None
        return self.fits.n_iter

    @property
    def parameters(self) -> FloatArray:
        """Values of all P parameters at each point, shape (n, P)."""
        return self.fits.values

    def to_dict(self, *, params: bool = False, curve: bool = False) -> dict[str, Any]:
        """Plain values with the reference's keys.

        Parameters
        ----------
        params : bool
            Add the parameters of each point, and how its fit went.
        curve : bool
            Add the columns `mu_values`, `q_mu_values` and `twice_delta_nll`.
        """
        found: dict[str, Any] = {
            "parameter": self.parameter,
            "poi_index": self.poi_index,
            "mu_hat": self.mu_hat,
            "nll_hat": self.nll_hat,
            "points": [
                {
                    "mu": mu,
                    "q_mu": q,
                    "nll_mu": nll,
                    "converged": converged,
                    "n_iter": steps,
                    **(self._details(i) if params else {}),
                }
                for i, (mu, q, nll, converged, steps) in enumerate(
                    zip(
                        self.values.tolist(),
                        self.q_mu.tolist(),
                        self.nll.tolist(),
                        self.converged.tolist(),
                        self.n_iter.tolist(),
                        strict=True,
                    )
                )
            ],
            "warnings": list(self.warnings),
        }
        if curve:
            found["mu_values"] = self.values.tolist()
            found["q_mu_values"] = self.q_mu.tolist()
            found["twice_delta_nll"] = self.twice_delta_nll.tolist()
        return found

    def _details(self, i: int) -> dict[str, Any]:
        fit = self.fits[i]
        return {
            "params": fit.parameters,
            "message": fit.termination_reason,
            "n_fev": fit.n_fev,
            "n_gev": fit.n_gev,
            "initial_cost": fit.initial_nll,
            "grad_max": fit.final_grad_norm,
            "edm": fit.edm,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProfileScan2D:
    """A scan of the profile likelihood over a grid in two parameters.

    Attributes
    ----------
    x, y : float arrays, shapes (n,) and (m,)
        Values of the first and the second parameter.
    grid : ProfilePoints
        The n * m points; y changes first.
    """

    x: FloatArray
    y: FloatArray
    grid: ProfilePoints

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            column = getattr(self, name)
            object.__setattr__(self, name, read_only_floats(name, column, (len(column),)))

    @property
    def names(self) -> tuple[str, ...]:
        """The two parameters."""
        return self.grid.names

    @property
    def best(self) -> FitMinimumResult:
        """The best fit."""
        return self.grid.best

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.grid.warnings

    @property
    def nll(self) -> FloatArray:
        """``-log L`` of the conditional fits, shape (n, m)."""
        return self.grid.nll.reshape(len(self.x), len(self.y))

    @property
    def twice_delta_nll(self) -> FloatArray:
        """Twice the rise of ``-log L`` above the best fit, shape (n, m)."""
        return self.grid.twice_delta_nll.reshape(len(self.x), len(self.y))

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Which fits converged, shape (n, m)."""
        return self.grid.converged.reshape(len(self.x), len(self.y))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; matrices as one list per value of the first parameter."""
        return {
            "parameters": list(self.names),
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "nll": self.nll.tolist(),
            "twice_delta_nll": self.twice_delta_nll.tolist(),
            "converged": self.converged.tolist(),
            "nll_hat": self.best.nll,
            "bestfit": {name: self.best[name] for name in self.names},
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        return f"{len(self.x)} x {len(self.y)} grid. {self.grid!r}"

    def _repr_html_(self) -> str:
        return block(paragraph(f"{len(self.x)} x {len(self.y)} grid"), self.grid._repr_html_())
