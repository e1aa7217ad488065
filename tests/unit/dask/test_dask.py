"""Fits on a cluster of dask.distributed: real workers, one of which is killed."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

from nextstat.dask import DaskExecutor  # noqa: E402  only where dask is installed
from nextstat_core.errors import WorkerError  # noqa: E402
from nextstat_core.infer import fit_batch, fit_toys, hypotest_toys  # noqa: E402
from nextstat_core.infer.executors import run_units  # noqa: E402
from nextstat_core.models import GaussianMeanModel, HistFactoryModel  # noqa: E402
from nextstat_core.testing import uncorrelated  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    # What dask's own threads and sockets leave behind is not ours.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def model():
    return HistFactoryModel.from_pyhf(
        uncorrelated([8.0, 5.0], [50.0, 60.0], [4.0, 6.0], [55.0, 61.0])
    )


@pytest.fixture
def cluster(tmp_path):
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(tmp_path),
        silence_logs="CRITICAL",
    ) as found:
        yield found


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster, timeout="60s") as found:
        yield found


def same(found, expected):
    for ensemble in ("sb", "b"):
        for name in ("numbers", "q", "mu_hat", "status"):
            ours, theirs = (getattr(getattr(r, ensemble), name) for r in (found, expected))
            np.testing.assert_array_equal(ours, theirs, err_msg=name, strict=True)


def test_a_cluster_gives_the_same_results_though_a_worker_is_killed(model, cluster, client):
    killed = []

    def kill(done, total):
        if not killed:
            killed.append(next(iter(cluster.workers.values())).process.pid)
            os.kill(killed[0], signal.SIGKILL)

    arguments = {"n_toys": 320, "chunk": 64}
    found = hypotest_toys(model, 1.0, executor=DaskExecutor(client), progress=kill, **arguments)
    assert killed
    same(found, hypotest_toys(model, 1.0, **arguments))
    # The cluster, or what is left of it, goes on with other work, for a plain client too.
    toys = fit_toys(model, model.suggested_init(), n_toys=40, executor=client)
    alone = fit_toys(model, model.suggested_init(), n_toys=40)
    np.testing.assert_array_equal(toys.values, alone.values, strict=True)
    batch = fit_batch([model, GaussianMeanModel([1.0, 3.0], 1.0)][1:], executor=client)
    assert batch[0].values[0] == pytest.approx(2.0)


def test_a_unit_that_keeps_killing_workers_is_named(cluster, client):
    fatal = GaussianMeanModel([1.0], 1.0)
    with pytest.raises(WorkerError, match=r"lost a worker \(BrokenExecutor\); 1 of 1 .*: unit 9"):
        run_units(_die, fatal, [9], executor=DaskExecutor(client), name="unit {}".format)


def _die(model, unit):
    os._exit(unit)
