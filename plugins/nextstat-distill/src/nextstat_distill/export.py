"""Surrogates as ONNX models, for programs without PyTorch."""

from __future__ import annotations

import json
from dataclasses import asdict
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError, NextstatError
from nextstat_distill.extras import needed
from nextstat_distill.training import predict_nll

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_distill.network import MLPSurrogate

__all__ = ["to_onnx"]

#: Operators of 2021, which every runtime has; and the version of the file that goes with them.
_OPSET, _IR_VERSION = 15, 8
#: Points at which what was written is compared with the surrogate.
_CHECKED = 256
#: Rounding errors of float32 that layers may add up, in units of the spread of the likelihood.
_TOLERANCE = 1e-5


def to_onnx(surrogate: MLPSurrogate, path: str | PathLike[str]) -> None:
    """Write a surrogate as an ONNX model, and compare it with onnxruntime.

    The input ``parameters`` is float64 of shape (rows, n_params), raw; the output ``nll`` is
    float64 of shape (rows,). Shifts and scales are in the graph. Names of the parameters, bounds
    and the report are in ``metadata_props``, in JSON.

    Parameters
    ----------
    surrogate : torch.nn.Module
        From `train_mlp_surrogate`.
    path : path
        An existing file is replaced.

    Raises
    ------
    InputError
        If `surrogate` is no such module, or the file cannot be written.
    NextstatError
        If onnxruntime does not agree with the surrogate; nothing is written then.
    ModuleNotFoundError
        If PyTorch, onnx or onnxruntime are not installed; says how to install them.
    """
    for library in ("torch", "onnx", "onnxruntime"):
        needed(library, "onnx", "to_onnx")
    from nextstat_distill.network import MLPSurrogate

    if not isinstance(surrogate, MLPSurrogate):
        raise InputError(
            f"`surrogate` is a {type(surrogate).__name__}; "
            "expected what train_mlp_surrogate returns"
        )
    content = _model(surrogate).SerializeToString()
    _compare(content, surrogate)
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {fspath(path)!r}: {error}") from error


def _model(surrogate: MLPSurrogate) -> Any:
    onnx = needed("onnx", "onnx", "to_onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    count = len(surrogate.parameter_names)
    nodes, constants = _nodes(surrogate, onnx)
    graph = helper.make_graph(
        nodes,
        "nextstat_surrogate",
        [helper.make_tensor_value_info("parameters", kinds.DOUBLE, ["rows", count])],
        [helper.make_tensor_value_info("nll", kinds.DOUBLE, ["rows"])],
        constants,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="nextstat-distill",
    )
    about = {
        "parameter_names": surrogate.parameter_names,
        "parameter_bounds": surrogate.bounds.tolist(),
        "report": None if surrogate.report is None else asdict(surrogate.report),
    }
    helper.set_model_props(model, {name: json.dumps(value) for name, value in about.items()})
    onnx.checker.check_model(model, full_check=True)
    return model


def _nodes(surrogate: MLPSurrogate, onnx: Any) -> tuple[list[Any], list[Any]]:
    """Nodes and constants: what `forward` does, with one node for each operation."""
    kinds = onnx.TensorProto
    nodes: list[Any] = []
    constants: list[Any] = []

    def node(kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{kind.lower()}_{len(nodes)}"
        nodes.append(onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(name: str, array: NDArray[Any]) -> str:
        constants.append(onnx.numpy_helper.from_array(array, name))
        return name

    def number(name: str) -> str:
        return constant(name, state[name].cpu().numpy())

    state = surrogate.state_dict()
    x = node("Sub", "parameters", number("parameter_shift"))
    x = node("Div", x, number("parameter_scale"))
    form = node("MatMul", x, constant("half_matrix", 0.5 * state["quadratic_matrix"].cpu().numpy()))
    form = node("Mul", node("Add", form, number("quadratic_linear")), x)
    form = node("ReduceSum", form, constant("parameters_axis", np.array([1], dtype=np.int64)))
    x = node("Cast", x, to=kinds.FLOAT)
    for position in range(len(surrogate.layers)):
        if f"layers.{position}.weight" in state:
            weight, bias = (number(f"layers.{position}.{each}") for each in ("weight", "bias"))
            x = node("Gemm", x, weight, bias, transB=1)
        else:
            x = node("Mul", x, node("Sigmoid", x))  # SiLU
    x = node("Cast", x, to=kinds.DOUBLE)
    x = node("Mul", x, number("nll_scale"))
    x = node("Add", node("Add", x, number("nll_shift")), form)
    node("Reshape", x, constant("flat", np.array([-1], dtype=np.int64)), output="nll")
    return nodes, constants


def _compare(content: bytes, surrogate: MLPSurrogate) -> None:
    """Run what was written at points of the box."""
    runtime = needed("onnxruntime", "onnx", "to_onnx")
    lower, upper = surrogate.bounds.cpu().numpy().T
    unit = np.random.default_rng(0).random((_CHECKED, len(lower)))
    points = lower + (upper - lower) * unit
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["nll"], {"parameters": points})
    expected = predict_nll(surrogate, np.clip(points, lower, upper))
    scale = float(surrogate.nll_scale) + np.abs(expected - float(surrogate.nll_shift)).max()
    worst = float(np.abs(found - expected).max()) / scale
    if not worst <= _TOLERANCE:
        raise NextstatError(
            f"onnxruntime differs from the surrogate by {worst:.2g} of the largest value; "
            f"expected at most {_TOLERANCE:g}. Nothing was written"
        )
