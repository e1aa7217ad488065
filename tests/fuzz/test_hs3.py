"""Damaged HS3 documents: an error of ours or a model, soon, in little memory."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from fuzz_harness import many, survives
from hs3_seeds import seeds
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.io import read_hs3, read_workspace, workspace_audit
from nextstat_core.ir import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 2, 4, 1e-320, 1e308, -1e308, 10**400, 2**70, 0.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            *("", "mu", "normsys_0", "default_values", "model_SR", "Poisson", "Const", "Gauss"),
            *(
                "histfactory_dist",
                "gaussian_dist",
                "product_dist",
                "staterror",
                "shapesys",
                "\ud800",
            ),
            "1.*(pow(2.,x)-1.)",
        ]
    ),
    st.sampled_from([[], {}, [[]], [1.0], [1.0, 2.0], [None], [None, None], [1.0, "a"]]).map(
        copy.deepcopy
    ),
    st.builds(lambda name, value: {"name": name, "value": value}, st.text(), st.integers()),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=30),
)
ACTIONS = st.sampled_from(["drop", "set", "add", "repeat", "move"])
KEYS = st.sampled_from(
    [
        *("name", "type", "data", "constraint", "constraint_name", "constraints", "parameter"),
        *("parameters", "vals", "contents", "interpolation", "default_interpolation", "axes"),
        *("const", "init", "aux_distributions", "aux_data", "staterror", "functions", "edges"),
    ]
)


def _containers(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list) and node:
        yield node
    entries = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for entry in entries:
        yield from _containers(entry)


def _mutate(document: Any, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4), label="mutations")):
        container = data.draw(st.sampled_from(list(_containers(document))), label="container")
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key = data.draw(st.sampled_from(keys), label="key")
        action = data.draw(
            st.sampled_from(["drop", "set", "add", "repeat", "move"]), label="action"
        )
        if action == "drop" and (container is not document or len(document) > 1):
            del container[key]
        elif action == "add" and isinstance(container, dict):
            container[data.draw(KEYS)] = data.draw(VALUES)
        elif action == "repeat" and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        elif action == "move":
            container[key] = copy.deepcopy(data.draw(st.sampled_from(list(_containers(document)))))
        else:
            container[key] = data.draw(VALUES)


@many
@given(st.data())
def test_mutated_documents(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(seeds())))
    _mutate(document, data)
    size = len(json.dumps(document, skipkeys=True))
    on_unknown = data.draw(st.sampled_from(["error", "skip"]))
    survives(lambda payload: read_hs3(payload, on_unknown=on_unknown), document, size=size)
    outcome = survives(read_workspace, document, size=size)
    audit = survives(workspace_audit, document, size=size)
    if isinstance(outcome, Model) and isinstance(audit, dict):
        assert audit["problems"] == []
        assert audit["parameter_count_estimate"] == len(outcome.parameters)


@many
@given(st.data())
def test_damaged_text(data: st.DataObject) -> None:
    text = bytearray(json.dumps(data.draw(st.sampled_from(seeds()))).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(text) - 1))
        stop = min(len(text), start + data.draw(st.integers(0, 30)))
        piece = data.draw(st.binary(max_size=6) | st.sampled_from([b"1e999", b"{", b"[", b"null"]))
        text[start:stop] = piece
        if not text:
            break
    survives(read_hs3, bytes(text))
