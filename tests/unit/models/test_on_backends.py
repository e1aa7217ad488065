"""Models move between backends, stand side by side, and hand out arrays of their backend."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from nextstat_core.backend import Backend, get_backend
from nextstat_core.errors import BackendNotFoundError, InputError
from nextstat_core.infer import fit, fit_batch
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import StrictBackend


def _others() -> list[Any]:
    """Backends besides NumPy that can be used here, with their name as id."""
    installed = ("torch", "torch-float32") if find_spec("torch") else ()
    return [
        pytest.param(StrictBackend, id="strict"),
        pytest.param(lambda: StrictBackend("no_float64"), id="strict without float64"),
        *(pytest.param(lambda name=name: get_backend(name), id=name) for name in installed),
    ]


@pytest.fixture(params=_others())
def other(request: pytest.FixtureRequest) -> Backend:
    return request.param()


@pytest.fixture
def tolerance(other: Backend) -> float:
    return 1e-12 if other.dtype == other.xp.float64 else 2e-5


def _points(model: HistFactoryModel) -> np.ndarray:
    start = np.array(model.suggested_init())
    return start * np.array([[1.0], [1.05], [0.97]])


# -- moving ---------------------------------------------------------------------------------------


def test_a_model_gives_the_same_elsewhere(
    full: HistFactoryModel, other: Backend, tolerance: float
) -> None:
    moved = full.to(other)
    assert (moved.backend, full.backend.name) == (other, "numpy")
    points = _points(full)
    for name in ("nll_batch", "grad_nll_batch"):
        expected = getattr(full, name)(points)
        scale = np.abs(expected).max()
        found = getattr(moved, name)(points)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)


def test_moving_keeps_what_is_not_the_backend(full_document: dict[str, Any]) -> None:
    model = HistFactoryModel.from_pyhf(full_document, poi="k_bkg", precise=True)
    moved = model.with_observed_main([500.0, 390.0, 50.0, 70.0, 40.0]).to(StrictBackend())
    assert moved.precise
    assert moved.compiled.precise
    assert moved.ir.poi == "k_bkg"
    assert moved.observed_main.tolist() == [500.0, 390.0, 50.0, 70.0, 40.0]
    assert moved.to("numpy").nll(moved.suggested_init()) == pytest.approx(
        moved.nll(moved.suggested_init()), rel=1e-13
    )


def test_the_same_backend_gives_an_equal_model_of_its_own(full: HistFactoryModel) -> None:
    same = full.to("numpy:cpu")
    start = full.suggested_init()
    assert same.compiled is full.compiled
    assert same.nll(start) == full.nll(start)
    before = full.nll(start)
    same.set_sample_nominal(channel="CR", sample="bkg", nominal=[400.0, 300.0])
    assert (full.nll(start), same.nll(start) != before) == (before, True)


def test_a_backend_that_is_not_there_is_named(simple: HistFactoryModel) -> None:
    with pytest.raises(BackendNotFoundError, match="no backend named 'nump'"):
        simple.to("nump")
    with pytest.raises(InputError, match="names no device"):
        simple.to("numpy:")


def test_a_model_is_made_on_a_backend_and_device(simple_document: dict[str, Any]) -> None:
    for arguments in ({"backend": "numpy:cpu"}, {"backend": "numpy", "device": "cpu"}):
        model = HistFactoryModel.from_workspace(simple_document, **arguments)
        assert model.backend is get_backend("numpy")
    assert HistFactoryModel.from_pyhf(simple_document, backend=StrictBackend()).backend.name == (
        "array_api_strict"
    )


def test_a_moved_model_pickles(simple: HistFactoryModel) -> None:
    again = pickle.loads(pickle.dumps(simple.to(StrictBackend("no_float64"))))
    assert again.backend.dtype == again.backend.xp.float32


# -- side by side ---------------------------------------------------------------------------------


def test_two_backends_work_at_once_in_threads(full: HistFactoryModel, other: Backend) -> None:
    models = [full, full.to(other)] * 4
    alone = [model.nll_batch(_points(model)).tolist() for model in models[:2]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda model: model.nll_batch(_points(model)).tolist(), models))
    assert together == alone * 4


def test_fits_on_two_backends_agree(simple: HistFactoryModel) -> None:
    here, there = fit(simple), fit(simple.to(StrictBackend()))
    assert there.provenance["backend"] == "array_api_strict"
    np.testing.assert_allclose(there.values, here.values, atol=1e-9)


def test_a_batch_may_mix_backends(simple: HistFactoryModel) -> None:
    moved = simple.to(StrictBackend())
    models = [
        model.with_observed_main([50.0 + i, 48.0]) for i in range(4) for model in (simple, moved)
    ]
    results = fit_batch(models)
    found = [result.provenance["backend"] for result in results]
    assert found == ["numpy", "array_api_strict"] * 4
    for one, other in zip(results[::2], results[1::2], strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-6)


# -- native arrays --------------------------------------------------------------------------------


def test_native_arrays_belong_to_the_backend(
    full: HistFactoryModel, other: Backend, tolerance: float
) -> None:
    moved, points = full.to(other), _points(full)
    data = np.array([full.observed_main, full.observed_main + 1.0, full.observed_main + 2.0])
    where = {"channel": "SR", "sample": "bkg"}
    calls: list[tuple[str, Any, dict[str, Any]]] = [
        ("nll_batch", points, {}),
        ("nll_batch", points, {"data": data}),
        ("grad_nll_batch", points, {}),
        ("hessian", points[1], {}),
        ("fisher_information", points[1], {}),
        ("nominal_gradient", points, where),
        ("nominal_gradient", points[1], where),
    ]
    for name, at, more in calls:
        native = getattr(moved, name)(at, native=True, **more)
        expected = getattr(full, name)(at, **more)
        assert type(native) is type(other.asarray([0.0])), name
        assert (native.dtype, native.device) == (other.dtype, other.device), name
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(
            other.to_numpy(native), expected, rtol=tolerance, atol=tolerance * scale, err_msg=name
        )


def test_numpy_arrays_are_the_native_ones_of_numpy(full: HistFactoryModel) -> None:
    points = _points(full)
    np.testing.assert_array_equal(full.nll_batch(points, native=True), full.nll_batch(points))
    np.testing.assert_array_equal(full.hessian(points[0], native=True), full.hessian(points[0]))
