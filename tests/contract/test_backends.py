"""The conformance kit on our own backends, and on the strict one."""

import pytest

from nextstat_core.backend import Backend, get_backend
from nextstat_core.testing import BackendContract, StrictBackend


class TestNumpy(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return get_backend("numpy")


class TestStrict(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return StrictBackend()


class TestStrictWithoutFloat64(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return StrictBackend("no_float64")


class TestTorch(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return get_backend("torch")


class TestTorchFloat32(BackendContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return get_backend("torch-float32")
