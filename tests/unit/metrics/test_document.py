"""The document of metrics: its shape, its order, and what stands for missing numbers."""

import json
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from jsonschema import ValidationError

from nextstat_core.errors import InputError
from nextstat_core.infer import fit, fit_minimum
from nextstat_core.metrics import Absent, metrics, plain
from nextstat_core.models import HistFactoryModel, StdNormalModel


def nulls(value, path=""):
    """Paths of all nulls of a tree."""
    if value is None:
        yield path
    entries = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        entries = ((str(i), entry) for i, entry in enumerate(value))
    for key, entry in entries:
        yield from nulls(entry, f"{path}/{key}" if path else key)


def sorted_everywhere(value) -> bool:
    if isinstance(value, list):
        return all(map(sorted_everywhere, value))
    if not isinstance(value, dict):
        return True
    return list(value) == sorted(value) and all(map(sorted_everywhere, value.values()))


def test_a_fit_has_the_keys_of_the_reference_and_the_groups(fitted, valid) -> None:
    document = valid(metrics(fitted, timing={"wall_time_s": 0.5}, threads=3))
    assert document["command"] == "fit"
    assert document["timing"] == {"wall_time_s": 0.5}
    assert document["threads"] == document["provenance"]["threads"] == 3
    assert (document["backend"], document["device"], document["parity"]) == ("numpy", "cpu", False)
    assert document["status"]["ok"] is document["status"]["converged"] is True
    mu = fitted["mu"]
    assert document["metrics"]["poi_hat"] == document["metric"]["mu_hat"] == mu.value
    assert document["metrics"]["poi_sigma"] == document["uncertainty"]["mu_sigma"] == mu.error
    assert document["metrics"]["poi_index"] == 0
    assert document["metrics"]["twice_nll"] == 2.0 * fitted.nll
    assert document["uncertainty"]["cov_available"] is True


def test_keys_are_in_the_order_of_the_alphabet_at_all_levels(fitted) -> None:
    origin = {"zebra": 1, "ape": {"tail": False, "arms": 2}}
    assert sorted_everywhere(metrics(fitted, provenance=origin))


def test_the_same_result_gives_the_same_document(fitted) -> None:
    first, second = metrics(fitted), metrics(fitted)
    assert first.pop("created_unix_ms") <= second.pop("created_unix_ms")
    assert json.dumps(first) == json.dumps(second)


def test_every_null_has_a_reason(fitted, valid) -> None:
    odd = replace(fitted, nll=nan, edm=inf, errors=np.full(3, -inf), poi_index=None)
    document = valid(metrics(odd))
    assert set(nulls(document)) == document["null_reasons"].keys()
    assert document["null_reasons"]["metrics/nll"] == "undefined"
    assert document["null_reasons"]["metrics/edm"] == "infinite"
    assert document["null_reasons"]["metric/mu_hat"] == "no parameter of interest"
    assert document["null_reasons"]["timing/wall_time_s"] == "not measured"
    json.dumps(document, allow_nan=False)


def test_a_fit_that_failed_says_so_in_the_status(fitted, valid) -> None:
    failed = replace(
        fitted, converged=False, termination_reason="stalled", covariance_status="singular"
    )
    document = valid(metrics(failed))
    assert document["status"]["ok"] is False
    assert document["status"]["reason"] == "stalled"
    flags = ["not_converged", "covariance_singular"]
    assert document["degraded_flags"] == document["status"]["degraded_flags"] == flags


def test_a_minimum_has_no_uncertainties(model, valid) -> None:
    minimum = fit_minimum(model)
    document = valid(metrics(minimum))
    assert document["command"] == "fit_minimum"
    assert document["metric"] == {"nll": minimum.nll}
    assert document["uncertainty"] == {"cov_available": False, "mu_sigma": None}
    assert document["backend"] is None
    assert document["null_reasons"]["backend"] == "not recorded"


def test_models_of_all_kinds_have_metrics(valid) -> None:
    document = valid(metrics(fit(StdNormalModel(2))))
    assert document["metrics"]["poi_index"] is None


def test_compensated_sums_are_told(model, valid) -> None:
    precise = HistFactoryModel(model.ir, precise=True)
    assert valid(metrics(fit(precise)))["parity"] is True


def test_other_objects_have_no_metrics() -> None:
    with pytest.raises(InputError, match=r"no metrics of a list; there are for: .*FitResult"):
        metrics([1.0])


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": "v1"},
        {"extra": 1},
        {"status": {"ok": True}},
        {"threads": 0},
        {"metrics": {"nll": 1.0}},
        {"metric": {"unheard_of": 1.0}},
        {"warnings": "none"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_other_documents(fitted, valid, change) -> None:
    with pytest.raises(ValidationError):
        valid({**metrics(fitted), **change})


def test_plain_copies_arrays_and_keeps_the_order() -> None:
    tree, reasons = plain(
        {
            "b": np.array([1.0, nan]),
            "a": (np.float64(2.0), np.int64(3), np.bool_(True)),
            "none": None,
            "inner": {"gone": Absent("not asked for")},
        }
    )
    assert json.dumps(tree) == (
        '{"b": [1.0, null], "a": [2.0, 3, true], "none": null, "inner": {"gone": null}}'
    )
    assert reasons == {"b/1": "undefined", "inner/gone": "not asked for"}
