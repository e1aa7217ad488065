"""Work on executors: the same results, whoever works."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

from nextstat_core.errors import InputError, WorkerError
from nextstat_core.infer import FitOptions, fit, fit_batch, fit_many, fit_toys, hypotest_toys
from nextstat_core.infer.executors import pack, run_units
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.testing import StrictBackend


def new_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module")
def pool():
    with new_pool() as executor:
        yield executor


@pytest.fixture
def threads():
    with ThreadPoolExecutor(3) as executor:
        yield executor


@pytest.fixture(params=["pool", "threads"])
def executor(request):
    return request.getfixturevalue(request.param)


def test_toys_are_the_same_on_every_executor(load, executor):
    model = load("full")
    start, arguments = model.suggested_init(), {"n_toys": 300, "compute_uncertainties": True}
    alone = fit_toys(model, start, **arguments)
    shared = fit_toys(model, start, **arguments, executor=executor)
    for name in ("values", "nll", "errors", "edm", "n_gev"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name), strict=True)
    assert shared.provenance == alone.provenance


def test_many_data_sets_are_the_same_on_every_executor(load, executor):
    model = load("simple")
    data = np.random.default_rng(1).poisson(50.0, (270, 2))
    alone, shared = fit_many(model, data), fit_many(model, data, executor=executor)
    np.testing.assert_array_equal(shared.values, alone.values, strict=True)


def test_tests_are_the_same_on_every_executor(load, executor):
    model = load("simple")
    alone = hypotest_toys(model, 1.0, n_toys=300)
    shared = hypotest_toys(model, 1.0, n_toys=300, executor=executor)
    for name in ("q", "mu_hat", "status", "numbers"):
        for ensemble in ("sb", "b"):
            found, expected = (getattr(getattr(r, ensemble), name) for r in (shared, alone))
            np.testing.assert_array_equal(found, expected, strict=True)
    assert shared.to_dict() == alone.to_dict()


def test_models_of_a_batch_are_fitted_on_an_executor(load, executor):
    models = [load("full"), load("simple"), load("counting")]
    for shared, model in zip(fit_batch(models, executor=executor), models, strict=True):
        assert shared.to_dict() == fit(model).to_dict()


def test_models_without_a_workspace_travel_too(executor):
    models = [GaussianMeanModel([1.0, 2.0, 4.0], sigma) for sigma in (0.5, 2.0)]
    for shared, model in zip(fit_batch(models, executor=executor), models, strict=True):
        assert shared.values[0] == pytest.approx(7.0 / 3.0)
        assert shared.errors[0] == pytest.approx(fit(model).errors[0])


def test_data_sets_that_are_fitted_one_by_one_travel_too(load, executor):
    model, rows = load("simple"), [[51.0, 48.0], [60.0, 63.0]]
    shared = fit_batch(model, rows, executor=executor)
    assert [each.nll for each in shared] == [fit(model, data=row).nll for row in rows]


def test_a_model_arrives_as_it_was(load, workspace):
    for model in (
        load("kinks"),
        load("full").with_observed_main([510.0, 390.0, 50.0, 61.0, 44.0]),
        HistFactoryModel.from_pyhf(workspace("full"), backend=StrictBackend(), precise=True),
    ):
        packed = pack(model)
        arrived = packed.model()
        point = np.asarray(model.suggested_init()) + 0.1
        assert arrived.ir == model.ir
        assert arrived.precise == model.precise
        assert arrived.nll(point) == model.nll(point)
        assert pack(arrived).digest == packed.digest


def test_a_model_is_compiled_once_in_a_process(load):
    model = load("full")
    assert pack(model).model() is pack(model).model()


def test_results_are_in_the_order_of_the_units(threads):
    model = GaussianMeanModel([1.0], 1.0)
    units = list(range(40))
    assert run_units(_square, model, units, executor=threads) == [unit**2 for unit in units]
    assert run_units(_square, model, units, threads=3) == [unit**2 for unit in units]
    assert run_units(_square, model, units) == [unit**2 for unit in units]
    assert run_units(_square, model, [], executor=threads) == []


def _square(model, unit):
    return unit**2


class _Client:
    """Has an executor, like a client of dask.distributed."""

    def __init__(self, executor):
        self._executor = executor

    def get_executor(self):
        return self._executor


def test_a_client_is_asked_for_its_executor(threads):
    model = GaussianMeanModel([1.0], 1.0)
    assert run_units(_square, model, [2, 3], executor=_Client(threads)) == [4, 9]


def test_what_is_no_executor_is_refused(load):
    with pytest.raises(InputError, match=r"`executor` must be.*found a int.*\n\nHint: .*DaskExec"):
        fit_toys(load("simple"), [1.0, 1.0, 1.0], n_toys=3, executor=4)


def test_errors_of_units_are_those_of_the_caller(load, executor):
    options = FitOptions(max_iterations=1, on_failure="raise")
    with pytest.raises(RuntimeError, match="did not converge: max_iterations"):
        fit_batch([load("full"), load("kinks")], options=options, executor=executor)


class _Losing(Executor):
    """Loses every unit but the first."""

    def __init__(self):
        self.count = 0

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.count += 1
        if self.count == 1:
            future.set_result(fn(*args, **kwargs))
        else:
            future.set_exception(BrokenProcessPool("a process ended"))
        return future


def test_lost_work_is_named_after_what_could_be_done_is_done(load, tmp_path):
    checkpoint = tmp_path / "toys.npz"
    arguments = {"n_toys": 30, "chunk": 10, "checkpoint": checkpoint}
    model = load("simple")
    with pytest.raises(WorkerError) as caught:
        hypotest_toys(model, 1.0, executor=_Losing(), **arguments)
    message = str(caught.value)
    assert "5 of 6 units of work are not done: s+b toys 10 ... 19 of mu = 1, " in message
    assert "b toys 20 ... 29 of mu = 1" in message
    assert "Hint: run the same call again with a new executor" in message
    assert isinstance(caught.value.__cause__, BrokenProcessPool)
    resumed = hypotest_toys(model, 1.0, **arguments)
    np.testing.assert_array_equal(resumed.sb.q, hypotest_toys(model, 1.0, n_toys=30).sb.q)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system cannot kill")
def test_a_run_whose_worker_is_killed_goes_on_from_its_checkpoint(load, tmp_path):
    model, checkpoint = load("full"), tmp_path / "toys.npz"
    arguments = {"n_toys": 64, "chunk": 8, "checkpoint": checkpoint}
    counts = []
    with new_pool() as mortal:

        def kill(done, total):
            counts.append((done, total))
            if len(counts) == 1:
                for pid in list(mortal._processes):
                    os.kill(pid, signal.SIGKILL)

        with pytest.raises(WorkerError, match="lost a worker"):
            hypotest_toys(model, 1.0, executor=mortal, progress=kill, **arguments)
    assert counts[0] == (8, 128)
    done = type(hypotest_toys(model, 1.0, n_toys=1)).load(checkpoint)
    assert 8 <= len(done.sb) + len(done.b) < 128
    with new_pool() as fresh:
        resumed = hypotest_toys(model, 1.0, executor=fresh, **arguments)
    whole = hypotest_toys(model, 1.0, n_toys=64)
    for ensemble in ("sb", "b"):
        for name in ("q", "mu_hat", "status"):
            found, expected = (getattr(getattr(r, ensemble), name) for r in (resumed, whole))
            np.testing.assert_array_equal(found, expected, strict=True)
