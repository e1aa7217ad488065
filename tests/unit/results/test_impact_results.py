"""Impacts as sequences, tables and plain data."""

from __future__ import annotations

import csv
import io
import json
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import breakdown, grouped_impacts, impacts
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import uncorrelated

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.results import Impacts

NAMES = {"uncorr_bkguncrt[0]", "uncorr_bkguncrt[1]"}


@pytest.fixture(scope="module")
def model() -> HistFactoryModel:
    document = uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [61.0, 58.0])
    return HistFactoryModel.from_pyhf(document)


@pytest.fixture(scope="module")
def found(model: HistFactoryModel) -> Impacts:
    return impacts(model)


def test_a_sequence(found: Impacts) -> None:
    assert len(found) == 2
    assert [entry.name for entry in found] == list(found.names)
    assert found[-1] == found[1] == found[found.names[1]]
    first = found[:1]
    assert (len(first), first.names) == (1, found.names[:1])
    assert first.poi_sigma == found.poi_sigma
    assert found[0].size == max(abs(found[0].up), abs(found[0].down)) == found.size[0]
    assert found[0].total == abs(found.up[0]) + abs(found.down[0])
    with pytest.raises(IndexError, match="no impact 2: there are 2"):
        _ = found[2]
    with pytest.raises(InputError, match="no impact named 'lumi'"):
        _ = found["lumi"]


def test_columns_are_read_only(found: Impacts) -> None:
    with pytest.raises(ValueError, match="read-only"):
        found.up[0] = 1.0


def test_plain_data_have_the_names_of_the_reference(found: Impacts) -> None:
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["poi"] == "mu"
    assert plain["n_failed"] == 0
    row = plain["impacts"][0]
    assert list(row)[:5] == ["name", "delta_mu_up", "delta_mu_down", "pull", "constraint"]
    assert row["delta_mu_up"] == found[0].up
    assert plain["statistical"] is None


def test_null_stands_for_what_does_not_exist(model: HistFactoryModel) -> None:
    plain = impacts(model, convention="covariance").to_dict()
    assert plain["impacts"][0]["value_up"] is None


def test_csv_keeps_every_digit(found: Impacts) -> None:
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["name"] for row in rows] == list(found.names)
    assert [float(row["delta_mu_up"]) for row in rows] == found.up.tolist()


def test_frames(found: Impacts, model: HistFactoryModel) -> None:
    pytest.importorskip("pandas")
    frame = found.to_frame()
    assert frame["name"].tolist() == list(found.names)
    assert np.array_equal(frame["delta_mu_down"], found.down)
    empty = impacts(model, parameters=[]).to_frame()
    assert list(empty.columns) == list(frame.columns)
    groups = grouped_impacts(model).to_frame()
    assert groups["group"].tolist() == ["shapesys", "rest"]


def test_results_can_be_pickled(found: Impacts, model: HistFactoryModel) -> None:
    again = pickle.loads(pickle.dumps(found))
    assert again.names == found.names
    assert np.array_equal(again.up, found.up)
    parts = pickle.loads(pickle.dumps(breakdown(model)))
    assert parts.groups.names == ("shapesys",)


def test_tables(found: Impacts, model: HistFactoryModel, read_html: Callable[[str], Any]) -> None:
    assert repr(found).startswith("Impacts on mu = ")
    page = read_html(found._repr_html_())
    assert [row[0] for row in page.rows] == ["parameter", *found.names]
    groups = grouped_impacts(model)
    assert [row[0] for row in read_html(groups._repr_html_()).rows] == [
        "group", "shapesys", "rest", "total",
    ]  # fmt: skip
    assert "'freeze'" in repr(groups)
    parts = breakdown(model)
    assert read_html(parts._repr_html_()).rows[2][0] == "statistical"
    assert "free normalisations count as statistical" in repr(parts)


def test_flags_are_explained(model: HistFactoryModel) -> None:
    cut = impacts(model, bounds={"mu": (0.5, 0.6)}, open_poi_bound=False)
    assert "at_bound: the parameter of interest is at a bound" in repr(cut)


def test_groups_are_a_sequence(model: HistFactoryModel) -> None:
    groups = grouped_impacts(model, {"a": "*bkg*[[]0]", "b": "*bkg*[[]1]"})
    assert [group.name for group in groups] == ["a", "b"]
    assert groups["b"] is groups[1] is groups[-1]
    assert set(groups["a"].parameters + groups["b"].parameters) == NAMES
    with pytest.raises(InputError, match="no group named 'c'"):
        _ = groups["c"]
    plain = json.loads(json.dumps(groups.to_dict(), allow_nan=False))
    assert plain["groups"][0]["name"] == "a"
    squares = sum(group["impact"] ** 2 for group in plain["groups"]) + plain["rest"] ** 2
    assert math.sqrt(squares) == pytest.approx(groups.explained)
