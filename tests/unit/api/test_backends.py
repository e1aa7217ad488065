"""Picking a backend: for the process, for a block, for a model, for a fit."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

import nextstat
from nextstat._devices import backend_on
from nextstat._settings import _settings
from nextstat_core.backend import Backend, BackendSpec, available_backends
from nextstat_core.errors import (
    BackendNotFoundError,
    BackendUnavailableError,
    InputError,
    PluginError,
)
from nextstat_core.hooks import get_manager, hookimpl
from nextstat_core.testing import StrictBackend, uncorrelated


class Acme:
    """Strict arrays as `acme`; its device `cuda` is one without float64."""

    strict = StrictBackend()
    small = StrictBackend("no_float64")

    def load(self, device: str | None) -> Backend:
        if device in {None, "cpu"}:
            return self.strict
        if device in {"cuda", "cuda:1"}:
            return self.small
        raise BackendUnavailableError(f"acme has no device {device!r}")

    @hookimpl
    def nextstat_register_backends(self) -> list[BackendSpec]:
        return [BackendSpec("acme", self.load)]


@pytest.fixture
def acme() -> Iterator[type[Acme]]:
    get_manager().register(Acme(), name="acme of the tests")
    yield Acme
    get_manager().unregister("acme of the tests")


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    before = _settings.backend
    yield
    _settings.backend = before


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])


# -- the process ----------------------------------------------------------------------------------


def test_a_plain_choice_holds_in_all_threads(acme: type[Acme]) -> None:
    nextstat.set_backend("acme:cuda")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(nextstat.get_backend).result() is acme.small
    nextstat.set_backend("numpy")
    assert nextstat.get_backend().name == "numpy"


def test_a_backend_can_be_chosen_itself() -> None:
    strict = StrictBackend()
    with nextstat.set_backend(strict) as chosen:
        assert chosen is strict is nextstat.get_backend()


def test_a_choice_that_fails_changes_nothing(acme: type[Acme]) -> None:
    nextstat.set_backend("acme")
    with pytest.raises(BackendNotFoundError):
        nextstat.set_backend("acne")
    with pytest.raises(BackendUnavailableError, match="no device 'tpu'"):
        nextstat.set_backend("acme", "tpu")
    assert nextstat.get_backend() is acme.strict


@pytest.mark.parametrize("value", ["numpy", "numpy:cpu", ""])
def test_the_environment_names_the_default(value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import nextstat; print(nextstat.get_backend().name)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NEXTSTAT_BACKEND": value},
    )
    assert done.stdout.strip() == "numpy"


def test_a_choice_goes_before_the_environment(
    acme: type[Acme], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTSTAT_BACKEND", "acme:cuda")
    assert nextstat.get_backend() is acme.small
    with nextstat.set_backend("acme"):
        assert nextstat.get_backend() is acme.strict
    assert nextstat.get_backend() is acme.small


# -- blocks ---------------------------------------------------------------------------------------


def test_blocks_nest(acme: type[Acme]) -> None:
    with nextstat.set_backend("acme") as outer:
        with nextstat.set_backend("acme", "cuda") as inner:
            assert (outer, inner) == (acme.strict, acme.small)
            assert nextstat.get_backend() is inner
        assert nextstat.get_backend() is outer
    assert nextstat.get_backend().name == "numpy"


def test_a_block_ends_with_an_exception(acme: type[Acme]) -> None:
    with pytest.raises(KeyError), nextstat.set_backend("acme"):
        raise KeyError
    assert nextstat.get_backend().name == "numpy"


def test_a_plain_choice_in_a_block_ends_with_it(acme: type[Acme]) -> None:
    with nextstat.set_backend("acme"):
        nextstat.set_backend("acme", "cuda")
        assert nextstat.get_backend() is acme.small
    assert nextstat.get_backend().name == "numpy"


def test_a_choice_can_be_entered_again(acme: type[Acme]) -> None:
    choice = nextstat.set_backend("acme")
    for _ in range(2):
        with choice as backend:
            assert backend is acme.strict
        assert nextstat.get_backend().name == "numpy"


def test_blocks_of_threads_do_not_meet(acme: type[Acme]) -> None:
    barrier = Barrier(3)

    def work(name: str, device: str | None) -> list[Backend]:
        # All choose before any enters: the order in which defaults are hardest to restore.
        choice = nextstat.set_backend(name, device)
        barrier.wait(timeout=30)
        with choice:
            barrier.wait(timeout=30)
            inside = nextstat.get_backend()
            barrier.wait(timeout=30)
        return [inside, nextstat.get_backend()]

    with ThreadPoolExecutor(3) as pool:
        asked = [("acme", None), ("acme", "cuda"), ("numpy", None)]
        found = [job.result() for job in [pool.submit(work, *each) for each in asked]]
    numpy = nextstat.get_backend()
    assert numpy.name == "numpy"
    assert found == [[acme.strict, numpy], [acme.small, numpy], [numpy, numpy]]


def test_blocks_of_tasks_do_not_meet(acme: type[Acme]) -> None:
    async def work(device: str) -> list[Backend]:
        with nextstat.set_backend("acme", device):
            await asyncio.sleep(0)
            inside = nextstat.get_backend()
            await asyncio.sleep(0)
        return [inside, nextstat.get_backend()]

    async def both() -> list[list[Backend]]:
        return await asyncio.gather(work("cpu"), work("cuda"))

    numpy = nextstat.get_backend()
    assert asyncio.run(both()) == [[acme.strict, numpy], [acme.small, numpy]]


# -- models ---------------------------------------------------------------------------------------


def test_models_take_the_default_when_they_are_made(
    acme: type[Acme], document: dict[str, Any]
) -> None:
    makers = (
        nextstat.from_pyhf,
        nextstat.HistFactoryModel.from_pyhf,
        nextstat.HistFactoryModel.from_workspace,
    )
    for make in makers:
        with nextstat.set_backend("acme"):
            model = make(document)
        assert model.backend is acme.strict
        assert make(document, backend="acme:cuda").backend is acme.small
        assert make(document, backend="acme", device="cuda").backend is acme.small
        assert make(document).backend.name == "numpy"
    assert nextstat.HistFactoryModel(model.ir, backend="acme").backend is acme.strict


def test_a_device_alone_finds_a_backend(acme: type[Acme], document: dict[str, Any]) -> None:
    # In the order of their names, this one is asked first.
    assert available_backends()[0] == "acme"
    assert nextstat.from_pyhf(document, device="cuda").backend is acme.small
    with nextstat.set_backend("acme"):
        assert nextstat.from_pyhf(document, device="cuda:1").backend is acme.small
        assert nextstat.from_pyhf(document, device="cpu").backend is acme.strict
    with pytest.raises(InputError, match="no device named 'tpu'"):
        nextstat.from_pyhf(document, device="tpu")


# -- devices --------------------------------------------------------------------------------------


def test_fits_go_where_they_are_sent(acme: type[Acme], document: dict[str, Any]) -> None:
    model = nextstat.from_pyhf(document, backend="acme")
    here = nextstat.fit(model)
    estimator = nextstat.MaximumLikelihoodEstimator(device="cuda")
    toys: dict[str, Any] = {"params": [1.0, 1.0, 1.0], "n_toys": 2, "seed": 1}
    moved = [
        nextstat.fit(model, device="cuda"),
        estimator.fit(model),
        nextstat.fit_batch(model, [[50.0, 49.0]] * 2, device="cuda")[0],
        nextstat.fit_batch([model, model], device="cuda")[1],
        estimator.fit_batch([model])[0],
        nextstat.fit_toys_batch_gpu(model, **toys, device="cuda")[0],
        estimator.fit_toys(model, **toys)[0],
    ]
    assert here.provenance["dtype"] == "float64"
    assert [result.provenance["dtype"] for result in moved] == ["float32"] * len(moved)
    assert moved[0].parameters == pytest.approx(here.parameters, abs=1e-3)
    assert estimator.fit(model, device="cpu").provenance["dtype"] == "float64"
    assert estimator.fit_minimum(model)["mu"] == pytest.approx(0.0, abs=1e-3)


def test_a_model_that_is_there_stays(document: dict[str, Any]) -> None:
    strict = StrictBackend()
    model = nextstat.from_pyhf(document, backend=strict)
    assert nextstat.fit(model, device="cpu").provenance["backend"] == "array_api_strict"
    assert backend_on("cpu:0", strict) is strict


def test_a_model_that_evaluates_itself_cannot_be_moved() -> None:
    with pytest.raises(InputError, match="a GaussianMeanModel evaluates itself"):
        nextstat.fit(nextstat.GaussianMeanModel([1.0], 1.0), device="cuda")


@pytest.mark.parametrize(
    ("device", "remedy"),
    [
        ("cuda:77", "NVIDIA GPU.*nextstat-backend-torch .or nextstat-backend-cupy"),
        ("metal:77", "Apple silicon.*nextstat-backend-torch"),
    ],
)
def test_a_device_that_is_missing_comes_with_a_remedy(
    document: dict[str, Any], device: str, remedy: str
) -> None:
    model = nextstat.from_pyhf(document)
    message = f"(?s)Device '{device}' not.*'numpy' has no device.*Hint.*{remedy}"
    with pytest.raises(BackendUnavailableError, match=message):
        nextstat.fit(model, device=device)


def test_a_backend_that_is_broken_is_not_taken_for_a_missing_device() -> None:
    class Broken:
        @hookimpl
        def nextstat_register_backends(self) -> list[BackendSpec]:
            return [BackendSpec("broken", lambda device: 1)]  # type: ignore[arg-type,return-value]

    get_manager().register(Broken(), name="broken")
    try:
        with pytest.raises(PluginError, match=r"'broken'.*loaded a int"):
            nextstat.has_metal()
    finally:
        get_manager().unregister("broken")
