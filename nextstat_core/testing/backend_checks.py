"""What the tests of a backend have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import array_api_compat
import numpy as np
import pytest

from nextstat_core.backend import Backend, Capability
from nextstat_core.testing.contract import Contract

if TYPE_CHECKING:
    from nextstat_core.typing import Array

__all__ = ["BackendChecks", "check_kind", "positive_definite", "to_host"]


class BackendChecks(Contract):
    """Fixtures; tolerances follow from the declared capabilities."""

    @pytest.fixture
    def backend(self) -> Backend:
        """The backend under test."""
        raise NotImplementedError(f"{type(self).__name__} must override the fixture `backend`")

    @pytest.fixture
    def tolerance(self, backend: Backend) -> float:
        """Relative tolerance that the capabilities promise."""
        return 1e-12 if Capability.FLOAT64 in backend.capabilities else 1e-5


def to_host(backend: Backend, x: Array) -> np.ndarray:
    """Host array of floats."""
    return backend.to_numpy(x).astype(float)


def check_kind(backend: Backend, x: Array) -> None:
    """Check that `x` has the working dtype and lies on the device."""
    assert x.dtype == backend.dtype, f"the result has dtype {x.dtype}, expected {backend.dtype}"
    device = array_api_compat.device(x)
    assert device == backend.device, f"the result is on {device!r}, expected {backend.device!r}"


def positive_definite(rows: int, n: int) -> np.ndarray:
    """Symmetric matrices with eigenvalues around 1 to 5, exact in float32."""
    generator = np.random.default_rng([rows, n])
    root = np.tril(generator.normal(size=(rows, n, n)), -1) / math.sqrt(n)
    product = root @ root.swapaxes(1, 2) + np.eye(n)
    return product.astype(np.float32).astype(float)
