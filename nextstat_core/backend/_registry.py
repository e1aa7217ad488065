"""From the name of a backend to the backend, lazily."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from nextstat_core.backend._protocol import Backend
from nextstat_core.errors import (
    BackendNotFoundError,
    BackendUnavailableError,
    InputError,
    PluginError,
)
from nextstat_core.hooks import get_manager, hint_for_missing

if TYPE_CHECKING:
    from nextstat_core.backend._protocol import BackendSpec
    from nextstat_core.hooks import Contribution, PluginManager

__all__ = ["BackendRegistry", "available_backends", "backend_specs", "get_backend"]

#: What brings the backends of this project, for those who ask for one that is not installed.
_DISTRIBUTIONS = {
    "numpy": "nextstat-backend-numpy",
    **dict.fromkeys(("torch", "torch-float32", "mps", "metal"), "nextstat-backend-torch"),
    "cupy": "nextstat-backend-cupy",
}


class BackendRegistry:
    """The backends that the plugins of one manager offer.

    Parameters
    ----------
    manager : PluginManager
        Where the backends come from.
    """

    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager
        self._loaded: dict[tuple[BackendSpec, str | None], Backend] = {}

    def specs(self) -> tuple[BackendSpec, ...]:
        """What every backend says about itself, in the order of their names; loads nothing."""
        entries = self._manager.backends.entries
        return tuple(sorted((entry.value for entry in entries), key=lambda spec: spec.name))

    def get(self, name: str, device: str | None = None) -> Backend:
        """The backend called `name` (or so aliased) on `device`; see `get_backend`."""
        name, device = _name_and_device(name, device)
        if name not in self._manager.backends:
            installed = [spec.name for spec in self.specs()]
            missing = _DISTRIBUTIONS.get(name, "")
            # Who asks for torch has not misspelt numpy.
            hint = hint_for_missing(name, () if missing else installed, self._manager.backends)
            raise BackendNotFoundError(name, installed, missing, hint)
        owner = self._manager.backends.owner(name)
        # Not by name: a plugin may be replaced by another one with a backend of the same name.
        key = (owner.value, device)
        if key not in self._loaded:
            # Two threads may both load; the first to finish wins, so that all share one backend.
            self._loaded.setdefault(key, _load(owner, device))
        return self._loaded[key]


def _name_and_device(name: str, device: str | None) -> tuple[str, str | None]:
    """Split ``name:device``; a device that is given twice must be the same."""
    name, colon, own = name.partition(":")
    if not colon:
        return name, device
    if not own:
        raise InputError(f"the backend '{name}:' names no device", hint=f"write {name!r}")
    if device not in {None, own}:
        raise InputError(
            f"the backend '{name}:{own}' is on {own!r}, but `device` is {device!r}",
            hint="give the device once",
        )
    return name, own


def _load(owner: Contribution, device: str | None) -> Backend:
    name = owner.value.name
    try:
        backend = owner.value.load(device)
    except BackendUnavailableError:
        raise
    except ImportError as error:
        raise BackendUnavailableError(
            f"the backend {name!r} of {owner.origin} is installed, but cannot be imported: {error}"
        ) from error
    if not isinstance(backend, Backend):
        raise PluginError(
            f"the backend {name!r} of {owner.origin} loaded a {type(backend).__name__}; "
            "expected an instance of nextstat_core.backend.Backend"
        )
    return backend


@cache
def _installed() -> BackendRegistry:
    return BackendRegistry(get_manager())


def get_backend(name: str | Backend = "numpy", device: str | None = None) -> Backend:
    """The backend called `name` on `device`, the same object for the same request.

    Parameters
    ----------
    name : str or Backend
        Name or alias of an installed backend, or both at once: ``torch:cuda``. A `Backend` is
        returned as it is.
    device : str or None
        Device in the backend's own terms, such as ``cuda:1``; None is the backend's default.

    Returns
    -------
    Backend
        Loaded on first use: only then is its array library imported.

    Raises
    ------
    BackendNotFoundError
        If no installed backend has this name; the hint has the command that installs it, or the
        closest names.
    BackendUnavailableError
        If its library or device is missing.
    InputError
        If `name` and `device` contradict each other, or `device` is given for a `Backend`.
    PluginError
        If two plugins claim the name, or the plugin loads something else than a backend.

    Examples
    --------
    >>> from nextstat_core.backend import get_backend
    >>> get_backend("numpy:cpu").name
    'numpy'
    """
    if not isinstance(name, Backend):
        return _installed().get(name, device)
    if device is not None:
        raise InputError(
            f"a backend that is loaded is on its device already; found `device` {device!r}",
            hint=f"pass the name of the backend: {name.name!r}",
        )
    return name


def available_backends() -> tuple[str, ...]:
    """Names of the installed backends, sorted; loads none of them."""
    return tuple(spec.name for spec in backend_specs())


def backend_specs() -> tuple[BackendSpec, ...]:
    """What the installed backends say about themselves, in the order of their names."""
    return _installed().specs()
