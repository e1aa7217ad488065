"""What the CuPy backend says where it cannot be used."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

plugin = pytest.importorskip("nextstat_backend_cupy._plugin")

from nextstat_core.errors import BackendUnavailableError  # noqa: E402


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.split(".")[0] in {"cupy", "cupyx"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "nextstat_backend_cupy._backend", raising=False)
    plugin._make.cache_clear()
    yield plugin._load
    plugin._make.cache_clear()


def test_a_missing_library_is_named_with_the_command(load, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(BackendUnavailableError, match=r"(?s)not installed.*Hint: .*\[cuda13\]"):
        load(None)


def test_missing_libraries_of_cuda_are_named_with_the_command(load, monkeypatch) -> None:
    """CuPy itself is there; its parts cannot find their libraries."""
    monkeypatch.setitem(sys.modules, "cupy", ModuleType("cupy"))
    monkeypatch.setitem(sys.modules, "cupyx", None)
    with pytest.raises(BackendUnavailableError, match=r"(?s)libraries of CUDA.*Hint: .*\[ctk\]"):
        load("cuda:0")


@pytest.mark.parametrize("device", ["cpu", "cuda:one", "mps"])
def test_an_unknown_device_is_refused(load, device: str) -> None:
    with pytest.raises(BackendUnavailableError, match=f"no device {device!r}.*'cuda:1'"):
        load(device)
