"""Data and auxiliary data of a batch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from nextstat_core.stats import compensated_sum, gaussian_constant, poisson_constant

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.typing import Array, Indices

__all__ = ["Observations", "constant_of"]


@dataclass(frozen=True, slots=True)
class Observations:
    """Observed counts and auxiliary measurements; the last axis has one entry, or one per row.

    Attributes
    ----------
    count : array, shape (bins, 1 or rows)
        Observed counts in internal bin order.
    center, width : array, shape (n_gaussian, 1 or rows)
        Gaussian auxiliary measurements.
    aux_count, aux_factor : array, shape (n_poisson, 1 or rows)
        Poisson auxiliary counts, and their expectation per unit of the parameter.
    """

    count: Array
    center: Array
    width: Array
    aux_count: Array
    aux_factor: Array

    def rows(self, index: Indices, backend: Backend) -> Observations:
        """The same for some rows only."""
        parts = {}
        for field in fields(self):
            value = getattr(self, field.name)
            shared = value.shape[-1] == 1
            parts[field.name] = value if shared else backend.take(value, index, axis=value.ndim - 1)
        return Observations(**parts)

    def on(self, backend: Backend, before: Backend) -> Observations:
        """The same on another backend than `before`."""
        moved = [before.to_numpy(getattr(self, field.name)) for field in fields(self)]
        return Observations(*map(backend.asarray, moved))


def constant_of(data: Observations, backend: Backend) -> Array:
    """What completes the varying part to ``-log L``, shape (1 or rows,)."""
    xp = backend.xp
    # A plain sum may go through one row in another order than through many: other last bits.
    return (
        compensated_sum(poisson_constant(data.count, backend), xp)
        + compensated_sum(poisson_constant(data.aux_count, backend), xp)
        + compensated_sum(gaussian_constant(data.width, xp), xp)
    )
