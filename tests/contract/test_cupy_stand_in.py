"""The CuPy backend through the contract, over a stand-in for CuPy: logic, not hardware."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.testing import BackendContract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_core.backend import Backend

pytest.importorskip("nextstat_backend_cupy")


def _stand_in() -> Any:
    path = Path(__file__).with_name("cupy_stand_in.py")
    spec = importlib.util.spec_from_file_location("cupy_stand_in", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STAND_IN = _stand_in()


KEPT: dict[int, Any] = {}


def _same(key: int) -> Any:
    return KEPT[key]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with pytest.MonkeyPatch.context() as patch:
        STAND_IN.install(patch, tmp_path_factory.mktemp("kernels"))
        from nextstat_backend_cupy._backend import CupyBackend

        class StandIn(CupyBackend):
            def __reduce__(self) -> Any:
                # By name there would be the real one.
                KEPT[id(self)] = self
                return _same, (id(self),)

        yield StandIn(0)


@pytest.mark.skipif(not STAND_IN.has_compiler(), reason="kernels are compiled with cc: not found")
class TestCupyOverStandIn(BackendContract):
    @pytest.fixture
    def backend(self, stand_in: Backend) -> Iterator[Backend]:
        with np.errstate(all="ignore"):  # a GPU does not warn
            yield stand_in
