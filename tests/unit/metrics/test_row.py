"""A document of metrics as a row of a tracker."""

import json

import pytest

from nextstat_core.errors import InputError
from nextstat_core.metrics import metrics, metrics_to_wandb_row


def test_numbers_are_floats_and_text_is_configuration(fitted) -> None:
    document = metrics(fitted, timing={"wall_time_s": 0.5, "breakdown": {"fit_s": 0.25}})
    row = metrics_to_wandb_row(document)
    assert row["metric/mu_hat"] == fitted["mu"].value
    assert row["status/ok"] == 1.0
    assert row["timing/breakdown/fit_s"] == 0.25
    assert row["config/command"] == "fit"
    assert row["config/provenance/backend"] == "numpy"
    assert all(isinstance(value, float) ^ key.startswith("config/") for key, value in row.items())


def test_entries_of_lists_are_numbered_and_nulls_left_out() -> None:
    document = {
        "schema_version": "nextstat_metrics_v0",
        "metrics": {"exp_limits": [0.5, None, 2], "flags": [], "obs_limit": None},
        "warnings": ["odd"],
        "null_reasons": {"metrics/obs_limit": "not crossed"},
    }
    assert metrics_to_wandb_row(document, prefix="ns/") == {
        "ns/config/schema_version": "nextstat_metrics_v0",
        "ns/metrics/exp_limits/0": 0.5,
        "ns/metrics/exp_limits/2": 2.0,
        "ns/config/warnings/0": "odd",
    }


def test_a_document_from_a_file_gives_the_same_row(fitted) -> None:
    document = metrics(fitted)
    assert metrics_to_wandb_row(json.loads(json.dumps(document))) == metrics_to_wandb_row(document)


@pytest.mark.parametrize("wrong", [{}, {"schema_version": "nextstat_fit_v1"}, [1.0]])
def test_other_documents_are_refused(wrong) -> None:
    with pytest.raises(InputError, match="is no document of metrics"):
        metrics_to_wandb_row(wrong)
