"""Cell additions: basis functions of the parameters times templates, forwards and backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.likelihood.curves import Curves

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.additions_plan import Additions
    from nextstat_core.typing import Array

__all__ = ["AdditionKernel"]


class AdditionKernel:
    """All cell additions of a model on one backend.

    Templates that are mostly zero are a sparse matrix; others are dense blocks of cells, `blocks`:
    (cells, index of the block's basis functions or None for all, templates).
    """

    def __init__(self, additions: Additions, n_rows: int, n_cells: int, backend: Backend) -> None:
        self._backend, self._n_cells = backend, n_cells
        self.slots = additions.slots
        self._identity = backend.indices(additions.identity)
        self._bends = Curves(backend, additions.groups)
        self._basis_order = None if additions.order is None else backend.indices(additions.order)
        self._basis_gaps = additions.n_values < len(additions.owners)
        full = additions.block_basis is None and len(additions.blocks) == 1
        self.blocks = [
            (
                block.cells,
                None if full else backend.indices(block.basis),
                backend.asarray(block.templates),
            )
            for block in additions.blocks
        ]
        n_basis = len(additions.owners)
        self._sparse = self._sparse_turned = None
        if additions.sparse is not None:
            entries = additions.sparse
            slots = entries.values.shape[0]
            stride = len(additions.parameters)
            cells = [*entries.cells.tolist()] * slots
            basis = [s * stride + k for s in range(slots) for k in entries.active.tolist()]
            values = entries.values.reshape(-1)
            self._sparse = backend.sparse(cells, basis, values, (n_cells, n_basis))
            self._sparse_turned = backend.sparse(basis, cells, values, (n_basis, n_cells))
        self._block_sum = None
        if additions.block_basis is not None:
            self._block_sum = backend.segment_plan(additions.block_basis, n_basis)
        self._follow_rows = backend.segment_plan(additions.follow_rows, n_rows)
        self._follow_basis = backend.indices(additions.follow_basis)
        self._follow_index = backend.indices(additions.follow_rows)
        self._follow_sum = backend.segment_plan(additions.follow_basis, n_basis)

    def to_cells(self, basis: Array) -> Array | float:
        """What is added to the nominal yields: (cells, rows)."""
        added = 0.0 if self._sparse is None else self._sparse @ basis
        return added + self._dense_additions(basis) if self.blocks else added

    def _dense_additions(self, basis: Array) -> Array:
        """What template blocks add to all cells."""
        backend, xp = self._backend, self._backend.xp
        parts, reached = [], 0

        def gap(stop: int) -> Array:
            shape = (stop - reached, basis.shape[1])
            return xp.zeros(shape, dtype=backend.dtype, device=backend.device)

        for cells, index, templates in self.blocks:
            if cells.start > reached:
                parts.append(gap(cells.start))
            part = basis if index is None else backend.take(basis, index, axis=0)
            parts.append(xp.matmul(templates, part))
            reached = cells.stop
        if reached < self._n_cells:
            parts.append(gap(self._n_cells))
        return parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)

    def followers(self, basis: Array) -> Array:
        """Sum of the basis functions per row whose templates contain ``-nominal``."""
        picked = self._backend.take(basis, self._follow_basis, axis=0)
        return self._backend.segment_sum(self._follow_rows, picked)

    def follower_sums(self, by_row: Array) -> Array:
        """Per basis function the sum over the rows whose templates contain ``-nominal``."""
        picked = self._backend.take(by_row, self._follow_index, axis=0)
        return self._backend.segment_sum(self._follow_sum, picked)

    def basis(self, theta: Array, order: int) -> list[Array | None]:
        """Basis functions of the additions and their derivatives, (slots * parameters, rows)."""
        backend, xp = self._backend, self._backend.xp
        linear = backend.take(theta, self._identity, axis=0)
        odd: list[Array | None] = [linear, None, None]
        if order > 0:
            odd[1] = xp.ones_like(linear)
        if order > 1:
            odd[2] = xp.zeros_like(linear)
        if not self._bends:
            parts: list[Array | None] = odd
        else:
            even = self._bends(theta, order)
            parts = [
                None if a is None or b is None else xp.concat([a, b], axis=0)
                for a, b in zip(odd, even, strict=True)
            ]
        if self._basis_order is None:
            return parts
        return [None if part is None else self._ordered(part) for part in parts]

    def _ordered(self, part: Array) -> Array:
        xp = self._backend.xp
        if self._basis_gaps:
            zero = xp.zeros((1, part.shape[1]), dtype=part.dtype, device=self._backend.device)
            part = xp.concat([part, zero], axis=0)
        return self._backend.take(part, self._basis_order, axis=0)

    def basis_sums(self, weight: Array) -> Array:
        """Weighted sums of the templates of each basis function."""
        xp = self._backend.xp
        result = None if self._sparse_turned is None else self._sparse_turned @ weight
        if not self.blocks:
            return result
        parts = [
            xp.matmul(xp.permute_dims(templates, (1, 0)), weight[cells, :])
            for cells, _, templates in self.blocks
        ]
        stacked = parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)
        if self._block_sum is not None:
            stacked = self._backend.segment_sum(self._block_sum, stacked)
        return stacked if result is None else stacked + result
