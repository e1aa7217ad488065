"""Columns of toys read like a list of fit results."""

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.results import FitResult, ToyResults


def make(**changes: object) -> ToyResults:
    fields = {
        "parameter_names": ("mu", "jes"),
        "values": np.arange(8.0).reshape(4, 2),
        "nll": np.array([1.0, 2.0, 3.0, 4.0]),
        "converged": np.array([True, False, True, False]),
        "termination": np.array([0, 1, 0, 4]),
        "n_iter": np.array([3, 4, 5, 6]),
        "bounds_hit": np.array([[1, 0], [0, 0], [0, 3], [0, 2]]),
        "poi_index": 0,
    }
    return ToyResults(**{**fields, **changes})


def test_they_are_a_sequence_of_fit_results() -> None:
    toys = make()
    assert isinstance(toys, Sequence)
    assert len(toys) == 4
    assert all(isinstance(toy, FitResult) for toy in toys)
    assert [toy.parameters for toy in toys] == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]


def test_one_toy_has_its_own_numbers() -> None:
    toy = make()[2]
    assert (toy.nll, toy.converged, toy.termination_reason, toy.n_iter) == (3.0, True, "edm", 5)
    assert toy.at_bound == (("jes", "kink"),)
    assert toy["mu"].value == 4.0
    assert np.isnan(toy.uncertainties).all()


def test_uncertainties_are_shown_where_they_were_asked_for() -> None:
    assert make(errors=np.full((4, 2), 0.5))[1].uncertainties == [0.5, 0.5]


def test_negative_positions_count_from_the_end() -> None:
    assert make()[-1].nll == 4.0


@pytest.mark.parametrize("position", [4, -5])
def test_positions_outside_are_refused(position: int) -> None:
    with pytest.raises(IndexError, match=str(position)):
        make()[position]


def test_a_slice_is_a_view_of_columns() -> None:
    part = make()[1:3]
    assert isinstance(part, ToyResults)
    assert part.nll.tolist() == [2.0, 3.0]
    assert part.n_converged == 1


def test_failures_are_counted_and_named() -> None:
    toys = make()
    assert toys.n_converged == 2
    assert [tuple(entry) for entry in toys.failed] == [(1, "max_iterations"), (3, "stalled")]


def test_a_column_is_found_by_name() -> None:
    assert make().column("jes").tolist() == [1.0, 3.0, 5.0, 7.0]
    with pytest.raises(InputError, match="no parameter named 'jer'"):
        make().column("jer")


def test_no_toys_are_an_empty_sequence() -> None:
    toys = ToyResults(
        parameter_names=("mu",),
        values=np.zeros((0, 1)),
        nll=np.zeros(0),
        converged=np.zeros(0, bool),
        termination=np.zeros(0, np.int8),
    )
    assert list(toys) == []
    assert toys.failed == ()


def test_they_survive_a_pickle() -> None:
    toys = pickle.loads(pickle.dumps(make()))
    assert np.array_equal(toys.values, make().values)
    assert toys[3].at_bound == (("jes", "upper"),)


def test_columns_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(InputError, match="`values`"):
        make(values=np.zeros((4, 3)))


def test_the_representation_is_short() -> None:
    assert repr(make()) == "ToyResults: 4 toys, 2 converged, 2 parameters"


def test_html_has_means_over_the_toys_that_converged(read_html: Callable[[str], Any]) -> None:
    # Toys 0 and 2 converged: mu is 0 and 4, jes 1 and 5.
    page = read_html(make(poi_index=1)._repr_html_())
    assert page.rows[1:] == [["jes", "3", "2.828", "2"], ["mu", "2", "2.828", "1"]]
    failed = "not converged: max_iterations 1, stalled 1; see .failed"
    assert page.paragraphs == [repr(make()), failed]


def test_html_escapes_names(read_html: Callable[[str], Any]) -> None:
    page = read_html(make(parameter_names=("<script>", "&amp;"))._repr_html_())
    assert [row[0] for row in page.rows[1:]] == ["<script>", "&amp;"]


def test_html_of_no_toys_has_no_means(read_html: Callable[[str], Any]) -> None:
    for toys in (make()[:0], make(converged=np.zeros(4, bool))):
        assert read_html(toys._repr_html_()).rows[1][:3] == ["mu", "", ""]
