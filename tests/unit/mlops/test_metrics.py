"""Metrics of fits as dictionaries."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat.mlops import StepTimer, metric_name, metrics_dict, significance_metrics
from nextstat_core.errors import InputError
from nextstat_core.infer import fit, fit_minimum
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.results import FitResult
from nextstat_core.testing import uncorrelated
from nextstat_mlops.names import metric_names


@pytest.fixture(scope="module")
def result():
    return fit(
        HistFactoryModel.from_workspace(uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0]))
    )


def test_every_documented_metric_is_there(result):
    found = metrics_dict(result)
    names = [metric_name(name) for name in result.parameter_names]
    assert {"mu", "nll", "edm", "n_calls", "converged", "time_ms"} < found.keys()
    assert found.keys() == {
        *("mu", "nll", "edm", "n_calls", "converged", "time_ms"),
        *(f"param/{name}" for name in names),
        *(f"error/{name}" for name in names),
    }
    estimate = result[result.parameter_names[result.poi_index]]
    assert (found["mu"], found["error/mu"]) == (estimate.value, estimate.error)
    assert (found["nll"], found["edm"]) == (result.nll, result.edm)
    assert (found["converged"], found["n_calls"]) == (1.0, result.n_fev)
    assert found["time_ms"] == 1e3 * result.seconds > 0.0
    assert found.omitted == {}
    assert all(type(value) is float for value in found.values())


def test_indices_become_dots(result):
    last = result.parameter_names[-1]
    assert last.endswith("[1]")
    assert f"param/{last[:-3]}.1" in metrics_dict(result)


def test_a_prefix_is_in_front_of_all_and_time_may_be_left_out(result):
    found = metrics_dict(result, prefix="val/", include_time=False, extra={"lr": 0.1})
    assert found["val/lr"] == 0.1
    assert "val/time_ms" not in found
    assert all(name.startswith("val/") for name in found)


def test_what_is_not_finite_is_listed_and_not_logged():
    result = FitResult(
        parameter_names=("a", "b[0]"),
        values=[1.0, 2.0],
        errors=[math.inf, math.nan],
        nll=3.0,
        converged=False,
        termination_reason="max_iterations",
    )
    found = metrics_dict(result, prefix="p/", extra={"auc": math.nan})
    assert found["p/converged"] == 0.0
    assert found.omitted.keys() == {
        "p/error/a", "p/error/b.0", "p/edm", "p/time_ms", "p/auc"
    }  # fmt: skip
    assert found.omitted["p/error/a"] == math.inf
    assert not found.keys() & found.omitted.keys()


def test_a_minimum_has_values_without_errors_or_a_signal():
    minimum = fit_minimum(GaussianMeanModel([1.0, 3.0], 1.0))
    found = metrics_dict(minimum)
    assert found["param/mu"] == pytest.approx(2.0)
    assert not any(name.startswith("error/") or name == "mu" for name in found)
    assert found["time_ms"] > 0.0


def test_what_is_no_fit_and_names_that_are_taken_are_refused(result):
    with pytest.raises(InputError, match=r"dict.*\n\nHint: nextstat.report"):
        metrics_dict({})
    with pytest.raises(InputError, match="'nll'"):
        metrics_dict(result, extra={"nll": 1.0})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gamma[3]", "gamma.3"), ("a[1][2]", "a.1.2"), ("alpha JES/2 (b)", "alpha_JES_2__b_"),
        ("µ", "_"), ("..", "__"), ("", "_"), ("a.b-c_d", "a.b-c_d"),
    ],
)  # fmt: skip
def test_names_are_those_that_trackers_take(name, expected):
    assert metric_name(name) == expected


@given(st.lists(st.text(max_size=400), unique=True, max_size=8))
def test_names_stay_apart_and_are_clean(names):
    found = metric_names(names)
    assert len(set(found)) == len(names)
    for each in found:
        assert 0 < len(each) <= 210
        assert set(each) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
        assert each.strip(".")


def test_a_step_of_a_training_has_its_significance():
    assert significance_metrics(2.0, 4.0) == {"z0": 2.0, "q0": 4.0}
    found = significance_metrics(math.nan, prefix="t/", step_time_ms=1.5)
    assert found == {"t/q0": 0.0, "t/step_time_ms": 1.5}
    assert found.omitted.keys() == {"t/z0"}


def test_a_timer_counts_from_its_start():
    timer = StepTimer()
    with pytest.raises(InputError, match="start"):
        timer.stop()
    timer.start()
    first, second = timer.stop(), timer.stop()
    assert 0.0 <= first <= second
