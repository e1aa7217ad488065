r"""Symmetric matrices with a dense part and many small blocks that couple only to it.

.. math::
    H = \begin{pmatrix} H_{aa} & H_{ac} \\ H_{ca} & \mathrm{diag}(K_1, K_2, \dots) \end{pmatrix}

Elimination of the blocks leaves :math:`S = H_{aa} - \sum_c H_{ac} K_c^{-1} H_{ca}`, so the cost
is cubic in the dense part and linear in the number of blocks. Masked members (fixed, or at a
bound) have their rows and columns replaced by the identity, and their couplings and right-hand
sides by zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.typing import Array, Indices

__all__ = ["ArrowBlock", "ArrowFactor", "ArrowMatrix", "ArrowShape", "factorize"]


@dataclass(frozen=True, slots=True)
class ArrowShape:
    """Which parameters are dense and which form blocks; shared by all matrices of a model.

    Attributes
    ----------
    n_parameters : int
    dense : index array, shape (n_dense,)
    blocks : tuple of (index array of shape (components * size,), components, size)
    order : index array, shape (n_parameters,)
        Position of each parameter in the concatenation of dense part and blocks.
    """

    n_parameters: int
    n_dense: int
    dense: Indices
    blocks: tuple[tuple[Indices, int, int], ...]
    order: Indices

    def split(self, x: Array, backend: Backend) -> tuple[Array, list[Array]]:
        """Entries of (rows, n_parameters) that belong to the dense part and to each block."""
        parts = [backend.take(x, index, axis=1) for index, _, _ in self.blocks]
        return backend.take(x, self.dense, axis=1), parts

    def join(self, dense: Array, parts: list[Array], backend: Backend) -> Array:
        """Inverse of `split`."""
        whole = backend.xp.concat([dense, *parts], axis=1) if parts else dense
        return backend.take(whole, self.order, axis=1)


@dataclass(frozen=True, slots=True)
class ArrowBlock:
    """All blocks of one size: (rows, components, size, size), (rows, components, size, n_dense)."""

    matrices: Array
    coupling: Array


@dataclass(frozen=True, slots=True)
class ArrowMatrix:
    """A batch of matrices; `dense` has shape (rows, n_dense, n_dense)."""

    shape: ArrowShape
    dense: Array
    blocks: tuple[ArrowBlock, ...]

    def take(self, rows: Indices, backend: Backend) -> ArrowMatrix:
        """The same for some rows of the batch."""
        blocks = tuple(
            ArrowBlock(
                backend.take(b.matrices, rows, axis=0), backend.take(b.coupling, rows, axis=0)
            )
            for b in self.blocks
        )
        return ArrowMatrix(self.shape, backend.take(self.dense, rows, axis=0), blocks)

    def where(self, mask: Array, other: ArrowMatrix, backend: Backend) -> ArrowMatrix:
        """Rows of this batch where `mask`, of `other` elsewhere."""
        where = backend.xp.where
        blocks = tuple(
            ArrowBlock(
                where(mask[:, None, None, None], a.matrices, b.matrices),
                where(mask[:, None, None, None], a.coupling, b.coupling),
            )
            for a, b in zip(self.blocks, other.blocks, strict=True)
        )
        dense = where(mask[:, None, None], self.dense, other.dense)
        return ArrowMatrix(self.shape, dense, blocks)

    def diagonal(self, backend: Backend) -> Array:
        """Diagonals, shape (rows, n_parameters)."""
        xp = backend.xp
        parts = []
        for block in self.blocks:
            small = xp.linalg.diagonal(block.matrices)
            parts.append(xp.reshape(small, (small.shape[0], -1)))
        return self.shape.join(xp.linalg.diagonal(self.dense), parts, backend)

    def multiply(self, x: Array, backend: Backend) -> Array:
        """Matrix times vector per row, (rows, n_parameters)."""
        xp = backend.xp
        dense, parts = self.shape.split(x, backend)
        top = xp.matmul(self.dense, dense[:, :, None])[..., 0]
        out = []
        for block, part in zip(self.blocks, parts, strict=True):
            rows, n, m, d = block.coupling.shape
            flat = xp.reshape(block.coupling, (rows, n * m, d))
            own = xp.matmul(block.matrices, xp.reshape(part, (rows, n, m, 1)))
            cross = xp.matmul(flat, dense[:, :, None])
            out.append(xp.reshape(own, (rows, n * m)) + cross[..., 0])
            top = top + xp.matmul(xp.permute_dims(flat, (0, 2, 1)), part[:, :, None])[..., 0]
        return self.shape.join(top, out, backend)

    def full(self, backend: Backend) -> Array:
        """Ordinary matrices, shape (rows, n_parameters, n_parameters)."""
        rows, d = self.dense.shape[0], self.shape.n_dense
        xp = backend.xp
        cross = [xp.reshape(b.coupling, (rows, -1, d)) for b in self.blocks if d]
        small = [block.matrices for block in self.blocks]
        return _assemble(self.shape, self.dense, cross, small, backend)


def _assemble(
    shape: ArrowShape, dense: Array, cross: list[Array], small: list[Array], backend: Backend
) -> Array:
    """Ordinary matrices from a dense part, couplings and diagonal blocks, parameters in order."""
    xp = backend.xp
    rows, d = dense.shape[0], shape.n_dense
    sizes = [n * m for _, n, m in shape.blocks]
    total = d + sum(sizes)
    whole = xp.zeros((rows, total, total), dtype=backend.dtype, device=backend.device)
    whole[:, :d, :d] = dense
    start = d
    for i, ((_, n, m), size) in enumerate(zip(shape.blocks, sizes, strict=True)):
        if d:
            whole[:, start : start + size, :d] = cross[i]
            whole[:, :d, start : start + size] = xp.permute_dims(cross[i], (0, 2, 1))
        members = xp.reshape(small[i], (rows, n, m, m))
        for a in range(m):
            for b in range(m):
                unit = _spread(members[:, :, a, b], m, a, b, backend)
                inside = whole[:, start : start + size, start : start + size]
                whole[:, start : start + size, start : start + size] = inside + unit
        start += size
    return backend.take(backend.take(whole, shape.order, axis=1), shape.order, axis=2)


def _spread(values: Array, m: int, a: int, b: int, backend: Backend) -> Array:
    """Values (rows, n) at (i m + a, i m + b) of zero matrices (rows, n m, n m)."""
    xp = backend.xp
    rows, n = values.shape
    grid = values[:, :, None] * xp.eye(n, dtype=backend.dtype, device=backend.device)
    left = xp.eye(m, dtype=backend.dtype, device=backend.device)[a, :]
    right = xp.eye(m, dtype=backend.dtype, device=backend.device)[b, :]
    wide = grid[:, :, None, :, None] * left[None, None, :, None, None] * right
    return xp.reshape(wide, (rows, n * m, n * m))


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

    def inverse_parts(self) -> tuple[Array, list[Array], list[Array]]:
        """S^-1, and per block K^-1 and ``W = K^-1 H_ca``."""
        backend, xp = self.backend, self.backend.xp
        inverse = backend.spd_inverse(self.dense) if self.shape.n_dense else self.dense
        own, cross = [], []
        for block in self.blocks:
            rows = block.coupling.shape[0]
            own.append(backend.spd_inverse(block.factor))
            if not self.shape.n_dense:
                cross.append(block.coupling)
                continue
            shape = (rows * block.components, block.size, self.shape.n_dense)
            solved = backend.spd_solve(block.factor, xp.reshape(block.coupling, shape))
            cross.append(xp.reshape(solved, block.coupling.shape))
        return inverse, own, cross

    def inverse_diagonal(self) -> Array:
        """Diagonal of the inverse, shape (rows, n_parameters); zero where masked."""
        backend, xp = self.backend, self.backend.xp
        inverse, own, cross = self.inverse_parts()
        parts = []
        for k_inverse, w in zip(own, cross, strict=True):
            rows = w.shape[0]
            diagonal = xp.reshape(xp.linalg.diagonal(k_inverse), (rows, -1))
            parts.append(diagonal + xp.sum(xp.matmul(w, inverse) * w, axis=2))
        result = self.shape.join(xp.linalg.diagonal(inverse), parts, backend)
        return result if self.free is None else xp.where(self.free, result, 0.0)

    def inverse(self) -> Array:
        """Inverse matrices, shape (rows, n_parameters, n_parameters); zero where masked."""
        backend, xp = self.backend, self.backend.xp
        inverse, own, cross = self.inverse_parts()
        wide = [-xp.matmul(w, inverse) for w in cross]
        whole = _assemble(self.shape, inverse, wide, own, backend)
        if cross and self.shape.n_dense:
            d = self.shape.n_dense
            rows = inverse.shape[0]
            w = xp.concat(cross, axis=1)
            empty = xp.zeros((rows, d, w.shape[2]), dtype=backend.dtype, device=backend.device)
            stacked = xp.concat([empty, w], axis=1)
            rest = xp.matmul(xp.matmul(stacked, inverse), xp.permute_dims(stacked, (0, 2, 1)))
            order = self.shape.order
            whole = whole + backend.take(backend.take(rest, order, axis=1), order, axis=2)
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
