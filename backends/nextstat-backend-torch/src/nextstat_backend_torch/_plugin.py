"""Hook implementations; does not import torch."""

from functools import cache, partial

from nextstat_core.backend import Backend, BackendSpec
from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import hookimpl

__all__ = ["nextstat_register_backends"]

_INSTALL = "\n\nHint: python -m pip install torch"


@cache
def _make(name: str, device: str) -> Backend:
    try:
        import torch  # noqa: F401  only to tell a missing library from a missing device
    except ModuleNotFoundError as error:
        raise BackendUnavailableError(
            f"the backend {name!r} needs PyTorch, which is not installed{_INSTALL}"
        ) from error
    from nextstat_backend_torch._backend import TorchBackend
    from nextstat_backend_torch._devices import find_device

    return TorchBackend(name, find_device(name, device))


def _load(name: str, default: str, device: str | None) -> Backend:
    return _make(name, default if device is None else device)


@hookimpl
def nextstat_register_backends() -> list[BackendSpec]:
    """PyTorch on the CPU and on GPUs."""
    return [
        BackendSpec(
            name="torch",
            load=partial(_load, "torch", "cpu"),
            description="PyTorch on CPU or CUDA, float64",
        ),
        BackendSpec(
            name="torch-float32",
            load=partial(_load, "torch-float32", "cpu"),
            description="PyTorch on CPU or CUDA, float32, polished on the host",
        ),
        BackendSpec(
            name="mps",
            load=partial(_load, "mps", "mps"),
            description="PyTorch on Apple GPUs, float32, polished on the host",
            aliases=("metal",),
        ),
    ]
