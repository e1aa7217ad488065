"""Contours of the profile likelihood in two parameters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.minimum import FitMinimumResult
    from nextstat_core.results.toys import ToyResults

__all__ = ["Contour"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Contour:
    """Closed lines of constant 2 dNLL around the best fit, one per level.

    Attributes
    ----------
    names : tuple of str
        The two parameters.
    levels : tuple of float
        Confidence levels for two parameters.
    delta : float array, shape (n_levels,)
        2 dNLL on the lines.
    points : float array, shape (n_levels, n_points + 1, 2)
        Corners of the polygons, in the mathematically positive sense; the last repeats the first.
    ends : tuple of tuple of str
        How the ray to each of the `n_points` corners ends, as in `Interval`: empty on the line;
        ``bound`` at a bound, inside the line; ``open``: there is no line in this direction, the
        corner is NaN; ``failed``: a point inside, no point on the line could be found.
    best : FitMinimumResult
        The best fit.
    fits : ToyResults
        Conditional fits at the corners, level by level.
    warnings : tuple of str
    """

    names: tuple[str, str]
    levels: tuple[float, ...]
    delta: FloatArray
    points: FloatArray
    ends: tuple[tuple[str, ...], ...]
    best: FitMinimumResult
    fits: ToyResults
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.levels)
        shape = (count, np.shape(self.points)[1], 2)
        object.__setattr__(self, "delta", read_only_floats("delta", self.delta, (count,)))
        object.__setattr__(self, "points", read_only_floats("points", self.points, shape))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; corners that do not exist are None."""
        return {
            "parameters": list(self.names),
            "bestfit": {name: self.best[name] for name in self.names},
            "nll_hat": self.best.nll,
            "contours": [
                {
                    "level": level,
                    "delta": delta,
                    "points": [
                        None if np.isnan(point[0]) else point for point in self.points[i].tolist()
                    ],
                    "ends": list(self.ends[i]),
                }
                for i, (level, delta) in enumerate(
                    zip(self.levels, self.delta.tolist(), strict=True)
                )
            ],
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return "\n".join([self._headline(), *self._table().text(), *notes])

    def _repr_html_(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return block(paragraph(self._headline()), self._table().html(), *map(paragraph, notes))

    def _headline(self) -> str:
        where = ", ".join(f"{name} = {self.best[name]:.6g}" for name in self.names)
        return f"Contours around {where}: {self.points.shape[1] - 1} points each"

    def _table(self) -> Table:
        x, y = self.names
        rows = []
        for i, level in enumerate(self.levels):
            corners = self.points[i][~np.isnan(self.points[i, :, 0])]
            (x_low, y_low), (x_high, y_high) = corners.min(axis=0), corners.max(axis=0)
            counts = Counter(end for end in self.ends[i] if end)
            note = ", ".join(f"{end}: {count}" for end, count in sorted(counts.items()))
            ranges = f"{x_low:.5g} ... {x_high:.5g}", f"{y_low:.5g} ... {y_high:.5g}"
            rows.append((f"{level:.6g}", f"{self.delta[i]:.6g}", *ranges, note))
        return Table(("level", "2 dNLL", x, y, "corners that end otherwise"), "rrrrl", rows)
