"""What fits find of a signal that was put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.results.toys import ToyResults

__all__ = ["SignalInjection"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SignalInjection:
    """Fits to Asimov data, and to toys, at n values of the parameter of interest.

    Attributes
    ----------
    parameter : str
    injected : float array, shape (n,)
    truth : float array, shape (n, n_params)
        All parameters at which data were made.
    fits : ToyResults
        Fits to the Asimov data, one per value, with uncertainties.
    toys : tuple of ToyResults
        Fits to toys, with uncertainties, one batch per value; empty without toys.
    warnings : tuple of str
    """

    parameter: str
    injected: FloatArray
    truth: FloatArray
    fits: ToyResults
    toys: tuple[ToyResults, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.fits)
        shapes = {"injected": (count,), "truth": (count, len(self.fits.parameter_names))}
        for name, shape in shapes.items():
            object.__setattr__(self, name, read_only_floats(name, getattr(self, name), shape))

    @property
    def _index(self) -> int:
        return self.fits.parameter_names.index(self.parameter)

    @property
    def fitted(self) -> FloatArray:
        """Best fits to the Asimov data, shape (n,)."""
        return self.fits.column(self.parameter)

    @property
    def errors(self) -> FloatArray:
        """Their uncertainties, shape (n,)."""
        assert self.fits.errors is not None
        return self.fits.errors[:, self._index]

    @property
    def n_converged(self) -> tuple[int, ...]:
        """Toys whose fit converged; only these count."""
        return tuple(toys.n_converged for toys in self.toys)

    @property
    def toy_mean(self) -> FloatArray:
        """Mean best fit of the toys, shape (n,); NaN where fewer than two converged."""
        return self._over_toys(lambda values, _: np.mean(values))

    @property
    def toy_width(self) -> FloatArray:
        """Standard deviation of the toys' best fits, shape (n,)."""
        return self._over_toys(lambda values, _: np.std(values, ddof=1))

    @property
    def pull_mean(self) -> FloatArray:
        """Mean of ``(fitted - injected) / uncertainty`` over toys, shape (n,)."""
        return self._over_toys(lambda _, pulls: np.mean(pulls))

    @property
    def pull_width(self) -> FloatArray:
        """Standard deviation of the same, shape (n,)."""
        return self._over_toys(lambda _, pulls: np.std(pulls, ddof=1))

    def _over_toys(self, summary: Callable[[FloatArray, FloatArray], Any]) -> FloatArray:
        found = np.full(len(self.toys), np.nan)
        for i, toys in enumerate(self.toys):
            assert toys.errors is not None
            good = toys.converged & (toys.errors[:, self._index] > 0.0)
            if np.count_nonzero(good) > 1:
                values = toys.values[good, self._index]
                pulls = (values - self.injected[i]) / toys.errors[good, self._index]
                found[i] = summary(values, pulls)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values: columns by name."""
        found: dict[str, Any] = {
            "parameter": self.parameter,
            "injected": self.injected.tolist(),
            "fitted": self.fitted.tolist(),
            "errors": self.errors.tolist(),
            "converged": self.fits.converged.tolist(),
            "warnings": list(self.warnings),
        }
        if self.toys:
            found["n_toys"] = [len(toys) for toys in self.toys]
            found["n_converged"] = list(self.n_converged)
            for name in ("toy_mean", "toy_width", "pull_mean", "pull_width"):
                column = getattr(self, name).tolist()
                found[name] = [None if np.isnan(value) else value for value in column]
        return found

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(rest="see .to_dict()")])

    def _repr_html_(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return block(paragraph(self._headline()), self._table().html(), *map(paragraph, notes))

    def _headline(self) -> str:
        toys = f", {len(self.toys[0])} toys each" if self.toys else ""
        return f"{self.parameter} put in at {len(self.injected)} values{toys}"

    def _table(self) -> Table:
        columns = ["injected", "fitted", "uncertainty"]
        numbers = [self.injected, self.fitted, self.errors]
        if self.toys:
            columns += ["mean of toys", "width", "mean pull", "width of pulls"]
            numbers += [self.toy_mean, self.toy_width, self.pull_mean, self.pull_width]
        rows = [tuple(f"{x:.5g}" for x in row) for row in zip(*numbers, strict=True)]
        return Table(tuple(columns), "r" * len(columns), rows)
