"""The operator of PyTorch through which everything goes.

It takes and returns float64 tensors of the host, so that devices and dtypes are the business of
plain autograd around it, and it is opaque to ``torch.compile``, which traces through everything
else. It names an evaluator by a number: operators take tensors, numbers and text only.
"""

from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import torch

if TYPE_CHECKING:
    from nextstat_torch.evaluator import Evaluator

__all__ = ["evaluate", "register"]

_NUMBERS = count(1)
_EVALUATORS: "WeakValueDictionary[int, Evaluator]" = WeakValueDictionary()


def register(evaluator: "Evaluator") -> int:
    """The number by which the operator finds an evaluator, as long as it lives."""
    number = next(_NUMBERS)
    _EVALUATORS[number] = evaluator
    return number


def _evaluate(
    vectors: torch.Tensor, points: torch.Tensor, evaluator: int, keys: str, quantity: str, data: str
) -> tuple[torch.Tensor, ...]:
    found = _EVALUATORS[evaluator].found(keys, quantity, data, vectors.numpy(), points.numpy())
    parts = (found.value, found.gradient, found.slope, found.mu_hat, found.flags)
    return tuple(torch.from_numpy(part).clone() for part in parts)


def _shapes(vectors: torch.Tensor, points: torch.Tensor, *_: Any) -> tuple[torch.Tensor, ...]:
    rows = points.shape[0] if vectors.shape[0] == 1 else vectors.shape[0]
    return (
        vectors.new_empty((rows,)),
        vectors.new_empty((rows, vectors.shape[1])),
        points.new_empty((rows, points.shape[1])),
        vectors.new_empty((rows,)),
        vectors.new_empty((rows,), dtype=torch.int64),
    )


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
    ctx.save_for_backward(output[1], output[2])
    ctx.shared = [inputs[0].shape[0] == 1, inputs[1].shape[0] == 1]


def _backward(ctx: Any, weight: torch.Tensor, *_: Any) -> tuple[torch.Tensor | None, ...]:
    slopes: list[torch.Tensor | None] = []
    for needed, slope, shared in zip(
        ctx.needs_input_grad, ctx.saved_tensors, ctx.shared, strict=False
    ):
        total = weight[:, None] * slope if needed else None
        slopes.append(total.sum(0, keepdim=True) if shared and total is not None else total)
    return (*slopes, None, None, None, None)


_SCHEMA = (
    "(Tensor vectors, Tensor points, int evaluator, str keys, str quantity, str data)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)

#: ``(vectors, points, evaluator, keys, quantity, data)`` to value, gradient, slope, mu_hat, flags.
evaluate = torch.library.custom_op(
    "nextstat::evaluate", _evaluate, mutates_args=(), device_types="cpu", schema=_SCHEMA
)
evaluate.register_fake(_shapes)
evaluate.register_autograd(_backward, setup_context=_keep)
