"""Hook implementations; does not import cupy."""

from functools import cache

from nextstat_core.backend import Backend, BackendSpec
from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import hookimpl

__all__ = ["nextstat_register_backends"]


@cache
def _make(number: int) -> Backend:
    try:
        import cupy  # noqa: F401  only to tell a missing library from a missing device
    except ModuleNotFoundError as error:
        raise BackendUnavailableError(
            "the backend 'cupy' needs CuPy, which is not installed\n\n"
            'Hint: python -m pip install "nextstat-backend-cupy[cuda13]", or [cuda12], '
            "whichever the driver of the GPU supports"
        ) from error
    try:
        # CuPy looks for the libraries of CUDA when its parts are imported.
        from nextstat_backend_cupy._backend import CupyBackend
    except ImportError as error:
        raise BackendUnavailableError(
            f"the backend 'cupy' cannot load the libraries of CUDA: {error}\n\n"
            "Hint: install the CUDA toolkit that fits CuPy, or its libraries with "
            'python -m pip install "cupy-cuda13x[ctk]" (or cupy-cuda12x)'
        ) from error
    return CupyBackend(number)


def _load(device: str | None) -> Backend:
    kind, _, number = (device or "cuda").partition(":")
    if kind != "cuda" or (number and not number.isdigit()):
        raise BackendUnavailableError(
            f"the backend 'cupy' has no device {device!r}; it knows 'cuda', 'cuda:1' and so on\n\n"
            "Hint: leave the device out, or choose another backend"
        )
    return _make(int(number or 0))


@hookimpl
def nextstat_register_backends() -> list[BackendSpec]:
    """CuPy on NVIDIA GPUs."""
    return [BackendSpec(name="cupy", load=_load, description="CuPy on NVIDIA GPUs, float64")]
