"""Limits of many signals."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.results.hypotest import NSIGMA_ORDER
from nextstat_core.results.plain import finite_or_none
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results.limits import LimitResult

__all__ = ["MassScan"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MassScan:
    """Upper limits of n signals on the same background.

    Attributes
    ----------
    alpha : float
        One minus the confidence level.
    names : tuple of str
        Of the signals, in the order in which they were given.
    value_names : tuple of str
        What `values` are, masses for example.
    values : tuple of tuples
        Coordinates of each signal; empty tuples where there are none.
    observed : float array, shape (n,)
        Limits on the signal strength; NaN where there is no result, see `errors`.
    expected : float array, shape (n, 5), or None
        In the order of `NSIGMA_ORDER`.
    cross_sections : float array, shape (n,), or None
        Cross section that a signal strength of one stands for, in the user's unit.
    limits : mapping of str to LimitResult
        The whole result of each signal that has one.
    errors : mapping of str to str
        Why a signal has no result.
    """

    alpha: float
    names: tuple[str, ...]
    value_names: tuple[str, ...]
    values: tuple[tuple[float | str, ...], ...]
    observed: FloatArray
    expected: FloatArray | None
    cross_sections: FloatArray | None
    limits: Mapping[str, LimitResult]
    errors: Mapping[str, str]

    def __post_init__(self) -> None:
        count = len(self.names)
        for name, shape in (
            ("observed", (count,)),
            ("expected", (count, len(NSIGMA_ORDER))),
            ("cross_sections", (count,)),
        ):
            column = getattr(self, name)
            if column is not None:
                object.__setattr__(self, name, read_only_floats(name, column, shape))

    @property
    def observed_cross_sections(self) -> FloatArray | None:
        """Limits on the cross section, shape (n,), where cross sections were given."""
        return None if self.cross_sections is None else self.observed * self.cross_sections

    @property
    def expected_cross_sections(self) -> FloatArray | None:
        """Expected limits on the cross section, shape (n, 5)."""
        if self.cross_sections is None or self.expected is None:
            return None
        return self.expected * self.cross_sections[:, None]

    @property
    def excluded(self) -> tuple[str, ...]:
        """Signals whose strength of one is excluded."""
        return tuple(np.array(self.names, dtype=object)[self.observed < 1.0].tolist())

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for no limit."""
        points = []
        for i, name in enumerate(self.names):
            point: dict[str, Any] = {
                "name": name,
                "values": list(self.values[i]),
                "obs_limit": finite_or_none(self.observed[i]),
                "exp_limits": None
                if self.expected is None
                else [*map(finite_or_none, self.expected[i].tolist())],
                "error": self.errors.get(name),
                "warnings": list(self.limits[name].warnings) if name in self.limits else [],
            }
            if self.cross_sections is not None:
                size = self.cross_sections[i]
                point["cross_section"] = finite_or_none(size)
                point["obs_cross_section"] = finite_or_none(self.observed[i] * size)
                if self.expected is not None:
                    scaled = (self.expected[i] * size).tolist()
                    point["exp_cross_sections"] = [*map(finite_or_none, scaled)]
            points.append(point)
        return {
            "alpha": self.alpha,
            "nsigma_order": list(NSIGMA_ORDER),
            "value_names": list(self.value_names),
            "points": points,
        }

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(rest="see .to_dict()")])

    def _repr_html_(self) -> str:
        return block(paragraph(self._headline()), self._table().html())

    def _headline(self) -> str:
        failed = f", {len(self.errors)} without a result" if self.errors else ""
        count = len(self.names)
        return f"Limits at {1.0 - self.alpha:.0%} CL of {count} signals{failed}"

    def _table(self) -> Table:
        rows = []
        for i, name in enumerate(self.names):
            cells = [_cell(self.observed[i])]
            if self.expected is not None:
                cells += [_cell(self.expected[i, k]) for k in (2, 0, 4)]
            rows.append((name, *cells, self.errors.get(name, "").split("\n")[0]))
        bands = ("expected", "-2 sigma", "+2 sigma") if self.expected is not None else ()
        columns = ("signal", "observed", *bands, "error")
        return Table(columns, "l" + "r" * (1 + len(bands)) + "l", rows)


def _cell(value: float) -> str:
    return f"{value:.4g}" if isfinite(value) else "none"
