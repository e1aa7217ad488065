"""Backends by name."""

import pickle

import pytest

from nextstat_core.backend import (
    Backend,
    BackendRegistry,
    BackendSpec,
    available_backends,
    backend_specs,
    get_backend,
)
from nextstat_core.errors import (
    BackendNotFoundError,
    BackendUnavailableError,
    InputError,
    PluginError,
)
from nextstat_core.hooks import PluginManager, hookimpl


class Acme(Backend):
    name = "acme"

    def __init__(self, device: str | None) -> None:
        self.device = device


class Plugin:
    def __init__(self, *specs: BackendSpec) -> None:
        self.specs = specs

    @hookimpl
    def nextstat_register_backends(self):
        return self.specs


def registry_of(*specs: BackendSpec) -> BackendRegistry:
    manager = PluginManager()
    manager.register(Plugin(*specs), name="acme")
    return BackendRegistry(manager)


def test_same_request_gives_the_same_backend() -> None:
    registry = registry_of(BackendSpec("acme", Acme, aliases=("ac",)))
    assert registry.get("acme", "1") is registry.get("ac", "1")
    assert registry.get("acme", "1") is not registry.get("acme", "2")
    assert registry.get("acme", "2").device == "2"


def test_a_plugin_that_replaces_another_brings_its_own_backend() -> None:
    class Other(Acme):
        pass

    manager = PluginManager()
    registry = BackendRegistry(manager)
    manager.register(Plugin(BackendSpec("acme", Acme)), name="one")
    first = registry.get("acme")
    manager.register(Plugin(), name="of no matter")
    assert registry.get("acme") is first
    manager.unregister("one")
    manager.register(Plugin(BackendSpec("acme", Other)), name="one")
    assert type(registry.get("acme")) is Other


def test_listing_loads_nothing() -> None:
    def load(device: str | None) -> Backend:
        raise AssertionError(f"loaded on {device}")

    registry = registry_of(BackendSpec("b", load), BackendSpec("a", load))
    assert [spec.name for spec in registry.specs()] == ["a", "b"]


def test_unknown_name_gets_a_hint() -> None:
    with pytest.raises(
        BackendNotFoundError, match=r"(?s)no backend named 'nunpy'.*did you mean 'numpy'"
    ):
        get_backend("nunpy")


def test_missing_library_is_said_with_its_distribution() -> None:
    def load(device: str | None) -> Backend:
        raise ModuleNotFoundError(f"No module named 'acme' for {device}")

    with pytest.raises(BackendUnavailableError, match=r"'acme'.*cannot be imported") as caught:
        registry_of(BackendSpec("acme", load)).get("acme")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_loading_something_else_is_the_plugins_fault() -> None:
    with pytest.raises(PluginError, match="loaded a dict"):
        registry_of(BackendSpec("acme", lambda device: {"device": device})).get("acme")


def test_numpy_is_installed_and_has_one_device() -> None:
    assert "numpy" in available_backends()
    assert "numpy" in [spec.name for spec in backend_specs()]
    assert get_backend("numpy") is get_backend("numpy", "cpu")
    with pytest.raises(BackendUnavailableError, match="'cuda:0'"):
        get_backend("numpy", "cuda:0")


# -- names with devices ---------------------------------------------------------------------------


def test_the_name_may_carry_the_device() -> None:
    registry = registry_of(BackendSpec("acme", Acme, aliases=("ac",)))
    assert registry.get("acme:cuda:1") is registry.get("acme", "cuda:1")
    assert registry.get("ac:cuda:1", "cuda:1").device == "cuda:1"


@pytest.mark.parametrize(
    ("name", "device", "message"),
    [
        ("numpy:cpu", "cuda", r"'numpy:cpu' is on 'cpu', but `device` is 'cuda'"),
        ("numpy:", None, r"'numpy:' names no device"),
    ],
)
def test_a_device_that_is_missing_or_given_twice_is_refused(
    name: str, device: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        get_backend(name, device)


def test_a_backend_is_what_it_is() -> None:
    numpy = get_backend("numpy")
    assert get_backend(numpy) is numpy
    with pytest.raises(InputError, match=r"(?s)on its device already.*Hint.*'numpy'"):
        get_backend(numpy, "cuda")


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("torch:cuda", "nextstat-backend-torch"),
        ("torch-float32", "nextstat-backend-torch"),
        ("mps", "nextstat-backend-torch"),
        ("metal", "nextstat-backend-torch"),
        ("cupy", "nextstat-backend-cupy"),
    ],
)
def test_a_backend_of_this_project_that_is_missing_comes_with_its_command(
    name: str, distribution: str
) -> None:
    with pytest.raises(
        BackendNotFoundError, match=f"(?s)installed: acme.*pip install {distribution}$"
    ) as caught:
        registry_of(BackendSpec("acme", Acme)).get(name)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
