"""Histograms of other libraries become ours with the same yields, variances and edges."""

from __future__ import annotations

import boost_histogram as bh
import hist
import numpy as np
import pytest
import uproot

from nextstat_core.errors import InputError
from nextstat_histograms import Histogram, as_histogram

EVENTS = np.array([-1.0, 0.5, 0.6, 1.5, 2.5, 2.6, 2.7, 9.0])
WEIGHTS = np.array([2.0, 1.0, -0.5, 2.0, 1.0, 1.0, 3.0, 4.0])
EDGES = [0.0, 1.0, 2.0, 4.0]


def _boost() -> bh.Histogram:
    filled = bh.Histogram(bh.axis.Variable(EDGES), storage=bh.storage.Weight())
    return filled.fill(EVENTS, weight=WEIGHTS)


def _hist() -> hist.Hist:
    return hist.Hist(hist.axis.Variable(EDGES), storage=hist.storage.Weight()).fill(
        EVENTS, weight=WEIGHTS
    )


def _uproot(tmp_path) -> object:
    with uproot.recreate(tmp_path / "h.root") as file:
        file["h"] = _hist()
    with uproot.open(tmp_path / "h.root") as file:
        return file["h"]


@pytest.mark.parametrize("library", ["boost_histogram", "hist", "uproot"])
def test_weighted_histograms_keep_yields_and_variances(library: str, tmp_path) -> None:
    source = {"boost_histogram": _boost, "hist": _hist, "uproot": lambda: _uproot(tmp_path)}
    taken = as_histogram(source[library]())
    assert taken.edges.tolist() == EDGES
    assert taken.values.tolist() == [0.5, 2.0, 5.0]
    assert taken.variances.tolist() == [1.25, 4.0, 11.0]
    assert taken.stdev[0] == pytest.approx(np.sqrt(1.25), rel=1e-15)


@pytest.mark.parametrize("library", ["boost_histogram", "hist", "uproot"])
def test_flow_is_added_to_the_outer_bins_where_asked(library: str, tmp_path) -> None:
    source = {"boost_histogram": _boost, "hist": _hist, "uproot": lambda: _uproot(tmp_path)}
    taken = as_histogram(source[library](), flow="include")
    assert taken.values.tolist() == [2.5, 2.0, 9.0]
    assert taken.variances.tolist() == [5.25, 4.0, 27.0]


def test_flow_is_refused_where_asked() -> None:
    with pytest.raises(InputError, match="2 below the first edge and 4 above the last"):
        as_histogram(_boost(), flow="refuse")
    inside = bh.Histogram(bh.axis.Variable(EDGES), storage=bh.storage.Weight()).fill([0.5])
    assert as_histogram(inside, flow="refuse").sum == 1.0


@pytest.mark.parametrize(("underflow", "overflow"), [(True, False), (False, True), (False, False)])
def test_axes_without_flow_have_none(underflow: bool, overflow: bool) -> None:
    axis = bh.axis.Variable(EDGES, underflow=underflow, overflow=overflow)
    filled = bh.Histogram(axis, storage=bh.storage.Weight()).fill(EVENTS, weight=WEIGHTS)
    taken = as_histogram(filled, flow="include")
    assert taken.values.tolist() == [2.5 if underflow else 0.5, 2.0, 9.0 if overflow else 5.0]


def test_counts_have_their_own_variances() -> None:
    counted = bh.Histogram(bh.axis.Regular(2, 0.0, 4.0)).fill(EVENTS)
    assert as_histogram(counted).variances.tolist() == [3.0, 3.0]
    values, edges = np.histogram(EVENTS, EDGES)
    assert as_histogram((values, edges)).variances.tolist() == [2.0, 1.0, 3.0]


def test_arrays_are_taken_in_the_order_of_numpy() -> None:
    taken = as_histogram(([1.5, 2.5], [0.0, 1.0, 2.0], [0.1, 0.2]))
    assert taken.values.tolist() == [1.5, 2.5]
    assert taken.variances.tolist() == [0.1, 0.2]


def test_unknown_variances_are_an_error() -> None:
    weighted = bh.Histogram(bh.axis.Variable(EDGES)).fill(EVENTS, weight=WEIGHTS)
    with pytest.raises(InputError, match="variances of a weighted histogram are not known"):
        as_histogram(weighted)
    with pytest.raises(InputError, match="not counts"):
        as_histogram(([1.5], [0.0, 1.0]))


def test_what_is_no_histogram_of_counts_on_one_axis_is_refused() -> None:
    two = bh.Histogram(bh.axis.Regular(2, 0, 1), bh.axis.Regular(2, 0, 1))
    with pytest.raises(InputError, match="2 axes; expected 1"):
        as_histogram(two)
    means = bh.Histogram(bh.axis.Regular(2, 0, 1), storage=bh.storage.Mean())
    with pytest.raises(InputError, match="MEAN"):
        as_histogram(means)
    with pytest.raises(InputError, match="categories"):
        as_histogram(bh.Histogram(bh.axis.StrCategory(["a", "b"])))
    with pytest.raises(InputError, match="a list is no histogram"):
        as_histogram([1.0, 2.0])
    with pytest.raises(InputError, match="did you mean 'include'"):
        as_histogram(_boost(), flow="inclde")


@pytest.mark.parametrize(
    ("edges", "values", "variances", "message"),
    [
        ([0, 1, 1], [1, 2], [1, 2], "ascending"),
        ([0], [], [], "ascending"),
        ([0, 1, 2], [1], [1, 2], "wrong length: expected 2, found 1"),
        ([0, 1, 2], [1, 2], [1, -2], "negative in bins 1"),
        ([0, 1, 2], [1, float("nan")], [1, 2], "not finite at 1"),
        ([[0, 1]], [1], [1], "2 dimensions"),
        (["a", "b"], [1], [1], "list of numbers"),
    ],
)
def test_unusable_arrays_are_refused(edges, values, variances, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Histogram(edges, values, variances)


def test_histograms_cannot_be_written_to() -> None:
    values = np.array([1.0, 2.0])
    taken = Histogram(np.array([0.0, 1.0, 2.0]), values, values)
    values[0] = 7.0
    assert taken.values[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        taken.values[0] = 7.0


def test_protocol_without_flow_and_edges_is_enough() -> None:
    class Axis(list):
        pass

    class Plain:
        kind = "COUNT"
        axes = (Axis([(0.0, 1.0), (1.0, 3.0)]),)

        def values(self):
            return np.array([4.0, 9.0])

        def variances(self):
            return np.array([4.0, 9.0])

    assert as_histogram(Plain(), flow="include").edges.tolist() == [0.0, 1.0, 3.0]
