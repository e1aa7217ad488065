"""The ranking as plain data, table and plot, through the facade."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import nextstat
from nextstat.interpret import plot_rank_impact, rank_impact, rank_impact_df
from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import get_manager
from nextstat_core.models import StdNormalModel

KEYS = ["name", "delta_mu_up", "delta_mu_down", "pull", "constraint"]


@pytest.fixture(scope="module")
def model() -> nextstat.HistFactoryModel:
    return nextstat.from_pyhf("docs/examples/example_workspace.json")


@pytest.fixture(scope="module")
def rows(model: nextstat.HistFactoryModel) -> list[dict[str, Any]]:
    return nextstat.ranking(model)


def test_ranking_has_the_keys_of_the_reference(rows: list[dict[str, Any]]) -> None:
    assert all(list(row) == KEYS for row in rows)
    sizes = [max(abs(row["delta_mu_up"]), abs(row["delta_mu_down"])) for row in rows]
    assert sizes == sorted(sizes, reverse=True)


def test_ranking_is_the_nominal_convention(
    model: nextstat.HistFactoryModel, rows: list[dict[str, Any]]
) -> None:
    found = nextstat.impacts(model, convention="nominal")
    assert [row["name"] for row in rows] == list(found.names)
    assert [row["delta_mu_up"] for row in rows] == found.up.tolist()
    postfit = nextstat.ranking(model, convention="postfit", device="cpu")
    free = next(row for row in postfit if row["name"] == "mu_ttbar")
    assert (free["pull"], free["constraint"]) == (None, None)


def test_estimators_and_the_registered_analysis_agree(
    model: nextstat.HistFactoryModel, rows: list[dict[str, Any]]
) -> None:
    assert nextstat.MaximumLikelihoodEstimator().ranking(model) == rows
    assert get_manager().analyses["ranking"].run(model) == rows


def test_importance(model: nextstat.HistFactoryModel, rows: list[dict[str, Any]]) -> None:
    table = rank_impact(model)
    assert list(table[0]) == [*KEYS[:3], "total_impact", *KEYS[3:], "rank"]
    assert len(table) == len(rows)
    assert [row["rank"] for row in table] == list(range(1, len(table) + 1))
    totals = [row["total_impact"] for row in table]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] == abs(table[0]["delta_mu_up"]) + abs(table[0]["delta_mu_down"])


@pytest.mark.parametrize(
    ("sort_by", "key"),
    [
        ("up", lambda row: abs(row["delta_mu_up"])),
        ("down", lambda row: abs(row["delta_mu_down"])),
        ("pull", lambda row: abs(row["pull"])),
        ("name", lambda row: row["name"]),
    ],
)
def test_importance_by_other_columns(
    model: nextstat.HistFactoryModel, sort_by: str, key: Any
) -> None:
    down = [key(row) for row in rank_impact(model, sort_by=sort_by)]
    assert down == sorted(down, reverse=True)
    up = [key(row) for row in rank_impact(model, sort_by=sort_by, ascending=True, top_n=3)]
    assert up == sorted(down)[:3]


def test_top_n_below_one_means_all(model: nextstat.HistFactoryModel) -> None:
    assert len(rank_impact(model, top_n=0)) == len(rank_impact(model, top_n=-1)) > 100
    assert len(rank_impact(model, top_n=2)) == 2


def test_an_unknown_column_is_refused(model: nextstat.HistFactoryModel) -> None:
    with pytest.raises(ValueError, match=r"sort_by must be one of \['total', .*got 'x'"):
        rank_impact(model, sort_by="x")


def test_frame(model: nextstat.HistFactoryModel) -> None:
    pytest.importorskip("pandas")
    frame = rank_impact_df(model, top_n=4)
    assert frame["rank"].tolist() == [1, 2, 3, 4]
    assert frame["name"].tolist() == [row["name"] for row in rank_impact(model, top_n=4)]


def test_plot_shows_both_shifts_with_the_largest_at_the_top(
    model: nextstat.HistFactoryModel,
) -> None:
    pytest.importorskip("matplotlib")
    table = rank_impact(model, top_n=5)
    figure = plot_rank_impact(model, top_n=5, title="Which ones matter", figsize=(5, 3))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [row["name"] for row in table]
    assert axes.yaxis.get_inverted()
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    expected = [[row[key] for row in table] for key in ("delta_mu_up", "delta_mu_down")]
    assert widths == expected
    assert axes.get_title() == "Which ones matter"
    assert tuple(figure.get_size_inches()) == (5.0, 3.0)
    assert plot_rank_impact(model, top_n=2, ax=axes) is figure


def test_gpu_says_what_is_missing(model: nextstat.HistFactoryModel) -> None:
    if nextstat.has_cuda():
        assert rank_impact(model, gpu=True, top_n=1)
        return
    with pytest.raises((BackendUnavailableError, LookupError), match="Hint"):
        rank_impact(model, gpu=True)
    with pytest.raises(ValueError, match="cannot be moved to a GPU"):
        rank_impact(StdNormalModel(2), gpu=True)


MISSING = """
import sys
sys.modules[{missing!r}] = None
import nextstat
from nextstat_core.errors import NextstatError
model = nextstat.from_pyhf("docs/examples/example_workspace.json")
try:
    {call}
except ModuleNotFoundError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("missing", "call", "hint"),
    [
        ("nextstat_ranking", "nextstat.ranking(model)", "python -m pip install nextstat-ranking"),
        ("nextstat_ranking", "import nextstat.interpret", "needs the plugin nextstat-ranking"),
        (
            "matplotlib",
            "from nextstat.interpret import *; plot_rank_impact(model)",
            "python -m pip install matplotlib",
        ),
        (
            "pandas",
            "from nextstat.interpret import *; rank_impact_df(model)",
            "python -m pip install pandas",
        ),
    ],
)
def test_what_is_not_installed_is_named(missing: str, call: str, hint: str) -> None:
    program = MISSING.format(missing=missing, call=call)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert hint in done.stdout


def test_groups_and_breakdown_through_the_facade(model: nextstat.HistFactoryModel) -> None:
    groups = nextstat.grouped_impacts(model, {"jets": "JES_*"}, device="cpu")
    assert groups["jets"].parameters
    parts = nextstat.breakdown(model)
    assert parts.total == pytest.approx(groups.total)
    assert parts.total == pytest.approx(nextstat.fit(model)["mu_signal"].error, rel=1e-4)
