"""Which devices each of the backends can use, and whether they are there."""

from __future__ import annotations

import torch

from nextstat_core.errors import BackendUnavailableError

__all__ = ["find_device"]

#: Kinds of device per backend.
_KINDS = {"torch": ("cpu", "cuda"), "torch-float32": ("cpu", "cuda"), "mps": ("mps",)}


def find_device(name: str, device: str) -> torch.device:
    """Return the device, with its number where devices are numbered.

    Raises
    ------
    BackendUnavailableError
        If the backend `name` does not know the device, or the machine does not have it.
    """
    kind, _, number = device.partition(":")
    kind = "mps" if kind == "metal" else kind
    if kind not in _KINDS[name] or (number and not number.isdigit()):
        known = " and ".join(map(repr, _KINDS[name]))
        raise BackendUnavailableError(
            f"the backend {name!r} has no device {device!r}; it knows {known}\n\n"
            "Hint: leave the device out, or choose another backend"
        )
    if kind == "cuda":
        return _cuda(name, int(number or 0))
    if kind == "mps":
        return _mps(name, int(number or 0))
    return torch.device("cpu")


def _cuda(name: str, number: int) -> torch.device:
    if not torch.cuda.is_available():
        reason = (
            f"PyTorch {torch.__version__} was built without CUDA"
            if torch.version.cuda is None
            else "PyTorch finds no NVIDIA GPU and driver"
        )
        raise BackendUnavailableError(
            f"the backend {name!r} cannot use the device 'cuda': {reason}\n\n"
            "Hint: install a build of PyTorch with CUDA on a machine with an NVIDIA GPU"
        )
    count = torch.cuda.device_count()
    if number >= count:
        raise BackendUnavailableError(
            f"the backend {name!r} cannot use the device 'cuda:{number}': there are {count} GPUs, "
            f"numbered from 0"
        )
    return torch.device("cuda", number)


def _mps(name: str, number: int) -> torch.device:
    if not torch.backends.mps.is_available():
        reason = (
            "PyTorch was built without MPS"
            if not torch.backends.mps.is_built()
            else "this machine has no Apple GPU that macOS 12.3 or later knows"
        )
        raise BackendUnavailableError(
            f"the backend {name!r} cannot use the Apple GPU: {reason}\n\n"
            "Hint: it needs a Mac with Apple silicon and its build of PyTorch"
        )
    if number:
        raise BackendUnavailableError(f"the backend {name!r} has one device; found mps:{number}")
    return torch.device("mps", 0)
