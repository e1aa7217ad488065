"""Hook implementations; imports neither numpy nor scipy."""

from functools import cache

from nextstat_core.backend import Backend, BackendSpec
from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import hookimpl

__all__ = ["nextstat_register_backends"]


@cache
def _backend() -> Backend:
    from nextstat_backend_numpy._backend import NumpyBackend

    return NumpyBackend()


def _load(device: str | None) -> Backend:
    if device not in (None, "cpu"):
        raise BackendUnavailableError(
            f"the backend 'numpy' has no device {device!r}; it knows only 'cpu'\n\n"
            "Hint: leave the device out, or choose a backend of accelerators: torch or cupy"
        )
    return _backend()


@hookimpl
def nextstat_register_backends() -> list[BackendSpec]:
    """The NumPy backend."""
    return [BackendSpec(name="numpy", load=_load, description="NumPy on the CPU, float64")]
