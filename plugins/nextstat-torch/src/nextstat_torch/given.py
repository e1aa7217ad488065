"""What users differentiate with respect to, as one vector: a signal, or inputs by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch

from nextstat_core.errors import InputError
from nextstat_core.ir import HistoSys, ShapeSys, StatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.ir import InputKey, Model, Sample

__all__ = [
    "Given",
    "SignalPlaces",
    "broadcast",
    "decode",
    "encode",
    "on_host",
    "result_type",
    "rows_of",
    "tested_values",
    "together",
]

#: Between the parts of a key, and between keys, in the text that the operator takes.
_PART, _KEY = "\x1f", "\x1e"


class Given(NamedTuple):
    """Inputs of a call: keys as text, values (..., size), and the dtype and device of results."""

    keys: str
    values: torch.Tensor
    dtype: torch.dtype
    device: torch.device


def encode(keys: tuple[InputKey, ...]) -> str:
    """Keys as text."""
    return _KEY.join([_PART.join(key) for key in keys])


def decode(text: str) -> tuple[InputKey, ...]:
    """Keys from text."""
    return tuple(tuple(key.split(_PART)) for key in text.split(_KEY))


class SignalPlaces:
    """Where the signal occurs, and what moves when its yields do.

    Parameters
    ----------
    model : nextstat_core.ir.Model
    samples : tuple of str
    templates : {"absolute", "relative"}
        Whether templates and uncertainties of the samples stay, or scale along with their yields.

    Attributes
    ----------
    keys : tuple of InputKey
        Nominal yields by channel, in the order of the model; then what scales along.
    size : int
        Bins of all channels, once for each of the samples.

    Raises
    ------
    InputError
        If no channel has a sample, or it has bins without yield whose templates would scale.
    """

    def __init__(
        self, model: Model, samples: tuple[str, ...], templates: Literal["absolute", "relative"]
    ) -> None:
        if templates not in ("absolute", "relative"):
            raise InputError.unknown("`templates`", templates, ["absolute", "relative"])
        found = [
            (channel.name, each)
            for channel in model.channels
            for each in channel.samples
            if each.name in samples
        ]
        known = dict.fromkeys(s.name for channel in model.channels for s in channel.samples)
        for name in samples:
            if name not in known:
                raise InputError.unknown("sample", name, list(known))
        if not found:
            raise InputError("no sample was named; expected at least one")
        self.nominal = np.concatenate([np.asarray(each.nominal, float) for _, each in found])
        self.size = len(self.nominal)
        keys: list[InputKey] = [(channel, each.name) for channel, each in found]
        #: Bins of the signal, power of the yield, and own numbers of each key that scales along.
        self.along: list[tuple[slice, int, np.ndarray[Any, Any]]] = []
        if templates == "relative":
            end = 0
            for channel, each in found:
                where = slice(end, end := end + len(each.nominal))
                for key, power, values in _templates(channel, each):
                    keys.append(key)
                    self.along.append((where, power, values))
        self.keys = tuple(keys)
        self.text = encode(self.keys)

    def values(self, signal: torch.Tensor) -> torch.Tensor:
        """The values of all keys, (..., size of all), of yields (..., size)."""
        if not self.along:
            return signal
        nominal = torch.as_tensor(self.nominal)
        parts = [signal]
        for where, power, own in self.along:
            ratio = signal[..., where] / nominal[where]
            parts.append(torch.as_tensor(own) * (ratio if power == 1 else ratio * ratio))
        return torch.cat(parts, dim=-1)


def _templates(channel: str, sample: Sample) -> list[tuple[InputKey, int, np.ndarray[Any, Any]]]:
    found: list[tuple[InputKey, int, np.ndarray[Any, Any]]] = []
    for modifier in sample.modifiers:
        place = (channel, sample.name, modifier.name)
        if isinstance(modifier, HistoSys):
            found.append(((*place, "hi"), 1, np.asarray(modifier.hi, float)))
            found.append(((*place, "lo"), 1, np.asarray(modifier.lo, float)))
        elif isinstance(modifier, ShapeSys | StatError):
            squares = np.asarray(modifier.uncertainties, float) ** 2
            found.append(((*place, "variance"), 2, squares))
    empty = [index for index, value in enumerate(sample.nominal) if value == 0.0]
    if found and empty:
        raise InputError(
            f"channel {channel!r}, sample {sample.name!r}, bin {empty[0]}: a yield of 0 has no "
            "relative templates",
            hint="use templates='absolute'",
        )
    return found


def together(inputs: Mapping[InputKey, torch.Tensor]) -> Given:
    """Inputs by key as one vector; axes before the last are rows and broadcast.

    Raises
    ------
    InputError
        If there are none, values are no tensors with an axis of bins, or their rows do not
        broadcast.
    """
    if not inputs:
        raise InputError("no inputs; expected a tensor, or a mapping of keys to tensors")
    tensors = list(inputs.values())
    for key, tensor in inputs.items():
        if not isinstance(key, tuple):
            raise InputError(f"{key!r} is no key of an input; expected a tuple of names")
        if not isinstance(tensor, torch.Tensor) or tensor.ndim == 0:
            raise InputError(f"{key!r}: expected a tensor with one entry per bin")
    try:
        rows = broadcast(*[tensor.shape[:-1] for tensor in tensors])
    except RuntimeError as error:
        shapes = {key: tuple(tensor.shape) for key, tensor in inputs.items()}
        raise InputError(f"rows of the inputs do not fit together: {shapes}") from error
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = torch.promote_types(dtype, tensor.dtype)
    parts = [on_host(tensor).expand(*rows, tensor.shape[-1]) for tensor in tensors]
    return Given(
        encode(tuple(inputs)), torch.cat(parts, dim=-1), result_type(dtype), tensors[0].device
    )


def broadcast(*shapes: torch.Size) -> torch.Size:
    """The shape to which all broadcast."""
    return torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]  # torch has no type


def on_host(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor as float64 on the host, differentiably."""
    if tensor.is_complex():
        raise InputError(f"a tensor of {tensor.dtype} was found; expected real numbers")
    return tensor.to(device="cpu", dtype=torch.float64)


def result_type(dtype: torch.dtype) -> torch.dtype:
    """The dtype of results for inputs of `dtype`: halves are too short for a loss."""
    if not dtype.is_floating_point:
        return torch.float64
    return torch.promote_types(dtype, torch.float32)


def tested_values(mu: float | torch.Tensor) -> torch.Tensor:
    """Tested values, float64 on the host, any shape."""
    return on_host(mu if isinstance(mu, torch.Tensor) else torch.tensor(mu, dtype=torch.float64))


def rows_of(values: torch.Tensor, rows: torch.Size) -> torch.Tensor:
    """Rows (n, size), or one (1, size) that all share."""
    if values.shape[:-1].numel() == 1:
        return values.reshape(1, -1)
    return values.expand(*rows, values.shape[-1]).reshape(-1, values.shape[-1])
