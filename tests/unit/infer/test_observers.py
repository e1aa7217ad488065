"""Plugins that observe fits: what they hear, and that they never stop a fit."""

from contextlib import contextmanager
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager, hookimpl
from nextstat_core.infer import FitOptions, fit, fit_batch, fit_many, fit_minimum, fit_toys
from nextstat_core.models import GaussianMeanModel


@pytest.fixture
def heard():
    """What an observer heard."""
    events = []

    def nextstat_observe_fit(event):
        events.append(event)

    with _registered(nextstat_observe_fit, "listening-observer"):
        yield events


@pytest.fixture
def broken():
    """An observer that fails."""

    def nextstat_observe_fit(event):
        raise ZeroDivisionError(f"at the {event.kind}")

    with _registered(nextstat_observe_fit, "broken-observer"):
        yield


@contextmanager
def _registered(observe, name):
    plugin = SimpleNamespace(nextstat_observe_fit=hookimpl(observe))
    get_manager().register(plugin, name=name)
    yield
    get_manager().unregister(name)


def summary(events):
    return [(event.kind, event.n_rows, event.n_params) for event in events]


def test_a_fit_is_heard_at_its_start_and_end(load, heard):
    result = fit(load("simple"))
    assert summary(heard) == [("start", 1, 3), ("end", 1, 3)]
    assert heard[0].result is None
    assert heard[1].result is result
    assert {event.model for event in heard} == {"HistFactoryModel"}


def test_the_model_itself_is_heard(load, heard):
    model = load("simple")
    fit(model)
    assert all(event.source is model for event in heard)


def test_a_fit_knows_how_long_it_took(load):
    model = load("simple")
    begin = perf_counter()
    results = fit(model), fit_minimum(model)
    total = perf_counter() - begin
    assert all(result.seconds > 0.0 for result in results)
    assert sum(result.seconds for result in results) <= total
    assert "seconds" not in results[0].to_dict()


def test_a_general_model_is_heard_too(heard):
    fit(GaussianMeanModel([1.0, 2.0], 1.0))
    assert summary(heard) == [("start", 1, 1), ("end", 1, 1)]
    assert heard[0].model == "GaussianMeanModel"


def test_toys_are_heard_as_one_batch(load, heard):
    model = load("simple")
    toys = fit_toys(model, model.suggested_init(), n_toys=9)
    assert summary(heard) == [("start", 9, 3), ("end", 9, 3)]
    assert heard[1].result is toys


def test_no_toys_are_heard_as_an_empty_batch(load, heard):
    model = load("simple")
    fit_toys(model, model.suggested_init(), n_toys=0)
    assert summary(heard) == [("start", 0, 3), ("end", 0, 3)]


def test_many_data_sets_are_heard_as_one_batch(load, heard):
    results = fit_many(load("simple"), [[50.0, 50.0]] * 6)
    assert summary(heard) == [("start", 6, 3), ("end", 6, 3)]
    assert heard[1].result is results


def test_rows_of_a_batch_are_heard_once_each(load, heard):
    fit_batch(load("simple"), [[50.0, 50.0]] * 6)
    fit_batch(load("simple"), [[50.0, 50.0]] * 2)
    assert sum(event.n_rows for event in heard if event.kind == "start") == 8
    assert sum(event.n_rows for event in heard if event.kind == "end") == 8


def test_fits_that_fail_are_heard_before_the_exception(load, heard):
    options = FitOptions(max_iterations=1, on_failure="raise")
    with pytest.raises(RuntimeError, match="did not converge"):
        fit(load("full"), options=options)
    assert summary(heard) == [("start", 1, 14), ("end", 1, 14)]
    assert heard[1].result.converged is False


def test_requests_that_are_refused_are_not_heard(load, heard):
    model = load("simple")
    for refused in (
        lambda: fit(model, fixed=["nu"]),
        lambda: fit(model, data=[1.0]),
        lambda: fit_toys(model, [1.0, 1.0, 1.0], n_toys=2, seed=-1),
        lambda: fit_toys(model, [1.0, 1.0, 1.0], n_toys=2, aux="none"),
        lambda: fit_many(model, [[1.0]] * 5),
    ):
        with pytest.raises(InputError):
            refused()
    assert heard == []


def test_an_observer_that_fails_becomes_a_warning_and_the_others_hear(load, heard, broken):
    with pytest.warns(RuntimeWarning, match="broken-observer: ZeroDivisionError") as caught:
        result = fit(load("simple"))
    assert [str(warning.message).rsplit(" ", 1)[-1] for warning in caught] == ["start", "end"]
    assert summary(heard) == [("start", 1, 3), ("end", 1, 3)]
    assert result.converged


def test_an_observer_that_fails_does_not_stop_toys(load, broken):
    model = load("simple")
    with pytest.warns(RuntimeWarning, match="an observer of fits failed"):
        toys = fit_toys(model, model.suggested_init(), n_toys=3)
    assert toys.n_converged == 3


def test_observers_do_not_change_a_fit(load):
    without = fit(load("full"))
    with _registered(lambda event: None, "silent-observer"):
        result = fit(load("full"))
    np.testing.assert_array_equal(result.values, without.values)
    np.testing.assert_array_equal(result.errors, without.errors)


def test_minimum_without_uncertainties_is_heard_too(load, heard):
    result = fit_minimum(load("simple"))
    assert summary(heard) == [("start", 1, 3), ("end", 1, 3)]
    assert heard[1].result is result
