"""Metrics of tests, limits, scans and rankings: numbers that they repeat, and nulls."""

from __future__ import annotations

import numpy as np

from nextstat_core import infer
from nextstat_core.infer import FitOptions
from nextstat_core.metrics import metrics
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import uncorrelated


def test_a_test_repeats_its_numbers(model, valid) -> None:
    result = infer.hypotest(model, 1.0)
    document = valid(metrics(result))
    assert document["command"] == "hypotest"
    for key, value in (("cls", result.cls), ("q_mu", result.q), ("mu_hat", result.mu_hat)):
        assert document["metrics"][key] == document["metric"][key] == value
    assert document["metrics"]["q_mu_a"] == result.q_asimov
    assert document["metrics"]["cls_exp"] == list(result.expected_cls)
    assert document["uncertainty"] == {"cov_available": False, "mu_sigma": None}


def test_two_sided_statistics_have_no_cls(model, valid) -> None:
    document = valid(metrics(infer.hypotest(model, 1.0, test_stat="t")))
    for key in ("metric/cls", "metric/clb", "metrics/cls", "metrics/clb", "metrics/cls_exp"):
        assert document["null_reasons"][key] == "this test statistic has no CLs"
    assert document["metric"]["p_value"] > 0.0


def test_fits_that_fail_are_named(model, valid) -> None:
    impatient = FitOptions(max_iterations=1, tolerance=1e-30)
    document = valid(metrics(infer.hypotest(model, 1.0, options=impatient)))
    assert document["status"]["ok"] is False
    assert "free (max_iterations)" in document["status"]["reason"]
    assert document["degraded_flags"] == ["not_converged"]


def test_a_discovery_repeats_its_numbers(model, valid) -> None:
    result = infer.discovery(model)
    document = valid(metrics(result))
    assert document["command"] == "significance"
    assert document["metrics"]["z_obs"] == document["metric"]["z0"] == result.z0
    assert document["metrics"]["z_exp"] == document["metric"]["z0_exp"] == result.z_expected


def test_limits_repeat_their_numbers(model, valid) -> None:
    result = infer.upper_limits(model)
    document = valid(metrics(result))
    assert document["metrics"]["obs_limit"] == document["metric"]["mu_up"] == result.observed
    assert document["metrics"]["exp_limits"] == list(result.expected)
    assert document["metric"]["mu_up_exp"] == result.expected[2]
    alone = valid(metrics(infer.upper_limits(model, expected=False)))
    assert alone["null_reasons"]["metrics/exp_limits"] == "not asked for"


def test_a_limit_that_does_not_exist_is_null(model, valid) -> None:
    document = valid(metrics(infer.cls_scan(model, [0.0, 0.1])))
    assert document["metrics"]["mode"] == "scan"
    assert document["metrics"]["obs_limit"] is None
    assert document["null_reasons"]["metrics/obs_limit"] == "CLs does not cross alpha"
    assert document["null_reasons"]["metrics/exp_limits/0"] == "CLs does not cross alpha"
    assert document["degraded_flags"] == ["no_limit"]
    assert document["status"]["ok"] is True
    assert document["warnings"]


def test_toys_have_errors(model, valid) -> None:
    result = infer.hypotest_toys(model, 1.0, n_toys=50)
    document = valid(metrics(result))
    assert document["command"] == "hypotest_toys"
    assert document["uncertainty"]["cls"] == result.cls_error
    assert document["metrics"]["n_toys_sb"] == document["metrics"]["n_toys_b"] == 50
    assert document["backend"] == "numpy"


def test_a_scan_has_the_range_of_its_statistic(model, valid) -> None:
    result = infer.profile_scan(model, np.linspace(0.0, 2.0, 5))
    document = valid(metrics(result))
    assert document["metrics"]["n_points"] == 5
    assert document["metrics"]["q_mu_max"] == np.max(result.q_mu)
    empty = valid(metrics(infer.profile_scan(model, [])))
    assert empty["null_reasons"]["metrics/q_mu_max"] == "the grid is empty"


def test_without_degrees_of_freedom_there_is_no_p_value(model, valid) -> None:
    free = HistFactoryModel.from_pyhf(uncorrelated([12.0], [50.0], [3.0], [51.0]))
    document = valid(metrics(infer.goodness_of_fit(free)))
    assert document["metrics"]["ndof"] == 0
    assert document["metrics"]["p_value"] is None
    assert document["null_reasons"]["metrics/p_value"]
    assert valid(metrics(infer.goodness_of_fit(model)))["metric"]["p_value"] > 0.0


def test_a_ranking_shows_its_largest_entries(model, valid) -> None:
    result = infer.impacts(model)
    document = valid(metrics(result))
    assert document["metrics"]["n_total"] == len(result) == 2
    largest = document["metrics"]["largest"][0]
    assert largest["name"] == result.names[0]
    assert largest["delta_mu_up"] == result[0].up
    assert document["uncertainty"]["mu_sigma"] == result.poi_sigma


def test_a_contour_counts_its_corners(model, valid) -> None:
    result = infer.contour(model, "mu", "uncorr_bkguncrt[0]", n_points=8, levels=(0.683,))
    document = valid(metrics(result))
    assert document["metrics"]["n_points"] == 8
    assert document["metrics"]["levels"] == [0.683]
    assert document["metrics"]["n_failed"] == 0
