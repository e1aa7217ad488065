"""``nextstat.report``: metrics without the command line."""

import pytest
from jsonschema import validate

import nextstat
from nextstat import report
from nextstat_core.testing import uncorrelated


@pytest.fixture
def model() -> nextstat.HistFactoryModel:
    return nextstat.from_pyhf(uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0]))


def test_metrics_of_a_fit_follow_the_schema_and_make_a_row(model) -> None:
    document = report.metrics(nextstat.fit(model), timing={"wall_time_s": 1.0})
    validate(document, report.metrics_schema())
    row = report.metrics_to_wandb_row(document)
    assert row["metrics/poi_hat"] == document["metrics"]["poi_hat"]
    assert row["timing/wall_time_s"] == 1.0


def test_the_model_completes_where_a_result_comes_from(model) -> None:
    minimum = nextstat.MaximumLikelihoodEstimator().fit_minimum(model)
    document = report.metrics(minimum, model=model, provenance={"workspace": "w.json"})
    assert document["backend"] == "numpy"
    assert document["provenance"]["workspace"] == "w.json"
