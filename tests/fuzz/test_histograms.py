"""Descriptions, expressions and files of events, as damaged as can be."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from arrow_seeds import little_arrow_memory
from events_seeds import (
    SEEDS,
    fill_parquet,
    fill_tree,
    parquet_file,
    read_one_histogram,
    root_file,
)
from fuzz_harness import many, survives
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import NextstatError
from nextstat_histograms import Fill, check_expression, fill, read_description
from nextstat_histograms.expressions import FUNCTIONS
from nextstat_histograms.yaml_text import read_yaml

DESCRIPTION = """
General: {Measurement: m, POI: mu, InputPath: "{SamplePath}", Pruning: {Shape: 0.1}}
Regions:
  - {Name: SR, Variable: pt, Binning: [0, 1.5, 3], Filter: "(pt > 1) & (eta < 2)"}
Samples:
  - {Name: data, Data: true, SamplePath: [a, b]}
  - &signal {Name: signal, Weight: "w * 2", Tree: t}
NormFactors: [{Name: mu, Samples: signal, Bounds: [0, 5]}]
Systematics:
  - {Name: jes, Type: NormPlusShape, Up: {Weight: w_up}, Down: {Symmetrize: true},
     Smoothing: {Algorithm: "353QH, twice"}}
  - {Name: lumi, Type: Normalization, Up: {Normalization: 0.1}, Down: {Normalization: -1e-1}}
"""


# -- descriptions ----------------------------------------------------------------------------------

PIECES = ["{", "}", "[", "]", ":", "- ", "\n", "&a ", "*a", "!!", "? ", "|", ">", "'", '"', "#"]
PIECES += ["<<: ", "---", ".inf", ".nan", "0x_", "2026-99-99", "1_0:2", "~", "\t", "\0", "\ud800"]


@st.composite
def damaged_text(draw: st.DrawFn) -> str:
    text = DESCRIPTION
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 20))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=5))
        text = text[:place] + piece + text[place + length :]
    return text


@many
@given(damaged_text() | st.text(max_size=200))
def test_descriptions_as_text(text: str) -> None:
    survives(lambda payload: read_description(read_yaml(payload)), text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@st.composite
def damaged_mapping(draw: st.DrawFn) -> Any:
    document = yaml.safe_load(DESCRIPTION)
    for _ in range(draw(st.integers(1, 3))):
        node = document
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = draw(st.sampled_from(keys)) if keys else None
            if key is None:
                break
            if isinstance(node[key], dict | list) and node[key] and draw(st.booleans()):
                node = node[key]
                continue
            if draw(st.booleans()):
                node[key] = draw(VALUES)
            elif isinstance(node, dict):
                del node[key]
                node[draw(st.sampled_from(["Regions", "Samples", "Name"]) | st.text())] = None
            break
    return document


@many
@given(damaged_mapping())
def test_descriptions_as_mappings(document: Any) -> None:
    survives(read_description, document, size=2000)


# -- expressions -----------------------------------------------------------------------------------

TOKENS = [*FUNCTIONS, "pt", "n", "flag", "get('pt')", "(", ")", ",", "1", "2.5", "0", "9", "-", "~"]
TOKENS += ["+", "*", "/", "%", "**", "<", "==", "&", "|", "^", " and ", "if", "lambda", ".", "__"]
TOKENS += [":", "[", "]", "'", "class", "import", "1e300", "get", "=", "@", "//", "<<", "\n", " "]


@cache
def _table() -> Path:
    folder = Path(_FOLDER.name)
    (folder / "table.parquet").write_bytes(parquet_file())
    (folder / "table.root").write_bytes(root_file())
    return folder


_FOLDER = TemporaryDirectory()


def fill_both(text: str) -> None:
    """Compute an expression as variable, selection and weight, from Parquet and from ROOT."""
    refused = None
    for name, tree in (("table.parquet", None), ("table.root", "folder/t")):
        for wanted in (Fill(text, (0.0, 1.0)), Fill("pt", (0.0, 1.0), text, text)):
            try:
                fill([_table() / name], tree, [wanted])
            except NextstatError as error:
                refused = error
    if refused is not None:
        raise refused


@many
@given(st.lists(st.sampled_from(TOKENS), max_size=30).map("".join) | st.text(max_size=100))
def test_expressions(text: str) -> None:
    if not isinstance(survives(check_expression, text), NextstatError):
        survives(fill_both, text, size=2000)


# -- files -----------------------------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn, kinds: bytes) -> tuple[bytes, bytes]:
    seed = draw(st.sampled_from([seed for seed in SEEDS if seed[:1] in kinds]))
    content = bytearray(seed[1:])
    rng = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 8))):
        place = rng.randrange(len(content))
        if rng.random() < 0.2:
            content[place : place + 4] = rng.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0" * 4])
        else:
            content[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    return seed[:1], bytes(content[: draw(st.sampled_from([len(content), len(content) // 2]))])


@many
@given(damaged(b"p"))
def test_damaged_parquet(file: tuple[bytes, bytes]) -> None:
    with little_arrow_memory(len(file[1])):
        survives(fill_parquet, file[1])


@many
@given(damaged(b"th"))
def test_damaged_root(file: tuple[bytes, bytes]) -> None:
    kind, content = file
    survives(fill_tree if kind == b"t" else read_one_histogram, content)


def test_columns_whose_names_are_no_text_are_refused() -> None:
    content = parquet_file()
    refused = 0
    for place in range(len(content) - 1):
        if content[place : place + 2] == b"pt":
            outcome = survives(fill_parquet, content[: place + 1] + b"\xf4" + content[place + 2 :])
            refused += isinstance(outcome, NextstatError)
    assert refused > 0


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: chr(seed[0]))
def test_undamaged_files_are_read(seed: bytes) -> None:
    if seed[:1] == b"h":
        assert read_one_histogram(seed[1:]).values.sum() == 50
    else:
        (filled,) = (fill_parquet if seed[:1] == b"p" else fill_tree)(seed[1:])
        assert filled.n_events == 50
