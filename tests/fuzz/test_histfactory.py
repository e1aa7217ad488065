"""Damaged HistFactory XML: an error of ours or a model, soon, in little memory."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from fuzz_harness import many, survives
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import NextstatError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import Model
from nextstat_core.testing import generate_workspace
from nextstat_root import read_histfactory, write_histfactory

FILES = ("combination.xml", "channel_0.xml")
#: What may stand in place of a part of the text.
PIECES = st.one_of(
    st.sampled_from(
        [
            *(
                "<",
                ">",
                "/>",
                '"',
                "&",
                "&amp;",
                "&#0;",
                "<!--",
                "]]>",
                "<![CDATA[",
                "\x00",
                "\ud800",
            ),
            *("nan", "inf", "-1", "1e999", "1e-320", "", "True", "../../", "/", "combination.xml"),
            *(
                'Const="True"',
                'Name=""',
                'HistoName="data"',
                "<Sample>",
                "</Sample>",
                "<Function/>",
            ),
            '<!DOCTYPE a [<!ENTITY b "c">]>',
            '<ConstraintTerm Type="Gamma" RelativeUncertainty="0.1">normsys_0</ConstraintTerm>',
            '<ParamSetting Val="3">gamma_stat_channel_0_bin_9999999999</ParamSetting>',
        ]
    ),
    st.text(max_size=8),
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(FILES),
        st.floats(0.0, 1.0, exclude_max=True),
        st.integers(0, 40),
        PIECES,
    ),
    min_size=1,
    max_size=4,
)


@cache
def folder() -> tuple[Path, dict[str, str]]:
    target = Path(mkdtemp(prefix="nextstat-fuzz-"))
    workspace = generate_workspace(
        2, n_bins=2, n_normsys=1, n_histosys=1, staterror=True, shapesys=True, lumi=True
    )
    write_histfactory(read_pyhf(workspace), target)
    return target, {name: (target / name).read_text() for name in FILES}


def read(texts: dict[str, str], **options: str) -> Model:
    target, _ = folder()
    for name, text in texts.items():
        (target / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return read_histfactory(target / FILES[0], base_dir=target, **options)


@many
@given(CHANGES, st.sampled_from(["root", "pyhf"]))
def test_damaged_documents_survive(changes, conventions):
    texts = dict(folder()[1])
    for name, position, length, piece in changes:
        at = int(position * len(texts[name]))
        texts[name] = texts[name][:at] + piece + texts[name][at + length :]
    size = sum(map(len, texts.values()))
    outcome = survives(lambda each: read(each, conventions=conventions), texts, size=size)
    assert isinstance(outcome, Model | NextstatError)


@many
@given(st.text(max_size=200))
def test_arbitrary_text_survives(text):
    survives(read, {FILES[0]: text}, size=len(text))
    survives(read, {FILES[0]: f"<Combination>{text}</Combination>"}, size=len(text))


@pytest.mark.parametrize("conventions", ["root", "pyhf"])
def test_the_undamaged_document_is_read(conventions):
    assert read(folder()[1], conventions=conventions).poi == "mu"
