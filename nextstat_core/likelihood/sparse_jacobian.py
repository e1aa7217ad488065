"""Derivatives of the rates through template entries, where most templates are zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.likelihood.gather import GatherSum

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.hessian_plan import SparsePlan
    from nextstat_core.likelihood.rates import Rates
    from nextstat_core.typing import Array

__all__ = ["SparseJacobian"]


class SparseJacobian:
    """Adds the entries' part to Jacobians of bins, slots and rows: (rows, places, dense)."""

    def __init__(self, plan: SparsePlan, n_dense: int, backend: Backend) -> None:
        self._backend, self._n_dense = backend, n_dense
        self._cells = backend.indices(plan.cells)
        self._basis = [backend.indices(basis) for basis in plan.basis]
        self._values = [backend.asarray(values[:, None]) for values in plan.values]
        self._to_bins = GatherSum(backend, plan.to_bins)
        self._to_rows = GatherSum(backend, plan.to_rows)
        self._to_slots = GatherSum(backend, plan.to_slots)
        self._slot_entry = backend.indices(plan.slot_entry)
        self._slot_others = backend.indices(plan.slot_others)

    def __call__(
        self,
        rates: Rates,
        whole: Array,
        others: Array,
        slope_cell: Array,
        shift: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        """Parts of the bins' Jacobian, of the slots' mixed derivatives, and of the rows.

        Parameters
        ----------
        whole : array, shape (cells, rows)
            Product of the cell factors.
        others : array, shape (layers * cells + 1, rows)
            Product of the other cell factors, per layer.
        slope_cell : array, shape (cells, rows)
            Slope of the objective in each cell's bin.
        shift : array, shape (cells, rows), optional
            Take ``-shift`` for the templates: what follows nominal yields that differ between rows.
        """
        backend = self._backend
        entries = self._values
        if shift is not None:
            entries = [-backend.take(shift, self._cells, axis=0)]
        change = None
        for basis, values in zip(self._basis, entries, strict=True):
            term = values * backend.take(rates.basis_first, basis, axis=0)
            change = term if change is None else change + term
        here = change * backend.take(whole, self._cells, axis=0)
        by_factor = backend.take(rates.factor_cell, self._cells, axis=0)
        slope = backend.take(slope_cell, self._cells, axis=0)
        bins = self._grid(self._to_bins(here * by_factor))
        rows = self._grid(self._to_rows(here * slope))
        at_slot = backend.take(change * by_factor, self._slot_entry, axis=0)
        at_slot = at_slot * backend.take(others, self._slot_others, axis=0)
        return bins, self._grid(self._to_slots(at_slot)), rows

    def _grid(self, flat: Array) -> Array:
        xp = self._backend.xp
        shape = (flat.shape[1], flat.shape[0] // self._n_dense, self._n_dense)
        return xp.reshape(xp.permute_dims(flat, (1, 0)), shape)
