"""Rankings, scans, toys and limits on executors: every bit is that of a run without one."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import WorkerError
from nextstat_core.infer import (
    FitOptions,
    goodness_of_fit,
    impacts,
    mass_scan,
    profile_points,
    profile_scan,
    profile_scan_2d,
    signal_injection,
)
from nextstat_core.io import Patch, Patchset
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.testing import StrictBackend, coupled_histosys, many_channels, uncorrelated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nextstat_core.results import Impacts, ToyResults


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def large() -> HistFactoryModel:
    return HistFactoryModel.from_pyhf(many_channels())


def same_ranking(found: Impacts, expected: Impacts) -> None:
    assert found.to_dict() == expected.to_dict()
    for name in ("up", "down", "value_up", "value_down"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), strict=True)


def same_fits(found: ToyResults, expected: ToyResults) -> None:
    for name in ("values", "nll", "edm", "n_iter", "n_gev", "bounds_hit"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), strict=True)


# -- rankings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", ["nominal", "postfit"])
def test_a_ranking_in_several_units(
    large: HistFactoryModel, pool: Executor, convention: Any
) -> None:
    told: list[tuple[int, int]] = []
    alone = impacts(large, convention=convention)
    shared = impacts(
        large, convention=convention, executor=pool, progress=lambda *at: told.append(at)
    )
    same_ranking(shared, alone)
    assert told[-1] == (alone.n_refits, alone.n_refits)
    assert len(told) == -(-alone.n_refits // 128) > 2


@pytest.mark.parametrize("name", ["full", "kinks", "two_gammas"])
def test_a_ranking_of_any_model(load: Callable[..., Any], pool: Executor, name: str) -> None:
    model = load(name)
    data = 1.05 * model.observed_main
    same_ranking(impacts(model, data=data, executor=pool), impacts(model, data=data))


def test_a_ranking_with_another_minimum(load: Callable[..., Any], pool: Executor) -> None:
    model = load("two_minima")
    alone = impacts(model, convention="prefit")
    assert any("another minimum" in warning for warning in alone.warnings)
    same_ranking(impacts(model, convention="prefit", executor=pool), alone)


def test_a_ranking_on_threads_and_another_backend(
    load: Callable[..., Any], threads: Executor
) -> None:
    model = load("full").to(StrictBackend())
    same_ranking(impacts(model, executor=threads), impacts(model))


def test_lost_refits_are_named(large: HistFactoryModel) -> None:
    class Losing(Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool("a process ended"))
            return future

    with pytest.raises(WorkerError, match=r"conditional fits 0 \.\.\. 127, conditional fits 128"):
        impacts(large, executor=Losing())


# -- scans ----------------------------------------------------------------------------------------


def test_a_scan_in_several_units(large: HistFactoryModel, pool: Executor) -> None:
    values = np.linspace(0.2, 2.0, 150)
    alone, shared = (profile_scan(large, values, executor=each) for each in (None, pool))
    same_fits(shared.fits, alone.fits)
    assert shared.to_dict(params=True) == alone.to_dict(params=True)


def test_a_scan_over_a_grid(load: Callable[..., Any], pool: Executor) -> None:
    axes = ("mu", np.linspace(0.0, 3.0, 15)), ("k_bkg", np.linspace(0.8, 1.2, 11))
    alone = profile_scan_2d(load("full"), *axes)
    same_fits(profile_scan_2d(load("full"), *axes, executor=pool).grid.fits, alone.grid.fits)


def test_a_scan_that_meets_a_lower_minimum(pool: Executor) -> None:
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    for options in (FitOptions(), FitOptions(second_modes=False)):
        alone, shared = (
            profile_scan(
                model, [-2.5, -1.9, 0.0, 1.2], parameter="shared", options=options, executor=each
            )
            for each in (None, pool)
        )
        same_fits(shared.fits, alone.fits)
        assert shared.warnings == alone.warnings
    assert "a lower minimum was found on the way" in shared.warnings[0]


def test_points_of_a_model_without_bins(pool: Executor) -> None:
    model = GaussianMeanModel([1.0, 2.0, 4.0], 2.0)
    (name,) = model.parameter_names()
    alone, shared = (
        profile_points(model, [name], [[1.0], [3.0]], executor=each) for each in (None, pool)
    )
    same_fits(shared.fits, alone.fits)
    assert shared.nll[0] == pytest.approx(model.nll([1.0]))


def test_a_scan_without_points(load: Callable[..., Any], threads: Executor) -> None:
    assert len(profile_points(load("full"), ["mu"], [], executor=threads).nll) == 0


# -- toys and limits ------------------------------------------------------------------------------


def test_toys_of_a_goodness_of_fit(load: Callable[..., Any], pool: Executor) -> None:
    told: list[tuple[int, int]] = []
    model = load("full")
    alone = goodness_of_fit(model, n_toys=300)
    shared = goodness_of_fit(model, n_toys=300, executor=pool, progress=lambda *at: told.append(at))
    assert alone.toys is not None
    assert shared.toys is not None
    np.testing.assert_array_equal(shared.toys, alone.toys, strict=True)
    assert sorted(told) == [(256, 300), (300, 300)] or sorted(told) == [(44, 300), (300, 300)]


def test_toys_with_injected_signals(load: Callable[..., Any], pool: Executor) -> None:
    model, told = load("full"), []
    alone = signal_injection(model, [0.5, 2.0], n_toys=150)
    shared = signal_injection(
        model, [0.5, 2.0], n_toys=150, executor=pool, progress=lambda *at: told.append(at)
    )
    for ours, theirs in zip(shared.toys, alone.toys, strict=True):
        same_fits(ours, theirs)
        np.testing.assert_array_equal(ours.errors, theirs.errors, strict=True)
    assert told[-1] == (300, 300)


def test_limits_of_a_patchset(pool: Executor) -> None:
    document = uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])
    signal = document["channels"][0]["samples"].pop(0)
    yields = {"a": [12.0, 11.0], "broken": [1.0], "b": [6.0, 4.0], "c": [1.0, 3.0]}
    patches = [
        Patch(
            name,
            (),
            [
                {
                    "op": "add",
                    "path": "/channels/0/samples/0",
                    "value": {**signal, "data": counts},
                }
            ],
        )
        for name, counts in yields.items()
    ]
    patchset = Patchset((), tuple(patches))
    told: list[tuple[int, int]] = []
    alone = mass_scan(document, patchset)
    shared = mass_scan(document, patchset, executor=pool, progress=lambda *at: told.append(at))
    assert list(shared.limits) == ["a", "b", "c"]
    assert list(shared.errors) == ["broken"]
    assert shared.to_dict() == alone.to_dict()
    np.testing.assert_array_equal(shared.expected, alone.expected)
    assert [done for done, total in told] == [1, 2, 3, 4]
