"""Which accelerators the installed backends and libraries can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.backend import backend_specs, get_backend
from nextstat_core.errors import BackendUnavailableError, InputError

if TYPE_CHECKING:
    from nextstat_core.backend import Backend

__all__ = ["backend_on", "has_accelerate", "has_cuda", "has_metal"]

#: What users call a kind of device, and what backends call it.
_NAMES = {"cuda": ("cuda",), "metal": ("metal", "mps")}


def has_cuda() -> bool:
    """Tell whether an installed backend can use an NVIDIA GPU; loads the backends to ask them."""
    return _find("cuda") is not None


def has_metal() -> bool:
    """Tell whether an installed backend can use an Apple GPU; loads the backends to ask them."""
    return _find("metal") is not None


def has_accelerate() -> bool:
    """Tell whether NumPy was built with Apple's Accelerate."""
    build = np.show_config(mode="dicts") or {}
    return "accelerate" in str(build.get("Build Dependencies", {}).get("blas", {})).lower()


def backend_on(kind: str) -> Backend:
    """First installed backend that can use this kind of device.

    Raises
    ------
    InputError
        If there is no such kind.
    BackendUnavailableError
        If no backend can use it.
    """
    if kind not in _NAMES:
        raise InputError.unknown("device", kind, ["cpu", *_NAMES])
    found = _find(kind)
    if found is None:
        names = ", ".join(spec.name for spec in backend_specs()) or "none"
        raise BackendUnavailableError(
            f"Device {kind!r} not available: no installed backend can use it (installed: {names})"
        )
    return found


def _find(kind: str) -> Backend | None:
    for spec in backend_specs():
        for device in _NAMES[kind]:
            try:
                return get_backend(spec.name, device)
            except BackendUnavailableError:
                continue  # this is the answer: not with this backend
    return None
