"""Random arrow matrices, and the same as ordinary ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nextstat_core.backend import Backend, get_backend
from nextstat_core.linalg import ArrowBlock, ArrowMatrix, ArrowShape
from nextstat_core.testing import StrictBackend

#: Number of dense parameters, and (components, size) of the blocks.
_STRUCTURES: dict[str, tuple[int, list[tuple[int, int]]]] = {
    "no blocks": (5, []),
    "no dense part": (0, [(4, 1), (2, 3)]),
    "one size": (3, [(6, 1)]),
    "two sizes": (4, [(5, 1), (3, 2)]),
    "all sizes": (2, [(3, 1), (2, 2), (1, 5), (1, 8)]),
    "one of each": (1, [(1, 1)]),
    "many": (3, [(40, 1), (11, 2)]),
}


@pytest.fixture(params=["numpy", "strict"])
def backend(request: pytest.FixtureRequest) -> Backend:
    return get_backend("numpy") if request.param == "numpy" else StrictBackend()


@pytest.fixture(params=sorted(_STRUCTURES))
def structure(request: pytest.FixtureRequest) -> tuple[int, list[tuple[int, int]]]:
    return _STRUCTURES[request.param]


@pytest.fixture
def arrow() -> Callable[..., tuple[ArrowMatrix, np.ndarray]]:
    """Function that makes a batch of positive definite arrow matrices, in both forms."""
    return _arrow


def _arrow(
    structure: tuple[int, list[tuple[int, int]]], rows: int, backend: Backend, seed: int = 0
) -> tuple[ArrowMatrix, np.ndarray]:
    n_dense, blocks = structure
    generator = np.random.default_rng([seed, rows])
    sizes = [n * m for n, m in blocks]
    total = n_dense + sum(sizes)
    arranged = generator.permutation(total)  # parameters in the order: dense, then blocks
    cuts = np.split(arranged, np.cumsum([n_dense, *sizes])[:-1])
    shape = ArrowShape(
        total,
        n_dense,
        backend.indices(cuts[0]),
        tuple((backend.indices(c), n, m) for c, (n, m) in zip(cuts[1:], blocks, strict=True)),
        backend.indices(np.argsort(arranged)),
    )
    ordinary = np.zeros((rows, total, total))
    dense = _symmetric(generator, (rows, n_dense))
    ordinary[np.ix_(range(rows), cuts[0], cuts[0])] = dense
    made = []
    for members, (n, m) in zip(cuts[1:], blocks, strict=True):
        small = _symmetric(generator, (rows, n, m))
        coupling = generator.normal(size=(rows, n, m, n_dense))
        for i in range(n):
            own = members[i * m : (i + 1) * m]
            ordinary[np.ix_(range(rows), own, own)] = small[:, i]
            ordinary[np.ix_(range(rows), own, cuts[0])] = coupling[:, i]
            ordinary[np.ix_(range(rows), cuts[0], own)] = coupling[:, i].swapaxes(1, 2)
        made.append((small, coupling))
    # Diagonal dominance makes all of it positive definite.
    weight = np.abs(ordinary).sum(axis=2) + generator.uniform(0.5, 1.5, size=(rows, total))
    ordinary += weight[:, :, None] * np.eye(total)
    dense = dense + weight[:, cuts[0], None] * np.eye(n_dense)
    parts = []
    for (small, coupling), members, (n, m) in zip(made, cuts[1:], blocks, strict=True):
        extra = weight[:, members].reshape(rows, n, m)[..., None] * np.eye(m)
        parts.append(ArrowBlock(backend.asarray(small + extra), backend.asarray(coupling)))
    return ArrowMatrix(shape, backend.asarray(dense), tuple(parts)), ordinary


def _symmetric(generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
    root = generator.normal(size=(*shape, shape[-1]))
    return root + root.swapaxes(-1, -2)
