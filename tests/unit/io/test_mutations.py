"""Whatever is done to a workspace, it loads or is refused with an error of ours."""

import copy
import json
from collections.abc import Callable, Iterator
from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextstat_core.errors import FormatError, NextstatError
from nextstat_core.io import read_pyhf, workspace_audit
from nextstat_core.io.decode import plain
from nextstat_core.io.document import workspace_type
from nextstat_core.io.schema import explain
from nextstat_core.ir import model_from_dict, model_to_dict

SETTINGS = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1e-320, 1e308, -1e308, 10**400, 2**70, nan, inf, -inf, 1, 0.0]),
    st.floats(),
    st.sampled_from(["", "mu", "jes", "mc", "lumi", "normsys", "staterror", "SR", "\ud800", "x:y"]),
    st.sampled_from([[], {}, [[]], [1.0], [1.0, 2.0], [None], [1.0, "a"], {"name": "mu"}]).map(
        copy.deepcopy
    ),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=30),
)
KEYS = st.sampled_from(
    ["name", "type", "data", "modifiers", "constraint", "lo", "", "poi", "fixed"]
)


def _containers(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list) and node:
        yield node
    for entry in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _containers(entry)


def _mutate(document: Any, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3), label="mutations")):
        container = data.draw(st.sampled_from(list(_containers(document))), label="container")
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key = data.draw(st.sampled_from(keys), label="key")
        match data.draw(st.sampled_from(["drop", "set", "add", "repeat"]), label="action"):
            case "drop" if container is not document or len(document) > 1:
                del container[key]
            case "add" if isinstance(container, dict):
                container[data.draw(KEYS)] = data.draw(VALUES)
            case "repeat" if isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
            case _:
                container[key] = data.draw(VALUES)


def _reads_or_refuses(source: Any) -> None:
    for poi in ("mu", None):
        try:
            model = read_pyhf(source, poi=poi)
        except NextstatError:
            continue
        assert model_from_dict(model_to_dict(model)) == model
        assert len({parameter.name for parameter in model.parameters}) == len(model.parameters)
        for parameter in model.parameters:
            assert parameter.lower <= parameter.init <= parameter.upper


@SETTINGS
@given(data=st.data())
def test_a_changed_document_loads_or_is_refused(
    new_workspace: Callable[[], dict[str, Any]], data: st.DataObject
) -> None:
    document = new_workspace()
    _mutate(document, data)
    _reads_or_refuses(document)
    try:
        audit = workspace_audit(document)
    except FormatError:
        return
    assert json.loads(json.dumps(audit, allow_nan=False)) == audit


@SETTINGS
@given(data=st.data())
def test_a_changed_text_loads_or_is_refused(
    new_workspace: Callable[[], dict[str, Any]], data: st.DataObject
) -> None:
    document = new_workspace()
    _mutate(document, data)
    text = json.dumps(document)
    cut = data.draw(st.integers(0, len(text)))
    garbage = data.draw(st.sampled_from(["", "NaN", "1e999", '"', "{", "[" * 2000, "\x00", "é"]))
    _reads_or_refuses(text[:cut] + garbage + text[cut + data.draw(st.integers(0, 5)) :])
    _reads_or_refuses(text.encode("utf-8")[:cut] + data.draw(st.binary(max_size=3)))


@SETTINGS
@given(data=st.data())
def test_the_explanation_agrees_with_the_schema(
    new_workspace: Callable[[], dict[str, Any]], data: st.DataObject
) -> None:
    document = new_workspace()
    _mutate(document, data)
    try:
        document = plain(document)
    except FormatError:
        return
    target = workspace_type(frozenset())
    try:
        accepted = msgspec.convert(document, target)
        refused = not (accepted.channels and accepted.observations and accepted.measurements)
    except msgspec.ValidationError:
        refused = True
    explained = explain(document, {})
    assert bool(explained.problems) == refused
    msgspec.convert(explained.document, target)


@pytest.mark.parametrize("depth", [50, 500, 900, 5000])
def test_deep_nesting_is_refused_anywhere(
    new_workspace: Callable[[], dict[str, Any]], depth: int
) -> None:
    deep: Any = 1.0
    for _ in range(depth):
        deep = [deep]
    for place in ("channels", "version", "extra"):
        document = {**new_workspace(), place: deep}
        _reads_or_refuses(document)
        text = json.dumps({**new_workspace(), place: 0})
        _reads_or_refuses(text.replace(f'"{place}": 0', f'"{place}": {"[" * depth}{"]" * depth}'))
