"""Which accelerators the installed backends can use, and the backend for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nextstat._settings import get_backend as default_backend
from nextstat_core.backend import Backend, backend_specs, get_backend
from nextstat_core.errors import BackendUnavailableError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["backend_for", "backend_on", "has_accelerate", "has_cuda", "has_metal"]


class _Kind(NamedTuple):
    """A kind of device: its number in the DLPack protocol, and what it takes to use it."""

    dlpack: int
    remedy: str


_KINDS = {
    "cpu": _Kind(1, "python -m pip install nextstat-backend-numpy"),
    "cuda": _Kind(
        2,
        "it takes an NVIDIA GPU with its driver, and a backend with its library: "
        "python -m pip install nextstat-backend-torch (or nextstat-backend-cupy)",
    ),
    "metal": _Kind(
        8,
        "it takes a Mac with Apple silicon, and a backend with its library: "
        "python -m pip install nextstat-backend-torch",
    ),
}


def has_cuda() -> bool:
    """Tell whether an installed backend can use an NVIDIA GPU; loads the backends to ask them."""
    return any(isinstance(answer, Backend) for answer in _ask("cuda"))


def has_metal() -> bool:
    """Tell whether an installed backend can use an Apple GPU; loads the backends to ask them."""
    return any(isinstance(answer, Backend) for answer in _ask("metal"))


def has_accelerate() -> bool:
    """Tell whether NumPy was built with Apple's Accelerate."""
    build = np.show_config(mode="dicts") or {}
    return "accelerate" in str(build.get("Build Dependencies", {}).get("blas", {})).lower()


def backend_for(backend: str | Backend | None, device: str | None) -> Backend:
    """Backend of a model that is loaded: what was asked for, completed by the defaults.

    Without a name, the default backend is on `device` if it can be, and another one otherwise.
    """
    if backend is not None:
        return get_backend(backend, device)
    default = default_backend()
    return default if device is None else backend_on(device, default)


def backend_on(device: str, preferred: Backend) -> Backend:
    """A backend on a device; `preferred` itself, or by its name, before others.

    Parameters
    ----------
    device : str
        ``cpu``, ``cuda`` or ``metal``, perhaps with a number: ``cuda:1``.

    Raises
    ------
    InputError
        If there is no such kind of device.
    BackendUnavailableError
        If no installed backend can use it; the hint has the remedy.
    """
    kind, _, number = device.partition(":")
    if kind not in _KINDS:
        raise InputError.unknown("device", device, list(_KINDS))
    if _is_on(preferred, kind, number):
        return preferred
    reasons = []
    for answer in _ask(device, preferred.name):
        if isinstance(answer, Backend):
            return answer
        reasons.append(str(answer).partition("\n")[0])
    listed = "".join(f"\n  - {reason}" for reason in reasons)
    raise BackendUnavailableError(
        f"Device {device!r} not available: no installed backend can use it{listed}\n\n"
        f"Hint: {_KINDS[kind].remedy}"
    )


def _is_on(backend: Backend, kind: str, number: str) -> bool:
    """Whether arrays of a backend are on a device; every array says so in the DLPack protocol."""
    found_kind, found_number = backend.asarray([0.0]).__dlpack_device__()
    return found_kind == _KINDS[kind].dlpack and number in {"", str(found_number)}


def _ask(device: str, first: str = "") -> Iterator[Backend | BackendUnavailableError]:
    """What each installed backend answers when it is asked for a device, `first` before others."""
    for name in sorted((spec.name for spec in backend_specs()), key=lambda name: name != first):
        try:
            yield get_backend(name, device)
        except BackendUnavailableError as error:
            yield error
