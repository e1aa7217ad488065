"""Logs of all fits, with a tracker that only remembers."""

import sys
import threading

import pytest

from nextstat.mlops import autolog
from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager
from nextstat_core.infer import fit, fit_minimum, fit_toys, profile_scan
from nextstat_core.infer.executors import model_digest
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.testing import uncorrelated


class Memory:
    """A tracker."""

    def __init__(self):
        self.records, self.closed = [], 0

    def log(self, record):
        self.records.append(record)

    def close(self):
        self.closed += 1


@pytest.fixture
def model():
    return HistFactoryModel.from_workspace(uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0]))


def test_a_fit_is_logged_with_where_it_comes_from(model):
    memory = Memory()
    with autolog(memory):
        result = fit(model)
    (record,) = memory.records
    assert (record.step, memory.closed) == (0, 1)
    assert record.metrics["nextstat/mu"] == result.values[result.poi_index]
    assert record.metrics["nextstat/n_fits"] == record.metrics["nextstat/converged"] == 1.0
    assert record.metrics["nextstat/time_ms"] >= 1e3 * result.seconds
    assert record.context["status"] == "edm"
    assert record.context["backend"] == "numpy"
    assert record.context["workspace_sha256"] == model_digest(model)
    assert record.context["model"] == "HistFactoryModel"


def test_logging_ends_with_the_block_or_stop(model):
    memory = Memory()
    with autolog(memory) as log:
        fit(model)
    log.stop()
    fit(model)
    assert (len(memory.records), memory.closed) == (1, 1)
    assert not any(info.name.startswith("nextstat-mlops-") for info in get_manager().plugins)


def test_steps_count_and_the_digest_follows_the_model(model):
    memory = Memory()
    with autolog(memory, prefix="", parameters=False):
        fit(model)
        model.set_sample_nominal(
            channel=model.ir.channels[0].name,
            sample=model.ir.channels[0].samples[0].name,
            nominal=[1.0, 2.0],
        )
        fit(model)
    first, second = memory.records
    assert (first.step, second.step) == (0, 1)
    assert first.context["workspace_sha256"] != second.context["workspace_sha256"]
    assert not any("/" in name for name in first.metrics)


def test_many_fits_are_counted(model):
    memory = Memory()
    with autolog(memory, prefix=""):
        fit_toys(model, model.suggested_init(), n_toys=5)
        profile_scan(model, [0.0, 1.0])
        fit_minimum(GaussianMeanModel([1.0, 2.0], 1.0))
    toys, scan, minimum = memory.records
    assert (toys.metrics["n_fits"], toys.context["status"]) == (5.0, "5 of 5 converged")
    assert (scan.metrics["n_fits"], scan.metrics["n_converged"]) == (3.0, 2.0)
    assert minimum.context["model"] == "GaussianMeanModel"
    assert "workspace_sha256" not in minimum.context


def test_what_is_not_finite_is_named(model):
    memory = Memory()
    with autolog(memory, prefix=""):
        # Nothing determines the signal where the sample has no yields.
        model.set_sample_nominal(
            channel=model.ir.channels[0].name,
            sample=model.ir.channels[0].samples[0].name,
            nominal=[0.0, 0.0],
        )
        fit(model)
    assert "error/mu=inf" in memory.records[0].context["omitted"]
    assert "error/mu" not in memory.records[0].metrics


def test_a_tracker_that_fails_does_not_stop_a_fit(model):
    class Failing(Memory):
        def log(self, record):
            raise OSError("no space left")

    with (
        autolog(Failing()),
        pytest.warns(RuntimeWarning, match="nextstat-mlops-.*no space left"),
    ):
        assert fit(model).converged


def test_fits_of_threads_are_logged_one_by_one(model):
    memory = Memory()
    with autolog(memory):
        threads = [threading.Thread(target=fit, args=(model,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(record.step for record in memory.records) == [0, 1, 2, 3]


def test_two_trackers_hear_the_same(model):
    first, second = Memory(), Memory()
    with autolog(first), autolog(second):
        fit(model)
    assert first.records[0].context == second.records[0].context


def test_trackers_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match="did you mean 'mlflow'"):
        autolog("mlfow")
    with pytest.raises(InputError, match="log and close"):
        autolog(object())
    with pytest.raises(InputError, match="project"):
        autolog(Memory(), project="p")


@pytest.mark.parametrize("name", ["mlflow", "wandb", "tensorboard"])
def test_a_tracker_that_is_not_installed_comes_with_the_remedy(name, monkeypatch):
    for module in [each for each in sys.modules if each.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=rf"nextstat-mlops\[{name}\]") as caught:
        autolog(name)
    assert caught.value.name == name
