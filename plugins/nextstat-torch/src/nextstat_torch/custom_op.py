"""The operator of PyTorch through which everything goes.

It takes and returns float64 tensors of the host, so that devices and dtypes are the business of
plain autograd around it, and it is opaque to ``torch.compile``, which traces through everything
else. It names an evaluator by a number: operators take tensors, numbers and text only.
"""

from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import torch

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_torch.evaluator import Evaluator

__all__ = ["curvature", "evaluate", "register"]

_NUMBERS = count(1)
_EVALUATORS: "WeakValueDictionary[int, Evaluator]" = WeakValueDictionary()


def register(evaluator: "Evaluator") -> int:
    """The number by which the operator finds an evaluator, as long as it lives."""
    number = next(_NUMBERS)
    _EVALUATORS[number] = evaluator
    return number


def _evaluate(
    vectors: torch.Tensor,
    points: torch.Tensor,
    evaluator: int,
    keys: str,
    quantity: str,
    data: str,
    by_points: bool,  # noqa: FBT001  the schema of the operator
) -> tuple[torch.Tensor, ...]:
    found = _EVALUATORS[evaluator].found(
        keys, quantity, data, vectors.numpy(), points.numpy(), by_points=by_points
    )
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


def _curvature(
    vectors: torch.Tensor,
    points: torch.Tensor,
    direction: torch.Tensor,
    evaluator: int,
    keys: str,
    quantity: str,
    data: str,
) -> torch.Tensor:
    arrays = (each.numpy() for each in (vectors, points, direction))
    return torch.from_numpy(_EVALUATORS[evaluator].curvature(keys, quantity, data, *arrays))


def _same(*arguments: Any) -> torch.Tensor:
    return torch.empty_like(arguments[2])


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
    # Without this every gradient would ask for second derivatives times zero.
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*output[2:])
    ctx.save_for_backward(inputs[0], inputs[1], output[1], output[2])
    ctx.names = inputs[2:6]


def _backward(ctx: Any, weight: Any, direction: Any, *_: Any) -> tuple[torch.Tensor | None, ...]:
    """Pull cotangents back: of the value, and of the gradient for second derivatives."""
    if torch.is_grad_enabled() and ctx.needs_input_grad[1]:
        raise InputError("there are no second derivatives with respect to tested values")
    vectors, points, gradient, slope = ctx.saved_tensors
    by_vectors = by_points = None
    if ctx.needs_input_grad[0] and weight is not None:
        by_vectors = weight[:, None] * gradient
    if ctx.needs_input_grad[1] and weight is not None:
        by_points = _summed(weight[:, None] * slope, points)
    if direction is not None:
        bent = curvature(vectors, points, direction, *ctx.names)
        by_vectors = bent if by_vectors is None else by_vectors + bent
    if by_vectors is not None:
        by_vectors = _summed(by_vectors, vectors)
    return (by_vectors, by_points, None, None, None, None, None)


def _summed(rows: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Of all rows, where they share what is differentiated."""
    return rows.sum(0, keepdim=True) if like.shape[0] == 1 else rows


_SCHEMA = (
    "(Tensor vectors, Tensor points, int evaluator, str keys, str quantity, str data,"
    " bool by_points) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)

#: ``(vectors, points, evaluator, keys, quantity, data, by_points)`` to value, gradient, slope,
#: mu_hat and flags; `slope`, the derivatives in the points, is 0 unless `by_points`.
evaluate = torch.library.custom_op(
    "nextstat::evaluate", _evaluate, mutates_args=(), device_types="cpu", schema=_SCHEMA
)
evaluate.register_fake(_shapes)
evaluate.register_autograd(_backward, setup_context=_keep)

#: ``(vectors, points, direction, evaluator, keys, quantity, data)`` to second derivatives times a
#: direction per row.
curvature = torch.library.custom_op(
    "nextstat::curvature",
    _curvature,
    mutates_args=(),
    device_types="cpu",
    schema="(Tensor vectors, Tensor points, Tensor direction, int evaluator, str keys,"
    " str quantity, str data) -> Tensor",
)
curvature.register_fake(_same)
