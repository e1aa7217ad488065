"""Tests of how a backend behaves as a whole: host, threads, copies, waiting."""

from __future__ import annotations

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nextstat_core.backend import Capability
from nextstat_core.testing.backend_checks import BackendChecks, positive_definite, to_host

if TYPE_CHECKING:
    from nextstat_core.backend import Backend

__all__ = ["BehaviourChecks"]


class BehaviourChecks(BackendChecks):
    """Tests of masks, warnings, lanes, threads and pickling."""

    def test_any_true_is_a_python_bool(self, backend: Backend) -> None:
        x = backend.asarray([-1.0, 2.0])
        assert backend.any_true(x > 0) is True
        assert backend.any_true(x > 5) is False

    def test_maybe_true_never_denies_what_is_true(self, backend: Backend) -> None:
        x = backend.asarray([-1.0, 2.0])
        assert backend.maybe_true(x > 0) is True
        assert isinstance(backend.maybe_true(x > 5), bool)

    def test_errstate_silences_the_impossible(self, backend: Backend) -> None:
        with backend.errstate():
            x = backend.xp.log(backend.asarray([-1.0, 0.0]))
        host = to_host(backend, x)
        assert math.isnan(host[0])
        assert host[1] == -math.inf

    def test_synchronize_returns(self, backend: Backend) -> None:
        x = backend.asarray([1.0]) + 1.0
        backend.synchronize()
        assert float(x[0]) == 2.0

    def test_lanes_are_rows_in_eights(self, backend: Backend) -> None:
        assert isinstance(backend.lanes, int)
        assert backend.lanes > 0
        assert backend.lanes % 8 == 0

    def test_host_has_float64_in_host_memory(self, backend: Backend) -> None:
        on_host = backend.host()
        assert Capability.FLOAT64 in on_host.capabilities
        x = on_host.asarray([0.1])
        assert x.dtype == on_host.xp.float64
        assert on_host.to_numpy(x)[0] == 0.1
        assert on_host.host() is on_host

    def test_threads_give_the_same_bits(self, backend: Backend) -> None:
        if Capability.THREADS not in backend.capabilities:
            pytest.skip("the backend does not declare THREADS")
        batches = [positive_definite(rows, 6) for rows in range(1, 25)]

        def work(batch: np.ndarray) -> np.ndarray:
            with backend.errstate():
                factor, _ = backend.spd_factor(backend.asarray(batch))
                return to_host(backend, backend.spd_inverse(factor))

        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(work, batches))
        for actual, batch in zip(together, batches, strict=True):
            np.testing.assert_array_equal(actual, work(batch))

    def test_same_call_gives_same_bits(self, backend: Backend) -> None:
        if Capability.DETERMINISTIC not in backend.capabilities:
            pytest.skip("the backend does not declare DETERMINISTIC")
        matrices = backend.asarray(positive_definite(5, 9))
        first, second = (backend.spd_factor(matrices)[0] for _ in range(2))
        np.testing.assert_array_equal(to_host(backend, first), to_host(backend, second))

    def test_pickles_to_an_equal_backend(self, backend: Backend) -> None:
        copy = pickle.loads(pickle.dumps(backend))
        assert type(copy) is type(backend)
        assert (copy.name, copy.device, copy.dtype) == (backend.name, backend.device, backend.dtype)
        assert float(copy.asarray([4.0])[0]) == 4.0
