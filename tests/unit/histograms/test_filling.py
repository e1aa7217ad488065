"""Templates from events are those of cabinetry, from ROOT and from Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from cabinetry.contrib.histogram_creator import with_uproot

from nextstat_core.errors import FormatError, InputError
from nextstat_histograms import Fill, fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EDGES = (0.0, 10.0, 25.0, 60.0, 120.0)
CASES = [
    ("pt", None, None),
    ("pt", None, "weight"),
    ("pt", None, "2.5"),
    ("pt", "n_jets", "weight"),
    ("pt * 1.02", "(abs(eta) < 1.4) & (n_jets >= 2) & trigger", "weight * (1 + 0.1 * eta)"),
    ("sqrt(pt**2 + 10)", "~(eta < 0) | (n_jets == 4)", "weight_up"),
    ("where(n_jets > 3, pt, pt_jer)", "pt/2 > 3", "exp(-eta**2 / 8)"),
    ("15 + 4 * phi", "n_jets % 2 == 0", None),
]


def _cabinetry(path: Path, case: tuple[str, str | None, str | None]) -> Any:
    variable, selection, weight = case
    return with_uproot(
        [path], "nominal", variable, np.array(EDGES), weight=weight, selection_filter=selection
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}; {case[1]}; {case[2]}")
def test_trees_give_the_templates_of_cabinetry(events, write_root, case) -> None:
    path = write_root("events.root", nominal=events)
    expected = _cabinetry(path, case)
    variable, selection, weight = case
    # Batches of 499 do not fit to the baskets of 700.
    wanted = Fill(variable, EDGES, selection, weight)
    (found,) = fill([path], "nominal", [wanted], n_rows=499)
    np.testing.assert_allclose(found.histogram.values, expected.values(), rtol=1e-12)
    np.testing.assert_allclose(found.histogram.stdev, np.sqrt(expected.variances()), rtol=1e-12)
    assert found.underflow == pytest.approx(expected.values(flow=True)[0], rel=1e-12, abs=1e-12)
    assert found.overflow == pytest.approx(expected.values(flow=True)[-1], rel=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}; {case[1]}; {case[2]}")
def test_parquet_gives_the_templates_of_cabinetry(events, write_root, write_parquet, case) -> None:
    if "phi" in case[0]:
        # numexpr computes in double precision what uproot computes in single.
        events["phi"] = events["phi"].astype(np.float64)
    expected = _cabinetry(write_root("events.root", nominal=events), case)
    path = write_parquet("events.parquet", events, row_group_size=800)
    variable, selection, weight = case
    wanted = Fill(variable, EDGES, selection, weight)
    (found,) = fill([path], None, [wanted], n_rows=499)
    np.testing.assert_allclose(found.histogram.values, expected.values(), rtol=1e-12)
    np.testing.assert_allclose(found.histogram.stdev, np.sqrt(expected.variances()), rtol=1e-12)


def test_several_histograms_and_files_take_one_pass(events, write_parquet, tmp_path) -> None:
    for name in ("a1.parquet", "a2.parquet"):
        write_parquet(name, events)
    wanted = [Fill("pt", EDGES), Fill("pt", EDGES, flow="include"), Fill("eta", (-1.0, 1.0))]
    found = fill([tmp_path / "a*.parquet"], None, wanted)
    assert [each.n_events for each in found] == [6000] * 3
    expected, _ = np.histogram(events["pt"], EDGES)
    last = (events["pt"] == EDGES[-1]).sum()  # numpy counts the last edge to the last bin
    assert found[0].histogram.values.tolist() == [*(2 * expected[:-1]), 2 * (expected[-1] - last)]
    assert found[1].histogram.sum == 6000
    assert found[2].histogram.sum == 2 * (np.abs(events["eta"]) < 1.0).sum()


def test_memory_is_bounded_by_the_batch(events, write_parquet, monkeypatch) -> None:
    from nextstat_histograms import filling

    sizes = []

    def watched(*arguments: Any) -> Any:
        for batch in read(*arguments):
            sizes.extend(values.size for values in batch.values())
            yield batch

    read = filling.read_parquet
    monkeypatch.setattr(filling, "read_parquet", watched)
    path = write_parquet("events.parquet", events)
    fill([path], None, [Fill("pt", EDGES, weight="weight")], n_rows=100)
    assert max(sizes) == 100
    assert sum(sizes) == 6000


def test_columns_may_have_any_name(write_root, write_parquet) -> None:
    columns = {"jet.pt": np.array([1.0, 2.0]), "where": np.array([3.0, 4.0])}
    text = "get('jet.pt') + jet.pt + where(where > 3.5, where, 0)"
    root, parquet = write_root("a.root", t=columns), write_parquet("a.parquet", columns)
    with pytest.warns(Warning, match="both a branch name and a function"):
        (tree,) = fill([root], "t", [Fill(text, (0.0, 5.0, 10.0))])
    (table,) = fill([parquet], None, [Fill(text, (0.0, 5.0, 10.0))])
    assert tree.histogram.values.tolist() == table.histogram.values.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Fill("ptt", EDGES), "needs 'ptt'; no such column among 8\n\nHint: did you mean 'pt'"),
        (Fill("pt + abc", EDGES, "xyz > 1"), "needs 'abc'"),
        (Fill("log(eta)", EDGES), r"'log\(eta\)' of .* is not a number for 1\d\d\d selected"),
        (Fill("pt", EDGES, weight="1 / (n_jets - 3)"), "is not a number for 3"),
        (Fill("3", EDGES), "a variable must depend on a column; found '3'"),
        (Fill("pt", EDGES, "1"), "a selection must depend on a column"),
        (Fill("pt", EDGES, weight="2 * 3"), "a weight without columns is one number"),
        (Fill("pt", EDGES, weight="nan"), "expected a finite number"),
        (Fill("pt", (1.0, 0.0)), "ascending"),
        (Fill("pt & eta", EDGES), "pt & eta|cannot read"),
        (Fill("__import__('os').getcwd()", EDGES), "is refused"),
    ],
)
@pytest.mark.parametrize("kind", ["root", "parquet"])
def test_what_cannot_be_filled_is_refused(
    events, write_root, write_parquet, kind: str, wanted: Fill, message: str
) -> None:
    if kind == "root":
        path, tree = write_root("events.root", nominal=events), "nominal"
    else:
        path, tree = write_parquet("events.parquet", events), None
    with pytest.raises((InputError, FormatError), match=message):
        fill([path], tree, [wanted])


def test_undefined_values_of_events_that_are_not_selected_are_no_harm(
    events, write_root, write_parquet
) -> None:
    wanted = Fill("5 + log(eta)", EDGES, "eta > 0.5")
    for path, tree in (
        (write_root("events.root", nominal=events), "nominal"),
        (write_parquet("events.parquet", events), None),
    ):
        (found,) = fill([path], tree, [wanted])
        assert found.n_selected == (events["eta"] > 0.5).sum()


def test_missing_files_and_trees_are_named(events, write_root, write_parquet, tmp_path) -> None:
    wanted = [Fill("pt", EDGES)]
    root, parquet = write_root("a.root", nominal=events), write_parquet("a.parquet", events)
    for paths, tree, message in [
        ([tmp_path / "b.root"], "nominal", r"no file '.*b\.root'"),
        ([tmp_path / "b.parquet"], None, r"no file '.*b\.parquet'"),
        ([tmp_path / "c*.root"], "nominal", r"no file matches"),
        ([root], "nominl", "did you mean 'nominal'"),
        ([root], None, "no tree in it is named"),
        ([parquet], "nominal", "which has no tree 'nominal'"),
    ]:
        with pytest.raises(InputError, match=message):
            fill(paths, tree, wanted)


def test_columns_without_one_number_per_event_are_refused(write_parquet) -> None:
    columns = {
        "text": ["a", "b"],
        "lists": [[1.0], [2.0, 3.0]],
        "gaps": [1.0, None],
    }
    path = write_parquet("odd.parquet", columns)
    for name, message in [
        ("text", "type string"),
        ("lists", "type list"),
        ("gaps", "missing for 1 of 2"),
    ]:
        with pytest.raises(InputError, match=message):
            fill([path], None, [Fill(name, EDGES)])


def test_branches_with_several_numbers_per_event_are_refused(tmp_path) -> None:
    import awkward as ak
    import uproot

    with uproot.recreate(tmp_path / "jagged.root") as file:
        tree = file.mktree("t", {"jets": "var * float64", "pair": ("f8", (2,))})
        tree.extend({"jets": ak.Array([[1.0], [2.0, 3.0]]), "pair": np.ones((2, 2))})
    for name in ("jets", "pair"):
        with pytest.raises(InputError, match="not one number per event"):
            fill([tmp_path / "jagged.root"], "t", [Fill(name, EDGES)])


def test_aliases_in_files_are_not_computed(events, write_root, monkeypatch) -> None:
    """An alias is an expression that a file brings along: nobody has checked it."""
    import uproot

    path = write_root("a.root", nominal=events)
    monkeypatch.setattr(uproot.TTree, "aliases", {"trap": "().__class__"})
    with pytest.raises(InputError, match=r"'trap' of .* stands for an expression in the file"):
        fill([path], "nominal", [Fill("trap", EDGES)])


@pytest.mark.parametrize("cut", [0, 10, 1000, "half"])
@pytest.mark.parametrize("kind", ["root", "parquet"])
def test_damaged_files_are_refused(
    events, write_root, write_parquet, kind: str, cut: int | str
) -> None:
    if kind == "root":
        path, tree = write_root("events.root", nominal=events), "nominal"
    else:
        path, tree = write_parquet("events.parquet", events), None
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 if cut == "half" else cut])
    with pytest.raises(FormatError, match=f"events.{kind}"):
        fill([path], tree, [Fill("weight_up", EDGES)])  # the last column of the file


def _member(path: Path, branch: str, name: str) -> tuple[bytearray, int]:
    """Content of a file without compression, and where the first entry of an array in it is."""
    import uproot

    with uproot.open(path) as file:
        values = file["nominal"][branch].member(name)
    content = path.read_bytes()
    text = values.astype(">i8").tobytes()
    assert content.count(text) == 1
    return bytearray(content), content.index(text)


def test_more_events_than_bytes_are_refused(events, write_root, monkeypatch) -> None:
    import uproot

    path = write_root("a.root", nominal=events)
    monkeypatch.setattr(uproot.TTree, "num_entries", 10**15)
    with pytest.raises(FormatError, match=r"declares 3000 entries in .* and its tree 10000000"):
        fill([path], "nominal", [Fill("pt", EDGES)])


@pytest.mark.parametrize("position", [-1, 50, 2**40])
def test_baskets_that_are_elsewhere_are_refused(tmp_path, position: int) -> None:
    path = _uncompressed(tmp_path)
    content, at = _member(path, "pt", "fBasketSeek")
    content[at : at + 8] = position.to_bytes(8, "big", signed=True)
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.root' is damaged: .*byte"):
        fill([path], "nominal", [Fill("pt", EDGES)])


@pytest.mark.parametrize("entry", [1, -5, 2**40])
def test_baskets_that_do_not_follow_each_other_are_refused(tmp_path, entry: int) -> None:
    path = _uncompressed(tmp_path)
    content, at = _member(path, "pt", "fBasketEntry")
    # The first basket begins at event 0, the second at event 2.
    at += 0 if entry == 1 else 8
    content[at : at + 8] = entry.to_bytes(8, "big", signed=True)
    path.write_bytes(content)
    with pytest.raises(FormatError, match="'pt' do not follow each other"):
        fill([path], "nominal", [Fill("pt", EDGES)])


def _uncompressed(folder: Path) -> Path:
    import uproot

    with uproot.recreate(folder / "a.root", compression=None) as file:
        tree = file.mktree("nominal", {"pt": np.float64})
        for values in ([1.0, 2.0], [3.0]):
            tree.extend({"pt": values})
    return folder / "a.root"


def test_very_many_events_in_few_bytes_are_refused(tmp_path, monkeypatch) -> None:
    import pyarrow.parquet as pq

    from nextstat_histograms import parquet

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"pt": np.ones(100_000)}), path, row_group_size=100_000)
    wanted = [Fill("pt", EDGES)]
    # A constant column of many events is no fault.
    assert fill([path], None, wanted)[0].n_events == 100_000
    monkeypatch.setattr(parquet, "_FREE_ROWS", 0)
    monkeypatch.setattr(parquet, "_ROWS_PER_BYTE", 10)
    with pytest.raises(FormatError, match="declares 100000 events in"):
        fill([path], None, wanted)


def test_pages_that_unpack_to_very_much_are_refused(write_parquet, monkeypatch) -> None:
    from nextstat_core.io.containers import excess

    path = write_parquet("a.parquet", {"pt": np.zeros(10_000)}, use_dictionary=False)
    wanted = [Fill("pt", EDGES)]
    assert fill([path], None, wanted)[0].n_events == 10_000
    monkeypatch.setattr(excess, "_FREE", 0)
    monkeypatch.setattr(excess, "_RATIO", 10)
    with pytest.raises(FormatError, match="a page of column 'pt' unpacks from"):
        fill([path], None, wanted)


def test_missing_libraries_are_named(monkeypatch, write_parquet: Callable[..., Path]) -> None:
    import sys

    path = write_parquet("a.parquet", {"x": pa.array([1.0])})
    monkeypatch.setitem(sys.modules, "numexpr", None)
    with pytest.raises(InputError, match=r"pip install 'nextstat-histograms\[parquet\]'"):
        fill([path], None, [Fill("x + 1", EDGES)])
