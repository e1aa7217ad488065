"""Fits as accelerators do them: looked at rarely, in float32, with the host beside them."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_backend_numpy._backend import NumpyBackend
from nextstat_core import infer
from nextstat_core.backend import Capability, get_backend
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import StrictBackend, coupled_histosys, many_channels, one_sided_bin

if TYPE_CHECKING:
    from collections.abc import Callable


class Asynchronous(NumpyBackend):
    """NumPy that claims to be a device on which a look costs a lot, and counts looks."""

    name = "asynchronous"
    lanes = 128
    capabilities = NumpyBackend.capabilities | Capability.ASYNCHRONOUS

    def __init__(self) -> None:
        self.looks = 0

    def host(self) -> Any:
        return get_backend("numpy")

    def any_true(self, mask: Any) -> bool:
        self.looks += 1
        return super().any_true(mask)


@pytest.mark.parametrize("make", [many_channels, coupled_histosys])
def test_toys_of_an_asynchronous_device_are_the_same(make: Callable[[], Any]) -> None:
    source = make()
    device = Asynchronous()
    here = HistFactoryModel.from_workspace(source)
    there = HistFactoryModel.from_workspace(source, backend=device)
    start = here.suggested_init()
    expected = infer.fit_toys(here, start, n_toys=200, seed=3)
    device.looks = 0
    found = infer.fit_toys(there, start, n_toys=200, seed=3)
    assert found.converged.all()
    np.testing.assert_allclose(found.nll, expected.nll, rtol=1e-12)
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-6)


def test_an_asynchronous_device_is_looked_at_every_few_steps() -> None:
    device = Asynchronous()
    model = HistFactoryModel.from_workspace(many_channels(), backend=device)
    device.looks = 0
    found = infer.fit_toys(model, model.suggested_init(), n_toys=128, seed=3)
    steps = int(found.n_iter.max())
    # Per four steps one look for rows that are done; two more for the end, and for constants.
    assert 0 < device.looks <= 3 + math.ceil(steps / 4)


def single_precision_backends() -> list[Any]:
    backends: list[Any] = [StrictBackend("no_float64")]
    if find_spec("torch"):
        backends.append(get_backend("torch-float32"))
    return backends


@pytest.mark.parametrize("backend", single_precision_backends(), ids=lambda b: b.name)
@pytest.mark.parametrize("make", [coupled_histosys, one_sided_bin])
def test_fits_in_float32_are_polished_on_the_host(backend: Any, make: Callable[[], Any]) -> None:
    source = make()
    expected = infer.fit(HistFactoryModel.from_workspace(source))
    found = infer.fit(HistFactoryModel.from_workspace(source, backend=backend))
    assert found.converged
    assert found.nll == pytest.approx(expected.nll, rel=1e-12)
    sigma = np.where(expected.errors > 0, expected.errors, 1.0)
    assert np.max(np.abs(found.values - expected.values) / sigma) < 1e-6
    np.testing.assert_allclose(found.errors, expected.errors, rtol=1e-6)
    assert found.provenance["dtype"] == "float32"
    assert found.provenance["polished_on"] == "numpy"


@pytest.mark.parametrize("backend", single_precision_backends(), ids=lambda b: b.name)
def test_toys_in_float32_are_the_same_toys_and_certified(backend: Any) -> None:
    source = coupled_histosys()
    here = HistFactoryModel.from_workspace(source)
    there = HistFactoryModel.from_workspace(source, backend=backend)
    start = here.suggested_init()
    drawn = [infer.poisson_toys(model, start, n_toys=5, seed=9) for model in (here, there)]
    np.testing.assert_array_equal(*drawn)
    expected = infer.fit_toys(here, start, n_toys=12, seed=9)
    found = infer.fit_toys(there, start, n_toys=12, seed=9)
    assert found.converged.all()
    assert found.edm.max() < 1e-8
    np.testing.assert_allclose(found.nll, expected.nll, rtol=0, atol=1e-7)
