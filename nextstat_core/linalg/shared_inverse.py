"""The inverse of one arrow matrix, applied to many vectors at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.linalg.arrow import ArrowShape
    from nextstat_core.linalg.factor import ArrowInverse
    from nextstat_core.typing import Array

__all__ = ["SharedInverse", "share"]


@dataclass(frozen=True, slots=True)
class SharedInverse:
    """Inverse in parts: S^-1 of the Schur complement, ``W = K^-1 H_ca`` and K^-1 of the blocks.

    One matrix serves all rows, so that applying it is a product of matrices.
    """

    backend: Backend
    shape: ArrowShape
    schur: Array  # (dense, dense)
    cross: tuple[Array, ...]  # (components * size, dense)
    blocks: tuple[Array, ...]  # (components, size, size)

    def apply(self, vectors: Array) -> Array:
        """Inverse times vectors, (rows, n_parameters)."""
        backend, xp = self.backend, self.backend.xp
        top, parts = self.shape.split(vectors, backend)
        for part, cross in zip(parts, self.cross, strict=True):
            top = top - xp.matmul(part, cross)
        top = xp.matmul(top, self.schur)
        out = []
        for part, cross, block in zip(parts, self.cross, self.blocks, strict=True):
            own = self._block_product(part, block)
            out.append(own - xp.matmul(top, xp.permute_dims(cross, (1, 0))))
        return self.shape.join(top, out, backend)

    def _block_product(self, part: Array, block: Array) -> Array:
        xp = self.backend.xp
        n, m = block.shape[:2]
        if m == 1:
            return part * block[:, 0, 0][None, :]
        grid = xp.reshape(part, (part.shape[0], n, 1, m))
        return xp.reshape(xp.sum(block[None, ...] * grid, axis=3), part.shape)

    def on(self, backend: Backend) -> SharedInverse:
        """The same on another backend, in its dtype."""
        before = self.backend
        if backend is before:
            return self

        def move(x: Array) -> Array:
            return backend.asarray(before.to_numpy(x))

        return SharedInverse(
            backend,
            self.shape.on(backend, before),
            move(self.schur),
            tuple(map(move, self.cross)),
            tuple(map(move, self.blocks)),
        )

    def without(self, gone: tuple[tuple[int, ...], ...], shape: ArrowShape) -> SharedInverse:
        """The inverse restricted to what is left without some blocks.

        Blocks are independent given the dense part, so the rest of the inverse does not change.

        Parameters
        ----------
        gone : one tuple per group of blocks
            Components that are left out.
        shape : ArrowShape
            Structure of the rest, in its own numbering.
        """
        backend = self.backend
        cross, blocks = [], []
        for part, block, lost in zip(self.cross, self.blocks, gone, strict=True):
            n, m = block.shape[:2]
            kept = [i for i in range(n) if i not in set(lost)]
            if not kept:
                continue
            members = backend.indices([i * m + j for i in kept for j in range(m)])
            cross.append(backend.take(part, members, axis=0))
            blocks.append(backend.take(block, backend.indices(kept), axis=0))
        return SharedInverse(backend, shape, self.schur, tuple(cross), tuple(blocks))


def share(inverse: ArrowInverse) -> SharedInverse:
    """Make the inverse of a batch of one serve any number of rows."""
    blocks = []
    for (_, n, m), block in zip(inverse.shape.blocks, inverse.blocks, strict=True):
        blocks.append(inverse.backend.xp.reshape(block.own, (n, m, m)))
    return SharedInverse(
        inverse.backend,
        inverse.shape,
        inverse.dense[0, ...],
        tuple(block.w[0, ...] for block in inverse.blocks),
        tuple(blocks),
    )
