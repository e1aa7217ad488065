r"""Cholesky factors and inverses of arrow matrices.

Elimination of the blocks leaves :math:`S = H_{aa} - \sum_c H_{ac} K_c^{-1} H_{ca}`, so the cost
is cubic in the dense part and linear in the number of blocks. Masked members (fixed, or at a
bound) have their rows and columns replaced by the identity, and their couplings and right-hand
sides by zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core.linalg.arrow import assemble

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.linalg.arrow import ArrowMatrix, ArrowShape
    from nextstat_core.typing import Array

__all__ = ["ArrowFactor", "ArrowInverse", "factorize"]


@dataclass(frozen=True, slots=True)
class _BlockFactor:
    factor: Array  # (rows * components, size, size)
    coupling: Array  # (rows, components * size, n_dense), masked
    reduced: Array  # L^-1 coupling, same shape
    components: int
    size: int


@dataclass(frozen=True, slots=True)
class ArrowFactor:
    """Cholesky factors of an `ArrowMatrix`; `ok` says in which rows it is positive definite."""

    backend: Backend
    shape: ArrowShape
    dense: Array
    blocks: tuple[_BlockFactor, ...]
    free: Array | None
    ok: Array

    def solve(self, rhs: Array) -> Array:
        """Solution per row for a right-hand side (rows, n_parameters); zero where masked."""
        backend, xp = self.backend, self.backend.xp
        if self.free is not None:
            rhs = xp.where(self.free, rhs, 0.0)
        top, parts = self.shape.split(rhs, backend)
        rows = rhs.shape[0]
        for block, part in zip(self.blocks, parts, strict=True):
            small = xp.reshape(part, (rows * block.components, block.size, 1))
            lower = xp.reshape(backend.lower_solve(block.factor, small), (rows, -1, 1))
            top = top - xp.matmul(xp.permute_dims(block.reduced, (0, 2, 1)), lower)[..., 0]
        if self.shape.n_dense:
            top = backend.spd_solve(self.dense, top[:, :, None])[..., 0]
        out = []
        for block, part in zip(self.blocks, parts, strict=True):
            rest = part - xp.matmul(block.coupling, top[:, :, None])[..., 0]
            small = xp.reshape(rest, (rows * block.components, block.size, 1))
            out.append(xp.reshape(backend.spd_solve(block.factor, small), (rows, -1)))
        return self.shape.join(top, out, backend)

    def inverse(self) -> ArrowInverse:
        """The inverse; its diagonal and whole matrices are made on request."""
        backend, xp = self.backend, self.backend.xp
        dense = backend.spd_inverse(self.dense) if self.shape.n_dense else self.dense
        blocks = []
        for block in self.blocks:
            own = backend.spd_inverse(block.factor)
            w = block.coupling
            if self.shape.n_dense:
                shape = (own.shape[0], block.size, self.shape.n_dense)
                solved = backend.spd_solve(block.factor, xp.reshape(w, shape))
                w = xp.reshape(solved, w.shape)
            blocks.append(_BlockInverse(own, w, xp.matmul(w, dense)))
        return ArrowInverse(backend, self.shape, dense, tuple(blocks), self.free)


@dataclass(frozen=True, slots=True)
class _BlockInverse:
    own: Array  # K^-1, (rows * components, size, size)
    w: Array  # K^-1 H_ca, (rows, components * size, n_dense)
    w_dense: Array  # W S^-1, same shape


@dataclass(frozen=True, slots=True)
class ArrowInverse:
    r"""Inverse of an `ArrowMatrix`, in parts.

    With :math:`W = K^{-1} H_{ca}` it is :math:`S^{-1}` in the dense part, :math:`-W S^{-1}` next to
    it and :math:`K^{-1} + W S^{-1} W^T` among the blocks.
    """

    backend: Backend
    shape: ArrowShape
    dense: Array
    blocks: tuple[_BlockInverse, ...]
    free: Array | None

    def diagonal(self) -> Array:
        """Diagonals, shape (rows, n_parameters); zero where masked."""
        xp = self.backend.xp
        parts = []
        for block in self.blocks:
            own = xp.reshape(xp.linalg.diagonal(block.own), (block.w.shape[0], -1))
            parts.append(own + xp.sum(block.w_dense * block.w, axis=2))
        result = self.shape.join(xp.linalg.diagonal(self.dense), parts, self.backend)
        return result if self.free is None else xp.where(self.free, result, 0.0)

    def full(self) -> Array:
        """Ordinary matrices, shape (rows, n_parameters, n_parameters); zero where masked."""
        xp = self.backend.xp
        wide = [-block.w_dense for block in self.blocks]
        own = [block.own for block in self.blocks]
        corner = None
        if self.blocks and self.shape.n_dense:
            w = xp.concat([block.w for block in self.blocks], axis=1)
            w_dense = xp.concat([block.w_dense for block in self.blocks], axis=1)
            corner = xp.matmul(w_dense, xp.permute_dims(w, (0, 2, 1)))
        whole = assemble(self.shape, self.dense, wide, own, self.backend, corner)
        if self.free is None:
            return whole
        return xp.where(self.free[:, :, None] & self.free[:, None, :], whole, 0.0)


def factorize(
    matrix: ArrowMatrix,
    backend: Backend,
    *,
    free: Array | None = None,
    damping: Array | None = None,
) -> ArrowFactor:
    """Factorise a batch of arrow matrices; never raises.

    Parameters
    ----------
    free : bool array, shape (rows, n_parameters), optional
        Members that take part; the others are replaced by the identity.
    damping : array, shape (rows, n_parameters), optional
        Added to the diagonal, to the blocks before they are eliminated.
    """
    xp, shape = backend.xp, matrix.shape
    free_dense, free_parts = (None, [None] * len(shape.blocks))
    if free is not None:
        free_dense, free_parts = shape.split(free, backend)
    damp_dense, damp_parts = (None, [None] * len(shape.blocks))
    if damping is not None:
        damp_dense, damp_parts = shape.split(damping, backend)
    dense = _masked(matrix.dense, free_dense, damp_dense, backend)
    rows = dense.shape[0]
    ok = xp.ones((rows,), dtype=xp.bool, device=backend.device)
    blocks = []
    for (_, n, m), block, part_free, part_damp in zip(
        shape.blocks, matrix.blocks, free_parts, damp_parts, strict=True
    ):
        small = xp.reshape(block.matrices, (rows * n, m, m))
        flat_free = None if part_free is None else xp.reshape(part_free, (rows * n, m))
        flat_damp = None if part_damp is None else xp.reshape(part_damp, (rows * n, m))
        factor, fine = backend.spd_factor(_masked(small, flat_free, flat_damp, backend))
        ok = ok & xp.all(xp.reshape(fine, (rows, n)), axis=1)
        coupling = xp.reshape(block.coupling, (rows, n * m, shape.n_dense))
        if part_free is not None:
            coupling = xp.where(part_free[:, :, None] & free_dense[:, None, :], coupling, 0.0)
        reduced = coupling
        if shape.n_dense:
            small = xp.reshape(coupling, (rows * n, m, shape.n_dense))
            reduced = xp.reshape(backend.lower_solve(factor, small), coupling.shape)
            dense = dense - xp.matmul(xp.permute_dims(reduced, (0, 2, 1)), reduced)
        blocks.append(_BlockFactor(factor, coupling, reduced, n, m))
    if shape.n_dense:
        dense, fine = backend.spd_factor(dense)
        ok = ok & fine
    return ArrowFactor(backend, shape, dense, tuple(blocks), free, ok)


def _masked(matrices: Array, free: Array | None, damping: Array | None, backend: Backend) -> Array:
    xp = backend.xp
    if free is None:
        if damping is None:
            return matrices
        return backend.add_diagonal(matrices + 0.0, damping)
    matrices = xp.where(free[:, :, None] & free[:, None, :], matrices, 0.0)
    unit = xp.astype(~free, backend.dtype)
    extra = unit if damping is None else xp.where(free, damping, unit)
    return backend.add_diagonal(matrices, extra)
