r"""Symmetric matrices with a dense part and many small blocks that couple only to it.

.. math::
    H = \begin{pmatrix} H_{aa} & H_{ac} \\ H_{ca} & \mathrm{diag}(K_1, K_2, \dots) \end{pmatrix}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.typing import Array, Indices

__all__ = ["ArrowBlock", "ArrowMatrix", "ArrowShape", "assemble"]


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

    def on(self, backend: Backend, before: Backend) -> ArrowShape:
        """The same with its index arrays on another backend than `before`."""

        def move(index: Indices) -> Indices:
            return backend.indices(before.to_numpy(index))

        blocks = tuple((move(index), n, m) for index, n, m in self.blocks)
        return ArrowShape(
            self.n_parameters, self.n_dense, move(self.dense), blocks, move(self.order)
        )


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

    def on(self, backend: Backend, before: Backend) -> ArrowMatrix:
        """The same on another backend than `before`."""

        def move(x: Array) -> Array:
            return backend.asarray(before.to_numpy(x))

        blocks = tuple(ArrowBlock(move(b.matrices), move(b.coupling)) for b in self.blocks)
        return ArrowMatrix(self.shape.on(backend, before), move(self.dense), blocks)

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
        return assemble(self.shape, self.dense, cross, small, backend)


def assemble(
    shape: ArrowShape,
    dense: Array,
    cross: list[Array],
    small: list[Array],
    backend: Backend,
    corner: Array | None = None,
) -> Array:
    """Ordinary matrices, parameters in order, from the dense part, couplings and blocks.

    The `corner`, if any, is added over all blocks.
    """
    xp = backend.xp
    rows, d = dense.shape[0], shape.n_dense
    sizes = [n * m for _, n, m in shape.blocks]
    total = d + sum(sizes)
    whole = xp.zeros((rows, total, total), dtype=backend.dtype, device=backend.device)
    whole[:, :d, :d] = dense
    if corner is not None:
        whole[:, d:, d:] = corner
    start = d
    for i, ((_, n, m), size) in enumerate(zip(shape.blocks, sizes, strict=True)):
        end = start + size
        if d:
            whole[:, start:end, :d] = cross[i]
            whole[:, :d, start:end] = xp.permute_dims(cross[i], (0, 2, 1))
        members = xp.reshape(small[i], (rows, n, m, m))
        inside = whole[:, start:end, start:end]
        for a in range(m):
            for b in range(m):
                inside = inside + _spread(members[:, :, a, b], m, a, b, backend)
        whole[:, start:end, start:end] = inside
        start = end
    return backend.take(backend.take(whole, shape.order, axis=1), shape.order, axis=2)


def _spread(values: Array, m: int, a: int, b: int, backend: Backend) -> Array:
    """Values (rows, n) at (i m + a, i m + b) of zero matrices (rows, n m, n m)."""
    xp = backend.xp
    rows, n = values.shape
    if m == 1:
        zero = xp.zeros((rows, n, n), dtype=backend.dtype, device=backend.device)
        return backend.add_diagonal(zero, values)
    grid = values[:, :, None] * xp.eye(n, dtype=backend.dtype, device=backend.device)
    left = xp.eye(m, dtype=backend.dtype, device=backend.device)[a, :]
    right = xp.eye(m, dtype=backend.dtype, device=backend.device)[b, :]
    wide = grid[:, :, None, :, None] * left[None, None, :, None, None] * right
    return xp.reshape(wide, (rows, n * m, n * m))
