from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nextstat_viz.names import cut_names

NAMES = st.lists(st.text("ab_1", min_size=1, max_size=40), unique=True, max_size=12)


@given(NAMES, st.integers(5, 50))
def test_different_names_stay_different(names: list[str], width: int) -> None:
    assert len(set(cut_names(names, width))) == len(names)


@given(NAMES, st.integers(5, 50))
def test_short_names_stay_as_they_are_and_long_ones_keep_their_ends(
    names: list[str], width: int
) -> None:
    for name, shown in zip(names, cut_names(names, width), strict=True):
        if len(name) <= width:
            assert shown == name
        if "…" in shown:
            start, end = shown.split("…")
            assert name.startswith(start)
            assert name.endswith(end)


def test_names_that_are_easily_told_apart_have_the_width() -> None:
    shown = cut_names(["x" * 50, "y" * 50], 20)
    assert shown == ["xxxxxxxxx…xxxxxxxxxx", "yyyyyyyyy…yyyyyyyyyy"]


def test_no_names_are_no_problem() -> None:
    assert cut_names([], 10) == []
