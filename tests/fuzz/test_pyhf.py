"""Damaged workspaces and patchsets: an error of ours or a result, soon, in little memory."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from fuzz_harness import many, survives
from hypothesis import given
from hypothesis import strategies as st
from pyhf_seeds import OPERATIONS, damaged_patchset, seeds

from nextstat_core.errors import NextstatError

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 1e-320, 1e308, -1e308, 10**400, 2**70, 0.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            *("", "mu", "lumi", "normsys", "channel_0", "bkg_1", "1.0.0", "\ud800", "m_100"),
            *("/channels/0", "/channels/-", "/channels/0/samples/0/data/0", "/", "add", "remove"),
        ]
    ),
    st.sampled_from([[], {}, [[]], [1.0], [1.0, 2.0], [None], [1.0, "a"], {"a": 1}]).map(
        copy.deepcopy
    ),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=30),
)
KEYS = st.sampled_from(
    [
        *("name", "type", "data", "modifiers", "constraint", "lo", "poi", "fixed", "version"),
        *("op", "path", "from", "value", "metadata", "patch", "values", "labels", "digests"),
    ]
)
ACTIONS = st.sampled_from(["drop", "set", "add", "repeat"])


def _containers(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list) and node:
        yield node
    entries = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for entry in entries:
        yield from _containers(entry)


@st.composite
def _damaged(draw: st.DrawFn, document: Any) -> Any:
    """A document in which some things are dropped, replaced, added or repeated."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        container = draw(st.sampled_from(list(_containers(document))))
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key, action = draw(st.sampled_from(keys)), draw(ACTIONS)
        if action == "drop" and (container is not document or len(document) > 1):
            del container[key]
        elif action == "add" and isinstance(container, dict):
            container[draw(KEYS)] = draw(VALUES)
        elif action == "repeat" and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[key] = draw(VALUES)
    return document


RICH, CHOSEN, PATCHSET = seeds()


@pytest.mark.parametrize("name", OPERATIONS)
def test_seeds_are_in_order(name: str) -> None:
    for document in (PATCHSET,) if name == "patchset" else (RICH, CHOSEN):
        outcome = survives(OPERATIONS[name], json.dumps(document))
        assert not isinstance(outcome, NextstatError), outcome


@pytest.mark.parametrize("name", OPERATIONS)
@given(data=st.data())
@many
def test_damaged_text_survives(name: str, data: st.DataObject) -> None:
    document = PATCHSET if name == "patchset" else data.draw(st.sampled_from([RICH, CHOSEN]))
    text = json.dumps(data.draw(_damaged(document)))
    survives(OPERATIONS[name], text)


@pytest.mark.parametrize("name", OPERATIONS)
@given(data=st.data())
@many
def test_damaged_bytes_survive(name: str, data: st.DataObject) -> None:
    text = json.dumps(PATCHSET if name == "patchset" else CHOSEN).encode()
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(start + 8, len(text))))
    survives(OPERATIONS[name], text[:start] + data.draw(st.binary(max_size=8)) + text[end:])


@given(data=st.data())
@many
def test_damaged_operations_of_patches_survive(data: st.DataObject) -> None:
    document = copy.deepcopy(PATCHSET)
    operations = document["patches"][0]["patch"]
    document["patches"][0]["patch"] = data.draw(_damaged(operations))
    survives(damaged_patchset, json.dumps(document))


@given(st.binary(max_size=200) | st.text(max_size=200))
@many
def test_any_bytes_survive(text: Any) -> None:
    for operation in OPERATIONS.values():
        survives(operation, text)


@pytest.mark.parametrize("name", OPERATIONS)
def test_deep_documents_survive(name: str) -> None:
    deep = 100_000
    for text in ("[" * deep, '{"channels":' * deep):
        assert isinstance(survives(OPERATIONS[name], text), NextstatError)
    survives(OPERATIONS[name], "[" * 900 + "]" * 900)
    document: Any = copy.deepcopy(PATCHSET if name == "patchset" else CHOSEN)
    nested: Any = {}
    for _ in range(400):
        nested = {"a": [nested]}
    document["more"] = nested
    survives(OPERATIONS[name], json.dumps(document))
