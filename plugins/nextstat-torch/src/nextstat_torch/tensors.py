"""Tensors from arrays of other libraries, and from addresses of memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import torch

from nextstat_core.backend.memory import host_memory
from nextstat_core.errors import InputError

__all__ = ["as_tensor", "tensor_at"]

#: Device type of host memory in the DLPack protocol.
_HOST = 1


def as_tensor(x: Any) -> torch.Tensor:
    """A tensor of the numbers in `x`.

    Tensors are handed through. Arrays on a device are shared through DLPack. Arrays of the host are
    copied: libraries share read-only, backward, broadcast or immutable memory as if it were
    writeable, and a write into the tensor would change what nobody may change.

    Parameters
    ----------
    x : tensor, array of any library that speaks DLPack or ``__array__``, sequence or number

    Raises
    ------
    InputError
        If there are no numbers in it: complex, text, objects, missing values.
    """
    if isinstance(x, torch.Tensor):
        return x
    try:
        if not _is_on_a_device(x):
            return torch.from_numpy(host_memory(_readable(x)))
        return torch.utils.dlpack.from_dlpack(x) if hasattr(x, "__dlpack__") else torch.as_tensor(x)
    except (BufferError, RuntimeError, TypeError) as error:
        raise InputError(f"a {type(x).__name__} cannot be made a tensor: {error}") from error


def _is_on_a_device(x: Any) -> bool:
    if hasattr(x, "__dlpack_device__"):
        return int(x.__dlpack_device__()[0]) != _HOST
    return hasattr(x, "__cuda_array_interface__")


def _readable(x: Any) -> Any:
    if type(x).__module__.partition(".")[0] != "pyarrow":
        return x
    # Arrow hands bits of booleans and missing values through `__array__` only.
    if x.null_count:
        raise InputError(
            f"{x.null_count} of {len(x)} values are missing; expected a number in each",
            hint="say what they are with pyarrow.compute.fill_null",
        )
    return np.asarray(x)


class _DeviceMemory:
    """Memory of a CUDA device, as libraries describe it to each other."""

    def __init__(self, address: int, length: int) -> None:
        self.__cuda_array_interface__ = {
            "shape": (length,),
            "typestr": "<f8",
            "data": (address, False),
            "version": 3,
        }


def tensor_at(
    what: str, given: int | torch.Tensor, length: int, device: torch.device
) -> torch.Tensor:
    """`length` float64 numbers at an address, or of a tensor, without a copy.

    An address says nothing about what lies there: its memory must hold `length` float64 numbers on
    `device`, in a row, and live on. A tensor is checked for all of it.

    Raises
    ------
    InputError
        If the tensor is on another device, not float64, not contiguous or of another length; if the
        address is none, or of a device whose memory PyTorch cannot address.
    """
    if isinstance(given, torch.Tensor):
        return _checked(what, given, length, device)
    if isinstance(given, bool) or not isinstance(given, int):
        raise InputError(
            f"`{what}` is a {type(given).__name__}; expected an address as of tensor.data_ptr(), "
            "or a tensor"
        )
    if given <= 0 or given % 8:
        raise InputError(f"`{what}` is {given}; expected the address of float64 numbers")
    if device.type == "cuda":
        return torch.as_tensor(_DeviceMemory(given, length), device=device)
    if device.type != "cpu":
        raise InputError(
            f"`{what}` is an address, and memory of {device.type!r} has none that can be used",
            hint="pass the tensor",
        )
    memory = (ctypes.c_double * length).from_address(given)
    return torch.from_numpy(np.ctypeslib.as_array(memory))


def _checked(what: str, tensor: torch.Tensor, length: int, device: torch.device) -> torch.Tensor:
    tensor = tensor.detach()
    if tensor.device.type != device.type:
        raise InputError(f"`{what}` must be on {device.type.upper()}; found {tensor.device}")
    if tensor.dtype != torch.float64:
        raise InputError(f"`{what}` must be float64; found {tensor.dtype}")
    if not tensor.is_contiguous():
        raise InputError(f"`{what}` must be contiguous; found strides {tensor.stride()}")
    if tensor.numel() != length or tensor.ndim != 1:
        raise InputError(f"`{what}` has shape {tuple(tensor.shape)}; expected ({length},)")
    return tensor
