"""What each comparison found, gathered into a table.

Comparisons leave their findings in the properties of the test, which travel with its report, also
from the processes of pytest-xdist.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from parity_matrix.tolerances import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Check", "Line", "Table"]

_PROPERTY = "parity"


class Check:
    """Compares, leaves the finding to the table, and fails where a limit is exceeded.

    Parameters
    ----------
    leave : callable
        ``leave(name, value)``: pytest's `record_property`.
    backend, kind : str
        Label of the backend, and its column of limits.
    case : str
        Name of the model.
    """

    def __init__(
        self, leave: Callable[[str, object], None], backend: str, kind: str, case: str
    ) -> None:
        self._leave, self._backend, self._case = leave, backend, case
        self._limits = LIMITS[kind]

    def __call__(
        self, quantity: str, found: Any, expected: Any, *, unit: Any = None, at: str = ""
    ) -> None:
        """Assert that `found` lies within the limit of `expected`.

        Parameters
        ----------
        quantity : str
            A row of `LIMITS`.
        found, expected : array-like of one shape
            Both may have NaN and infinities, at the same places.
        unit : array-like, optional
            Where a deviation is measured in units of something: that.
        at : str
            Where in the model: a name of a point.
        """
        limit = self._limits[quantity]
        found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
        assert found.shape == expected.shape
        if unit is None and limit.relative:
            unit = np.maximum(1.0, limit.relative / limit.absolute * np.abs(expected))
        deviation = _deviation(found, expected, 1.0 if unit is None else np.asarray(unit))
        case = f"{self._case}, {at}" if at else self._case
        self._leave(
            _PROPERTY,
            {
                "backend": self._backend,
                "tier": limit.tier,
                "quantity": quantity,
                "limit": limit.absolute,
                "worst": deviation,
                "case": case,
            },
        )
        assert deviation <= limit.absolute, f"{quantity}: {case}"


def _deviation(found: Any, expected: Any, unit: Any) -> float:
    """Largest distance; infinite where one is finite and the other is not."""
    finite = np.isfinite(found) & np.isfinite(expected)
    same = finite | (found == expected) | (np.isnan(found) & np.isnan(expected))
    if not same.all():
        return float("inf")
    # A distance of zero is zero in any unit, also in one of zero or infinity.
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(np.where(finite, found - expected, 0.0))
        scaled = np.where(distance > 0.0, distance / unit, 0.0)
    return float(np.max(scaled, initial=0.0))


@dataclass
class Line:
    """One quantity on one backend."""

    backend: str
    tier: int
    quantity: str
    limit: float
    worst: float = -1.0
    case: str = ""
    cases: int = 0


@dataclass
class Table:
    """All findings of a run, and the backends that were not there with the reason."""

    lines: dict[tuple[str, int, str], Line] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, properties: list[tuple[str, Any]]) -> None:
        """Take the findings of one test."""
        for name, entry in properties:
            if name == _PROPERTY:
                self._add(**entry)

    def _add(
        self, *, backend: str, tier: int, quantity: str, limit: float, worst: float, case: str
    ) -> None:
        key = (backend, tier, quantity)
        line = self.lines.setdefault(key, Line(backend, tier, quantity, limit))
        line.cases += 1
        if worst > line.worst:
            line.worst, line.case = worst, case

    def ordered(self) -> list[Line]:
        """Lines by backend as first met, then by tier."""
        backends = list(dict.fromkeys(line.backend for line in self.lines.values()))
        return sorted(
            self.lines.values(),
            key=lambda line: (backends.index(line.backend), line.tier, line.quantity),
        )

    def text(self) -> list[str]:
        """The table as lines of text."""
        rows = [
            f"{line.backend:<18} {line.tier:>4}  {line.quantity:<22} {line.cases:>6} "
            f"{line.worst:>9.1e} {line.limit:>9.1e}  {line.case}"
            for line in self.ordered()
        ]
        title = (
            f"{'backend':<18} {'tier':>4}  {'quantity':<22} {'cases':>6} "
            f"{'worst':>9} {'limit':>9}  worst case"
        )
        reasons = [f"{label:<18} skipped: {reason}" for label, reason in self.skipped.items()]
        return [title, *rows, *reasons]

    def write(self, path: Path) -> None:
        """Write the table as JSON."""
        content = {
            "lines": [asdict(line) for line in self.ordered()],
            "skipped": self.skipped,
        }
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
